//! From pages to a listing: all of it, or none of it.
//!
//! Pages are cut by offset from a list that may change meanwhile, and the API documents neither the
//! largest page nor what lies past the last one. So a walk goes on until what it has collected is
//! what the API says there is, and a walk that does not add up is made once more.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::client::{Call, Client};
use super::observer::Observer;
use super::wire::{Page, list_body, parse_page};
use crate::failure::{Failure, Reason};
use crate::snapshot::{DESCRIBE_AUDIT_TRACKS, Listing, Track};

/// No listing has more pages. Even 10,000 tracks are 200 pages of the usual size.
pub const MAX_PAGES: u32 = 2_000;

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
        let first = self.walk(region, retry_until, observer).await?;
        if first.adds_up() {
            return Ok(first.into_listing());
        }
        let second = self.walk(region, retry_until, observer).await?;
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
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<Walk, Failure> {
        let page_size = self.options.page_size;
        let mut walk = Walk::default();
        for number in 1..=MAX_PAGES {
            let body = list_body(number, page_size);
            let call = Call {
                action: DESCRIBE_AUDIT_TRACKS,
                region,
                body: &body,
                retry_until,
            };
            let offset = self.options.create_time_offset;
            let page = self
                .call(call, observer, |answer| parse_page(answer, offset))
                .await?;
            if walk.add(page, page_size) == Next::Stop {
                break;
            }
        }
        Ok(walk)
    }
}

/// What one walk over the pages has found.
#[derive(Debug, Default)]
struct Walk {
    tracks: BTreeMap<u64, Track>,
    /// The latest `TotalCount`.
    total: u64,
    /// Whether it was another one on an earlier page: tracks came or went in mid-walk.
    total_moved: bool,
    pages: u32,
    /// Whether the latest page with tracks was as long as asked for.
    latest_was_full: bool,
    /// Whether one before it was not. Such a page may be a server's own, shorter cut, behind which
    /// tracks are skipped.
    earlier_was_short: bool,
    ended_on_empty: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

impl Walk {
    fn add(&mut self, page: Page, page_size: u32) -> Next {
        self.total_moved |= self.pages > 0 && page.total != self.total;
        self.total = page.total;
        self.pages += 1;
        if page.tracks.is_empty() {
            self.ended_on_empty = true;
            return Next::Stop;
        }
        self.earlier_was_short |= self.pages > 1 && !self.latest_was_full;
        self.latest_was_full = page.tracks.len() >= page_size as usize;
        let before = self.tracks.len();
        self.tracks
            .extend(page.tracks.into_iter().map(|track| (track.id, track)));
        let adds_nothing = self.tracks.len() == before;
        if adds_nothing || self.collected() == self.total {
            return Next::Stop;
        }
        Next::Go
    }

    fn collected(&self) -> u64 {
        self.tracks.len() as u64
    }

    fn adds_up(&self) -> bool {
        self.collected() == self.total && !self.total_moved
    }

    fn is_walked_to_the_end(&self) -> bool {
        self.ended_on_empty && !self.earlier_was_short
    }

    fn has_the_ids_of(&self, other: &Self) -> bool {
        self.is_walked_to_the_end() && self.tracks.keys().eq(other.tracks.keys())
    }

    fn into_listing(self) -> Listing {
        Listing {
            tracks: self.tracks.into_values().collect(),
            reported: self.total,
        }
    }

    fn disagreement(&self, first: &Self) -> String {
        format!(
            "the pages do not make a listing: {} tracks of {} on {} pages, at the first try {} of {} \
             on {}",
            self.collected(),
            self.total,
            self.pages,
            first.collected(),
            first.total,
            first.pages
        )
    }
}
