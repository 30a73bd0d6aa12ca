//! The tracks of the demo's accounts, and the storage that they deliver to.

use serde_json::Value;

use crate::sim::{Track, ckafka, cls, cos};

/// `prod`'s track over everything, which is disabled and enabled.
pub(super) const PROD_AUDIT_ALL: u64 = 641;

/// `staging`'s track whose storage changes.
pub(super) const STAGING_AUDIT_ALL: u64 = 703;

/// `staging`'s track that is deleted.
pub(super) const STAGING_TO_CLS: u64 = 704;

/// `payments`' track that is deleted during the outage.
pub(super) const PAYMENTS_TO_CLS: u64 = 751;

/// `platform`'s track for the organization, whose bucket is deleted.
pub(super) const PLATFORM_ORGANIZATION: u64 = 710;

/// The bucket of that track.
pub(super) const ORGANIZATION_BUCKET: &str = "organization-audit";

/// The region of the buckets.
pub(super) const REGION: &str = "ap-guangzhou";

/// Returns the tracks of an account when the demo starts.
pub(super) fn initial(account: &str) -> Vec<Track> {
    match account {
        "prod" => vec![
            Track::new(PROD_AUDIT_ALL, "audit-all").storage(bucket("prod-audit")),
            Track::new(642, "to-kafka").storage(ckafka("ap-guangzhou", "ckafka-8f2e", "audit")),
        ],
        "payments" => vec![
            Track::new(650, "audit-all").storage(bucket("payments-audit")),
            payments_to_cls(PAYMENTS_TO_CLS),
        ],
        "legacy" => vec![
            Track::new(24, "audit-2019")
                .status(0)
                .storage(bucket("legacy-audit")),
            Track::new(680, "audit-all").storage(bucket("legacy-audit")),
        ],
        "staging" => vec![
            Track::new(STAGING_AUDIT_ALL, "audit-all").storage(bucket("staging-audit")),
            staging_to_cls(STAGING_TO_CLS),
        ],
        "denied" => vec![Track::new(690, "audit-all")],
        "platform" => vec![
            Track::new(PLATFORM_ORGANIZATION, "organization")
                .storage(bucket(ORGANIZATION_BUCKET))
                .for_all_members(),
        ],
        "archive" => vec![Track::new(720, "audit-all").storage(bucket("archive-audit"))],
        "checkout" => vec![Track::new(730, "audit-all").storage(bucket("checkout-audit"))],
        "reports" => vec![
            Track::new(731, "writes")
                .with("ActionType", "Write".into())
                .storage(bucket("reports-audit")),
        ],
        _ => Vec::new(),
    }
}

/// `staging`'s second track. The real cloud gives a track a new id when it is created again.
pub(super) fn staging_to_cls(id: u64) -> Track {
    Track::new(id, "to-cls").storage(cls("ap-guangzhou", "5c0b8f2e-audit-topic"))
}

/// `payments`' second track, with a new id each time it is created again.
pub(super) fn payments_to_cls(id: u64) -> Track {
    Track::new(id, "to-cls").storage(cls("ap-shanghai", "77d1c0de-audit-topic"))
}

/// Returns a bucket as the storage of a track.
pub(super) fn bucket(name: &str) -> Value {
    cos(REGION, name, "audit")
}
