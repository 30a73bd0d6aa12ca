//! An account from its own level, `defaults` and the top level: the nearest comes first.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::credentials::{AssumeRole, Credentials};
use super::defaults;
use super::endpoint::Endpoint;
use super::error::{Error, quoted};
use super::key_path::KeyPath;
use super::layers::Places;
use super::level::{Interval, Level};
use super::sources::Role;
use super::types::{Account, Poll, Site};
use super::values::spell;

/// What all accounts have alike.
pub(super) struct Common {
    pub(super) poll: Poll,
    pub(super) details_interval: Option<Duration>,
    pub(super) trusted_storage_accounts: Arc<BTreeSet<String>>,
}

/// Levels that decide about one account, the nearest first.
pub(super) type Levels<'l> = [&'l Level; 3];

pub(super) fn account(
    name: &str,
    levels: Levels,
    common: &Common,
    places: &Places,
) -> Result<Account, Error> {
    let poll = common.poll;
    let Hosts {
        site,
        cloudaudit,
        sts,
    } = Hosts::of(levels);
    let rate = levels.iter().find_map(|level| level.requests_per_second);
    let regions = levels.iter().find_map(|level| level.regions.clone());
    let credentials = levels.iter().find_map(|level| level.credentials.clone());
    let roles = levels.iter().filter_map(|level| level.role.clone());
    let role = roles.fold(Role::default(), Role::or);
    if levels[0].role.is_some() && role.arn.is_none() {
        let message = "arn is missing, here and in defaults; it says which role";
        let path = KeyPath::from(["accounts", name, "assume_role"]);
        return Err(places.refuse(&path, message));
    }
    let expected = levels
        .iter()
        .find_map(|level| level.expected_tracks.clone());
    let required = levels.iter().find_map(|level| level.track_required);
    let farthest_first = levels.iter().rev();
    let assume_role = role.at(&sts);
    // A role's key has to be of the account that the ARN names.
    let of_role = assume_role.as_ref().and_then(AssumeRole::uin);
    let uin = levels[0].uin.clone().or(of_role.map(str::to_owned));
    Ok(Account {
        name: name.to_owned(),
        regions: regions.unwrap_or_else(|| vec![defaults::REGION.to_owned()]),
        site,
        endpoint: cloudaudit,
        labels: farthest_first
            .flat_map(|level| level.labels.clone())
            .collect(),
        interval: fitting_interval(levels, &poll, places)?,
        requests_per_second: rate.unwrap_or(defaults::REQUESTS_PER_SECOND),
        poll,
        credentials: credentials.map_or(Credentials::Default, |source| source.at(&sts)),
        uin,
        is_uin_configured: levels[0].uin.is_some(),
        assume_role,
        sts_endpoint: sts,
        organization: None,
        member: None,
        details_interval: common.details_interval,
        expected_tracks: expected.unwrap_or_default(),
        track_required: required.unwrap_or(true),
        trusted_storage_accounts: Arc::clone(&common.trusted_storage_accounts),
    })
}

/// Which cloud an account is in, and who is asked there.
struct Hosts {
    site: Site,
    cloudaudit: Endpoint,
    sts: Endpoint,
}

impl Hosts {
    fn of(levels: Levels) -> Self {
        let site = levels.iter().find_map(|level| level.site);
        let site = site.unwrap_or_default();
        // A site brings its endpoints along, so the nearest level with either of them decides.
        let cloudaudit = levels.iter().find_map(|level| {
            let of_site = || level.site.map(Site::endpoint);
            level.endpoint.clone().or_else(of_site)
        });
        let cloudaudit = cloudaudit.unwrap_or_else(|| site.endpoint());
        let sts = levels.iter().find_map(|level| {
            let simulated = || level.simulated_cloud(&cloudaudit).cloned();
            let of_site = || level.site.map(Site::sts_endpoint);
            level
                .sts_endpoint
                .clone()
                .or_else(simulated)
                .or_else(of_site)
        });
        Self {
            site,
            sts: sts.unwrap_or_else(|| site.sts_endpoint()),
            cloudaudit,
        }
    }
}

/// The interval, which no request may outlast, and in which nothing ages out and no tombstone ends.
/// Where the interval is built in, the setting that does not fit it is to blame.
fn fitting_interval(levels: Levels, poll: &Poll, places: &Places) -> Result<Duration, Error> {
    let set = levels.iter().find_map(|level| level.interval.as_ref());
    let interval = set.map_or(defaults::INTERVAL, |set| set.value);
    let refuse = |key: &str, other: Duration, wrong: [&str; 2], rule: &str| {
        let other = spell(other);
        if let Some(Interval { path, text, .. }) = set {
            let why = format!(
                "{} is {} poll.{key} ({other}); {rule}",
                quoted(text),
                wrong[0]
            );
            places.refuse(path, why)
        } else {
            let interval = spell(interval);
            let why = format!("{other} is {} the interval ({interval}); {rule}", wrong[1]);
            places.refuse(&KeyPath::from(["poll", key]), why)
        }
    };
    if interval < poll.timeout {
        let wrong = ["shorter than", "longer than"];
        let rule = "an interval is at least the timeout";
        return Err(refuse("timeout", poll.timeout, wrong, rule));
    }
    let intervals = defaults::LEAST_STALE_INTERVALS;
    if poll.stale_after < interval.saturating_mul(intervals) {
        let wrong = ["too long for", "too short for"];
        let rule = format!("stale_after is at least {intervals} intervals");
        return Err(refuse("stale_after", poll.stale_after, wrong, &rule));
    }
    if poll.tombstone_for < interval {
        let wrong = ["longer than", "shorter than"];
        let rule = "tombstone_for is at least the interval";
        return Err(refuse("tombstone_for", poll.tombstone_for, wrong, rule));
    }
    Ok(interval)
}
