//! What is asked about one account, in the order in which polling it would go: a key, the role,
//! whose it is, the tracks. What is in the way of one question is in the way of those behind it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::endpoints::account_endpoints;
use super::probe::{AccountFindings, ProbeError, ProbeStep, RegionFindings};
use super::shared_resources::SharedResources;
use super::transport_pool::Transports;
use crate::config::{self, Account, Credentials, Site};
use crate::failure::{Failure, Reason};
use crate::tencent::credentials::{FixedProvider, Provider, is_denied, must_be_of};
use crate::tencent::sts::{CallerIdentity, Sts};
use crate::tencent::{Client, Observer};

/// No retry of a call starts later than this after the question.
const RETRY_FOR: Duration = Duration::from_secs(20);

/// Everybody who is asked about an account.
pub(super) struct AccountProbe {
    account: Account,
    /// The keys of the credentials alone.
    base: Arc<dyn Provider>,
    /// Those of the role, where one is assumed.
    keys: Arc<dyn Provider>,
    /// STS, asked with the keys that poll.
    sts: Arc<Sts>,
    /// The STS of the other site; none where the configuration names endpoints of its own.
    elsewhere: Option<Arc<Sts>>,
    client: Client,
    observer: Arc<dyn Observer>,
}

/// Every place that may be asked about an account.
pub(super) fn probe_endpoints(account: &Account) -> Vec<config::Endpoint> {
    let mut places = account_endpoints(account);
    places.push(account.sts_endpoint.clone());
    places.extend(other_sts(account));
    places
}

fn other_sts(account: &Account) -> Option<config::Endpoint> {
    let site = account.site;
    let is_at_its_site =
        account.endpoint == site.endpoint() && account.sts_endpoint == site.sts_endpoint();
    is_at_its_site.then(|| site.other().sts_endpoint())
}

impl AccountProbe {
    pub(super) fn new(
        shared: &mut SharedResources,
        account: &Account,
        transports: &Transports,
        observer: Arc<dyn Observer>,
    ) -> Self {
        // Whose the key is, is asked here, and so not by its provider.
        let polled = Account {
            uin: None,
            ..account.clone()
        };
        let base = Account {
            assume_role: None,
            ..polled.clone()
        };
        let base = shared.provider(&base, transports);
        let keys = shared.provider(&polled, transports);
        let (client, _) = shared.client(&polled, transports, polled.requests_per_second);
        if f64::from(account.requests_per_second) < client.requests_per_second() {
            client.pacer().set_per_second(account.requests_per_second);
        }
        let elsewhere = other_sts(account);
        Self {
            account: account.clone(),
            sts: shared.sts(&account.sts_endpoint, transports, &keys),
            elsewhere: elsewhere.map(|at| shared.sts(&at, transports, &base)),
            base,
            keys,
            client,
            observer,
        }
    }

    /// Nothing is known yet.
    pub(super) fn unanswered(&self) -> AccountFindings {
        AccountFindings {
            account: self.account.name.clone(),
            provider: self.base.name(),
            role: self.account.assume_role.as_ref().map(|it| it.arn.clone()),
            identity: None,
            error: None,
            known_at_site: None,
            regions: Vec::new(),
        }
    }

    /// Asks all of it.
    pub(super) async fn ask(&self) -> AccountFindings {
        let mut found = self.unanswered();
        found.error = self.keys(&mut found).await.err();
        if found.error.is_none() {
            for region in &self.account.regions {
                found.regions.push(self.region(region).await);
            }
        }
        let is_unknown = found.errors().any(|error| is_unknown(&error.failure));
        if is_unknown {
            found.known_at_site = self.known_at_site().await;
        }
        found
            .regions
            .sort_by(|one, other| one.region.cmp(&other.region));
        found
    }

