//! Tracks and listings for tests to modify.

use cloudaudit_exporter::snapshot::{Listing, Status, Storage, Track};

/// An enabled track over everything, delivering to a bucket.
pub(crate) fn track(id: u64, name: &str) -> Track {
    Track {
        id,
        name: name.to_owned(),
        action_type: "*".to_owned(),
        resource_type: "*".to_owned(),
        event_names: vec!["*".to_owned()],
        status: Status::Enabled,
        storage: Storage {
            kind: "cos".to_owned(),
            region: "ap-guangzhou".to_owned(),
            name: "audit-log".to_owned(),
            prefix: "trail".to_owned(),
            account: "100000000009".to_owned(),
            app_id: String::new(),
        },
        created: Some(1_610_606_618),
        is_partial: false,
        details: None,
    }
}

/// A complete listing of these tracks.
pub(crate) fn listing(tracks: impl IntoIterator<Item = Track>) -> Listing {
    let mut tracks: Vec<Track> = tracks.into_iter().collect();
    tracks.sort_by_key(|track| track.id);
    Listing {
        reported: tracks.len() as u64,
        tracks,
        dropped: Vec::new(),
    }
}
