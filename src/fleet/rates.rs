//! The rate of each identity, where several accounts have it.

use std::collections::BTreeMap;

use tracing::warn;

use super::pacers::Identity;
use super::prepared_account::PreparedAccount;
use crate::tencent::reasons::visible;

/// Gives every identity's pacer its rate. Where two accounts give it two, the lower one holds: the
/// limit is the identity's, and the careful one of the two may know why.
pub(super) fn apply_lowest_rates<'d>(accounts: impl Iterator<Item = &'d PreparedAccount>) {
    let mut lowest: BTreeMap<&Identity, &PreparedAccount> = BTreeMap::new();
    for prepared in accounts {
        let known = lowest.entry(&prepared.identity).or_insert(prepared);
        let (rate, other) = (prepared.rate(), known.rate());
        if rate != other {
            let (account, with) = (&*visible(prepared.name()), &*visible(known.name()));
            let requests_per_second = rate.min(other);
            warn!(
                account,
                with,
                requests_per_second,
                "two accounts with the same key have two rate limits; the lower one holds"
            );
        }
        if rate < other {
            *known = prepared;
        }
    }
    for prepared in lowest.values() {
        prepared.set_rate();
    }
}
