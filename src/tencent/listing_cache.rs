//! Caches the last listing of each region, so that an unchanged page is not parsed again.
//!
//! Almost every poll gets the same pages as the poll before it, and parsing is most of the work of a
//! page. So a complete walk leaves a hash of each page behind, and the next walk parses from the
//! first page with another hash on.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::memmem;

use crate::snapshot::Listing;

/// Before the only value that differs between two identical pages. In JSON these bytes are always a
/// key and the beginning of its value, because quotes inside a string are escaped.
const REQUEST_ID: &[u8] = br#""RequestId":""#;

/// The longest value that is treated as a request id, in bytes. Request ids are UUIDs.
const MAX_REQUEST_ID_BYTES: usize = 64;

/// The last walk over the pages of each region.
#[derive(Default)]
pub(super) struct ListingCache {
    /// Random for each process, so that no server can construct two bodies with the same hash.
    key: RandomState,
    walks: Mutex<HashMap<String, Arc<CachedWalk>>>,
}

/// A complete walk, each track on one page.
pub(super) struct CachedWalk {
    pub(super) page_size: u32,
    pub(super) pages: Vec<PageSummary>,
    pub(super) listing: Arc<Listing>,
}

impl CachedWalk {
    /// Returns whether each track is kept and was on one page. Only then can the tracks of a page be
    /// found by its ids alone.
    pub(super) fn has_each_track_once(&self) -> bool {
        let on_pages: usize = self.pages.iter().map(|page| page.ids.len()).sum();
        on_pages == self.listing.tracks.len()
    }
}

/// What the cache keeps of a page, apart from its tracks.
#[derive(Clone, Debug)]
pub(super) struct PageSummary {
    pub(super) ids: Arc<[u64]>,
    /// `TotalCount` on the page.
    pub(super) total: u64,
    /// `None` if the body has no request id.
    pub(super) hash: Option<BodyHash>,
}

/// The hash of a response body without its request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BodyHash(u64);

impl ListingCache {
    /// Returns the last walk over the pages of a region, if it had this page size.
    pub(super) fn get(&self, region: &str, page_size: u32) -> Option<Arc<CachedWalk>> {
        let last = self.walks().get(region).map(Arc::clone);
        last.filter(|last| last.page_size == page_size)
    }

    /// Replaces the walk of a region.
    pub(super) fn insert(&self, region: &str, walk: Arc<CachedWalk>) {
        self.walks().insert(region.to_owned(), walk);
    }

    /// Hashes a body without its request id. `None` if the body has no request id.
    pub(super) fn hash_body(&self, body: &[u8]) -> Option<BodyHash> {
        let value = memmem::find(body, REQUEST_ID)? + REQUEST_ID.len();
        let (before, rest) = body.split_at(value);
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

    fn walks(&self) -> MutexGuard<'_, HashMap<String, Arc<CachedWalk>>> {
        // Each insertion is atomic, so a poisoned lock holds a consistent map.
        self.walks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
