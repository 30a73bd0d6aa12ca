//! Whether the configuration file says something else than it did, or one that it names.
//!
//! By its content, looked at again and again: Kubernetes swaps a link to a folder some levels
//! above, editors rename, network file systems send no events, and a time stamp alone is no change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::config::{FileHash, LOAD_TIMEOUT, file_hash};
use crate::files::ReadSlot;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The result of one check of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Content(FileHash),
    /// An editor may have moved the file away for a moment, so this is no change.
    Absent,
    /// Reloading says why.
    Unreadable(String),
}

/// The configuration file and what is known of what it and the files that it names say.
#[derive(Debug)]
pub(super) struct FileWatch {
    file: PathBuf,
    slot: ReadSlot,
    known: Seen,
    /// The result of the last check.
    last: Option<Seen>,
    looks: Interval,
    /// A check in progress. It is stored here because the future that waits for it is dropped
    /// whenever another event comes first.
    looking: Option<JoinHandle<Seen>>,
}

impl FileWatch {
    /// Watches for changes of the present content. Reads share `slot`.
    pub(super) async fn new(file: &Path, slot: ReadSlot) -> Self {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            known: see(slot.clone(), file.to_owned()).await,
            file: file.to_owned(),
            slot,
            last: None,
            looks,
            looking: None,
        }
    }

    /// Makes the present content the known one.
    pub(super) async fn look(&mut self) {
        self.known = see(self.slot.clone(), self.file.clone()).await;
    }

    /// Ends when the file says something new, and has said just that for two looks: one look alone
    /// might find half of what is being written. A file that is gone says nothing.
    ///
    /// Nothing is lost if this future is dropped and called again.
    pub(super) async fn changed(&mut self) {
        loop {
            let look = if let Some(look) = &mut self.looking {
                look
            } else {
                self.looks.tick().await;
                let look = see(self.slot.clone(), self.file.clone());
                self.looking.insert(tokio::spawn(look))
            };
            let seen = look.await;
            self.looking = None;
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

async fn see(slot: ReadSlot, file: PathBuf) -> Seen {
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

    use super::{FileWatch, LOOK_EVERY};
    use crate::files::ReadSlot;

    #[tokio::test(start_paused = true)]
    async fn what_is_half_written_or_gone_or_the_same_is_no_change() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.yaml");
        fs::write(&file, "whole").unwrap();
        let mut watch = FileWatch::new(&file, ReadSlot::default()).await;
        let writing = async {
            // Another text at each look.
            for length in 1..20 {
                fs::write(&file, "x".repeat(length)).unwrap();
                sleep(LOOK_EVERY).await;
            }
            fs::write(&file, "whole").unwrap();
            sleep(LOOK_EVERY * 3).await;
            fs::remove_file(&file).unwrap();
            sleep(LOOK_EVERY * 3).await;
        };
        tokio::select! {
            biased;
            () = watch.changed() => panic!("there is nothing new"),
            () = writing => {}
        }
        fs::write(&file, "new").unwrap();
        timeout(LOOK_EVERY * 3, watch.changed()).await.unwrap();

        watch.look().await;
        let changed = timeout(LOOK_EVERY * 10, watch.changed()).await;
        assert!(changed.is_err(), "it is known by now");
    }

    /// An organization with `refresh: 1s` wakes the reloader that often.
    #[tokio::test(start_paused = true)]
    async fn a_change_is_seen_though_the_wait_for_it_is_dropped_again_and_again() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.yaml");
        fs::write(&file, "old").unwrap();
        let mut watch = FileWatch::new(&file, ReadSlot::default()).await;
        fs::write(&file, "new").unwrap();
        for _ in 0..10 {
            if timeout(LOOK_EVERY / 2, watch.changed()).await.is_ok() {
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
        timeout(LOOK_EVERY * 3, watch.changed()).await.unwrap();

        watch.look().await;
        let again = timeout(LOOK_EVERY * 10, watch.changed()).await;
        assert!(again.is_err(), "a reload has said so by now");
    }
}
