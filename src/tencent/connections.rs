//! The connections of one identity. HTTP/1.1 matches responses to requests only by their order on a
//! connection. So if a gateway delivers a response twice or late, it looks like the response to the
//! next request. Identities do not share connections, so that request is at least of the same
//! identity.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::descriptors::ConnectionLimits;

/// An older connection gets no more requests. If a service moves to other addresses, its old server
/// may keep running, and a connection without an age limit would stay with it.
const CONNECTION_LIFETIME: Duration = Duration::from_mins(5);

/// How long an idle connection is kept for the next poll. The server closes it after 60 s, and a
/// request that is sent at that moment is lost, so the exporter closes first.
const KEPT_FOR_NEXT_POLL: Duration = Duration::from_secs(45);

/// How long an idle connection is kept for the next request of the same poll, if polls are too rare to
/// find a connection of the previous poll. An idle connection holds the buffer of the last response.
const KEPT_WITHIN_POLL: Duration = Duration::from_secs(10);

/// How many gaps between requests in a row must be too long, so that irregular requests do not replace
/// the client again and again.
const LONG_GAPS: u32 = 2;

/// The connections of one identity. They are opened when needed.
#[derive(Debug, Default)]
pub(super) struct Connections {
    state: Mutex<State>,
    /// Set by the first request, because most clients of STS never send one.
    identity: OnceLock<Arc<()>>,
    /// The number of consecutive rejected responses.
    rejected: AtomicU32,
}

#[derive(Debug, Default)]
struct State {
    pool: Option<Pool>,
    rhythm: Rhythm,
}

/// How often requests come. An idle connection is worth its memory only if a request finds it.
#[derive(Debug, Default)]
struct Rhythm {
    last_request: Option<Instant>,
    /// The number of consecutive gaps that were too long for [`KEPT_FOR_NEXT_POLL`].
    long_gaps: u32,
    /// Whether a gap was too long for [`KEPT_WITHIN_POLL`] only.
    spans_polls: bool,
}

/// A client with its pool of connections. Dropping the client closes idle connections at once, and
/// other connections after their request.
#[derive(Debug)]
struct Pool {
    client: reqwest::Client,
    opened: Instant,
    idle: Idle,
}

/// How the idle connections of a client are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Idle {
    /// The most idle connections to a host.
    pub(super) most: usize,
    pub(super) timeout: Duration,
}

impl Idle {
    /// Keeps no connection.
    pub(super) const NONE: Self = Self {
        most: 0,
        timeout: Duration::ZERO,
    };
}

impl Connections {
    /// Returns the client for the next request. Calls `make` if no client is young enough and keeps
    /// idle connections for the right time. Returns `None` if no connection is kept, so that the
    /// identity needs no client of its own.
    pub(super) fn client(
        &self,
        identities: &Identities,
        make: impl FnOnce(Idle) -> reqwest::Result<reqwest::Client>,
    ) -> reqwest::Result<Option<reqwest::Client>> {
        self.identity.get_or_init(|| identities.add());
        if !identities.keep_connections() {
            self.close();
            return Ok(None);
        }
        let mut state = self.state();
        let now = Instant::now();
        let idle = Idle {
            most: identities.limits.idle_per_identity,
            timeout: state.rhythm.idle_timeout(now),
        };
        if let Some(pool) = &state.pool
            && pool.idle == idle
            && now.saturating_duration_since(pool.opened) < CONNECTION_LIFETIME
        {
            return Ok(Some(pool.client.clone()));
        }
        let client = make(idle)?;
        state.pool = Some(Pool {
            client: client.clone(),
            opened: now,
            idle,
        });
        Ok(Some(client))
    }

    /// Returns the number of consecutive rejected responses. If it is not 0, each request needs a
    /// connection of its own.
    pub(super) fn rejected(&self) -> u32 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Records whether a response was accepted. A rejected response closes all connections, because
    /// their responses no longer match the requests.
    pub(super) fn record_response(&self, accepted: bool) {
        if accepted {
            self.rejected.store(0, Ordering::Relaxed);
        } else {
            self.rejected.fetch_add(1, Ordering::Relaxed);
            self.close();
        }
    }

