//! The table of events: what happens, and the notifications for it.

use std::collections::BTreeMap;

use super::prometheus::TLS_JOB;

/// A job and an account.
pub type Place = (String, String);

/// By job and account: each notification as its receiver and its new alerts.
pub type Notifications = BTreeMap<Place, Vec<String>>;

/// Why an event sends no further notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// An inhibition mutes other alerts: without the inhibitions, the notifications differ.
    Inhibited,
    /// The rules, a silence or the grouping suffice: inhibitions change nothing.
    Rules,
}
use Because::{Inhibited, Rules};

/// The notifications for an event. Each lists only the alerts that are new in it.
pub struct Event {
    pub because: Because,
    pub what: &'static str,
    /// The job, and the account where the event is that of an account.
    pub place: (&'static str, &'static str),
    pub pages: &'static [&'static str],
    pub tickets: &'static [&'static str],
}

const fn event(
    because: Because,
    what: &'static str,
    place: (&'static str, &'static str),
    pages: &'static [&'static str],
    tickets: &'static [&'static str],
) -> Event {
    Event {
        because,
        what,
        place,
        pages,
        tickets,
    }
}

pub const EVENTS: [Event; 35] = [
    event(Rules, "nothing happens", ("accounts", "healthy"), &[], &[]),
    event(
        Inhibited,
        "the only track, which is expected, is deleted",
        ("accounts", "only-deleted"),
        &["AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        Inhibited,
        "an expected track of three is deleted, and the others record only a part",
        ("accounts", "one-deleted"),
        &["TrackVanished"],
        &[],
    ),
    event(
        Inhibited,
        "the only track, which is expected, is switched off",
        ("accounts", "only-off"),
        &["AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        Inhibited,
        "one of two tracks is switched off",
        ("accounts", "one-off"),
        &["TrackTurnedOff"],
        &[],
    ),
    event(
        Inhibited,
        "all three tracks are switched off",
        ("accounts", "all-off"),
        &["AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        Inhibited,
        "one of two tracks is switched off, on, and off again",
        ("accounts", "one-twice"),
        &["TrackTurnedOff", "TrackTurnedOff"],
        &[],
    ),
    event(
        Inhibited,
        "the only track is switched off, on, and off again",
        ("accounts", "only-twice"),
        &["AccountWithoutEnabledTrack", "AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        Rules,
        "a deletion that was planned, with a silence",
        ("accounts", "planned"),
        &[],
        &[],
    ),
    event(
        Rules,
        "a deletion that was meant, and is then acknowledged",
        ("accounts", "forgotten"),
        &["TrackVanished"],
        &[],
    ),
    event(
        Rules,
        "a track is deleted and created again with the same name",
        ("accounts", "recreated"),
        &[],
        &["TrackRecreated"],
    ),
    event(
        Inhibited,
        "an expected track delivers to another bucket",
        ("accounts", "moved"),
        &[],
        &["ExpectedTrackMismatch"],
    ),
    event(
        Rules,
        "a track delivers to the bucket of a stranger",
        ("accounts", "foreign"),
        &["TrackStorageForeign"],
        &["TrackSettingsChanged"],
    ),
    event(
        Rules,
        "an expected track is renamed",
        ("accounts", "renamed"),
        &["ExpectedTrackMissing"],
        &["TrackSettingsChanged"],
    ),
    event(
        Inhibited,
        "the only track is restricted to one product",
        ("accounts", "narrowed"),
        &[],
        &["TrackSettingsChanged"],
    ),
    event(
        Inhibited,
        "the key becomes wrong",
        ("accounts", "key"),
        &["CredentialsFailing"],
        &[],
    ),
    event(
        Inhibited,
        "the permission is withdrawn",
        ("accounts", "permission"),
        &["DataStale"],
        &["CredentialsUnauthorized"],
    ),
    event(
        Inhibited,
        "an account cannot be read for 20 minutes",
        ("accounts", "outage"),
        &[],
        &["DataStale"],
    ),
    event(
        Rules,
        "one region of two cannot be read",
        ("accounts", "region"),
        &[],
        &["PollFailing"],
    ),
    event(
        Rules,
        "half of the requests are refused for their frequency",
        ("accounts", "throttled"),
        &[],
        &["Throttled"],
    ),
    event(
        Inhibited,
        "one region of two is throttled, and its polls fail",
        ("accounts", "region-throttled"),
        &[],
        &["Throttled"],
    ),
    event(
        Rules,
        "the bucket of an enabled track is deleted",
        ("accounts", "bucket-deleted"),
        &["DeliveryTargetMissing"],
        &[],
    ),
    event(
        Rules,
        "operation records are overdue",
        ("accounts", "not-delivering"),
        &["DeliveryStalled"],
        &[],
    ),
    event(
        Rules,
        "a shard is added, and accounts move to it",
        ("shards", ""),
        &[],
        &[],
    ),
    event(
        Inhibited,
        "the cloud cannot be reached for 20 minutes",
        ("cloud", ""),
        &["CloudUnreachable"],
        &[],
    ),
    event(
        Rules,
        "a track is deleted, then the pod is replaced without its state",
        ("pod", "deleted"),
        &["TrackVanished"],
        &[],
    ),
    event(
        Rules,
        "a track is switched off, then the pod is replaced without its state",
        ("pod", "off"),
        &["TrackTurnedOff"],
        &[],
    ),
    event(
        Inhibited,
        "all three tracks are switched off, one is deleted later, and the others are switched on",
        ("accounts", "off-deleted"),
        &["AccountWithoutEnabledTrack", "TrackVanished"],
        &[],
    ),
    event(
        Inhibited,
        "the organization's track is switched off, and its admin account is polled",
        ("covered", "central"),
        &["AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        Rules,
        "the same, for the members",
        ("covered", ""),
        &[],
        &["OrganizationNotCovered"],
    ),
    event(
        Rules,
        "the organization's track is switched off, and its admin account is not polled",
        ("members", ""),
        &["OrganizationNotCovered"],
        &[],
    ),
    event(
        Rules,
        "two members leave the organization",
        ("organization", ""),
        &[],
        &["AccountNoLongerWatched"],
    ),
    event(
        Rules,
        "the exporter's clock is wrong",
        ("clock", ""),
        &[],
        &["ClockSkew"],
    ),
    event(
        Rules,
        "the listener gets a certificate that expires in 13 days",
        (TLS_JOB, ""),
        &[],
        &["CertificateExpiring"],
    ),
    event(
        Inhibited,
        "the exporter ends while the API throttles its account",
        ("down", ""),
        &["ExporterDown"],
        &[],
    ),
];

impl Event {
    /// Whether the event is at this place. One without an account is at all places of its job that
    /// are of no other event.
    pub fn is_at(&self, (job, account): &Place) -> bool {
        let is_other = |event: &Self| event.place == (&**job, &**account);
        let is_rest = self.place == (&**job, "") && !EVENTS.iter().any(is_other);
        is_other(self) || is_rest
    }

    /// Returns what was sent for the event.
    pub fn of(&self, all: &Notifications) -> Vec<String> {
        let of_event = all.iter().filter(|(place, _)| self.is_at(place));
        let sent = of_event.flat_map(|(_, notifications)| notifications);
        let mut sent: Vec<String> = sent.cloned().collect();
        sent.sort();
        sent
    }

    pub fn expected(&self) -> Vec<String> {
        let pages = self.pages.iter().map(|alert| format!("pager: {alert}"));
        let tickets = self.tickets.iter();
        let tickets = tickets.map(|alert| format!("tickets: {alert}"));
        let mut all: Vec<String> = pages.chain(tickets).collect();
        all.sort();
        all
    }
}
