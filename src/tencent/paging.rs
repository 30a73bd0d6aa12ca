//! Walks over the pages of a list until the list is complete.
//!
//! The API cuts pages by offset from a list that may change meanwhile. Its documentation gives
//! neither the longest page nor the response past the last one. So a walk continues until it has
//! collected as many items as the API reports, and a walk that does not add up is repeated.
//!
//! A walk that adds up can still miss an item: if one item is deleted and another one created
//! between two pages, a third one moves to a page that was already read, and the total stays the
//! same. So before a known item counts as deleted, two walks in a row must find the same ids. Each
//! of these ids then existed between the two walks, and the total leaves no room for others.

use std::fmt;

use crate::failure::{Failure, Reason};

/// The most walks over the pages for one list. The third walk is for a deletion that happened during
/// the first two.
pub const MAX_WALKS: usize = 3;

/// The limits of one walk.
pub(super) struct WalkLimits {
    pub(super) pages: u32,
    pub(super) items: u64,
    /// The size of all responses together.
    pub(super) bytes: usize,
}

/// The counts of one walk.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pages: usize,
    bytes: usize,
    /// Different items.
    collected: u64,
    /// The total that the latest page reports.
    total: u64,
    highest_total: u64,
    total_changed: bool,
}

impl Tally {
    /// Counts a page, after which there are `collected` items. Returns whether the page is the last.
    ///
    /// A short page is not the last, because a server may cut pages as it likes. Above the total
    /// there may be more items, so only the exact total ends the walk, or a page that adds nothing.
    pub(super) fn add_page(&mut self, collected: u64, total: u64, bytes: usize) -> bool {
        let adds_nothing = collected == self.collected;
        self.total_changed |= self.pages > 0 && total != self.total;
        self.pages += 1;
        self.bytes += bytes;
        self.collected = collected;
        self.total = total;
        self.highest_total = self.highest_total.max(total);
        adds_nothing || collected == total
    }

    pub(super) fn collected(&self) -> u64 {
        self.collected
    }

    /// Returns whether the walk has as many items as every page reports. If the total changes during a
    /// walk, items were created or deleted, and others may have moved past the walk.
    pub(super) fn adds_up(&self) -> bool {
        self.collected == self.total && !self.total_changed
    }

    /// Returns whether the walk has fewer items than its last page reports.
    pub(super) fn misses_items(&self) -> bool {
        self.collected < self.total
    }

    /// Returns the highest total of the pages. The total on a page past the end is undocumented.
    pub(super) fn reported(&self) -> u64 {
        self.highest_total
    }

    /// Returns whether the API reported more items than it listed.
    pub(super) fn is_short(&self) -> bool {
        self.collected < self.highest_total
    }

    fn exceeds(&self, limits: &WalkLimits) -> bool {
        self.collected > limits.items || self.bytes > limits.bytes
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            collected,
            total,
            pages,
            ..
        } = self;
        write!(f, "{collected} of {total} on {pages} pages")
    }
}

/// One walk over the pages of a list.
pub(super) trait Walk: Sized + Send {
    /// The name of the items, for messages.
    const ITEMS: &'static str;

    fn limits(&self) -> WalkLimits;

    fn tally(&self) -> &Tally;

    /// Requests a page and adds it. Pages count from 1. Returns whether it is the last.
    fn add_page(&mut self, number: u32) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Returns whether the walk found the complete list. `before` is the walk right before it.
    fn is_complete(&self, before: Option<&Self>) -> bool;

    /// Returns the way out if the walks do not add up, for the end of a message.
    fn hint(&self) -> &'static str {
        ""
    }
}

/// Why there is no complete list.
pub(super) enum PagingError<W> {
    /// A page failed.
    Failed(Failure),
    /// The walks do not add up.
    Incomplete(Failure, Vec<W>),
}

impl<W> From<PagingError<W>> for Failure {
    fn from(error: PagingError<W>) -> Self {
        let (PagingError::Failed(failure) | PagingError::Incomplete(failure, _)) = error;
        failure
    }
}

/// Walks over the pages until a walk is complete, at most [`MAX_WALKS`] times. `start` returns a
/// walk that has not begun; its argument is the walk before it.
pub(super) async fn list<W: Walk>(start: impl Fn(Option<&W>) -> W) -> Result<W, PagingError<W>> {
    let mut walks = Vec::new();
    loop {
        let walk = walk_to_end(start(walks.last())).await;
        let walk = walk.map_err(PagingError::Failed)?;
        let before = walks.last();
        if walk.is_complete(before) {
            return Ok(walk);
        }
        if let Some(before) = before
            && (walks.len() + 1 == MAX_WALKS || !walk.tally().adds_up())
        {
            let message = format!(
                "the {} on the pages do not add up: {}; the walk before had {}{}",
                W::ITEMS,
                walk.tally(),
                before.tally(),
                walk.hint()
            );
            walks.push(walk);
            let failure = Failure::new(Reason::Incomplete, message);
            return Err(PagingError::Incomplete(failure, walks));
        }
        walks.push(walk);
    }
}

async fn walk_to_end<W: Walk>(mut walk: W) -> Result<W, Failure> {
    let limits = walk.limits();
    for number in 1..=limits.pages {
        let is_last = walk.add_page(number).await?;
        let tally = walk.tally();
        if tally.exceeds(&limits) {
            let message = format!(
                "the listing is too large: {} {} in {} bytes on {} pages",
                tally.collected,
                W::ITEMS,
                tally.bytes,
                tally.pages
            );
            return Err(Failure::new(Reason::Malformed, message));
        }
        if is_last {
            break;
        }
    }
    Ok(walk)
}
