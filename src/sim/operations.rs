//! The operation records of an account.

use std::collections::VecDeque;

use crate::sim::operation::Operation;

/// The most writes that an account keeps.
const MAX_WRITES: usize = 2_000;

/// The most reads that an account keeps. An estate may have thousands of accounts, each of which is
/// polled all the time.
const MAX_READS: usize = 100;

/// The records of an account, which exist without any track.
#[derive(Default)]
pub(super) struct Operations {
    writes: VecDeque<Operation>,
    reads: VecDeque<Operation>,
    total: u64,
}

impl Operations {
    /// Returns the number of the next record.
    pub(super) fn next_number(&self) -> u64 {
        self.total + 1
    }

    /// Appends a record.
    pub(super) fn push(&mut self, operation: Operation) {
        self.total += 1;
        let (kept, max) = if operation.action_type == "Read" {
            (&mut self.reads, MAX_READS)
        } else {
            (&mut self.writes, MAX_WRITES)
        };
        if kept.len() == max {
            kept.pop_front();
        }
        kept.push_back(operation);
    }

    /// Returns all records, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Operation> {
        self.writes.iter().chain(&self.reads)
    }
}
