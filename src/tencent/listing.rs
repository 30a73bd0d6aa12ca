//! Lists the tracks of a region: all of them, or a failure.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::client::Client;
use super::observer::Observer;
use super::paging::{self, PagingError};
use super::track_walk::{ListRequest, TrackWalk};
use crate::failure::Failure;
use crate::snapshot::{KnownTracks, Listing, Track};

/// Why there is no complete listing.
#[derive(Clone, Debug)]
pub struct ListingError {
    /// The failure of the poll.
    pub failure: Failure,
    /// If the failure is `incomplete`: the tracks that were on the pages, ascending by id.
    pub seen: Option<Vec<Track>>,
}

impl From<Failure> for ListingError {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            seen: None,
        }
    }
}

impl From<ListingError> for Failure {
    fn from(error: ListingError) -> Self {
        error.failure
    }
}

impl From<PagingError<TrackWalk<'_>>> for ListingError {
    fn from(error: PagingError<TrackWalk<'_>>) -> Self {
        match error {
            PagingError::Failed(failure) => failure.into(),
            PagingError::Incomplete(failure, walks) => {
                // The latest entry of a track counts.
                let seen = walks.into_iter().flat_map(TrackWalk::into_tracks);
                let seen: BTreeMap<u64, Track> = seen.map(|track| (track.id, track)).collect();
                Self {
                    failure,
                    seen: Some(seen.into_values().collect()),
                }
            }
        }
    }
}

impl Client {
    /// Lists all tracks of a region without known tracks to compare with. See [`Self::list_again`].
    ///
    /// # Errors
    ///
    /// The failure of [`Self::list_again`].
    pub async fn list(
        &self,
        region: &str,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<Arc<Listing>, Failure> {
        let known = KnownTracks::default();
        let listing = self.list_again(region, &known, retry_until, observer);
        Ok(listing.await?)
    }

    /// Lists all tracks of a region. No request is retried after `retry_until`. If the responses are
    /// the same as the last time, the result is the same listing. A known track is missing from the
    /// listing only if two walks in a row agree.
    ///
    /// # Errors
    ///
    /// The failure of the first page that failed; or `incomplete` with the tracks on the pages, if
    /// the walks over the pages do not add up.
    pub async fn list_again(
        &self,
        region: &str,
        known: &KnownTracks,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<Arc<Listing>, ListingError> {
        let request = ListRequest {
            client: self,
            region,
            known,
            retry_until,
            observer,
        };
        let walk = paging::list(|before| TrackWalk::new(&request, before)).await?;
        Ok(walk.into_listing())
    }
}
