//! The task that keeps the file up to date, in virtual time.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::changes::ChangeFeed;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::history::{Retention, TargetHistory};
use cloudaudit_exporter::snapshot::{AccountInfo, Listing, Report};
use cloudaudit_exporter::state::{Known, Saved, StateFile, StateWriter};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::subscriber::set_default;

use crate::support::tracks::{listing, track};

const REGION: &str = "ap-guangzhou";
const SECOND: Duration = Duration::from_secs(1);

/// An account that is polled now and then, and a folder for its state.
struct Scene {
    folder: TempDir,
    clock: Clock,
    start: Instant,
    history: RefCell<TargetHistory>,
    reports: RefCell<Vec<Arc<Report>>>,
    changes: ChangeFeed,
    /// The second and the result of each write.
    done: RefCell<Vec<(u64, Result<SystemTime, String>)>>,
}

impl Scene {
    fn new() -> Self {
        let retention = Retention {
            stale_after: Duration::from_hours(1),
            tombstone_for: Duration::from_hours(24),
            max_tracks: 100,
        };
        let minute = Duration::from_mins(1);
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::virtual_at(UNIX_EPOCH + Duration::from_hours(498_730)),
            start: Instant::now(),
            history: TargetHistory::new(REGION.to_owned(), minute, retention).into(),
            reports: RefCell::default(),
            changes: ChangeFeed::new(100),
            done: RefCell::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }

    fn known(&self) -> Known {
        Known {
            reports: self.reports.borrow().clone(),
            changes: self.changes.latest(self.clock.now().wall),
        }
    }

    fn seconds(&self) -> u64 {
        self.start.elapsed().as_secs()
    }

    /// Records the listing of a poll, and publishes the account.
    fn poll(&self, listing: Listing) {
        let mut history = self.history.borrow_mut();
        history.listed(listing, self.clock.now(), SECOND);
        let account = AccountInfo {
            name: "prod".to_owned(),
            ..AccountInfo::default()
        };
        *self.reports.borrow_mut() = vec![Arc::new(Report {
            account: Arc::new(account),
            targets: vec![history.report().clone()],
            ..Report::default()
        })];
    }

    /// Runs the writer until `play` completes, then shuts the writer down.
    async fn write_during(&self, play: impl Future<Output = ()>) {
        let (writer, _) = StateWriter::open(self.path(), self.clock.clone());
        let (end, ended) = oneshot::channel::<()>();
        let writing = writer.run(
            async || self.known(),
            |done| {
                let done = done.map(|written| written.began).map_err(str::to_owned);
                self.done.borrow_mut().push((self.seconds(), done));
            },
            async { drop(ended.await) },
        );
        let playing = async {
            play.await;
            drop(end);
        };
        tokio::join!(writing, playing);
    }

    /// When it was written.
    fn written(&self) -> Vec<u64> {
        let done = self.done.borrow();
        assert!(done.iter().all(|(_, done)| done.is_ok()), "{done:?}");
        done.iter().map(|(second, _)| *second).collect()
    }

    /// The number of tracks in the file, and when it says they were listed.
    fn in_file(&self) -> Option<(usize, SystemTime)> {
        let (_, loaded) = StateFile::<Saved>::open(self.path(), self.clock.now().wall);
        let known = loaded
            .value?
            .into_reports(self.clock.now())
            .remove("prod")?;
        let known = known.targets.into_iter().find(|it| it.region == REGION)?;
        let good = known.last_good?;
        Some((good.listing.tracks.len(), good.at))
    }

