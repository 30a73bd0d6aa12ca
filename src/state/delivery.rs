//! What the file keeps of a storage target.

use enum_map::EnumMap;
use serde::{Deserialize, Serialize};

use super::time::UnixNanos;
use crate::clock::Moment;
use crate::snapshot::{CheckCursor, DeliveryReport, DeliveryState, StorageTarget};

/// A storage target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SavedDelivery {
    storage_type: String,
    storage_region: String,
    storage_name: String,
    storage_prefix: String,
    state: String,
    explanation: String,
    last_arrival_unix_ns: Option<UnixNanos>,
    due_unix_ns: Option<UnixNanos>,
    last_check_unix_ns: Option<UnixNanos>,
    overdue_checks: u32,
    missing_since_unix_ns: Option<UnixNanos>,
    cursor: Option<CheckCursor>,
}

impl From<&DeliveryReport> for SavedDelivery {
    fn from(report: &DeliveryReport) -> Self {
        // Every field is named, so that a new field must be persisted or skipped explicitly.
        let DeliveryReport {
            target:
                StorageTarget {
                    kind,
                    region,
                    name,
                    prefix,
                },
            state,
            explanation,
            last_arrival,
            due,
            last_check,
            valid_until: _,
            failures: _,
            overdue_checks,
            missing_since,
            cursor,
        } = report;
        Self {
            storage_type: kind.clone(),
            storage_region: region.clone(),
            storage_name: name.clone(),
            storage_prefix: prefix.clone(),
            state: state.as_str().to_owned(),
            explanation: explanation.clone(),
            last_arrival_unix_ns: last_arrival.map(UnixNanos::from),
            due_unix_ns: due.map(UnixNanos::from),
            last_check_unix_ns: last_check.map(UnixNanos::from),
            overdue_checks: *overdue_checks,
            missing_since_unix_ns: missing_since.map(|since| since.wall.into()),
            cursor: cursor.clone(),
        }
    }
}

impl SavedDelivery {
    /// Returns the report. The rules decide how long its state is valid.
    pub(super) fn into_report(self, now: Moment) -> DeliveryReport {
        let time = |at: Option<UnixNanos>| at.map(UnixNanos::time);
        let since = time(self.missing_since_unix_ns);
        DeliveryReport {
            target: StorageTarget {
                kind: self.storage_type,
                region: self.storage_region,
                name: self.storage_name,
                prefix: self.storage_prefix,
            },
            // A state that a later version wrote becomes the default: it is unknown.
            state: self.state.parse::<DeliveryState>().unwrap_or_default(),
            explanation: self.explanation,
            last_arrival: time(self.last_arrival_unix_ns),
            due: time(self.due_unix_ns),
            last_check: time(self.last_check_unix_ns),
            valid_until: None,
            failures: EnumMap::default(),
            overdue_checks: self.overdue_checks,
            missing_since: since.map(|wall| Moment { wall, ..now }),
            cursor: self.cursor,
        }
    }
}
