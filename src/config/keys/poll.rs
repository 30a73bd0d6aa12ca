//! How the exporter polls accounts.

use super::super::account::Poll;
use super::super::defaults;
use super::super::leaf::{Boolean, Interval, Period, Timeout, UtcOffset, WholeNumber};
use super::mapping::mapping;
use crate::duration::format_duration;

mapping! {
    struct PollKeys as "poll" {
        /// The time between two polls of a region of an account. Not shorter than `timeout`.
        interval: Interval = format_duration(defaults::INTERVAL),
        /// The time limit of a request. Not longer than the interval.
        timeout: Timeout = format_duration(Poll::DEFAULT.timeout),
        /// The most attempts for a request, the first included. The exporter repeats only throttled
        /// requests and transient failures.
        attempts: WholeNumber<10> = Poll::DEFAULT.attempts,
        /// The number of tracks on a page.
        page_size: WholeNumber<100> = Poll::DEFAULT.page_size,
        /// How long the exporter serves the last good data without newer data. At least 2 intervals.
        stale_after: Period = format_duration(Poll::DEFAULT.stale_after),
        /// How long a deleted track stays visible. Not shorter than the interval.
        tombstone_for: Period = format_duration(Poll::DEFAULT.tombstone_for),
        /// Tracks of a target that have series of their own: those with the lowest ids. The exporter
        /// counts the remaining tracks as dropped.
        max_tracks: WholeNumber<100_000> = Poll::DEFAULT.max_tracks,
        /// How far the API's `CreateTime` is ahead of UTC.
        create_time_offset: UtcOffset = "+08:00",
        /// Whether a listing with fewer tracks than its `TotalCount` counts as complete, for an API
        /// that counts tracks that it does not list. The exporter then reports no track as deleted
        /// while the count is higher. Otherwise such a poll fails as `incomplete`.
        accept_short_listings: Boolean = Poll::DEFAULT.accept_short_listings,
        /// The time between two requests for the details of a track, which the listing lacks:
        /// whether it is organization-wide, and its filters. Default: never.
        details_interval: Interval,
    }
}
