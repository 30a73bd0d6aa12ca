//! The series of shards.

use prometheus::{IntGauge, Registry};

/// Which shard this process is. Without sharding it is shard 0 of 1.
#[derive(Debug)]
pub(super) struct Shards {
    ordinal: IntGauge,
    total: IntGauge,
}

impl Shards {
    pub(super) fn new() -> Self {
        let shards = Self {
            ordinal: gauge(
                "cloudaudit_exporter_shard_ordinal",
                "Ordinal of this process's shard, counted from 0.",
            ),
            total: gauge(
                "cloudaudit_exporter_shards",
                "Number of shards among which the accounts are divided, from --total-shards.",
            ),
        };
        shards.set(0, 1);
        shards
    }

    pub(super) fn register(&self, registry: &Registry) {
        for gauge in [&self.ordinal, &self.total] {
            registry
                .register(Box::new(gauge.clone()))
                .expect("every name is registered once");
        }
    }

    pub(super) fn set(&self, ordinal: u32, total: u32) {
        self.ordinal.set(i64::from(ordinal));
        self.total.set(i64::from(total));
    }
}

fn gauge(name: &str, help: &str) -> IntGauge {
    IntGauge::new(name, help).expect("the name is valid")
}
