//! Whole walks over the pages of a cloud that changes, lies and fails in between: a listing only
//! where the pages prove it, and always where nothing disturbed them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::Listing;
use cloudaudit_exporter::tencent::Client;
use cloudaudit_exporter::tencent::wire::parse_page;
use jiff::tz::Offset;
use tokio::time::Instant;

use super::input::Input;
use crate::support::scripted::{Notes, answer, api_error, options, page, parts, scripted};

/// The tracks that a world begins with, at the most, and those of a page that is made up.
const MAX_TRACKS: u8 = 40;
const MAX_MADE_UP: u8 = 6;

/// Lists tracks of a cloud that behaves as the input says.
pub fn walk(input: &[u8]) {
    let cloud = Cloud::new(input);
    let page_size = cloud.page_size;
    let cloud = Arc::new(Mutex::new(cloud));
    let asked = Arc::clone(&cloud);
    let transport = scripted(move |number, size, _| {
        let mut cloud = asked.lock().unwrap_or_else(PoisonError::into_inner);
        answer(cloud.answer(number, size))
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let (listed, counts) = runtime.block_on(async {
        let client = Client::new(parts(transport), options(page_size));
        let (retry_until, notes) = (Instant::now() + Duration::from_mins(5), Notes::default());
        let listed = client.list("ap-guangzhou", retry_until, &notes).await;
        (listed, notes.counts())
    });
    let cloud = cloud.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(counts.0, cloud.calls, "the observer saw every request");
    match listed {
        Ok(listing) => cloud.justifies(&listing),
        Err(failure) => cloud.excuses(&failure),
    }
}

/// A cloud whose tracks come and go.
struct Cloud {
    script: Vec<u8>,
    read: usize,
    page_size: u32,
    /// No page is longer.
    cap: u64,
    /// Whether the offset of a page depends on the requested size, so that a page that the cap
    /// shortens makes the walk skip tracks.
    skips: bool,
    too_many: u64,

    tracks: Vec<u64>,
    next_id: u64,

    calls: usize,
    /// The call before which the tracks changed last.
    changed_at: usize,
    /// Whether every response was correct.
    is_honest: bool,
    served: Vec<Served>,
}

/// A page that was served.
struct Served {
    call: usize,
    number: u64,
    size: u64,
    ids: Vec<u64>,
    total: u64,
    is_honest: bool,
}

impl Cloud {
    fn new(input: &[u8]) -> Self {
        let mut input = Input::new(input);
        let tracks = u64::from(input.below(MAX_TRACKS));
        let page_size = 1 + u32::from(input.below(8));
        let cap = match input.below(16) {
            cap @ 1..=8 => u64::from(cap),
            _ => u64::MAX,
        };
        let (skips, too_many) = match input.below(8) {
            1 => (true, 0),
            2 => (false, 1),
            3 => (false, 7),
            4 => (true, 1),
            _ => (false, 0),
        };
        Self {
            script: input.rest().to_vec(),
            read: 0,
            page_size,
            cap,
            skips,
            too_many,
            tracks: (1..=tracks).collect(),
            next_id: tracks + 1,
            calls: 0,
            changed_at: 0,
            is_honest: true,
            served: Vec::new(),
        }
    }

    /// What the script says happens before this call; then its answer.
    fn answer(&mut self, number: u64, size: u64) -> String {
        let script = std::mem::take(&mut self.script);
        let mut input = Input::new(&script[self.read..]);
        let body = self.act(&mut input, number, size);
        self.read = script.len() - input.rest().len();
        self.script = script;
        self.calls += 1;
        body
    }

    fn act(&mut self, input: &mut Input<'_>, number: u64, size: u64) -> String {
        match input.below(16) {
            1 => self.change(|tracks, id| tracks.insert(0, id)),
            2 => self.change(Vec::push),
            3 => self.delete(input.byte()),
            4 => {
                self.delete(input.byte());
                self.change(Vec::push);
            }
            5 => {
                let total = u64::from(input.below(MAX_TRACKS));
                let ids = self.cut(number, size);
                return self.serve(number, size, ids, total, false);
            }
            6 => {
                let total = u64::from(input.below(2 * MAX_MADE_UP));
                let ids = (0..input.below(MAX_MADE_UP))
                    .map(|_| u64::from(input.below(2 * MAX_MADE_UP)))
                    .collect();
                return self.serve(number, size, ids, total, false);
            }
            7 => {
                self.is_honest = false;
                let codes = [
                    "RequestLimitExceeded",
                    "InternalError",
                    "UnauthorizedOperation",
                ];
                return api_error(codes[usize::from(input.below(3))]);
            }
            8 => {
                self.is_honest = false;
                let body = input.text();
                if let Ok(page) = parse_page(body.as_bytes(), Offset::UTC) {
                    let ids = page.tracks.iter().map(|track| track.id).collect();
                    self.note(number, size, ids, page.total, false);
                }
                return body;
            }
            _ => {}
        }
        let total = self.tracks.len() as u64 + self.too_many;
        let ids = self.cut(number, size);
        self.serve(number, size, ids, total, true)
    }

    fn change(&mut self, create: impl FnOnce(&mut Vec<u64>, u64)) {
        create(&mut self.tracks, self.next_id);
        self.next_id += 1;
        self.changed_at = self.calls;
    }

    fn delete(&mut self, which: u8) {
        if !self.tracks.is_empty() {
            self.tracks.remove(usize::from(which) % self.tracks.len());
            self.changed_at = self.calls;
        }
    }

    /// The page of a list that is cut by offset.
    fn cut(&self, number: u64, size: u64) -> Vec<u64> {
        let step = if self.skips { size } else { size.min(self.cap) };
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.tracks.iter().skip(place((number - 1) * step));
        rest.take(place(size.min(self.cap))).copied().collect()
    }

    fn serve(&mut self, number: u64, size: u64, ids: Vec<u64>, total: u64, honest: bool) -> String {
        let body = page(&ids, total);
        self.note(number, size, ids, total, honest);
        body
    }

    fn note(&mut self, number: u64, size: u64, ids: Vec<u64>, total: u64, is_honest: bool) {
        self.is_honest &= is_honest;
        self.served.push(Served {
            call: self.calls,
            number,
            size,
            ids,
            total,
            is_honest,
        });
    }

    /// The pages of each walk: page 1 begins one.
    fn walks(&self) -> Vec<Walk<'_>> {
        let walks = self.served.chunk_by(|_, next| next.number != 1);
        walks.map(Walk).collect()
    }

    /// A listing is what the last walk saw, and that proves itself or agrees with the one before.
    fn justifies(&self, listing: &Listing) {
        let walks = self.walks();
        let Some((last, earlier)) = walks.split_last() else {
            panic!("a listing out of nothing");
        };
        let ids: Vec<u64> = listing.tracks.iter().map(|track| track.id).collect();
        assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
        assert!(ids.iter().eq(&last.ids()), "{ids:?} of {:?}", last.ids());
        assert_eq!(Some(listing.reported), last.reported());
        assert!(
            last.0
                .iter()
                .zip(1..)
                .all(|(page, number)| page.number == number),
            "a page is missing"
        );
        assert!(earlier.len() <= 1, "{} walks", walks.len());
        let twice = |first: &Walk<'_>| {
            let reported = first.reported().max(last.reported());
            first.is_to_the_end()
                && last.is_to_the_end()
                && first.ids() == last.ids()
                && reported <= Some(ids.len() as u64)
        };
        assert!(
            last.adds_up() || earlier.iter().any(twice),
            "{ids:?} is not proved"
        );
        let began = last.0[0].call;
        if self.changed_at <= began && last.0.iter().all(|page| page.is_honest) {
            let world: BTreeSet<u64> = self.tracks.iter().copied().collect();
            assert_eq!(last.ids(), world, "the world at rest");
        }
    }

    /// Asserts that the cloud gave a reason for a failure.
    fn excuses(&self, failure: &Failure) {
        let was_still = self.changed_at == 0;
        assert!(
            !(was_still && self.is_honest && self.too_many == 0),
            "{failure}"
        );
        if failure.reason == Reason::Incomplete {
            assert_eq!(self.walks().len(), 2, "{failure}");
        }
    }
}

struct Walk<'a>(&'a [Served]);

impl Walk<'_> {
    fn ids(&self) -> BTreeSet<u64> {
        self.0.iter().flat_map(|page| &page.ids).copied().collect()
    }

    /// The highest that any page reported.
    fn reported(&self) -> Option<u64> {
        self.0.iter().map(|page| page.total).max()
    }

    /// One total throughout, and as many tracks.
    fn adds_up(&self) -> bool {
        let collected = self.ids().len() as u64;
        self.0.iter().all(|page| page.total == collected)
    }

    /// Returns whether the walk has full pages, a last page that may be short, and an empty page.
    fn is_to_the_end(&self) -> bool {
        match self.0 {
            [full @ .., _, end] => {
                let is_full = |page: &Served| page.ids.len() as u64 >= page.size;
                end.ids.is_empty() && full.iter().all(is_full)
            }
            _ => false,
        }
    }
}
