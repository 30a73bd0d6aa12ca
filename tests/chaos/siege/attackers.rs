//! The tasks of the attackers.

use std::future::Future;

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// The lowest priority of a thread.
const LOWEST_PRIORITY: i32 = 19;

const THREADS: usize = 2;

/// Runs the attackers on threads of the lowest priority. Real attackers have machines of their own,
/// so they take no processor time from the exporter. On a busy machine, these would.
pub struct Attackers {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    tasks: JoinSet<()>,
}

impl Attackers {
    pub fn new() -> Self {
        // On Linux, a thread lowers only its own priority.
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .on_thread_start(|| setpriority_process(None, LOWEST_PRIORITY).unwrap())
            .build();
        Self {
            runtime: Some(runtime.unwrap()),
            tasks: JoinSet::new(),
        }
    }

    pub fn spawn(&mut self, attacker: impl Future<Output = ()> + Send + 'static) {
        let runtime = self.runtime.as_ref().unwrap();
        self.tasks.spawn_on(attacker, runtime.handle());
    }

    /// Ends all attackers and waits until they have ended.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        // A runtime must not wait for its tasks inside another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