    fn at(&self, second: u64) -> SystemTime {
        let start = self.clock.now().wall - self.start.elapsed();
        start + Duration::from_secs(second)
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_listing_is_in_the_file_within_five_seconds() {
    let scene = Scene::new();
    scene
        .write_during(async {
            sleep(20 * SECOND).await;
            scene.poll(listing([track(1, "a")]));
            sleep(5 * SECOND).await;
            assert_eq!(scene.in_file(), Some((1, scene.at(20))));
            scene.poll(listing([track(1, "a"), track(2, "b")]));
            sleep(5 * SECOND).await;
            assert_eq!(scene.in_file(), Some((2, scene.at(25))));
        })
        .await;
    assert_eq!(scene.written().len(), 2, "and nothing at the end");
}

#[tokio::test(start_paused = true)]
async fn mere_times_are_written_once_a_minute_and_at_the_end() {
    let scene = Scene::new();
    let poll = || scene.poll(listing([track(1, "a")]));
    scene
        .write_during(async {
            poll();
            // For five minutes it is polled every ten seconds.
            for _ in 0..30 {
                sleep(10 * SECOND).await;
                poll();
            }
        })
        .await;
    let written = scene.written();
    assert_eq!(written.len(), 1 + 4 + 1, "{written:?}");
    let minutes = written[..5].windows(2).map(|pair| pair[1] - pair[0]);
    assert!(
        minutes.clone().all(|gap| (60..=71).contains(&gap)),
        "{written:?}"
    );
    assert_eq!(written[5], 300);
    assert_eq!(scene.in_file(), Some((1, scene.at(300))));
}

#[tokio::test(start_paused = true)]
async fn an_account_without_a_report_replaces_nothing() {
    let scene = Scene::new();
    fs::write(
        scene.path(),
        cloudaudit_exporter::state::encode(b"{\"accounts\":{}}"),
    )
    .unwrap();
    let before = fs::metadata(scene.path()).unwrap().modified().unwrap();
    scene.write_during(sleep(300 * SECOND)).await;
    assert_eq!(scene.written(), [0; 0]);
    assert_eq!(
        fs::metadata(scene.path()).unwrap().modified().unwrap(),
        before
    );
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_is_taken_down_before_the_end_takes_nothing_out_of_the_file() {
    let scene = Scene::new();
    scene
        .write_during(async {
            scene.poll(listing([track(1, "a")]));
            sleep(5 * SECOND).await;
            scene.reports.borrow_mut().clear();
        })
        .await;
    assert_eq!(scene.in_file(), Some((1, scene.at(0))));
}

#[tokio::test(start_paused = true)]
async fn an_unwritable_file_is_reported_each_time_and_stops_nothing() {
    let scene = Scene::new();
    let obstacle = scene.folder.path().join("state.json.tmp");
    let blocked = Cell::new(0);
    let log = scene.folder.path().join("log");
    let log_file = Arc::new(fs::File::create(&log).unwrap());
    let to_log = tracing_subscriber::fmt().with_ansi(false);
    let _logging = set_default(to_log.with_writer(log_file).finish());
    scene
        .write_during(async {
            scene.poll(listing([track(1, "a")]));
            sleep(5 * SECOND).await;
            fs::create_dir_all(obstacle.join("x")).unwrap();
            scene.poll(listing([]));
            sleep(60 * SECOND).await;
            blocked.set(scene.done.borrow().len());
            fs::remove_dir_all(&obstacle).unwrap();
            sleep(11 * SECOND).await;
        })
        .await;
    let done = scene.done.borrow();
    let ok: Vec<bool> = done.iter().map(|(_, done)| done.is_ok()).collect();
    assert!(
        ok[0] && ok[1..blocked.get()].iter().all(|ok| !ok),
        "{done:?}"
    );
    assert!(
        (5..=7).contains(&(blocked.get() - 1)),
        "every ten seconds: {done:?}"
    );
    assert_eq!(ok[blocked.get()..], [true], "{done:?}");
    assert_eq!(scene.in_file().unwrap().0, 0);
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(
        log.matches(" WARN ").count(),
        1,
        "once, not each time: {log}"
    );
    assert!(log.contains("cannot write the state file"), "{log}");
    assert_eq!(
        log.matches("the state file is written again").count(),
        1,
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_locked_file_is_reported_at_once_and_written_after_its_release() {
    let scene = Scene::new();
    let (other, _) = StateFile::<Saved>::open(scene.path(), scene.clock.now().wall);
    scene.poll(listing([track(1, "a")]));
    scene
        .write_during(async {
            sleep(SECOND / 2).await;
            assert!(scene.done.borrow()[0].1.is_err());
            sleep(20 * SECOND).await;
            assert_eq!(scene.in_file(), None);
            drop(other);
            sleep(15 * SECOND).await;
            // The next process comes up and reads, but may not write.
            assert_eq!(scene.in_file(), Some((1, scene.at(0))));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_single_round_writes_once() {
    let scene = Scene::new();
    let (writer, saved) = StateWriter::open(scene.path(), scene.clock.clone());
    assert!(saved.is_none());
    scene.poll(listing([track(1, "a")]));
    writer
        .finish(scene.known(), |done| assert!(done.is_ok()))
        .await;
    assert_eq!(scene.in_file(), Some((1, scene.at(0))));
}
