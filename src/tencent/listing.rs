//! From pages to a listing: all of it, or none of it.
//!
//! Pages are cut by offset from a list that may change meanwhile, and the API documents neither the
//! largest page nor what lies past the last one. So a walk goes on until what it has collected is
//! what the API says there is, and a walk that does not add up is made once more.
//!
//! A walk that adds up may still miss a track: if one track is deleted and another one created
//! between two pages, a third one moves to a page that was already read, and `TotalCount` stays.
//! So before a known track counts as deleted, two walks in a row must find the same ids. Each of
//! these ids then existed between the two walks, and `TotalCount` says that there were no others.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::api_client::Call;
use super::client::Client;
use super::collector::Collector;
use super::listing_cache::{BodyHash, CachedWalk, PageSummary};
use super::observer::Observer;
use super::redactor::Redactor;
use super::wire::{Page, list_body, read_page};
use crate::failure::{Failure, Reason};
use crate::snapshot::{DESCRIBE_AUDIT_TRACKS, KnownTracks, Listing, Track};

/// No listing has more pages. Even 10,000 tracks are 200 pages of the usual size.
pub const MAX_PAGES: u32 = 2_000;

/// The answers of a walk are no larger together. Even 10,000 tracks are a few megabytes.
pub const MAX_LISTING_BYTES: usize = 32 * 1024 * 1024;

/// No poll walks over the pages more often. The third walk is for a deletion that the first two
/// walks saw happen.
pub const MAX_WALKS: usize = 3;

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

impl Client {
    /// Lists all tracks of a region, with nothing to compare them with. See [`Self::list_again`].
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

