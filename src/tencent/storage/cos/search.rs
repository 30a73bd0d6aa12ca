//! Finds the newest object below a prefix, whatever its layout. COS lists keys in the order of their
//! bytes and has no other order, so the search begins where the last one ended: one request, even if
//! nothing new has arrived. A full search descends from the prefix into the latest folders.

use std::collections::VecDeque;
use std::time::SystemTime;

use super::bucket::ListQuery;
use super::bucket_client::BucketClient;
use super::dates::{has_complete_date, year_and_month};
use super::folders::choose;
use super::listing::{Object, Page};
use super::marker::next_marker;
use super::paths::{child_of, folder_of, leads_back, scope_of};
use super::place::Place;
use crate::failure::{Failure, Reason};
use crate::snapshot::CheckCursor;
use crate::tencent::storage::time::{from_unix, unix};

/// The most requests of one search, retries not included.
pub const MAX_REQUESTS: u32 = 100;

/// The most levels of folders below the prefix.
const MAX_LEVELS: usize = 6;

/// The most pages of one folder.
const MAX_FOLDER_PAGES: u32 = 50;

/// The most pages after the cursor, before the search descends.
const MAX_TAIL_PAGES: u32 = 5;

/// The most keys of a page.
const PAGE_KEYS: u32 = 1_000;

/// The most keys of a page after the cursor. Few objects arrive between two checks, and old objects may
/// follow them.
const TAIL_KEYS: u32 = 200;

/// How far the clocks of servers may differ, in seconds.
const CLOCKS_DIFFER: i64 = 600;

/// How far a search with a cursor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Lists the keys after the cursor. Misses objects whose keys come before the cursor, such as
    /// objects of another track, or in the folder `10` after `9`.
    Tail,
    /// Descends from the prefix into the latest folders.
    Full,
}

/// What a search has found.
pub(super) struct Found {
    pub(super) newest: Option<SystemTime>,
    pub(super) cursor: Option<CheckCursor>,
    /// Why a newer object may be elsewhere, in a sentence. `None` if the search has followed all
    /// folders.
    pub(super) skipped: Option<String>,
}

/// Why a search has found nothing.
pub(super) enum SearchError {
    Failed(Failure),
    /// The newest object cannot be found within the limits; says why.
    TooLarge(String),
}

/// A search in one bucket.
pub(super) struct Search<'a> {
    bucket: &'a BucketClient<'a>,
    /// Empty, or the prefix with a slash at its end.
    root: String,
    tracks: &'a [&'a str],
    requests: u32,
    date: Option<SystemTime>,
    /// The objects seen so far.
    objects: u64,
    /// The last key that was listed after the cursor, if more keys follow.
    tail: Option<String>,
    place: Option<Place>,
    skipped: Option<String>,
}

/// Folders to visit.
struct Visit {
    /// The first one is the next.
    folders: VecDeque<String>,
    level: usize,
    /// Whether there are more, which are not visited.
    is_cut: bool,
    /// Skip these folders if the search has seen more objects than this, because a better folder had
    /// some.
    unless_more_than: Option<u64>,
}

