//! The tracks of a target that the next listing has to account for.

use std::sync::Arc;

use super::track::Listing;

/// Tracks that were listed before. A poll must prove the deletion of each track that its listing
/// lacks.
#[derive(Clone, Debug, Default)]
pub struct KnownTracks {
    /// The last known listing.
    pub listing: Option<Arc<Listing>>,
    /// Ids of tracks of earlier listings that may or may not exist.
    pub unproven: Vec<u64>,
}

impl KnownTracks {
    /// Returns whether all of them fulfill `is_listed`.
    pub fn all(&self, mut is_listed: impl FnMut(u64) -> bool) -> bool {
        let listings = self.listing.iter();
        let mut listed = listings.flat_map(|listing| listing.all());
        listed.all(|track| is_listed(track.id)) && self.unproven.iter().all(|id| is_listed(*id))
    }
}
