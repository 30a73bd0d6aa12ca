//! A limit that all hosts share. One host gets at most half of it, so that a host that floods or
//! stalls leaves room for the others.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::by_host::ByHost;

/// Permits for all hosts, and for each host.
#[derive(Debug)]
pub(super) struct SharedLimit {
    of_all: Semaphore,
    most_of_host: usize,
    by_host: ByHost<Semaphore>,
}

impl SharedLimit {
    pub(super) fn new(most: usize) -> Self {
        Self {
            of_all: Semaphore::new(most),
            most_of_host: (most / 2).max(1),
            by_host: ByHost::default(),
        }
    }

    /// Returns the permits of a host. `None` stands for a transport to several hosts.
    pub(super) fn of(&self, host: Option<&Arc<str>>) -> Arc<Semaphore> {
        let new = || Semaphore::new(self.most_of_host);
        match host {
            Some(host) => self.by_host.get(host, new),
            None => Arc::new(new()),
        }
    }

    /// Waits for the permit of the host first, so that a host that waits holds none of the permits of
    /// all hosts.
    pub(super) async fn acquire<'a>(&'a self, of_host: &'a Semaphore) -> [SemaphorePermit<'a>; 2] {
        let of_host = of_host.acquire().await;
        let of_all = self.of_all.acquire().await;
        [of_host, of_all].map(|permit| permit.expect("the semaphore is never closed"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_host_that_holds_all_its_permits_leaves_room_for_another() {
        let limit = SharedLimit::new(4);
        let [hung, healthy] = ["hung", "healthy"].map(|host| limit.of(Some(&host.into())));
        let _held = [limit.acquire(&hung).await, limit.acquire(&hung).await];
        let wait = Duration::from_secs(1);
        assert!(timeout(wait, limit.acquire(&hung)).await.is_err());
        assert!(timeout(wait, limit.acquire(&healthy)).await.is_ok());
    }
}