    /// Closes all connections.
    pub(super) fn close(&self) {
        self.state().pool = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is changed by assignments, so a poisoned lock holds a consistent value.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rhythm {
    /// Records a request. Returns how long to keep idle connections from now on.
    fn idle_timeout(&mut self, now: Instant) -> Duration {
        let last = self.last_request.replace(now);
        let gap = last.map(|last| now.saturating_duration_since(last));
        match gap {
            Some(gap) if gap > KEPT_FOR_NEXT_POLL => {
                self.long_gaps += 1;
                self.spans_polls &= self.long_gaps < LONG_GAPS;
            }
            Some(gap) if gap > KEPT_WITHIN_POLL => {
                self.long_gaps = 0;
                self.spans_polls = true;
            }
            _ => {}
        }
        if self.spans_polls {
            KEPT_FOR_NEXT_POLL
        } else {
            KEPT_WITHIN_POLL
        }
    }
}

/// The identities that have sent a request. Each holds a clone.
#[derive(Debug)]
pub(super) struct Identities {
    count: Arc<()>,
    limits: ConnectionLimits,
}

impl Identities {
    pub(super) fn within(limits: ConnectionLimits) -> Self {
        Self {
            count: Arc::default(),
            limits,
        }
    }

    fn add(&self) -> Arc<()> {
        Arc::clone(&self.count)
    }

    fn keep_connections(&self) -> bool {
        Arc::strong_count(&self.count) - 1 <= self.limits.keeping_identities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: usize = 3;

    /// Keeps the connections of one identity.
    fn one_identity() -> Identities {
        Identities::within(ConnectionLimits {
            keeping_identities: 1,
            idle_per_identity: IDLE,
            in_flight: 1,
        })
    }

    /// Where the client of the next request comes from.
    #[derive(Debug, PartialEq)]
    enum Source {
        New(usize, Duration),
        Before,
        Shared,
    }

    fn next_client(connections: &Connections, identities: &Identities) -> Source {
        let mut source = Source::Before;
        let client = connections.client(identities, |idle| {
            source = Source::New(idle.most, idle.timeout);
            reqwest::Client::builder().build()
        });
        match client.expect("it can be made") {
            Some(_) => source,
            None => Source::Shared,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_is_used_for_its_lifetime() {
        let (identities, connections) = (one_identity(), Connections::default());
        let next_client = || next_client(&connections, &identities);
        assert_eq!(next_client(), Source::New(IDLE, KEPT_WITHIN_POLL));
        assert_eq!(next_client(), Source::Before);
        tokio::time::advance(CONNECTION_LIFETIME).await;
        assert_eq!(next_client(), Source::New(IDLE, KEPT_WITHIN_POLL));
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_kept_until_the_next_poll_only_if_it_finds_them() {
        let (identities, connections) = (one_identity(), Connections::default());
        let next_client = || next_client(&connections, &identities);
        let poll_of_two_pages = async |gap: Duration| {
            tokio::time::advance(gap).await;
            let first = next_client();
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(next_client(), Source::Before);
            first
        };
        let [often, rarely] = [30, 60].map(Duration::from_secs);
        let short = Source::New(IDLE, KEPT_WITHIN_POLL);
        let long = Source::New(IDLE, KEPT_FOR_NEXT_POLL);
        assert_eq!(poll_of_two_pages(rarely).await, short);
        assert_eq!(poll_of_two_pages(rarely).await, Source::Before);
        assert_eq!(poll_of_two_pages(often).await, long);
        // Gaps that alternate keep the client.
        for _ in 0..2 {
            assert_eq!(poll_of_two_pages(rarely).await, Source::Before);
            assert_eq!(poll_of_two_pages(often).await, Source::Before);
        }
        assert_eq!(poll_of_two_pages(rarely).await, Source::Before);
        assert_eq!(poll_of_two_pages(rarely).await, short);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_fleet_keeps_no_connection() {
        let identities = one_identity();
        // An account has clients for services that it never calls. They do not count.
        let _unused = Connections::default();
        let (first, second) = (Connections::default(), Connections::default());
        assert_eq!(
            next_client(&first, &identities),
            Source::New(IDLE, KEPT_WITHIN_POLL)
        );
        assert_eq!(next_client(&second, &identities), Source::Shared);
        assert_eq!(next_client(&second, &identities), Source::Shared);
        assert_eq!(next_client(&first, &identities), Source::Shared);
        assert!(first.state().pool.is_none());
        drop(first);
        assert_eq!(
            next_client(&second, &identities),
            Source::New(IDLE, KEPT_WITHIN_POLL)
        );
        assert_eq!(next_client(&second, &identities), Source::Before);
    }
}