impl<'a> Search<'a> {
    pub(super) fn new(bucket: &'a BucketClient<'a>, prefix: &str, tracks: &'a [&'a str]) -> Self {
        let root = if prefix.is_empty() || prefix.ends_with('/') {
            prefix.to_owned()
        } else {
            format!("{prefix}/")
        };
        Self {
            bucket,
            root,
            tracks,
            requests: 0,
            date: None,
            objects: 0,
            tail: None,
            place: None,
            skipped: None,
        }
    }

    /// Searches, and returns the time of the last response by the server's clock too.
    pub(super) async fn run(
        mut self,
        cursor: Option<&CheckCursor>,
        depth: Depth,
    ) -> Result<(Found, Option<SystemTime>), SearchError> {
        let before = cursor.and_then(|cursor| Place::from_cursor(cursor, &self.root));
        let is_found = match &before {
            Some(before) if depth == Depth::Tail => self.follow(before).await?,
            _ => false,
        };
        if !is_found {
            self.descend(before.as_ref()).await?;
        }
        let mut found = self.found();
        // An older object means that the newest one was deleted, or is not visible at the moment.
        let is_newer = |before: &Place| self.newest() > Some(before.modified);
        if let Some(before) = before.filter(|before| !is_newer(before)) {
            found.cursor = Some(before.into_cursor());
        }
        Ok((found, self.date))
    }

    /// Lists the keys after the cursor, in the folder of the cursor and in the folders of other dates.
    /// Keeps a place only if it is newer. Returns `false` if too many keys follow to list them all.
    async fn follow(&mut self, before: &Place) -> Result<bool, SearchError> {
        let scope = scope_of(&before.leaf, &self.root).to_owned();
        let mut marker = before.marker.clone();
        let is_whole_leaf = before.marker == before.leaf;
        for _ in 0..MAX_TAIL_PAGES {
            let query = ListQuery {
                prefix: &scope,
                is_folder: false,
                marker: &marker,
                max_keys: if is_whole_leaf { PAGE_KEYS } else { TAIL_KEYS },
            };
            let page = self.list(query).await?;
            let newest = newest(&page.objects).filter(|it| it.modified > before.modified);
            if let Some(newest) = newest {
                let leaf = folder_of(&newest.key);
                let start = if marker.starts_with(leaf) {
                    &marker
                } else {
                    leaf
                };
                let objects = page.objects.iter().filter(|it| folder_of(&it.key) == leaf);
                let objects: Vec<&Object> = objects.collect();
                self.keep(leaf, start, &objects);
            }
            let Some(next) = next_page(&page, &marker)? else {
                return Ok(true);
            };
            if leads_back(&next, &before.leaf, scope.len()) {
                return Ok(true);
            }
            marker = next;
        }
        self.tail = Some(marker);
        Ok(false)
    }

    /// Visits the latest folders below the prefix.
    async fn descend(&mut self, before: Option<&Place>) -> Result<(), SearchError> {
        let mut visits = vec![Visit {
            folders: VecDeque::from([self.root.clone()]),
            level: 0,
            is_cut: false,
            unless_more_than: None,
        }];
        while let Some(mut visit) = visits.pop() {
            let is_better = |seen: u64| self.objects > seen;
            if visit.unless_more_than.is_some_and(is_better) {
                continue;
            }
            let level = visit.level;
            let Some(folder) = visit.folders.pop_front() else {
                self.skip("earlier dates are not searched, and the latest ones have no objects");
                continue;
            };
            if !visit.folders.is_empty() || visit.is_cut {
                visit.unless_more_than = Some(self.objects);
                visits.push(visit);
            }
            let folders = self.read_folder(&folder, before).await?;
            if level == MAX_LEVELS {
                if !folders.is_empty() {
                    self.skip(&format!(
                        "{folder:?} has folders below {MAX_LEVELS} levels, which are not searched"
                    ));
                }
                continue;
            }
            let choice = choose(&folders, self.tracks);
            if choice.is_cut {
                self.skip(&format!(
                    "{folder:?} has more folders than are searched; give each track a prefix of its own"
                ));
            }
            // The last one is visited first.
            for group in choice.groups.into_iter().rev() {
                visits.push(Visit {
                    folders: group.folders.into_iter().map(str::to_owned).collect(),
                    level: level + 1,
                    is_cut: group.is_cut,
                    unless_more_than: None,
                });
            }
        }
        Ok(())
    }

    /// Notes that a newer object may be elsewhere.
    fn skip(&mut self, why: &str) {
        self.skipped.get_or_insert_with(|| why.to_owned());
    }

    /// Reads the pages of a folder, keeps the place of its newest object, and returns its folders.
    async fn read_folder(
        &mut self,
        folder: &str,
        before: Option<&Place>,
    ) -> Result<Vec<String>, SearchError> {
        let mut objects = Vec::new();
        let mut folders = Vec::new();
        // Earlier keys were already listed after the cursor.
        let tail = self.tail.clone().filter(|tail| folder_of(tail) == folder);
        let start = tail.clone().unwrap_or_else(|| folder.to_owned());
        let mut marker = match tail {
            Some(tail) => tail,
            None => self.start_of(folder, before).await?,
        };
        for _ in 0..MAX_FOLDER_PAGES {
            let query = ListQuery {
                prefix: folder,
                is_folder: true,
                marker: &marker,
                max_keys: PAGE_KEYS,
            };
            let mut page = self.list(query).await?;
            let next = next_page(&page, &marker)?;
            objects.append(&mut page.objects);
            folders.append(&mut page.folders);
            let Some(next) = next else {
                self.objects += objects.len() as u64;
                let objects: Vec<&Object> = objects.iter().collect();
                self.keep(folder, &start, &objects);
                return Ok(folders);
            };
            marker = next;
        }
        let keys = MAX_FOLDER_PAGES * PAGE_KEYS;
        Err(SearchError::TooLarge(format!(
            "the folder {folder:?} has more than {keys} objects, so the newest one cannot be found"
        )))
    }

    /// Returns the key after which a folder is read. With a folder for each hour there are thousands of
    /// folders, and only folders from the month of the last search on matter.
    async fn start_of(
        &mut self,
        folder: &str,
        before: Option<&Place>,
    ) -> Result<String, SearchError> {
        let leaf = before.map(|before| &*before.leaf);
        let leaf = leaf.filter(|leaf| leaf.len() > folder.len() && leaf.starts_with(folder));
        let child = leaf.map(|leaf| child_of(leaf, folder));
        let Some((year, month)) = child.and_then(year_and_month) else {
            return Ok(String::new());
        };
        // Entries of another layout, such as an object or `2026/`, come first in one of these
        // listings.
        for (marker, otherwise) in [("", ""), (year, year)] {
            let query = ListQuery {
                prefix: folder,
                is_folder: true,
                marker,
                max_keys: 1,
            };
            let page = self.list(query).await?;
            let is_date = |folder: &String| has_complete_date(folder);
            if !page.objects.is_empty() || !page.folders.iter().all(is_date) {
                return Ok(otherwise.to_owned());
            }
        }
        Ok(month.to_owned())
    }

    /// Keeps the place of the newest of these objects of one folder, if it is the newest object of the
    /// search.
    fn keep(&mut self, leaf: &str, start: &str, objects: &[&Object]) {
        let newest = objects.iter().map(|object| object.modified).max();
        if newest > self.newest()
            && let Some(modified) = newest
        {
            self.place = Some(Place {
                leaf: leaf.to_owned(),
                marker: next_marker(leaf, start, objects),
                modified,
            });
        }
    }

    fn newest(&self) -> Option<i64> {
        self.place.as_ref().map(|place| place.modified)
    }

    fn found(&self) -> Found {
        Found {
            newest: self.newest().and_then(from_unix),
            cursor: self.place.clone().map(Place::into_cursor),
            skipped: self.skipped.clone(),
        }
    }

    /// Requests a page, and drops the empty objects that stand for folders. Also drops objects with a
    /// time in the future, which would hide that nothing arrives.
    async fn list(&mut self, query: ListQuery<'_>) -> Result<Page, SearchError> {
        if self.requests == MAX_REQUESTS {
            let root = &self.root;
            return Err(SearchError::TooLarge(format!(
                "the newest object below {root:?} cannot be found within {MAX_REQUESTS} requests"
            )));
        }
        self.requests += 1;
        let page = self.bucket.list(query).await;
        let (mut page, date) = page.map_err(SearchError::Failed)?;
        self.date = date.or(self.date);
        if page.next_marker.is_none() {
            let keys = page.objects.iter().map(|object| &object.key);
            page.next_marker = keys.chain(&page.folders).max().cloned();
        }
        let now = self.date.unwrap_or_else(|| self.bucket.dispatcher.now());
        let latest = unix(now).saturating_add(CLOCKS_DIFFER);
        page.objects
            .retain(|object| !object.key.ends_with('/') && object.modified <= latest);
        Ok(page)
    }
}

/// Returns the marker of the next page, or `None` after the last one.
fn next_page(page: &Page, marker: &str) -> Result<Option<String>, SearchError> {
    if !page.is_truncated {
        return Ok(None);
    }
    let next = page.next_marker.as_ref().filter(|next| &***next > marker);
    next.cloned().map(Some).ok_or_else(|| {
        let why = "the listing is truncated, and its next page would be the same";
        SearchError::Failed(Failure::new(Reason::Malformed, why))
    })
}

fn newest(objects: &[Object]) -> Option<&Object> {
    objects.iter().max_by_key(|object| object.modified)
}
