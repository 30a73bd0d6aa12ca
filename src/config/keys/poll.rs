//! How the exporter polls accounts.

use super::super::defaults;
use super::super::leaf::{Boolean, Interval, Period, Timeout, UtcOffset, WholeNumber};
use super::mapping::mapping;
use crate::duration::format_duration;

mapping! {
    struct PollKeys as "poll" {
        /// The time between two polls of a target. Not shorter than `timeout`.
        interval: Interval = format_duration(defaults::INTERVAL),
        /// The time limit of a request. Not longer than the interval.
        timeout: Timeout = format_duration(defaults::POLL.timeout),
        /// Attempts for a request, the first included. The exporter repeats only throttled requests
        /// and transient failures.
        attempts: WholeNumber<10> = defaults::POLL.attempts,
        /// Tracks on a page.
        page_size: WholeNumber<100> = defaults::POLL.page_size,
        /// How long the exporter shows the last good data without newer data. At least 2 intervals.
        stale_after: Period = format_duration(defaults::POLL.stale_after),
        /// How long a deleted track stays visible. Not shorter than the interval.
        tombstone_for: Period = format_duration(defaults::POLL.tombstone_for),
        /// How many tracks of a target have series, the lowest ids first. The exporter only counts
        /// further tracks.
        max_tracks: WholeNumber<100_000> = defaults::POLL.max_tracks,
        /// How far the API's `CreateTime` is ahead of UTC.
        create_time_offset: UtcOffset = "+08:00",
        /// Whether a listing below its `TotalCount` is complete, for an API that counts tracks that
        /// it does not list. No track counts as deleted while the count is higher. If `false`, such
        /// a poll fails as `incomplete`.
        accept_short_listings: Boolean = defaults::POLL.accept_short_listings,
        /// The time between two requests for the details that a listing lacks: the track's filters,
        /// and whether the track is organization-wide. Default: never.
        details_interval: Interval,
    }
}
