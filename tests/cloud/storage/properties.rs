//! For any layout, order of writes and faults: a check never reports an arrival that did not
//! happen, stays within its budget, and finds the newest object after the faults end, or says why it
//! may not have found it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::sim::{Bucket, Fault};
use cloudaudit_exporter::tencent::storage::CheckResult;
use cloudaudit_exporter::tencent::storage::cos::MAX_REQUESTS;
use http::StatusCode;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;
use proptest::sample::select;

use super::{REGION, Stage};

/// The path before the dates.
const BEFORE: &[&str] = &[
    "",
    "TRACK/",
    "ap-guangzhou/",
    "TRACK/CloudAudit/",
    "logs/TRACK/",
];

/// The dates, from the longest period to the shortest.
const DATES: &[&str] = &[
    "",
    "%Y/",
    "%Y/%m/",
    "%Y/%-m/",
    "%Y/%m/%d/",
    "%Y/%-m/%-d/",
    "%Y/%m/%d/%H/",
    "%Y/%-m/%-d/%-H/",
    "%Y%m/%d/",
    "%Y%m%d/",
    "%Y%m%d/%H/",
    "%Y%m%d%H/",
    "%Y%m%d%-H/",
    "%Y-%m-%d/",
    "%Y-%-m-%-d/%-H/",
    "year=%Y/month=%-m/day=%d/",
    "log-%Y%m%d/",
];

const FILES: &[&str] = &[
    "%H%M%S_NUMBER.gz",
    "%Y%m%d_%H%M%S_TRACK.json",
    "TRACK_%Y%m%d%H%M%S.txt",
    "NUMBER",
    "HASH",
    "HASH_%H%M.gz",
];

const TRACKS: [&str; 3] = ["everything", "Audit-2", "7"];

#[derive(Clone, Debug)]
struct Names {
    before: &'static str,
    dates: &'static str,
    file: &'static str,
}

#[derive(Clone, Debug)]
enum Step {
    /// A track delivers an object.
    Put(usize),
    Advance(Duration),
    Check,
    /// Switches to the other layout.
    Migrate,
    DeleteNewest,
    Lose(usize),
    VisibleAfter(u64),
    PageOf(usize),
    Skew(i64),
    Break(u16),
    Repair,
}

fn names() -> impl Strategy<Value = Names> {
    (select(BEFORE), select(DATES), select(FILES)).prop_map(|(before, dates, file)| Names {
        before,
        dates,
        file,
    })
}

fn step(tracks: usize) -> impl Strategy<Value = Step> {
    let minutes = |range: std::ops::Range<u64>| range.prop_map(Duration::from_mins);
    prop_oneof![
        10 => (0..tracks).prop_map(Step::Put),
        8 => minutes(1..30).prop_map(Step::Advance),
        2 => minutes(30..3_000).prop_map(Step::Advance),
        1 => minutes(3_000..60_000).prop_map(Step::Advance),
        10 => Just(Step::Check),
        1 => Just(Step::Migrate),
        1 => Just(Step::DeleteNewest),
        1 => (0..4_usize).prop_map(Step::Lose),
        1 => (0..600_u64).prop_map(Step::VisibleAfter),
        1 => (1..20_usize).prop_map(Step::PageOf),
        1 => (-20_000..20_000_i64).prop_map(Step::Skew),
        1 => select(&[200_u16, 403, 404, 503, 0][..]).prop_map(Step::Break),
        2 => Just(Step::Repair),
    ]
}

fn steps() -> impl Strategy<Value = (usize, Vec<Step>)> {
    (1..=TRACKS.len()).prop_flat_map(|tracks| {
        let steps = prop::collection::vec(step(tracks), 1..80);
        (Just(tracks), steps)
    })
}

impl Names {
    fn key(&self, track: &str, at: SystemTime, number: u64) -> String {
        let at = Timestamp::try_from(at).unwrap();
        let at = at.to_zoned(TimeZone::fixed(Offset::constant(8)));
        let format = format!("audit/{}{}{}", self.before, self.dates, self.file);
        let hash = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        at.strftime(&format)
            .to_string()
            .replace("TRACK", track)
            .replace("NUMBER", &number.to_string())
            .replace("HASH", &format!("{hash:016x}"))
    }
}

struct Play {
    stage: Stage,
    bucket: Bucket,
    layouts: [Names; 2],
    /// The times of all objects that were ever in the bucket.
    arrived: Vec<SystemTime>,
    /// The newest arrival that a check has reported.
    reported: Option<SystemTime>,
    /// Whether the latest successful check says that a newer object may be elsewhere.
    has_skipped: bool,
    number: u64,
}

