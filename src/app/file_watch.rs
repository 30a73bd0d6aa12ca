//! Whether the configuration file says something else than it did, or one that it names.
//!
//! By its content, looked at again and again: Kubernetes swaps a link to a folder some levels
//! above, editors rename, network file systems send no events, and a time stamp alone is no change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::config::{FileHash, file_hash};

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The configuration file and what is known of what it and the files that it names say.
#[derive(Debug)]
pub(super) struct FileWatch {
    file: PathBuf,
    /// None where it could not be read.
    known: Option<FileHash>,
}

impl FileWatch {
    /// What it says now is known.
    pub(super) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            known: file_hash(file),
        }
    }

    /// What it says now is known.
    pub(super) fn look(&mut self) {
        self.known = file_hash(&self.file);
    }

    /// Ends when the file says something new, and has said just that for two looks: one look alone
    /// might find half of what is being written. A file that is gone says nothing.
    pub(super) async fn changed(&self) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            looks.tick().await;
            let now = file_hash(&self.file);
            if now.is_some() && now != self.known && now == last {
                return;
            }
            last = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;
    use tokio::time::{sleep, timeout};

    use super::{FileWatch, LOOK_EVERY};

    #[tokio::test(start_paused = true)]
    async fn what_is_half_written_or_gone_or_the_same_is_no_change() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.yaml");
        fs::write(&file, "whole").unwrap();
        let mut watch = FileWatch::new(&file);
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

        watch.look();
        let changed = timeout(LOOK_EVERY * 10, watch.changed()).await;
        assert!(changed.is_err(), "it is known by now");
    }
}
