//! Detects a new content of the configuration file and of the account files that it names.
//!
//! It compares the content at an interval. File events are not enough: Kubernetes replaces a link in
//! the path of the file, editors rename files, and network file systems send no events. A new time
//! stamp alone is no change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::config::{FileHash, LOAD_TIMEOUT, file_hash};
use crate::files::ReadSlot;

/// The time between two checks of the files.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// The result of one check of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Content(FileHash),
    /// An editor may have moved the file away for a moment, so this is no change.
    Absent,
    /// Why the configuration file cannot be read. A reload reports it.
    Unreadable(String),
}

/// Watches the configuration file and the account files that it names.
#[derive(Debug)]
pub(super) struct FileWatch {
    file: PathBuf,
    slot: ReadSlot,
    /// What the check before the latest load found.
    known: Seen,
    /// The result of the last check.
    last: Option<Seen>,
    checks: Interval,
    /// A check in progress. It is stored here because the future that waits for it is dropped
    /// whenever another event comes first.
    checking: Option<JoinHandle<Seen>>,
}

impl FileWatch {
    /// Watches for changes of the present content. Reads share `slot`.
    pub(super) async fn new(file: &Path, slot: ReadSlot) -> Self {
        let mut checks = interval(CHECK_INTERVAL);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            known: check(slot.clone(), file.to_owned()).await,
            file: file.to_owned(),
            slot,
            last: None,
            checks,
            checking: None,
        }
    }

    /// Records the present content, which is about to be loaded.
    pub(super) async fn mark_loaded(&mut self) {
        self.known = check(self.slot.clone(), self.file.clone()).await;
    }

    /// Waits for a new content or read error that two checks in a row have found: a single check may
    /// find a file that is half written. An absent file is no change.
    ///
    /// It is cancel safe: a later call continues the check.
    pub(super) async fn changed(&mut self) {
        loop {
            let check = if let Some(check) = &mut self.checking {
                check
            } else {
                self.checks.tick().await;
                let check = check(self.slot.clone(), self.file.clone());
                self.checking.insert(tokio::spawn(check))
            };
            let seen = check.await;
            self.checking = None;
            let Ok(now) = seen else { continue };
            let is_settled = self.last.as_ref() == Some(&now);
            let is_new = now != Seen::Absent && now != self.known;
            self.last = Some(now);
            if is_settled && is_new {
                return;
            }
        }
    }
}

async fn check(slot: ReadSlot, file: PathBuf) -> Seen {
    let hash = slot.run(LOAD_TIMEOUT, move || file_hash(&file)).await;
    match hash.and_then(|hash| hash) {
        Ok(hash) => Seen::Content(hash),
        Err(error) if error.is_absent() => Seen::Absent,
        Err(error) => Seen::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;
    use tokio::time::{sleep, timeout};

    use super::{CHECK_INTERVAL, FileWatch};
    use crate::files::ReadSlot;

    #[tokio::test(start_paused = true)]
    async fn a_half_written_absent_or_unchanged_file_is_no_change() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.yaml");
        fs::write(&file, "whole").unwrap();
        let mut watch = FileWatch::new(&file, ReadSlot::default()).await;
        let writing = async {
            // Another text at each check.
            for length in 1..20 {
                fs::write(&file, "x".repeat(length)).unwrap();
                sleep(CHECK_INTERVAL).await;
            }
            fs::write(&file, "whole").unwrap();
            sleep(CHECK_INTERVAL * 3).await;
            fs::remove_file(&file).unwrap();
            sleep(CHECK_INTERVAL * 3).await;
        };
        tokio::select! {
            biased;
            () = watch.changed() => panic!("no content is new"),
            () = writing => {}
        }
        fs::write(&file, "new").unwrap();
        timeout(CHECK_INTERVAL * 3, watch.changed()).await.unwrap();

        watch.mark_loaded().await;
        let changed = timeout(CHECK_INTERVAL * 10, watch.changed()).await;
        assert!(changed.is_err(), "the content is loaded");
    }

    /// An organization with `refresh: 1s` wakes the reloader that often.
    #[tokio::test(start_paused = true)]
    async fn a_change_is_detected_even_if_each_wait_for_it_is_dropped() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.yaml");
        fs::write(&file, "old").unwrap();
        let mut watch = FileWatch::new(&file, ReadSlot::default()).await;
        fs::write(&file, "new").unwrap();
        for _ in 0..10 {
            if timeout(CHECK_INTERVAL / 2, watch.changed()).await.is_ok() {
                return;
            }
        }
        panic!("the change was never seen");
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_becomes_a_directory_is_a_change_once() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.yaml");
        fs::write(&file, "old").unwrap();
        let mut watch = FileWatch::new(&file, ReadSlot::default()).await;
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        timeout(CHECK_INTERVAL * 3, watch.changed()).await.unwrap();

        watch.mark_loaded().await;
        let again = timeout(CHECK_INTERVAL * 10, watch.changed()).await;
        assert!(again.is_err(), "the content is loaded");
    }
}
