//! Faults wait in a queue, and each call takes the first one that is meant for it.

use crate::sim::calls::Call;
use crate::sim::fault::{Effect, Fault};

/// Names a queued fault, to take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(u64);

/// The queue, in the order in which they were injected.
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

    /// The first fault that is meant for this call, counted as played.
    pub(super) fn take(&mut self, call: &Call) -> Option<Effect> {
        let mut waiting = self.waiting.iter_mut();
        let (id, fault) = waiting.find_map(|(id, fault)| {
            let is_now = fault.is_meant_for(call) && fault.should_fire();
            is_now.then_some((id, fault))
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
