//! Samples of one listing: counts, and the properties of each track.

use std::collections::BTreeMap;

use super::fragment::{Fragment, FragmentWriter, truth};
use super::metric::Metric;
use crate::snapshot::{AccountInfo, Listing, Status, StorageType};

/// Combinations that have a series even if no track has them, for alerts on 0.
const ZERO_FILLED: [(Status, StorageType); 9] = [
    (Status::Enabled, StorageType::Cos),
    (Status::Enabled, StorageType::Cls),
    (Status::Enabled, StorageType::Ckafka),
    (Status::Enabled, StorageType::Other),
    (Status::Disabled, StorageType::Cos),
    (Status::Disabled, StorageType::Cls),
    (Status::Disabled, StorageType::Ckafka),
    (Status::Disabled, StorageType::Other),
    (Status::Unknown, StorageType::Other),
];

/// Renders a listing.
pub(super) fn render(
    account: &AccountInfo,
    common_labels: &str,
    region: &str,
    listing: &Listing,
) -> Fragment {
    let mut out = FragmentWriter::new(common_labels);
    let region = ("region", region);
    let mut counts: BTreeMap<(Status, StorageType), u64> =
        ZERO_FILLED.map(|combination| (combination, 0)).into();
    for track in listing.all() {
        *counts
            .entry((track.status, track.storage_type))
            .or_default() += 1;
    }
    for ((status, storage_type), count) in counts {
        let labels = [
            region,
            ("status", status.as_str()),
            ("storage_type", storage_type.as_str()),
        ];
        out.sample(Metric::Tracks, &labels, count as f64);
    }
    out.sample(Metric::ReportedTracks, &[region], listing.reported as f64);

    let ids: Vec<String> = listing
        .tracks
        .iter()
        .map(|track| track.id.to_string())
        .collect();
    let tracks = || {
        listing.tracks.iter().zip(&ids).map(|(track, id)| {
            (
                track,
                [
                    region,
                    ("track_id", id.as_str()),
                    ("track", track.name.as_str()),
                ],
            )
        })
    };
    for (track, labels) in tracks() {
        let enabled = track.status == Status::Enabled;
        out.sample(Metric::TrackEnabled, &labels, truth(enabled));
    }
    for (_, labels) in tracks() {
        out.sample(Metric::TrackPresent, &labels, 1.0);
    }
    for (track, labels) in tracks() {
        if let Some(full) = track.has_full_coverage() {
            out.sample(Metric::TrackFullCoverage, &labels, truth(full));
        }
    }
    for (track, labels) in tracks() {
        if let Some(foreign) = account.is_foreign(&track.storage) {
            out.sample(Metric::TrackStorageForeign, &labels, truth(foreign));
        }
    }
    for (track, labels) in tracks() {
        if let Some(wide) = track.is_organization_wide() {
            out.sample(Metric::TrackOrganizationWide, &labels, truth(wide));
        }
    }
    for (track, labels) in tracks() {
        if let Some(created) = track.created {
            out.sample(Metric::TrackCreatedTimestamp, &labels, created as f64);
        }
    }
    for (track, [region, id, name]) in tracks() {
        let storage = &track.storage;
        let labels = [
            region,
            id,
            name,
            ("action_type", track.action_type.as_str()),
            ("resource_type", &track.resource_type),
            ("storage_type", &storage.kind),
            ("storage_region", &storage.region),
            ("storage_name", &storage.name),
            ("storage_prefix", &storage.prefix),
            ("storage_account", &storage.account),
        ];
        out.sample(Metric::TrackInfo, &labels, 1.0);
    }
    out.sample(
        Metric::DroppedTracks,
        &[region],
        listing.dropped.len() as f64,
    );
    out.finish()
}
