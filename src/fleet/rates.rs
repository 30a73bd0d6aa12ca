//! The request rate of identities that several accounts share.

use std::collections::BTreeMap;

use tracing::warn;

use super::pacers::Identity;
use super::prepared_account::PreparedAccount;
use crate::escape::visible;

/// Sets the rate of every identity's pacer. If accounts with the same identity differ, the lowest
/// rate applies.
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
                "two accounts with the same key have different requests_per_second; the lower value applies"
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
