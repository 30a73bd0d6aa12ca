//! One walk over the pages of `DescribeAuditTracks`.

use std::sync::Arc;

use tokio::time::Instant;

use super::call::Call;
use super::client::Client;
use super::collector::Collector;
use super::listing_cache::{BodyHash, CachedWalk, PageSummary};
use super::observer::Observer;
use super::paging::{Tally, Walk, WalkLimits};
use super::redactor::Redactor;
use super::wire::{Page, list_body, read_page};
use crate::failure::Failure;
use crate::snapshot::{DESCRIBE_AUDIT_TRACKS, KnownTracks, Listing, Track};

/// The most pages of a listing. Even 10,000 tracks are 200 pages of the usual size.
pub const MAX_PAGES: u32 = 2_000;

/// The most bytes of all responses of a walk. Even 10,000 tracks are a few megabytes.
pub const MAX_LISTING_BYTES: usize = 32 * 1024 * 1024;

/// What to list, and how.
pub(super) struct ListRequest<'a> {
    pub(super) client: &'a Client,
    pub(super) region: &'a str,
    pub(super) known: &'a KnownTracks,
    pub(super) retry_until: Instant,
    pub(super) observer: &'a dyn Observer,
}

/// What one walk over the pages has found.
pub(super) struct TrackWalk<'a> {
    request: &'a ListRequest<'a>,
    /// Whether it is the first walk of its poll.
    is_first: bool,
    page_size: u32,
    pages: Vec<PageSummary>,
    tally: Tally,
    /// The walk of the last poll, as long as every page is the same as there. None of them is
    /// parsed.
    unchanged: Option<Arc<CachedWalk>>,
    /// The parsed tracks.
    tracks: Collector,
}

/// A page as the API returned it.
enum PageResult {
    /// The same page as in the last poll.
    Unchanged(PageSummary),
    Parsed(Page, Option<BodyHash>),
}

impl Walk for TrackWalk<'_> {
    const ITEMS: &'static str = "tracks";

    fn limits(&self) -> WalkLimits {
        WalkLimits {
            pages: MAX_PAGES,
            // A server that sends longer pages than requested does not get more requests for it.
            items: u64::from(MAX_PAGES) * u64::from(self.page_size),
            bytes: MAX_LISTING_BYTES,
        }
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }

    async fn add_page(&mut self, number: u32) -> Result<bool, Failure> {
        let ListRequest {
            client, observer, ..
        } = *self.request;
        let body = list_body(number, self.page_size);
        let call = Call {
            action: DESCRIBE_AUDIT_TRACKS,
            region: Some(self.request.region),
            body: &body,
            signed: true,
            secrets: &[],
            retry_until: self.request.retry_until,
        };
        let expected = self.expected_page();
        let parse = |body: &[u8], redactor: &Redactor| {
            let hash = client.listing_cache.hash_body(body);
            let page = match expected {
                Some(page) if hash.is_some() && hash == page.hash => {
                    PageResult::Unchanged(page.clone())
                }
                _ => {
                    let offset = client.options.create_time_offset;
                    PageResult::Parsed(read_page(body, offset, redactor)?, hash)
                }
            };
            Ok((page, body.len()))
        };
        let (page, bytes) = client.api.call(call, observer, parse).await?;
        Ok(match page {
            PageResult::Unchanged(page) => self.add_unchanged(page, bytes),
            PageResult::Parsed(mut page, hash) => {
                let unreadable = std::mem::take(&mut page.unreadable);
                client
                    .api
                    .report_unreadable(call.action, unreadable, observer);
                self.add_parsed(page, hash, bytes)
            }
        })
    }

    fn is_complete(&self, before: Option<&Self>) -> bool {
        let is_repeated = |before: &Self| self.ids().eq(before.ids());
        if self.tally.adds_up() {
            return self.has_all_known() || before.is_some_and(is_repeated);
        }
        let Some(before) = before else { return false };
        // A total that is too low does not fail the poll: if two walks find the same tracks, on full
        // pages up to an empty one, there are no more. A total that is too high may be true.
        let is_short = self.tally.is_short() || before.tally.is_short();
        (self.request.client.options.accept_short_listings || !is_short)
            && self.reached_the_end()
            && before.reached_the_end()
            && is_repeated(before)
    }

    fn hint(&self) -> &'static str {
        if self.tally.is_short() {
            "; if the API counts tracks that it does not list, set poll.accept_short_listings: true"
        } else {
            ""
        }
    }
}

