//! Limits the warnings of libraries, because a client of the listener can cause any number of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::callsite::Identifier;
use tracing::{Event, Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Passes one event per [`INTERVAL`] and place in a library's source, and reports how many events it
/// dropped before. The exporter's own events always pass.
#[derive(Debug, Default)]
pub(super) struct LimitRepeats(Mutex<HashMap<Identifier, Repeats>>);

#[derive(Debug)]
struct Repeats {
    last_line: Instant,
    dropped: u64,
}

/// The time between two lines from one place.
const INTERVAL: Duration = Duration::from_mins(1);

impl LimitRepeats {
    /// Returns how many events were dropped since the last line, or `None` if this event is dropped.
    fn count(&self, place: Identifier) -> Option<u64> {
        let now = Instant::now();
        // A panic cannot leave the map half-changed.
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(repeats) = places.get_mut(&place) else {
            let first = Repeats {
                last_line: now,
                dropped: 0,
            };
            places.insert(place, first);
            return Some(0);
        };
        if now - repeats.last_line < INTERVAL {
            repeats.dropped += 1;
            return None;
        }
        repeats.last_line = now;
        Some(std::mem::take(&mut repeats.dropped))
    }
}

impl<S: Subscriber> Layer<S> for LimitRepeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if metadata.target().starts_with(env!("CARGO_CRATE_NAME")) {
            return true;
        }
        let dropped = self.count(metadata.callsite());
        if let Some(dropped @ 1..) = dropped {
            let library = metadata.target();
            warn!(
                dropped,
                library, "dropped log lines of this library that are similar to the next line"
            );
        }
        dropped.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::advance;
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::registry;

    use super::*;

    /// Counts the events that pass.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<u64>>);

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            *self.0.lock().unwrap() += 1;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_library_has_one_line_a_minute_from_each_place() {
        let lines = Lines::default();
        let subscriber = registry().with(lines.clone()).with(LimitRepeats::default());
        let subscriber = tracing::Dispatch::new(subscriber);
        let storm = || {
            tracing::dispatcher::with_default(&subscriber, || {
                for _ in 0..100 {
                    tracing::warn!(target: "h2::proto", "one place");
                    tracing::warn!(target: "h2::proto", "another place");
                }
            });
            std::mem::take(&mut *lines.0.lock().unwrap())
        };
        assert_eq!((storm(), storm()), (2, 0));
        advance(INTERVAL).await;
        assert_eq!(storm(), 2);
        let own = with_default(
            registry().with(lines.clone()).with(LimitRepeats::default()),
            || {
                (0..3).for_each(|_| tracing::warn!("our own"));
                *lines.0.lock().unwrap()
            },
        );
        assert_eq!(own, 3);
    }
}
