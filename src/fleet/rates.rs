//! The rate of each identity, where several accounts have it.

use std::collections::BTreeMap;

use tracing::warn;

use super::desired::Desired;
use super::identity::Identity;
use crate::tencent::reasons::visible;

/// Gives every identity's pacer its rate. Where two accounts give it two, the lower one holds: the
/// limit is the identity's, and the careful one of the two may know why.
pub(super) fn settle<'d>(accounts: impl Iterator<Item = &'d Desired>) {
    let mut lowest: BTreeMap<&Identity, &Desired> = BTreeMap::new();
    for desired in accounts {
        let known = lowest.entry(&desired.identity).or_insert(desired);
        let (rate, other) = (desired.rate(), known.rate());
        if rate != other {
            let (account, with) = (&*visible(desired.name()), &*visible(known.name()));
            let requests_per_second = rate.min(other);
            warn!(
                account,
                with,
                requests_per_second,
                "two accounts with the same key have two rate limits; the lower one holds"
            );
        }
        if rate < other {
            *known = desired;
        }
    }
    for desired in lowest.values() {
        desired.set_rate();
    }
}
