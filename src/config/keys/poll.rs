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
        /// How many times the exporter tries a request, including the first attempt. The exporter
        /// tries again after throttling or a transient failure.
        attempts: WholeNumber<10> = defaults::POLL.attempts,
        /// The number of tracks on a page of a listing.
        page_size: WholeNumber<100> = defaults::POLL.page_size,
        /// How long the exporter shows the last good data while polls fail. At least 2 intervals.
        stale_after: Period = format_duration(defaults::POLL.stale_after),
        /// How long the exporter shows a deleted track. Not shorter than the interval.
        tombstone_for: Period = format_duration(defaults::POLL.tombstone_for),
        /// How many tracks of a target have series, beginning with the lowest ids. The exporter
        /// only counts the other tracks.
        max_tracks: WholeNumber<100_000> = defaults::POLL.max_tracks,
        /// The offset from UTC of the field `CreateTime` in API responses.
        create_time_offset: UtcOffset = "+08:00",
        /// Whether a listing with fewer tracks than its `TotalCount` is complete. If `false`, the
        /// poll fails as `incomplete`. Set `true` only if the API counts tracks that it does not
        /// list; the exporter then never concludes from such a listing that a track was deleted.
        accept_short_listings: Boolean = defaults::POLL.accept_short_listings,
        /// The time between two requests for the details of a track, which listings lack: the
        /// filters, and whether the track is organization-wide. Default: no requests for details.
        details_interval: Interval,
    }
}
