//! How the exporter polls accounts.

use super::super::defaults;
use super::super::leaf::{Boolean, Interval, Period, Timeout, UtcOffset, WholeNumber};
use super::mapping::mapping;
use crate::duration::format_duration;

mapping! {
    struct PollKeys as "poll" {
        /// The time between two polls of a target (an account in a region). Not shorter than
        /// `timeout`.
        interval: Interval = format_duration(defaults::INTERVAL),
        /// The time limit of each attempt of an API request. Fixed at `10s` for STS and the
        /// Organization API. Not longer than any `interval` of an account or of its delivery checks.
        timeout: Timeout = format_duration(defaults::POLL.timeout),
        /// The maximum number of attempts for a request that fails as `throttled` or `unavailable`.
        /// Fixed at 3 for STS and the Organization API.
        attempts: WholeNumber<10> = defaults::POLL.attempts,
        /// The number of tracks on a page of a listing.
        page_size: WholeNumber<100> = defaults::POLL.page_size,
        /// How long the exporter shows the data of the last complete listing while polls fail, from
        /// the end of that listing. At least twice the interval of each account.
        stale_after: Period = format_duration(defaults::POLL.stale_after),
        /// How long the exporter shows a deleted track after it detected the deletion. Not shorter
        /// than the interval of any account.
        tombstone_for: Period = format_duration(defaults::POLL.tombstone_for),
        /// The maximum number of tracks of a target that have their own series. The exporter only
        /// counts the other tracks, which have the highest ids.
        max_tracks: WholeNumber<100_000> = defaults::POLL.max_tracks,
        /// The offset from UTC of the field `CreateTime` in API responses.
        create_time_offset: UtcOffset = "+08:00",
        /// Whether the exporter accepts a listing with fewer tracks than its `TotalCount`. If
        /// `false`, such a poll fails with the reason `incomplete`. Set `true` only if the API
        /// counts tracks that it does not list. The exporter never concludes from such a listing
        /// that a track was deleted.
        accept_short_listings: Boolean = defaults::POLL.accept_short_listings,
        /// The time between two requests for the details of a track: its filters, and whether it is
        /// for all members of an organization. Default: no requests for details.
        details_interval: Interval,
    }
}
