//! The state of a connection and its deadline.
//!
//! Hyper has one setting, `header_read_timeout`, for a client that sends its headers slowly and for
//! a client that keeps its connection for the next scrape. The two need different limits. So
//! `InstrumentedIo` reports the bytes that pass to [`ConnectionState`], and the connection's task
//! waits for the deadline.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::head_scanner::RequestHeadScanner;
use super::time_limits::Limits;

/// The state of one connection, shared by its stream, its task and the cap on connections.
#[derive(Debug)]
pub(super) struct ConnectionState {
    state: Mutex<State>,
    /// Notified when the connection becomes idle, so that it can make room for a waiting one.
    room: Arc<Notify>,
    close_requested: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    head_scanner: RequestHeadScanner,
    /// Whether the bytes are scanned for heads, which is done for HTTP/1 only.
    is_http1: bool,
    /// Requests whose heads have ended and whose responses have not been sent.
    pending: u64,
    /// Requests whose heads have ended and whose bodies have not arrived.
    awaiting_body: u64,
    /// Responses that hyper has taken and not yet flushed.
    handed_over: u64,
    /// Requests that the exporter is working on. It does not wait for their clients.
    working: u64,
    /// Whether the connection was aborted, so that unsent bytes are discarded.
    aborted: bool,
    /// Whether the connection ends after its requests in flight.
    closing: bool,
    /// When the connection ends if it is still idle. Set as soon as it is closing and idle.
    close_at: Option<Instant>,
}

/// How long a closing connection may be idle. Over HTTP/2 the client takes part in closing, so a
/// client that does not respond would otherwise keep the connection open forever.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// If a client has read no byte of its response for this long, its connection may be closed to make
/// room.
pub(super) const STALLED: Duration = Duration::from_millis(50);

/// A request that is still incomplete after this time counts as partial. If a client sends a
/// request in several packets, they follow each other at once.
const PARTIAL_AFTER: Duration = Duration::from_millis(10);

/// What a connection waits for, and since when. Connections of an earlier variant are closed first
/// to make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WaitsFor {
    /// The rest of a head, or the body that a head has announced. A scraper sends its request at
    /// once, so these are closed before a connection whose client has had no time to send anything.
    Rest(Instant),
    /// A request: the connection is idle.
    Request(Instant),
    /// A client that does not read its response; the time is when its request arrived.
    Reader(Instant),
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No byte of a request has arrived.
    Idle { since: Instant },
    /// A request has begun to arrive.
    Head { since: Instant },
    /// The exporter works on a request or sends its response.
    Request { since: Instant, progress: Instant },
}

impl ConnectionState {
    /// Creates the state of a new connection, which is idle.
    pub(super) fn new(room: Arc<Notify>) -> Self {
        let state = State {
            phase: Phase::Idle {
                since: Instant::now(),
            },
            head_scanner: RequestHeadScanner::default(),
            is_http1: false,
            pending: 0,
            awaiting_body: 0,
            handed_over: 0,
            working: 0,
            aborted: false,
            closing: false,
            close_at: None,
        };
        Self {
            state: Mutex::new(state),
            room,
            close_requested: Notify::new(),
        }
    }

    /// Returns what the connection waits for. `None` while the exporter works on a request or the
    /// client reads its response; then the connection must not be closed to make room.
    pub(super) fn waits_for(&self, now: Instant) -> Option<WaitsFor> {
        let state = self.state();
        let rest_since = |since| {
            let is_partial = now.saturating_duration_since(since) >= PARTIAL_AFTER;
            Some(if is_partial {
                WaitsFor::Rest(since)
            } else {
                WaitsFor::Request(since)
            })
        };
        match state.phase {
            Phase::Idle { since } => Some(WaitsFor::Request(since)),
            Phase::Head { since } => rest_since(since),
            Phase::Request { .. } if state.working > 0 => None,
            Phase::Request { since, .. } if state.waits_for_bodies() => rest_since(since),
            Phase::Request { since, progress } => {
                let stalled = now.saturating_duration_since(progress) >= STALLED;
                stalled.then_some(WaitsFor::Reader(since))
            }
        }
    }

