//! The queue of faults. A call takes the first fault that matches it.

use crate::sim::calls::Call;
use crate::sim::fault::{Effect, Fault};

/// Identifies a queued fault, so that it can be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(u64);

/// Faults in the order of their injection.
#[derive(Default)]
pub(super) struct Faults {
    waiting: Vec<(FaultId, Fault)>,
    queued: u64,
}

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) -> FaultId {
        self.queued += 1;
        let id = FaultId(self.queued);
        if fault.times != Some(0) {
            self.waiting.push((id, fault));
        }
        id
    }

    pub(super) fn clear(&mut self, id: FaultId) {
        self.waiting.retain(|(waiting, _)| *waiting != id);
    }

    pub(super) fn clear_all(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes the effect of the first fault that applies to a call, and counts it.
    pub(super) fn take(&mut self, call: &Call) -> Option<Effect> {
        let mut waiting = self.waiting.iter_mut();
        let (id, fault) = waiting.find_map(|(id, fault)| {
            let applies = fault.matches(call) && fault.count_match();
            applies.then_some((id, fault))
        })?;
        let (id, effect) = (*id, fault.effect.clone());
        if let Some(times) = &mut fault.times {
            *times -= 1;
            if *times == 0 {
                self.clear(id);
            }
        }
        Some(effect)
    }
}
