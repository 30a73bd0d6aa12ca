//! Plain values: tracks, listings, and the report of one account.
//!
//! A poll yields a [`Listing`] or a failure; `history` folds it into the account's [`Report`]; the
//! report is rendered, published and shown.

pub use self::account::{AccountInfo, ExpectedTrack, RESERVED_LABELS};
pub use self::attribution_report::{AttributionReport, SweepReport};
pub use self::change_kind::ChangeKind;
pub use self::change_record::{
    Attribution, AttributionResult, ChangeRecord, ChangeSource, FieldChange, MAX_CANDIDATES,
    Operation,
};
pub use self::counters::{
    ACTIONS, ApiCounters, DESCRIBE_AUDIT_TRACK, DESCRIBE_AUDIT_TRACKS, DESCRIBE_EVENTS,
    TargetCounters,
};
pub use self::coverage::OrganizationCoverage;
pub use self::delivery::{CheckCursor, DeliveryReport, DeliveryState, StorageTarget};
pub use self::exporter_info::{ExporterInfo, OrganizationInfo, RefusedReload};
pub use self::known::KnownTracks;
pub use self::logic::{all_of, any_of};
pub use self::member::Member;
pub use self::operation_record::{
    OperationRecord, Outcome, SentSetting, SentStatus, TrackEvent, TrackRef, TrackRequest,
};
pub use self::past::{ChangeOperator, ChangeTimes, LEAST_APART, Past, Tombstone, move_back};
pub use self::report::{
    Evidence, Expectation, LastGood, LatestListing, Overview, PollEnd, Renewals, Report,
    TargetReport, Totals,
};
pub use self::scope::Scope;
pub use self::search_state::{LookupState, Remembered, SeenSwitch, SweepState};
pub use self::track::{Details, DroppedTrack, Listing, Status, Storage, StorageType, Track};

// Three truth values.
mod logic;

// The tracks that the API lists.
mod scope;
mod track;

// Configuration, and an organization.
mod account;
mod coverage;
mod member;

// The state of an account, and its past.
mod attribution_report;
mod change_kind;
mod change_record;
mod counters;
mod delivery;
mod known;
mod operation_record;
mod past;
mod report;
mod search_state;

// The exporter itself.
mod exporter_info;
