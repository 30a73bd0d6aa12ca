//! An account that polls, whatever befalls its loop.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use super::audience::Audience;
use super::desired::Desired;
use crate::heartbeat::STALL_TIMEOUT;
use crate::poll::{self, Memory, Publish, PublishHandle};
use crate::tencent::Observer;
use crate::tencent::reasons::visible;

/// How long an account rests after a panic. What panicked once may well do so again, and must not
/// keep the machine or the cloud busy with it.
const RESTART_PAUSE: Duration = Duration::from_secs(10);

/// An account's task, and its way to publish.
pub(super) struct Running {
    pub(super) desired: Arc<Desired>,
    handle: Arc<PublishHandle>,
    task: AbortHandle,
}

impl Running {
    /// Publishes what is remembered, and begins to poll at `first`.
    pub(super) async fn start(
        desired: Desired,
        memory: Memory,
        first: Instant,
        process: Arc<dyn Observer>,
        audience: Arc<dyn Audience>,
    ) -> Self {
        let desired = Arc::new(desired);
        let publish = audience.admit(&desired.info);
        let handle = Arc::new(PublishHandle::new(memory, publish, Instant::now()));
        audience.started(desired.name(), handle.heartbeat());
        let keeper = Keeper {
            desired: Arc::clone(&desired),
            handle: Arc::clone(&handle),
            process,
            audience,
        };
        let account = keeper.account().await;
        let task = tokio::spawn(keeper.keep(account, first)).abort_handle();
        Self {
            desired,
            handle,
            task,
        }
    }

    /// Ends the loop and drops the polls that are under way. After this nothing is published.
    pub(super) fn end(&self) -> Memory {
        self.task.abort();
        self.handle.close()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Keeps an account's loop running.
struct Keeper {
    desired: Arc<Desired>,
    handle: Arc<PublishHandle>,
    process: Arc<dyn Observer>,
    audience: Arc<dyn Audience>,
}

/// What a panic leaves.
type Panic = Box<dyn Any + Send>;

impl Keeper {
    /// Runs the loop, and after a panic the next one, which goes on from what was published last.
    async fn keep(self, mut account: Result<poll::Account, Panic>, mut first: Instant) {
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
                account = &*visible(self.desired.name()),
                panic = message(&*panic),
                pause = ?RESTART_PAUSE,
                "an account's loop panicked; it starts again from what was published last"
            );
            if !self.handle.renew(|| self.readmit()) {
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
        let account = self.desired.account(process, handle);
        AssertUnwindSafe(account).catch_unwind().await
    }

    fn readmit(&self) -> Publish {
        self.audience.restarted(self.desired.name());
        self.audience.admit(&self.desired.info)
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it left no message")
}
