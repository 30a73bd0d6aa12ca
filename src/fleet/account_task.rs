//! An account that polls, whatever befalls its loop.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use super::observer::FleetObserver;
use super::prepared_account::PreparedAccount;
use crate::heartbeat::STALL_TIMEOUT;
use crate::poll::{self, Memory, Publish, PublishHandle};
use crate::tencent::Observer;
use crate::tencent::reasons::visible;

/// How long an account rests after a panic. What panicked once may well do so again, and must not
/// keep the machine or the cloud busy with it.
const RESTART_PAUSE: Duration = Duration::from_secs(10);

/// An account's task, and its way to publish.
pub(super) struct AccountTask {
    pub(super) prepared: Arc<PreparedAccount>,
    handle: Arc<PublishHandle>,
    task: AbortHandle,
}

impl AccountTask {
    /// Publishes what is remembered, and begins to poll at `first`.
    pub(super) async fn start(
        prepared: PreparedAccount,
        memory: Memory,
        first: Instant,
        process: Arc<dyn Observer>,
        observer: Arc<dyn FleetObserver>,
    ) -> Self {
        let prepared = Arc::new(prepared);
        let publish = observer.publisher_for(&prepared.info);
        let handle = Arc::new(PublishHandle::new(memory, publish, Instant::now()));
        observer.account_started(prepared.name(), handle.heartbeat());
        let supervisor = Supervisor {
            prepared: Arc::clone(&prepared),
            handle: Arc::clone(&handle),
            process,
            observer,
        };
        let account = supervisor.account().await;
        let task = tokio::spawn(supervisor.supervise(account, first)).abort_handle();
        Self {
            prepared,
            handle,
            task,
        }
    }

    /// Ends the loop and drops the polls that are under way. After this nothing is published.
    pub(super) fn stop(&self) -> Memory {
        self.task.abort();
        self.handle.close()
    }
}

impl Drop for AccountTask {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Keeps an account's loop task.
struct Supervisor {
    prepared: Arc<PreparedAccount>,
    handle: Arc<PublishHandle>,
    process: Arc<dyn Observer>,
    observer: Arc<dyn FleetObserver>,
}

/// What a panic leaves.
type Panic = Box<dyn Any + Send>;

impl Supervisor {
    /// Runs the loop, and after a panic the next one, which goes on from what was published last.
    async fn supervise(self, mut account: Result<poll::Account, Panic>, mut first: Instant) {
        loop {
            let panic = match account {
                Ok(account) => AssertUnwindSafe(account.run(first))
                    .catch_unwind()
                    .await
                    .err(),
                Err(panic) => Some(panic),
            };
            // Without a panic a loop does not end.
            let Some(panic) = panic else { return };
            first = Instant::now() + RESTART_PAUSE;
            error!(
                account = &*visible(self.prepared.name()),
                panic = message(&*panic),
                pause = ?RESTART_PAUSE,
                "an account's loop panicked; it starts again from what was published last"
            );
            if !self.handle.renew(|| self.reopen()) {
                return;
            }
            self.handle.heartbeat().beat(first + STALL_TIMEOUT);
            sleep_until(first).await;
            account = self.account().await;
        }
    }

    /// Publishing may panic too.
    async fn account(&self) -> Result<poll::Account, Panic> {
        let (process, handle) = (Arc::clone(&self.process), Arc::clone(&self.handle));
        let account = self.prepared.account(process, handle);
        AssertUnwindSafe(account).catch_unwind().await
    }

    fn reopen(&self) -> Publish {
        self.observer.account_restarted(self.prepared.name());
        self.observer.publisher_for(&self.prepared.info)
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it left no message")
}
