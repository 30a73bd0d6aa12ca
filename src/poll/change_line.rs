//! The log line of a change, with every field of the track that differs.

use tracing::{info, warn};

use crate::snapshot::{Change, ChangeRecord};
use crate::tencent::reasons::{escaped, visible};

/// Logs a change. A field of the track is a pair of fields of the line, `Status.from` and
/// `Status.to`; a field that does not differ has none. The format JSON lists the pairs in `fields`.
pub(super) fn log_change(record: &ChangeRecord) {
    // Names of fields are constants, so each field of a track is listed here.
    macro_rules! line {
        ($log:ident, $($field:literal)+) => {
            $log!(
                account = &*visible(&record.account),
                region = record.region,
                track_id = record.track_id,
                track = escaped(&record.track),
                change = record.change.as_str(),
                $(
                    { concat!($field, ".from") } = from(record, $field),
                    { concat!($field, ".to") } = to(record, $field),
                )+
                "track {}",
                record.change.as_str()
            )
        };
    }
    match record.change {
        Change::Created | Change::Enabled => line!(info,
            "Status" "Name" "ActionType" "ResourceType" "EventNames"
            "StorageType" "StorageRegion" "StorageName" "StoragePrefix" "StorageAccountId"
        ),
        Change::Disabled | Change::Modified => line!(warn,
            "Status" "Name" "ActionType" "ResourceType" "EventNames"
            "StorageType" "StorageRegion" "StorageName" "StoragePrefix" "StorageAccountId"
        ),
        // What identifies it, and where the log that stops was delivered.
        Change::Vanished => line!(warn,
            "Status" "Name"
            "StorageType" "StorageRegion" "StorageName" "StoragePrefix" "StorageAccountId"
        ),
    }
}

/// Returns the old value of a field that differs. `None` for a created track, which had none.
fn from(record: &ChangeRecord, field: &str) -> Option<String> {
    let differs = record.fields.iter().find(|it| it.field == field)?;
    (record.change != Change::Created).then(|| visible(&differs.from).into_owned())
}

/// Returns the new value of a field that differs. `None` for a deleted track, which has none.
fn to(record: &ChangeRecord, field: &str) -> Option<String> {
    let differs = record.fields.iter().find(|it| it.field == field)?;
    (record.change != Change::Vanished).then(|| visible(&differs.to).into_owned())
}