impl<'a> TrackWalk<'a> {
    /// Returns a walk that has not begun. `before` is the walk before it in the same poll.
    pub(super) fn new(request: &'a ListRequest<'a>, before: Option<&Self>) -> Self {
        let client = request.client;
        let page_size = before.map_or(client.options.page_size, Self::longest_available_page);
        let unchanged = match before {
            None => client.listing_cache.get(request.region, page_size),
            Some(_) => None,
        };
        Self {
            request,
            is_first: before.is_none(),
            page_size,
            pages: Vec::new(),
            tally: Tally::default(),
            unchanged,
            tracks: Collector::new(client.options.max_tracks),
        }
    }

    /// Returns the next page of the last poll, if all pages so far are the same as there.
    fn expected_page(&self) -> Option<&PageSummary> {
        self.unchanged.as_ref()?.pages.get(self.pages.len())
    }

    /// Adds the expected page. None of its tracks was on another page.
    fn add_unchanged(&mut self, page: PageSummary, bytes: usize) -> bool {
        let collected = self.tally.collected() + page.ids.len() as u64;
        let total = page.total;
        self.pages.push(page);
        self.tally.add_page(collected, total, bytes)
    }

    fn add_parsed(&mut self, page: Page, hash: Option<BodyHash>, bytes: usize) -> bool {
        if let Some(last) = self.unchanged.take() {
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
        let collected = self.tracks.len() as u64;
        self.tally.add_page(collected, page.total, bytes)
    }

    /// Returns whether the walk has full pages, then one that may be short, then an empty one. Behind
    /// a short page in the middle, a server may have skipped tracks. An empty first page proves
    /// nothing while the total is above 0: "no tracks" must not be a mistake.
    fn reached_the_end(&self) -> bool {
        let [full @ .., _, end] = &self.pages[..] else {
            return false;
        };
        let is_full = |page: &PageSummary| page.ids.len() >= self.page_size as usize;
        end.ids.is_empty() && full.iter().all(is_full)
    }

    /// Returns the page size for the next walk. If tracks are missing and even the first page was
    /// short, the server may cut pages shorter than requested and compute offsets from the requested
    /// size, so that some tracks are on no page. At the size that it returns, it skips nothing.
    fn longest_available_page(&self) -> u32 {
        let first = self.pages.first().map_or(0, |page| page.ids.len());
        match u32::try_from(first) {
            Ok(first @ 1..) if self.tally.misses_items() => first.min(self.page_size),
            _ => self.page_size,
        }
    }

    fn ids(&self) -> impl Iterator<Item = u64> {
        let unchanged = self.unchanged.iter().flat_map(|last| last.listing.all());
        unchanged.map(|track| track.id).chain(self.tracks.ids())
    }

    fn has_all_known(&self) -> bool {
        self.request.known.all(|id| match &self.unchanged {
            Some(last) => last.listing.keeps(id) || last.listing.drops(id),
            None => self.tracks.contains(id),
        })
    }

    /// Returns the tracks that are kept, ascending by id.
    pub(super) fn into_tracks(self) -> Vec<Track> {
        match self.unchanged {
            Some(last) => last.listing.tracks.clone(),
            None => self.tracks.into_kept().collect(),
        }
    }

    /// Returns the listing, and caches it for the next poll.
    pub(super) fn into_listing(self) -> Arc<Listing> {
        if let Some(last) = self.unchanged {
            return Arc::clone(&last.listing);
        }
        let listing = self.tracks.into_listing(self.tally.reported());
        // After a restart, the history has the listing of the state file.
        let known = self.request.known.listing.as_ref();
        let walk = CachedWalk {
            page_size: self.page_size,
            pages: self.pages,
            listing: match known {
                Some(known) if **known == listing => Arc::clone(known),
                _ => Arc::new(listing),
            },
        };
        let listing = Arc::clone(&walk.listing);
        if self.is_first && walk.has_each_track_once() {
            let ListRequest { client, region, .. } = self.request;
            client.listing_cache.insert(region, Arc::new(walk));
        }
        listing
    }
}