impl Play {
    fn new(layouts: [Names; 2], tracks: usize) -> Self {
        let mut stage = Stage::new();
        stage.tracks = TRACKS[..tracks]
            .iter()
            .map(|&name| name.to_owned())
            .collect();
        let bucket = stage.account.add_bucket(REGION, "audit-log");
        Self {
            stage,
            bucket,
            layouts,
            arrived: Vec::new(),
            reported: None,
            has_skipped: false,
            number: 0,
        }
    }

    async fn play(&mut self, step: &Step) {
        match *step {
            Step::Put(track) => {
                // `LastModified` has whole seconds.
                let at = self.stage.world.now().duration_since(UNIX_EPOCH).unwrap();
                let at = UNIX_EPOCH + Duration::from_secs(at.as_secs());
                let key = self.layouts[0].key(TRACKS[track], at, self.number);
                self.bucket.put(&key, at);
                self.arrived.push(at);
                self.number += 1;
            }
            Step::Advance(time) => tokio::time::advance(time).await,
            Step::Check => {
                self.check().await;
            }
            Step::Migrate => self.layouts.swap(0, 1),
            Step::DeleteNewest => {
                let objects = self.bucket.objects();
                if let Some((key, _)) = objects.iter().max_by_key(|(_, at)| *at) {
                    self.bucket.remove(key);
                }
            }
            Step::Lose(objects) => self.bucket.lose_newest(objects),
            Step::VisibleAfter(seconds) => {
                self.bucket.set_visible_after(Duration::from_secs(seconds));
            }
            Step::PageOf(entries) => self.bucket.set_max_keys(entries),
            Step::Skew(seconds) => self.stage.world.set_skew_seconds(seconds),
            Step::Break(status) => {
                let fault = match StatusCode::from_u16(status) {
                    Ok(status) => {
                        let body = "<Error><Code>AccessDenied</Code></Error>";
                        Fault::raw(status, "application/xml", body)
                    }
                    Err(_) => Fault::truncated(),
                };
                self.stage.world.inject(fault.every(2).until_cleared());
            }
            Step::Repair => self.stage.world.clear_faults(),
        }
    }

    /// Checks, and returns the newest arrival if the check succeeded.
    async fn check(&mut self) -> Option<Option<SystemTime>> {
        let before = self.stage.lists();
        let result = self.stage.check().await;
        let requests = self.stage.lists() - before;
        // Retries are not counted in the budget: three attempts, and one with a corrected clock.
        assert!(
            requests <= u64::from(MAX_REQUESTS) * 4,
            "{requests} requests"
        );
        let CheckResult::Seen {
            newest,
            cloud_now,
            skipped,
            ..
        } = result
        else {
            return None;
        };
        self.has_skipped = skipped.is_some();
        if let Some(newest) = newest {
            let is_arrival = self.arrived.contains(&newest);
            let is_capped = newest == cloud_now && self.arrived.iter().any(|at| *at > cloud_now);
            assert!(is_arrival || is_capped, "{newest:?} at {cloud_now:?}");
            assert!(newest <= cloud_now);
        }
        self.reported = self.reported.max(newest);
        Some(newest)
    }

    /// Ends all faults, and checks until the newest object is found.
    async fn settle(&mut self, tail: usize) {
        self.stage.world.clear_faults();
        self.bucket.lose_newest(0);
        self.bucket.set_visible_after(Duration::ZERO);
        self.bucket.set_max_keys(1_000);
        for _ in 0..tail {
            tokio::time::advance(Duration::from_secs(20)).await;
            self.play(&Step::Put(0)).await;
        }
        tokio::time::advance(Duration::from_mins(20)).await;
        let truth = self.bucket.newest();
        // The first check may find a new object of one track, the second the newest object of all.
        self.check().await.expect("nothing is broken");
        let before = self.stage.lists();
        self.check().await.expect("nothing is broken");
        // Objects that a check has seen may be deleted: what is left was reported too. After a change
        // of the cloud's clock, an object may be in its future.
        let is_future = truth > Some(self.stage.world.now());
        assert!(
            is_future || self.has_skipped || self.reported >= truth,
            "{:#?}",
            self.bucket.objects()
        );
        let requests = self.stage.lists() - before;
        assert!(requests <= 40, "{requests} requests");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_newest_object_is_found_after_any_faults(
        first in names(),
        second in names(),
        (tracks, steps) in steps(),
        // After an interruption, thousands of objects may follow the cursor.
        tail in prop_oneof![9 => Just(0), 1 => 500..3_000_usize],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut play = Play::new([first, second], tracks);
            for step in &steps {
                play.play(step).await;
            }
            play.settle(tail).await;
        });
    }
}
