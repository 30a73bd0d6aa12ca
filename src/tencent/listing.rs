//! From pages to a listing: all of it, or none of it.
//!
//! Pages are cut by offset from a list that may change meanwhile, and the API documents neither the
//! largest page nor what lies past the last one. So a walk goes on until what it has collected is
//! what the API says there is, and a walk that does not add up is made once more.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::caller::Call;
use super::client::Client;
use super::observer::Observer;
use super::wire::{Page, list_body, parse_page};
use crate::failure::{Failure, Reason};
use crate::snapshot::{DESCRIBE_AUDIT_TRACKS, Listing, Track};

/// No listing has more pages. Even 10,000 tracks are 200 pages of the usual size.
pub const MAX_PAGES: u32 = 2_000;

/// The answers of a walk are no larger together. Even 10,000 tracks are a few megabytes.
pub const MAX_LISTING_BYTES: usize = 32 * 1024 * 1024;

impl Client {
    /// Lists all tracks as a region shows them. No retry of a call starts after `retry_until`.
    ///
    /// # Errors
    ///
    /// That of the first page that failed; or `incomplete`, where two walks over the pages did not
    /// add up. A failed listing contributes nothing.
    pub async fn list(
        &self,
        region: &str,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<Listing, Failure> {
        let asked = self.options.page_size;
        let first = self.walk(region, asked, retry_until, observer).await?;
        if first.adds_up() {
            return Ok(first.into_listing());
        }
        let page_size = first.longest_page_to_be_had();
        let second = self.walk(region, page_size, retry_until, observer).await?;
        // A total that is wrong in itself is no reason to show nothing: the same tracks twice, on
        // full pages up to an empty one, are all there are.
        if second.adds_up() || (second.is_walked_to_the_end() && first.has_the_ids_of(&second)) {
            return Ok(second.into_listing());
        }
        Err(Failure::new(
            Reason::Incomplete,
            second.disagreement(&first),
        ))
    }

    async fn walk(
        &self,
        region: &str,
        page_size: u32,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<Walk, Failure> {
        let mut walk = Walk::new(page_size);
        let mut bytes = 0;
        for number in 1..=MAX_PAGES {
            let body = list_body(number, page_size);
            let call = Call {
                action: DESCRIBE_AUDIT_TRACKS,
                region: Some(region),
                body: &body,
                signed: true,
                secrets: &[],
                retry_until,
            };
            let offset = self.options.create_time_offset;
            let parse = |answer: &[u8]| Ok((parse_page(answer, offset)?, answer.len()));
            let (page, length) = self.caller.call(call, observer, parse).await?;
            bytes += length;
            let next = walk.add(page);
            // A server that sends more than it is asked for is not asked again and again.
            if bytes > MAX_LISTING_BYTES || walk.collected() > most_tracks(page_size) {
                return Err(walk.too_large(bytes));
            }
            if next == Next::Stop {
                break;
            }
        }
        Ok(walk)
    }
}

/// No walk brings more tracks: all of its pages, as long as they were asked for.
fn most_tracks(page_size: u32) -> u64 {
    u64::from(MAX_PAGES) * u64::from(page_size)
}

/// What one walk over the pages has found.
#[derive(Debug)]
struct Walk {
    page_size: u32,
    tracks: BTreeMap<u64, Track>,
    pages: Vec<PageFacts>,
}

/// What is kept of a page besides its tracks.
#[derive(Debug)]
struct PageFacts {
    length: usize,
    total: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

impl Walk {
    fn new(page_size: u32) -> Self {
        Self {
            page_size,
            tracks: BTreeMap::new(),
            pages: Vec::new(),
        }
    }

    fn add(&mut self, page: Page) -> Next {
        self.pages.push(PageFacts {
            length: page.tracks.len(),
            total: page.total,
        });
        let before = self.collected();
        self.tracks
            .extend(page.tracks.into_iter().map(|track| (track.id, track)));
        // An empty page adds nothing either. A short one is no end: the server may cut pages as it
        // likes. Beyond the total there may be more, so only meeting it exactly ends the walk.
        let adds_nothing = self.collected() == before;
        if adds_nothing || self.collected() == page.total {
            return Next::Stop;
        }
        Next::Go
    }

    fn collected(&self) -> u64 {
        self.tracks.len() as u64
    }

    /// `TotalCount` of the latest page.
    fn total(&self) -> u64 {
        self.pages.last().map_or(0, |page| page.total)
    }

    /// As many tracks as the API says there are, and it said so from the first page to the last: a
    /// total that moved means that tracks came or went in mid-walk and others slid past unseen.
    fn adds_up(&self) -> bool {
        let total = self.total();
        self.collected() == total && self.pages.iter().all(|page| page.total == total)
    }

    /// Full pages, one that may be short, and an empty one. A short page before another one with
    /// tracks may be a server's own cut, behind which tracks are skipped. An empty first page proves
    /// nothing while the total is above 0: "none" is the one answer that must not be a mistake.
    fn is_walked_to_the_end(&self) -> bool {
        let Some((end, pages)) = self.pages.split_last() else {
            return false;
        };
        let full = |page: &PageFacts| page.length >= self.page_size as usize;
        let Some((_, earlier)) = pages.split_last() else {
            return false;
        };
        end.length == 0 && earlier.iter().all(full)
    }

    /// The page size to ask for after this walk. Where tracks are missing and even the first page was
    /// short, the server may cut pages shorter than asked and count their offsets by what was asked,
    /// so that some are on no page; asked for no more than it gives, it skips nothing.
    fn longest_page_to_be_had(&self) -> u32 {
        let first = self.pages.first().map_or(0, |page| page.length);
        match u32::try_from(first) {
            Ok(first @ 1..) if self.collected() < self.total() => first.min(self.page_size),
            _ => self.page_size,
        }
    }

    fn has_the_ids_of(&self, other: &Self) -> bool {
        self.is_walked_to_the_end() && self.tracks.keys().eq(other.tracks.keys())
    }

    fn into_listing(self) -> Listing {
        // What a page past the end says of the total is nobody's promise, so the highest counts: as
        // long as fewer are listed than anyone reported, no track is called vanished.
        Listing {
            reported: self
                .pages
                .iter()
                .map(|page| page.total)
                .max()
                .unwrap_or_default(),
            tracks: self.tracks.into_values().collect(),
            dropped: Vec::new(),
        }
    }

    fn too_large(&self, bytes: usize) -> Failure {
        let message = format!(
            "the listing is too large: {} tracks in {bytes} bytes on {} pages",
            self.collected(),
            self.pages.len()
        );
        Failure::new(Reason::Malformed, message)
    }

    fn disagreement(&self, first: &Self) -> String {
        let facts = |walk: &Self| {
            format!(
                "{} tracks of {} on {} pages",
                walk.collected(),
                walk.total(),
                walk.pages.len()
            )
        };
        format!(
            "the pages do not make a listing: {}, at the first try {}",
            facts(self),
            facts(first)
        )
    }
}
