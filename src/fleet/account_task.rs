//! The task of an account, and the supervisor that restarts it after a panic.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use super::observer::FleetObserver;
use super::prepared_account::PreparedAccount;
use crate::escape::visible;
use crate::heartbeat::STALL_TIMEOUT;
use crate::poll::{self, Memory, Publish, PublishHandle};
use crate::snapshot::Report;
use crate::tencent::Observer;

/// The wait before an account restarts after a panic. It limits the load if the account panics
/// again.
const RESTART_PAUSE: Duration = Duration::from_secs(10);

/// The task of an account, and its handle for publishing.
pub(super) struct AccountTask {
    pub(super) prepared: Arc<PreparedAccount>,
    handle: Arc<PublishHandle>,
    task: AbortHandle,
}

impl AccountTask {
    /// Publishes what is known of the account, and polls from `first` on.
    pub(super) async fn start(
        prepared: PreparedAccount,
        memory: Memory,
        first: Instant,
        process: Arc<dyn Observer>,
        observer: Arc<dyn FleetObserver>,
    ) -> Self {
        let prepared = Arc::new(prepared);
        let publish = observer.publisher_for(&prepared.info);
        let handle = Arc::new(PublishHandle::new(
            memory,
            publish,
            observer.change_feed(),
            Instant::now(),
        ));
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

    /// Returns what the account has published last.
    pub(super) fn report(&self) -> Option<Arc<Report>> {
        self.handle.memory().report
    }

    /// Ends polling and publishing, and keeps the task.
    pub(super) fn close(&self) -> Memory {
        self.handle.close()
    }

    /// Stops the task and drops its polls in flight. After this, the account can no longer publish.
    pub(super) fn stop(&self) -> Memory {
        self.task.abort();
        self.close()
    }
}

impl Drop for AccountTask {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Restarts the loop of an account after a panic.
struct Supervisor {
    prepared: Arc<PreparedAccount>,
    handle: Arc<PublishHandle>,
    process: Arc<dyn Observer>,
    observer: Arc<dyn FleetObserver>,
}

/// The payload of a panic.
type Panic = Box<dyn Any + Send>;

impl Supervisor {
    /// Runs the loop. After a panic, starts another one from the latest published report.
    async fn supervise(self, mut account: Result<poll::Account, Panic>, mut first: Instant) {
        loop {
            let panic = match account {
                Ok(account) => {
                    let mut run = pin!(account.run(first));
                    // A closed account neither continues nor frees its memory.
                    let while_open = poll_fn(|context| {
                        if self.handle.is_closed() {
                            return Poll::Pending;
                        }
                        run.as_mut().poll(context)
                    });
                    AssertUnwindSafe(while_open).catch_unwind().await.err()
                }
                Err(panic) => Some(panic),
            };
            // A loop ends only with a panic.
            let Some(panic) = panic else { return };
            first = Instant::now() + RESTART_PAUSE;
            error!(
                account = &*visible(self.prepared.name()),
                panic = message(&*panic),
                pause = ?RESTART_PAUSE,
                "the account's loop panicked; restarting from its latest published report"
            );
            if !self.handle.renew(|| self.reopen()) {
                return;
            }
            self.handle.heartbeat().beat(first + STALL_TIMEOUT);
            sleep_until(first).await;
            account = self.account().await;
        }
    }

    /// Creates the account. Its first publication may panic too.
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
        .unwrap_or("no message")
}
