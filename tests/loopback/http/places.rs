//! Each alert has a place on the page, or a reason why the page cannot show its condition.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::scenes::{self, page_of};

/// The alerts of each section. A section without rows is not on the page.
const SECTIONS: [(&str, &[&str]); 26] = [
    (
        "off",
        &["TrackTurnedOff", "TrackDisabled", "UnknownFieldValue"],
    ),
    ("deleted", &["TrackVanished"]),
    ("unseen", &["TrackSwitchedUnseen"]),
    (
        "without",
        &["AccountWithoutEnabledTrack", "OrganizationNotCovered"],
    ),
    ("missing", &["ExpectedTrackMissing"]),
    ("foreign", &["TrackStorageForeign"]),
    (
        "failing",
        &[
            "PollFailing",
            "CredentialsFailing",
            "CredentialsUnauthorized",
        ],
    ),
    ("stale", &["DataStale", "CloudUnreachable"]),
    (
        "exporter",
        &[
            "ClockSkew",
            "ConfigReloadFailed",
            "StateNotWritten",
            "CertificateExpiring",
        ],
    ),
    ("organizations", &["OrganizationStale"]),
    ("credentials", &["CredentialsExpiring"]),
    ("refreshes", &["CredentialsRefreshFailing"]),
    ("attempts", &["TamperingAttempted"]),
    ("mismatched", &["ExpectedTrackMismatch"]),
    ("not-covered", &["AccountNotCovered"]),
    ("outdated", &["CoverageOutdated"]),
    ("recreated", &["TrackRecreated"]),
    ("dropped", &["TracksDropped"]),
    ("throttled", &["Throttled"]),
    (
        "unknown",
        &["AccountNeverSucceeded", "OrganizationNeverListed"],
    ),
    ("undocumented", &["UnknownFieldValue"]),
    ("disagreeing", &["RegionsDisagree"]),
    ("counted", &["ListingMismatch"]),
    ("searches", &["AttributionFailing"]),
    (
        "deliveries",
        &[
            "DeliveryTargetMissing",
            "DeliveryStalled",
            "DeliveryUnproven",
            "DeliveryUnknown",
        ],
    ),
    ("changes", &["TrackSettingsChanged", "TrackAdded"]),
];

/// The alerts whose condition is in the footer.
const FOOTER: [&str; 2] = ["LogLinesDropped", "AccountLoopRestarted"];

/// The alerts about other processes, or about what only Prometheus remembers. The page is of one
/// process, and shows what that process knows.
const BEYOND: [&str; 9] = [
    // A process that is down has no page. Others do not know it.
    "ExporterDown",
    "ExporterReplicaDown",
    "ShardsMissing",
    // Each process knows only its own configuration and number of shards, which are in the footer.
    "ConfigDrift",
    "ShardsMismatch",
    // What is no longer configured, or is not in the state file, is not known.
    "AccountNoLongerWatched",
    "TrackForgotten",
    // The footer has the number of members, but not an earlier one.
    "OrganizationShrunk",
    "OrganizationGrown",
];

/// Returns the names of all alerts, without the common prefix.
fn alerts() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/rules");
    let mut alerts = BTreeSet::new();
    for file in ["tracks.yaml", "exporter.yaml", "shards.yaml"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let rules: Value = serde_saphyr::from_str(&text).unwrap();
        let groups = rules["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
        let names = rules.filter_map(|rule| rule["alert"].as_str());
        alerts.extend(names.map(|name| name.trim_start_matches("CloudAudit").to_owned()));
    }
    alerts
}

#[test]
fn every_alert_has_a_place_on_the_page_or_a_reason() {
    let placed = SECTIONS.iter().flat_map(|(_, alerts)| *alerts);
    let placed = placed.chain(&FOOTER).chain(&BEYOND);
    let placed: BTreeSet<String> = placed.map(|alert| (*alert).to_owned()).collect();
    assert_eq!(placed, alerts());
}

#[tokio::test]
async fn every_place_is_a_section_of_the_page() {
    for (id, _) in SECTIONS {
        let page = page_of(&format!("/?page.{id}=1"), scenes::good).await;
        assert_eq!(page.status, 200, "{id}");
    }
}