    /// Whether there are keys to poll with, and the right ones.
    async fn keys(&self, found: &mut AccountFindings) -> Result<(), ProbeError> {
        let base = self.base.credential().await;
        base.map_err(|failure| {
            probe_error(ProbeStep::Key, self.place_of_keys().as_ref(), failure)
        })?;
        if let Some(role) = &self.account.assume_role
            && let Err(failure) = self.keys.credential().await
        {
            // Whoever lacks the permission should have a name.
            found.identity = Some(self.identity(&self.sts.with(Arc::clone(&self.base))).await);
            return Err(probe_error(ProbeStep::Role, Some(&role.endpoint), failure));
        }
        let identity = self.identity(&self.sts).await;
        let at = Some(&self.account.sts_endpoint);
        let verdict = match (&identity, &self.account.uin) {
            (Ok(identity), Some(uin)) => must_be_of(identity, uin)
                .map_err(|failure| probe_error(ProbeStep::Identity, at, failure)),
            // The daemon polls such a role too, and warns.
            (Err(unknown), Some(_))
                if !self.account.is_uin_configured && is_denied(&unknown.failure) =>
            {
                Ok(())
            }
            (Err(unknown), Some(_)) => Err(unknown.clone()),
            // A key that one product does not take, none does. What else STS says is in nobody's
            // way.
            (Err(unknown), None) if unknown.failure.reason == Reason::Unauthenticated => {
                Err(unknown.clone())
            }
            (_, None) => Ok(()),
        };
        found.identity = Some(identity);
        verdict
    }

    async fn identity(&self, sts: &Sts) -> Result<CallerIdentity, ProbeError> {
        let at = Some(&self.account.sts_endpoint);
        let identity = sts.caller_identity().await;
        identity.map_err(|failure| probe_error(ProbeStep::Identity, at, failure))
    }

    async fn region(&self, region: &str) -> RegionFindings {
        let at = Some(&self.account.endpoint);
        let until = Instant::now() + RETRY_FOR;
        let listing = self.client.list(region, until, &*self.observer).await;
        let first = listing.as_ref().ok().and_then(|it| it.tracks.first());
        let details = match (self.account.details_interval, first) {
            (Some(_), Some(first)) => {
                let until = Instant::now() + RETRY_FOR;
                let details = self
                    .client
                    .describe(region, first.id, until, &*self.observer);
                details.await.err()
            }
            _ => None,
        };
        RegionFindings {
            region: region.to_owned(),
            tracks: listing
                .map(|listing| listing.tracks.len())
                .map_err(|failure| probe_error(ProbeStep::Tracks, at, failure)),
            details: details.map(|failure| probe_error(ProbeStep::Details, at, failure)),
        }
    }

    /// The other site, where it knows the key of the credentials: whatever it answers but that.
    async fn known_at_site(&self) -> Option<Site> {
        let elsewhere = self.elsewhere.as_ref()?;
        let credential = self.base.credential().await.ok()?;
        // A temporary key that is unknown has ended.
        if credential.token().is_some() {
            return None;
        }
        let fixed = Arc::new(FixedProvider::of(credential));
        let is_known = match elsewhere.with(fixed).caller_identity().await {
            Ok(_) => true,
            Err(failure) => failure.reason == Reason::Unauthorized,
        };
        is_known.then(|| self.account.site.other())
    }

    /// Who gives the keys of the credentials; none where they are at hand.
    fn place_of_keys(&self) -> Option<config::Endpoint> {
        match (&self.account.credentials, self.base.name()) {
            (Credentials::CvmRole { endpoint, .. } | Credentials::TkeOidc { endpoint }, _) => {
                Some(endpoint.clone())
            }
            (Credentials::Default, "cvm_role") => Some(config::Endpoint::metadata()),
            (Credentials::Default, "tke_oidc") => Some(self.account.sts_endpoint.clone()),
            _ => None,
        }
    }
}

/// Whether the API does not know the key at all.
fn is_unknown(failure: &Failure) -> bool {
    failure.code == "AuthFailure.SecretIdNotFound"
}

pub(super) fn probe_error(
    step: ProbeStep,
    at: Option<&config::Endpoint>,
    failure: Failure,
) -> ProbeError {
    ProbeError {
        step,
        at: at.map(ToString::to_string),
        failure,
    }
}
