//! A file with one value, which is loaded when the process starts and replaced while it runs.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::encoding::{MAX_BYTES, encode};
use super::path::StatePath;

use crate::escape::visible_path;

/// A file with one value of `T`.
#[derive(Debug)]
pub struct StateFile<T> {
    /// Behind a lock, so that there is one write at a time. The write itself holds the lock: a write
    /// that the caller no longer waits for still ends before the next begins.
    path: Arc<Mutex<StatePath>>,
    value: PhantomData<fn() -> T>,
}

/// The content of a file when it was opened.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The value. `None` if there is no file, or it cannot be used.
    pub value: Option<T>,
    /// Problems with the file, for the log.
    pub warnings: Vec<String>,
    /// Why it cannot be written now. Each write tries again.
    pub unwritable: Option<String>,
}

impl<T: Serialize + DeserializeOwned + Send + 'static> StateFile<T> {
    /// Reads the file and claims it for this process, as far as possible. Blocks. A file that cannot
    /// be used is renamed, not overwritten, if this process may write.
    pub fn open(path: impl Into<PathBuf>, now: SystemTime) -> (Self, Loaded<T>) {
        let mut path = StatePath::new(path.into());
        // The lock comes first, so that no other process writes after this one has read.
        let lock = path.lock();
        let content = path.read();
        let claimed = lock.and_then(|lock| path.claim(lock, content.is_ok(), now));
        let loaded = Loaded::new(path.path(), content, claimed);
        let file = Self {
            path: Arc::new(Mutex::new(path)),
            value: PhantomData,
        };
        (file, loaded)
    }

    /// Replaces the file, and claims it if another process held the lock and has exited. Takes a
    /// closure, because making a large value must not block a thread of the runtime either.
    ///
    /// # Errors
    ///
    /// Why the file was not replaced.
    pub async fn write(
        &self,
        value: impl FnOnce() -> T + Send + 'static,
        now: SystemTime,
    ) -> Result<(), String> {
        let mut path = Arc::clone(&self.path).lock_owned().await;
        let write = move || write(&mut path, &value(), now);
        // The panic hook has logged a panic; the caller gets a failed write.
        spawn_blocking(write)
            .await
            .unwrap_or_else(|error| Err(error.to_string()))
    }
}

impl<T> Loaded<T> {
    fn new(
        path: &Path,
        content: Result<Option<T>, String>,
        claimed: Result<Option<PathBuf>, String>,
    ) -> Self {
        let mut warnings = Vec::new();
        let path = visible_path(path);
        if let Err(fault) = &content {
            let kept = match &claimed {
                Ok(Some(aside)) => format!("; it was renamed to {}", visible_path(aside)),
                _ => String::new(),
            };
            warnings.push(format!("cannot use the state file {path}: {fault}{kept}"));
        }
        let unwritable = claimed.err();
        if let Some(error) = &unwritable {
            warnings.push(format!("cannot write the state file {path}: {error}"));
        }
        Self {
            value: content.ok().flatten(),
            warnings,
            unwritable,
        }
    }
}

fn write<T>(path: &mut StatePath, value: &T, now: SystemTime) -> Result<(), String>
where
    T: Serialize + DeserializeOwned,
{
    if !path.is_claimed() {
        let lock = path.lock()?;
        let usable = path.read::<T>().is_ok();
        path.claim(lock, usable, now)?;
    }
    let payload = serde_json::to_vec(value).map_err(|error| error.to_string())?;
    let content = encode(&payload);
    if content.len() > MAX_BYTES {
        let length = content.len();
        return Err(format!(
            "it would have {length} bytes, more than the limit of {MAX_BYTES}; divide the accounts among shards"
        ));
    }
    path.replace(&content).map_err(|error| error.to_string())
}
