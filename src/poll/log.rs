//! What is said of an account in the log.

use tracing::{debug, info, warn};

use crate::failure::Failure;
use crate::history::TrackChange;
use crate::snapshot::{Change, TargetReport};
use crate::tencent::reasons::{escaped, visible};

/// One line when a target's state changes, and none while it stays.
pub(super) fn state(account: &str, before: &TargetReport, after: &TargetReport) {
    // The name of an account may be a member's, which its owner chooses.
    let (account, region) = (&*visible(account), &after.region);
    match (&before.failure, &after.failure) {
        (old, Some(new)) if old.as_ref().map(|old| old.reason) != Some(new.reason) => warn!(
            account,
            region,
            reason = new.reason.as_str(),
            code = &*new.code,
            request_id = new.request_id.as_deref(),
            error = new.message,
            "target is failing"
        ),
        (Some(_), None) => info!(account, region, "target is healthy again"),
        (None, None) if before.last_poll.is_none() => {
            let tracks = after
                .last_good
                .as_ref()
                .map_or(0, |good| good.listing.all().count());
            info!(account, region, tracks, "target is healthy");
        }
        _ => {}
    }
}

/// One line for each change of a track: the log is evidence too.
pub(super) fn change(account: &str, region: &str, change: &TrackChange) {
    let details: Vec<String> = change.details.iter().map(ToString::to_string).collect();
    let details = details.join(", ");
    let (account, details) = (&*visible(account), &*visible(&details));
    let (id, track) = (change.id, escaped(&change.name));
    let kind = change.change.as_str();
    match change.change {
        Change::Created | Change::Enabled => {
            info!(
                account,
                region,
                track_id = id,
                track,
                change = kind,
                details,
                "track {kind}"
            );
        }
        Change::Vanished | Change::Disabled | Change::Modified => {
            warn!(
                account,
                region,
                track_id = id,
                track,
                change = kind,
                details,
                "track {kind}"
            );
        }
    }
}

/// What a track's listing leaves out stays as it was known.
pub(super) fn not_described(account: &str, region: &str, track_id: u64, failure: &Failure) {
    let account = &*visible(account);
    warn!(
        account,
        region,
        track_id,
        reason = failure.reason.as_str(),
        code = &*failure.code,
        request_id = failure.request_id.as_deref(),
        error = failure.message,
        "a track's details were not told"
    );
}

/// The listing lives without it; said once, for the cloud will say it again with every answer.
pub(super) fn unreadable(account: &str, action: &str, field: &str) {
    let account = &*visible(account);
    warn!(
        account,
        action, field, "a malformed field of an answer is taken as absent"
    );
}

/// The machine's clock wants setting: that this account is polled all the same must not hide it.
pub(super) fn clock_corrected(account: &str, seconds: i64) {
    let account = &*visible(account);
    if seconds == 0 {
        warn!(account, "signing by this machine's own clock again");
    } else {
        warn!(
            account,
            seconds,
            "the API refuses the time on this machine; signing by the API's clock, so many seconds ahead"
        );
    }
}

/// Not one of those: it is counted, and whoever looks for the cause finds the failure beside it.
pub(super) fn skipped(account: &str, region: &str) {
    let account = &*visible(account);
    debug!(account, region, "poll skipped, the one before is running");
}
