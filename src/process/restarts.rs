//! The restarts of accounts. There may be thousands of series, so they are rendered when they change.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prometheus::{IntCounterVec, Opts, Registry};

use super::text::rendered;

/// The counter, and its text.
#[derive(Debug)]
pub(super) struct Restarts {
    pub(super) counter: IntCounterVec,
    registry: Registry,
    /// `None` if the counter has changed since it was rendered.
    text: Mutex<Option<Bytes>>,
}

impl Restarts {
    pub(super) fn new() -> Self {
        let options = Opts::new(
            "cloudaudit_exporter_account_restarts_total",
            "Number of restarts of an account's task after a panic.",
        );
        let counter = IntCounterVec::new(options, &["account"]).expect("the names are valid");
        let registry = Registry::new();
        registry
            .register(Box::new(counter.clone()))
            .expect("it is the only one");
        Self {
            counter,
            registry,
            text: Mutex::default(),
        }
    }

    pub(super) fn added(&self, account: &str) {
        self.counter.with_label_values(&[account]);
        *self.text() = None;
    }

    pub(super) fn restarted(&self, account: &str) {
        self.counter.with_label_values(&[account]).inc();
        *self.text() = None;
    }

    pub(super) fn removed(&self, account: &str) {
        // It may never have been added.
        drop(self.counter.remove_label_values(&[account]));
        *self.text() = None;
    }

    /// Returns the exposition of these series, empty without accounts.
    pub(super) fn exposition(&self) -> Bytes {
        let mut text = self.text();
        text.get_or_insert_with(|| rendered(&self.registry)).clone()
    }

    /// It is replaced as a whole, so a poisoned lock is consistent.
    fn text(&self) -> MutexGuard<'_, Option<Bytes>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
