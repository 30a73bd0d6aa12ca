//! Records of the change feed for tests to modify.

use std::time::{Duration, SystemTime};

use cloudaudit_exporter::snapshot::{
    Attribution, AttributionResult, ChangeKind, ChangeRecord, ChangeSource, FieldChange, Operation,
};

/// A track that was disabled, with an unknown operator.
pub(crate) fn disabled(account: &str, track_id: u64, seen: SystemTime) -> ChangeRecord {
    ChangeRecord {
        id: 0,
        account: account.to_owned(),
        region: "ap-guangzhou".to_owned(),
        track_id,
        track: format!("track-{track_id}"),
        change: ChangeKind::Disabled,
        fields: vec![FieldChange {
            field: "Status".to_owned(),
            from: "enabled".to_owned(),
            to: "disabled".to_owned(),
        }],
        seen,
        took: Duration::ZERO,
        previous: None,
        source: ChangeSource::Poll,
        attribution: Attribution::without_operation(AttributionResult::Off),
    }
}

/// A certain operation of `operator`.
pub(crate) fn made_by(operator: &str, at: SystemTime) -> Attribution {
    Attribution {
        result: AttributionResult::Certain,
        operations: vec![Operation {
            event_name: "ModifyAuditTrack".to_owned(),
            at,
            request_id: "r-1".to_owned(),
            operator: operator.to_owned(),
            operator_type: "CAMUser".to_owned(),
            principal_id: "100000000011".to_owned(),
            role_session: None,
            source_ip: "203.0.113.7".to_owned(),
            call_type: "ConsoleCall".to_owned(),
        }],
    }
}
