//! What a region answered the last time, so that what reads the same is not read again.
//!
//! Almost every poll is told what the one before it was told, and parsing is most of the work of a
//! page. So a walk that made a listing leaves behind how each of its pages read, and the next one
//! parses from the first page on that reads otherwise.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::memmem;

use crate::snapshot::Listing;

/// Before the one thing that differs between two answers that say the same. In JSON these bytes are
/// always a key and the beginning of its value, for inside of a string the quotes are escaped.
const REQUEST_ID: &[u8] = br#""RequestId":""#;

/// The longest value that is taken for a request id, in bytes: they are UUIDs.
const MAX_REQUEST_ID_BYTES: usize = 64;

/// The last walk over the pages of each region.
#[derive(Default)]
pub(super) struct ListingCache {
    /// Drawn anew by every process, so that nobody can make two answers that hash alike.
    key: RandomState,
    walks: Mutex<HashMap<String, Arc<CachedWalk>>>,
}

/// A walk that made a listing, each track on one page.
pub(super) struct CachedWalk {
    pub(super) page_size: u32,
    pub(super) pages: Vec<PageSummary>,
    pub(super) listing: Arc<Listing>,
}

impl CachedWalk {
    /// Whether each track is kept and was on one page. Only then do the pages say by themselves which
    /// tracks they had, and can a page be left out of the next walk.
    pub(super) fn has_each_track_once(&self) -> bool {
        let on_pages: usize = self.pages.iter().map(|page| page.ids.len()).sum();
        on_pages == self.listing.tracks.len()
    }
}

/// What is kept of a page besides its tracks.
#[derive(Clone, Debug)]
pub(super) struct PageSummary {
    /// The tracks on it.
    pub(super) ids: Arc<[u64]>,
    /// `TotalCount`, as it says.
    pub(super) total: u64,
    /// How it read; none where that cannot be told.
    pub(super) hash: Option<BodyHash>,
}

/// A hash of an answer without its request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BodyHash(u64);

impl ListingCache {
    /// The last walk over the pages of a region, where they were as long as they are to be now.
    pub(super) fn get(&self, region: &str, page_size: u32) -> Option<Arc<CachedWalk>> {
        let last = self.walks().get(region).map(Arc::clone);
        last.filter(|last| last.page_size == page_size)
    }

    /// Remembers a walk, and forgets the one before.
    pub(super) fn insert(&self, region: &str, walk: Arc<CachedWalk>) {
        self.walks().insert(region.to_owned(), walk);
    }

    /// How an answer reads; none where its request id is not found, and so cannot be left out.
    pub(super) fn hash_body(&self, answer: &[u8]) -> Option<BodyHash> {
        let value = memmem::find(answer, REQUEST_ID)? + REQUEST_ID.len();
        let (before, rest) = answer.split_at(value);
        let longest = &rest[..rest.len().min(MAX_REQUEST_ID_BYTES + 1)];
        let end = longest.iter().position(|byte| *byte == b'"')?;
        let (id, after) = rest.split_at(end);
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        if !id.iter().all(is_plain) {
            return None;
        }
        let mut hasher = self.key.build_hasher();
        hasher.write_usize(before.len());
        hasher.write(before);
        hasher.write(after);
        Some(BodyHash(hasher.finish()))
    }

    /// A walk is put in as a whole, so a poisoned lock holds whole ones.
    fn walks(&self) -> MutexGuard<'_, HashMap<String, Arc<CachedWalk>>> {
        self.walks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
