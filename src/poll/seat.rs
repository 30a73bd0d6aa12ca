//! What stays when an account's loop goes: for the next loop, after a reload or a panic.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::clock::Moment;
use crate::pulse::{PATIENCE, Pulse};
use crate::snapshot::{ApiCounters, Report};

/// What an account remembers.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What was published last.
    pub report: Option<Report>,
    /// What its calls came to. Shared, so that the calls of a poll that is cut count too.
    pub api: Arc<Mutex<ApiCounters>>,
}

/// The place that a loop polls from: its way to publish, and what it published last. Whoever is
/// unseated publishes nothing any more, however long its task takes to notice.
#[derive(Debug)]
pub struct Seat<P> {
    place: Mutex<Place<P>>,
    pulse: Arc<Pulse>,
}

#[derive(Debug)]
struct Place<P> {
    /// None once it is vacated.
    publish: Option<P>,
    memory: Memory,
}

impl<P: FnMut(Report, Moment)> Seat<P> {
    /// A seat for a loop that goes on from `memory`.
    pub fn new(memory: Memory, publish: P, now: Instant) -> Self {
        let publish = Some(publish);
        Self {
            place: Mutex::new(Place { publish, memory }),
            pulse: Arc::new(Pulse::new(now, now + PATIENCE)),
        }
    }

    /// Beats whenever the loop ticks.
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// What the loop would go on from.
    pub fn memory(&self) -> Memory {
        self.place().memory.clone()
    }

    /// Takes the seat from its loop, and gives what the loop knew. After this it publishes nothing
    /// more.
    pub fn vacate(&self) -> Memory {
        let mut place = self.place();
        place.publish = None;
        place.memory.clone()
    }

    /// Another way to publish, in the place of one that a panic may have left half-way. Where the
    /// seat was vacated meanwhile nobody is asked for one, and it is false.
    pub fn renew(&self, publish: impl FnOnce() -> P) -> bool {
        let mut place = self.place();
        if place.publish.is_some() {
            place.publish = Some(publish());
        }
        place.publish.is_some()
    }

    /// Publishes, and remembers it. What cannot be published is not remembered either.
    pub(super) fn publish(&self, report: Report, now: Moment) {
        let mut place = self.place();
        if let Some(publish) = &mut place.publish {
            publish(report.clone(), now);
            place.memory.report = Some(report);
        }
    }

    /// Publishing may panic; what is remembered is replaced after it and as a whole, and so is
    /// whole.
    fn place(&self) -> MutexGuard<'_, Place<P>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::SystemTime;

    use super::*;

    /// A task on another thread may go on for a while after it was told to end.
    #[test]
    fn whoever_is_unseated_says_nothing_any_more() {
        let now = Moment {
            wall: SystemTime::UNIX_EPOCH,
            steady: Instant::now(),
        };
        let published = AtomicU32::new(0);
        let publish = |_: Report, _: Moment| {
            published.fetch_add(1, Ordering::Relaxed);
        };
        let seat = Seat::new(Memory::default(), publish, now.steady);
        let report = |requests_per_second| Report {
            requests_per_second,
            ..Report::default()
        };
        let known = |memory: Memory| memory.report.map(|report| report.requests_per_second);
        seat.publish(report(1.0), now);
        assert_eq!(known(seat.vacate()), Some(1.0));

        seat.publish(report(2.0), now);
        assert_eq!(published.load(Ordering::Relaxed), 1);
        assert_eq!(known(seat.memory()), Some(1.0));
        assert!(!seat.renew(|| unreachable!("nobody is asked for another way to publish")));
    }
}