    /// Counts a request that the exporter works on, until the guard is dropped.
    pub(super) fn start_work(&self) -> WorkGuard<'_> {
        self.state().working += 1;
        WorkGuard(self)
    }

    /// Counts a request that waits for its body, until the guard is dropped.
    pub(super) fn start_body(&self) -> BodyGuard<'_> {
        self.state().awaiting_body += 1;
        self.room.notify_waiters();
        BodyGuard(self)
    }

    /// Makes the socket discard unsent bytes when the connection is closed.
    pub(super) fn abort(&self) {
        self.state().aborted = true;
    }

    /// Returns whether [`ConnectionState::abort`] was called.
    pub(super) fn is_aborted(&self) -> bool {
        self.state().aborted
    }

    /// Requests that the connection ends after its requests in flight.
    pub(super) fn request_close(&self) {
        self.close_requested.notify_one();
    }

    /// Waits for a call of [`ConnectionState::request_close`].
    pub(super) async fn close_requested(&self) {
        self.close_requested.notified().await;
    }

    /// Marks the connection as closing.
    pub(super) fn begin_close(&self) {
        let mut state = self.state();
        state.closing = true;
        if matches!(state.phase, Phase::Idle { .. }) {
            state.close_at = Some(Instant::now() + CLOSE_GRACE);
        }
    }

    /// Waits until the connection exceeds a limit, and returns the limit's name.
    ///
    /// The deadline depends on the phase, and the phase changes when the connection is polled. So
    /// this must be polled after the connection, in the same task. Over HTTP/2 a request may end in
    /// another task; then this wakes up at the previous deadline and reads the new one.
    pub(super) async fn limit_exceeded(&self, limits: &Limits) -> &'static str {
        let mut alarm = pin!(sleep_until(self.deadline(limits).0));
        poll_fn(|cx| {
            let (deadline, limit) = self.deadline(limits);
            if alarm.deadline() != deadline {
                alarm.as_mut().reset(deadline);
            }
            alarm.as_mut().poll(cx).map(|()| limit)
        })
        .await
    }

    /// Records that an HTTP/2 request has arrived. Hyper calls the service for it, so the bytes are
    /// not scanned.
    pub(super) fn request_began(&self) {
        let mut state = self.state();
        state.pending += 1;
        if state.pending == 1 {
            state.next_phase();
        }
    }

    /// Records that the response to an HTTP/2 request was sent or canceled.
    pub(super) fn request_ended(&self) {
        let mut state = self.state();
        state.pending = state.pending.saturating_sub(1);
        let idle = state.pending == 0;
        if idle {
            state.next_phase();
        }
        drop(state);
        if idle {
            self.room.notify_waiters();
        }
    }

    /// Records that hyper has taken the whole response. The next flush sends it.
    pub(super) fn response_handed_over(&self) {
        self.state().handed_over += 1;
    }

    fn deadline(&self, limits: &Limits) -> (Instant, &'static str) {
        let state = self.state();
        match state.phase {
            Phase::Idle { since } => {
                let grace = state.close_at.map(|close_at| (close_at, "close grace"));
                let idle = (after(since, limits.idle), "idle");
                grace.map_or(idle, |grace| grace.min(idle))
            }
            Phase::Head { since } => (after(since, limits.headers), "headers"),
            Phase::Request { since, progress } => {
                let stalled = (after(progress, limits.write_stall), "write stall");
                let too_long = (after(since, limits.response), "response");
                stalled.min(too_long)
            }
        }
    }

    pub(super) fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.is_http1 = true;
        state.pending += state.head_scanner.scan(bytes);
        match state.phase {
            Phase::Idle { .. } if state.pending > 0 || state.head_scanner.in_head() => {
                state.next_phase();
            }
            Phase::Head { .. } if state.pending > 0 => state.next_phase(),
            Phase::Idle { .. } | Phase::Head { .. } | Phase::Request { .. } => {}
        }
    }

    pub(super) fn wrote(&self) {
        self.state().record_progress();
    }

    pub(super) fn flushed(&self) {
        let mut state = self.state();
        if state.handed_over == 0 {
            return;
        }
        state.pending = state.pending.saturating_sub(state.handed_over);
        state.handed_over = 0;
        state.next_phase();
        let idle = matches!(state.phase, Phase::Idle { .. });
        drop(state);
        if idle {
            self.room.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a plain assignment, so a poisoned lock holds a consistent state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the end of a time limit. A limit beyond the range of the clock ends after a day, longer
/// than any connection lasts.
fn after(since: Instant, limit: Duration) -> Instant {
    let end = since.checked_add(limit);
    end.unwrap_or_else(|| since + Duration::from_hours(24))
}

/// A request that waits for its body.
#[derive(Debug)]
pub(super) struct BodyGuard<'a>(&'a ConnectionState);

impl Drop for BodyGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.awaiting_body = state.awaiting_body.saturating_sub(1);
    }
}

/// A request that the exporter works on.
#[derive(Debug)]
pub(super) struct WorkGuard<'a>(&'a ConnectionState);

impl Drop for WorkGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.working = state.working.saturating_sub(1);
        // The client has had nothing to read until now.
        state.record_progress();
    }
}

impl State {
    /// Returns whether every request that was begun waits for its body. Over HTTP/1 the requests
    /// behind it do not count: they are not begun, or the scanner mistook a blank line in the body for
    /// a head.
    fn waits_for_bodies(&self) -> bool {
        self.awaiting_body > 0 && (self.is_http1 || self.awaiting_body == self.pending)
    }

    fn record_progress(&mut self) {
        if let Phase::Request { progress, .. } = &mut self.phase {
            *progress = Instant::now();
        }
    }

    /// Enters the phase that follows from the counts. The limits of a request that arrived during
    /// the previous one begin now, because it could not be read earlier.
    fn next_phase(&mut self) {
        let now = Instant::now();
        self.phase = if self.pending > 0 {
            Phase::Request {
                since: now,
                progress: now,
            }
        } else if self.head_scanner.in_head() {
            Phase::Head { since: now }
        } else {
            if self.closing {
                self.close_at.get_or_insert(now + CLOSE_GRACE);
            }
            Phase::Idle { since: now }
        };
    }
}