    /// Lists all tracks as a region shows them. No retry of a call starts after `retry_until`. If
    /// the region gives the same answers as the last time, the result is the same listing. A known
    /// track is missing from the listing only if two walks in a row agree on it.
    ///
    /// # Errors
    ///
    /// The failure of the first page that failed, which contributes nothing; or `incomplete`, if
    /// the walks over the pages did not add up, with the tracks that were seen.
    pub async fn list_again(
        &self,
        region: &str,
        known: &KnownTracks,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<Arc<Listing>, ListingError> {
        let asked = self.options.page_size;
        let max_tracks = self.options.max_tracks;
        let first = Walk::after(self.listing_cache.get(region, asked), asked, max_tracks);
        let mut walk = self.walk(region, first, retry_until, observer).await?;
        if walk.adds_up() && walk.has_all(known) {
            let last = walk.into_last();
            if last.has_each_track_once() {
                self.listing_cache.insert(region, Arc::clone(&last));
            }
            return Ok(Arc::clone(&last.listing));
        }
        let mut seen = BTreeMap::new();
        let mut walks = 1;
        loop {
            let next = Walk::after(None, walk.longest_page_to_be_had(), max_tracks);
            let next = self.walk(region, next, retry_until, observer).await?;
            let before = std::mem::replace(&mut walk, next);
            walks += 1;
            if walk.is_confirmed_by(&before, known, self.options.accept_short_listings) {
                return Ok(Arc::clone(&walk.into_last().listing));
            }
            let is_last = walks == MAX_WALKS || !walk.adds_up();
            let message = walk.disagreement(&before);
            // The latest entry of a track counts.
            seen.extend(before.into_tracks());
            if is_last {
                seen.extend(walk.into_tracks());
                return Err(incomplete(message, seen));
            }
        }
    }

    async fn walk(
        &self,
        region: &str,
        mut walk: Walk,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<Walk, Failure> {
        let offset = self.options.create_time_offset;
        let mut bytes = 0;
        for number in 1..=MAX_PAGES {
            let body = list_body(number, walk.page_size);
            let call = Call {
                action: DESCRIBE_AUDIT_TRACKS,
                region: Some(region),
                body: &body,
                signed: true,
                secrets: &[],
                retry_until,
            };
            let to_come = walk.page_to_come();
            let parse = |answer: &[u8], redactor: &Redactor| {
                let hash = self.listing_cache.hash_body(answer);
                let result = match to_come {
                    Some(page) if hash.is_some() && hash == page.hash => {
                        PageResult::Unchanged(page.clone())
                    }
                    _ => PageResult::Parsed(read_page(answer, offset, redactor)?, hash),
                };
                Ok((result, answer.len()))
            };
            let (result, length) = self.api.call(call, observer, parse).await?;
            bytes += length;
            let next = match result {
                PageResult::Unchanged(page) => walk.add_same(page),
                PageResult::Parsed(mut page, hash) => {
                    let unreadable = std::mem::take(&mut page.unreadable);
                    self.api.note(call.action, unreadable, observer);
                    walk.add(page, hash)
                }
            };
            // A server that sends more than it is asked for is not asked again and again.
            if bytes > MAX_LISTING_BYTES || walk.collected > most_tracks(walk.page_size) {
                return Err(walk.too_large(bytes));
            }
            if next == Next::Stop {
                break;
            }
        }
        Ok(walk)
    }
}

fn incomplete(message: String, seen: BTreeMap<u64, Track>) -> ListingError {
    ListingError {
        failure: Failure::new(Reason::Incomplete, message),
        seen: Some(seen.into_values().collect()),
    }
}

/// No walk brings more tracks: all of its pages, as long as they were asked for.
fn most_tracks(page_size: u32) -> u64 {
    u64::from(MAX_PAGES) * u64::from(page_size)
}

/// What one walk over the pages has found.
struct Walk {
    page_size: u32,
    pages: Vec<PageSummary>,
    /// How many different tracks there are on the pages.
    collected: u64,
    /// The walk before, as long as every page has read as it did there. None of them is parsed.
    same_as: Option<Arc<CachedWalk>>,
    /// What was parsed.
    tracks: Collector,
}

/// What a request returned.
enum PageResult {
    /// The page that was to come.
    Unchanged(PageSummary),
    Parsed(Page, Option<BodyHash>),
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

impl Walk {
    /// A walk that has not begun, `last` being the one before it.
    fn after(last: Option<Arc<CachedWalk>>, page_size: u32, max_tracks: usize) -> Self {
        Self {
            page_size,
            pages: Vec::new(),
            collected: 0,
            same_as: last,
            tracks: Collector::new(max_tracks),
        }
    }

    /// The next page, if it reads as the last time.
    fn page_to_come(&self) -> Option<&PageSummary> {
        self.same_as.as_ref()?.pages.get(self.pages.len())
    }

    /// The page to come has come. Each of its tracks was on no other page.
    fn add_same(&mut self, page: PageSummary) -> Next {
        let collected = self.collected + page.ids.len() as u64;
        self.pages.push(page);
        self.went_on(collected)
    }

    fn add(&mut self, page: Page, hash: Option<BodyHash>) -> Next {
        if let Some(last) = self.same_as.take() {
            let ids = self.pages.iter().flat_map(|page| &*page.ids);
            let tracks = ids.filter_map(|id| last.listing.track(*id));
            self.tracks.extend(tracks.cloned());
        }
        self.pages.push(PageSummary {
            ids: page.tracks.iter().map(|track| track.id).collect(),
            total: page.total,
            hash,
        });
        self.tracks.extend(page.tracks);
        self.went_on(self.tracks.len() as u64)
    }

    fn went_on(&mut self, collected: u64) -> Next {
        // An empty page adds nothing either. A short one is no end: the server may cut pages as it
        // likes. Beyond the total there may be more, so only meeting it exactly ends the walk.
        let adds_nothing = collected == self.collected;
        self.collected = collected;
        if adds_nothing || collected == self.total() {
            return Next::Stop;
        }
        Next::Go
    }

    /// `TotalCount` of the latest page.
    fn total(&self) -> u64 {
        self.pages.last().map_or(0, |page| page.total)
    }

    /// As many tracks as the API says there are, and it said so from the first page to the last: a
    /// total that moved means that tracks came or went in mid-walk and others slid past unseen.
    fn adds_up(&self) -> bool {
        let total = self.total();
        self.collected == total && self.pages.iter().all(|page| page.total == total)
    }

    /// Full pages, one that may be short, and an empty one. A short page before another one with
    /// tracks may be a server's own cut, behind which tracks are skipped. An empty first page
    /// proves nothing while the total is above 0: "none" is the one answer that must not be a
    /// mistake.
    fn is_walked_to_the_end(&self) -> bool {
        let Some((end, pages)) = self.pages.split_last() else {
            return false;
        };
        let full = |page: &PageSummary| page.ids.len() >= self.page_size as usize;
        let Some((_, earlier)) = pages.split_last() else {
            return false;
        };
        end.ids.is_empty() && earlier.iter().all(full)
    }

    /// The page size to ask for after this walk. Where tracks are missing and even the first page
    /// was short, the server may cut pages shorter than asked and count their offsets by what was
    /// asked, so that some are on no page; asked for no more than it gives, it skips nothing.
    fn longest_page_to_be_had(&self) -> u32 {
        let first = self.pages.first().map_or(0, |page| page.ids.len());
        match u32::try_from(first) {
            Ok(first @ 1..) if self.collected < self.total() => first.min(self.page_size),
            _ => self.page_size,
        }
    }

    /// Whether this is a complete listing, with the help of the walk right before it.
    fn is_confirmed_by(
        &self,
        before: &Self,
        known: &KnownTracks,
        accept_short_listings: bool,
    ) -> bool {
        let is_repeated = || self.ids().eq(before.ids());
        if self.adds_up() {
            return self.has_all(known) || is_repeated();
        }
        // A total that is too low does not fail the poll: if two walks find the same tracks, on
        // full pages up to an empty one, there are no more. A total that is too high may be true.
        let is_short = self.is_short() || before.is_short();
        (accept_short_listings || !is_short)
            && self.is_walked_to_the_end()
            && before.is_walked_to_the_end()
            && is_repeated()
    }

    fn ids(&self) -> impl Iterator<Item = u64> {
        let recalled = self.same_as.iter().flat_map(|last| last.listing.all());
        recalled.map(|track| track.id).chain(self.tracks.ids())
    }

    fn has_all(&self, known: &KnownTracks) -> bool {
        known.all(|id| match &self.same_as {
            Some(last) => last.listing.keeps(id) || last.listing.drops(id),
            None => self.tracks.contains(id),
        })
    }

    /// The highest `TotalCount` of its pages. What a page past the end says of it is not
    /// documented.
    fn reported(&self) -> u64 {
        let totals = self.pages.iter().map(|page| page.total);
        totals.max().unwrap_or_default()
    }

    /// Whether the API reported more tracks than it listed.
    fn is_short(&self) -> bool {
        self.collected < self.reported()
    }

    fn into_tracks(self) -> BTreeMap<u64, Track> {
        match self.same_as {
            Some(last) => {
                let tracks = last.listing.tracks.iter();
                tracks.map(|track| (track.id, track.clone())).collect()
            }
            None => self.tracks.into_kept(),
        }
    }

    /// The walk as the next one will want it, with what it found as a listing.
    fn into_last(self) -> Arc<CachedWalk> {
        if let Some(last) = self.same_as {
            return last;
        }
        let reported = self.reported();
        let listing = self.tracks.into_listing(reported);
        Arc::new(CachedWalk {
            page_size: self.page_size,
            pages: self.pages,
            listing: Arc::new(listing),
        })
    }

    fn too_large(&self, bytes: usize) -> Failure {
        let message = format!(
            "the listing is too large: {} tracks in {bytes} bytes on {} pages",
            self.collected,
            self.pages.len()
        );
        Failure::new(Reason::Malformed, message)
    }

    fn disagreement(&self, before: &Self) -> String {
        let facts = |walk: &Self| {
            format!(
                "{} tracks of {} on {} pages",
                walk.collected,
                walk.total(),
                walk.pages.len()
            )
        };
        let hint = if self.is_short() {
            "; if the API counts tracks that it does not list, set poll.accept_short_listings: true"
        } else {
            ""
        };
        format!(
            "the pages do not make a listing: {}, in the walk before {}{hint}",
            facts(self),
            facts(before)
        )
    }
}
