//! Probes one account in the order in which a poll proceeds: a key, the role, the identity, the
//! tracks. A failed step skips the steps that depend on it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::expected::compare;
use super::findings::{AccountFindings, ProbeError, ProbeStep, RegionFindings};
use super::storage;
use super::unobserved::Unobserved;
use crate::config::{self, Account, Credentials, Site};
use crate::failure::{Failure, Reason};
use crate::fleet::{SharedResources, Transports, account_endpoints};
use crate::tencent::credentials::{FixedProvider, Provider, is_denied, must_be_of};
use crate::tencent::storage::StorageClients;
use crate::tencent::sts::{CallerIdentity, Sts};
use crate::tencent::{ATTRIBUTE_ACTION_TYPE, ATTRIBUTE_RESOURCE_TYPE, Client, Events, EventsQuery};

/// How long a failed request is retried.
const RETRY_FOR: Duration = Duration::from_secs(20);

/// The clients that probe an account.
pub(super) struct AccountProbe {
    account: Account,
    /// The keys of the credentials, without the role.
    base: Arc<dyn Provider>,
    /// The keys that poll: of the role, if there is one.
    keys: Arc<dyn Provider>,
    /// STS, with the keys that poll.
    sts: Arc<Sts>,
    /// STS of the other site. `None` if the configuration names its own endpoints.
    other_site_sts: Option<Arc<Sts>>,
    client: Client,
    /// `None` if delivery is not checked.
    storage: Option<Arc<StorageClients>>,
}

/// Returns all endpoints that a probe of the account may use.
pub(super) fn probe_endpoints(account: &Account) -> Vec<config::Endpoint> {
    let mut endpoints = account_endpoints(account);
    endpoints.push(account.sts_endpoint.clone());
    endpoints.extend(other_site_sts_endpoint(account));
    endpoints
}

fn other_site_sts_endpoint(account: &Account) -> Option<config::Endpoint> {
    let site = account.site;
    let has_default_endpoints =
        account.endpoint == site.endpoint() && account.sts_endpoint == site.sts_endpoint();
    has_default_endpoints.then(|| site.other().sts_endpoint())
}

impl AccountProbe {
    pub(super) fn new(
        shared: &mut SharedResources,
        account: &Account,
        transports: &Transports,
    ) -> Self {
        // The probe verifies the owner itself, so the provider must not.
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
            for pacer in [client.pacer(), client.events_pacer()] {
                pacer.set_per_second(account.requests_per_second);
            }
        }
        let other_site_sts = other_site_sts_endpoint(account);
        Self {
            account: account.clone(),
            sts: shared.sts(&account.sts_endpoint, transports, &keys),
            other_site_sts: other_site_sts.map(|at| shared.sts(&at, transports, &base)),
            base,
            keys,
            client,
            storage: shared.storage_clients(&polled, transports),
        }
    }

    /// Returns the findings before the first request.
    pub(super) fn no_findings(&self) -> AccountFindings {
        AccountFindings {
            account: self.account.name.clone(),
            provider: self.base.name(),
            role: self.account.assume_role.as_ref().map(|it| it.arn.clone()),
            identity: None,
            error: None,
            known_at_site: None,
            regions: Vec::new(),
            storage: Vec::new(),
            unchecked_storage: 0,
            expected: Vec::new(),
        }
    }

    /// Runs all steps.
    pub(super) async fn run(&self) -> AccountFindings {
        let mut found = self.no_findings();
        found.error = self.keys(&mut found).await.err();
        if found.error.is_none() {
            for region in &self.account.regions {
                found.regions.push(self.region(region).await);
            }
        }
        if let Some(clients) = &self.storage {
            let identity = found.identity.as_ref().and_then(|it| it.as_ref().ok());
            let uin = identity.map(|identity| &*identity.uin);
            let uin = uin.or(self.account.uin.as_deref());
            let checked = storage::check(clients, &self.account, &found.regions, uin).await;
            (found.storage, found.unchecked_storage) = checked;
        }
        let is_unknown_key = found.errors().any(|error| is_unknown_key(&error.failure));
        if found.regions.iter().any(|region| region.tracks.is_ok()) {
            found.expected = compare(&self.account.expected_tracks, &found.regions);
        }
        if is_unknown_key {
            found.known_at_site = self.known_at_site().await;
        }
        found
            .regions
            .sort_by(|one, other| one.region.cmp(&other.region));
        found
    }

    /// Checks that there are keys to poll with, and that they belong to the configured account.
    async fn keys(&self, found: &mut AccountFindings) -> Result<(), ProbeError> {
        let base = self.base.credential().await;
        base.map_err(|failure| {
            ProbeError::new(ProbeStep::Key, self.key_endpoint().as_ref(), failure)
        })?;
        if let Some(role) = &self.account.assume_role
            && let Err(failure) = self.keys.credential().await
        {
            // The remedy names the principal that lacks the permission.
            found.identity = Some(self.identity(&self.sts.with(Arc::clone(&self.base))).await);
            return Err(ProbeError::new(
                ProbeStep::Role,
                Some(&role.endpoint),
                failure,
            ));
        }
        let identity = self.identity(&self.sts).await;
        let at = Some(&self.account.sts_endpoint);
        let verdict = match (&identity, &self.account.uin) {
            (Ok(identity), Some(uin)) => must_be_of(identity, uin)
                .map_err(|failure| ProbeError::new(ProbeStep::Identity, at, failure)),
            // The exporter polls with such a role, and logs a warning.
            (Err(unknown), Some(_))
                if !self.account.is_uin_configured && is_denied(&unknown.failure) =>
            {
                Ok(())
            }
            (Err(unknown), Some(_)) => Err(unknown.clone()),
            // All products reject such a key. Without `uin`, other failures of STS do not prevent
            // polling.
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
        identity.map_err(|failure| ProbeError::new(ProbeStep::Identity, at, failure))
    }

    async fn region(&self, region: &str) -> RegionFindings {
        let at = Some(&self.account.endpoint);
        let until = Instant::now() + RETRY_FOR;
        let listing = self.client.list(region, until, &Unobserved).await;
        let first = listing.as_ref().ok().and_then(|it| it.tracks.first());
        let details = match (self.account.details_interval, first) {
            (Some(_), Some(first)) => {
                let until = Instant::now() + RETRY_FOR;
                let details = self.client.describe(region, first.id, until, &Unobserved);
                details.await.err()
            }
            _ => None,
        };
        // Checks of storage need them too, to know what is due.
        let needs_events = self.account.attribution.is_some() || self.storage.is_some();
        let events = if needs_events {
            self.events(region).await.err()
        } else {
            None
        };
        RegionFindings {
            region: region.to_owned(),
            tracks: listing.map_err(|failure| ProbeError::new(ProbeStep::Tracks, at, failure)),
            details: details.map(|failure| ProbeError::new(ProbeStep::Details, at, failure)),
            events: events.map(|failure| ProbeError::new(ProbeStep::Events, at, failure)),
        }
    }

    /// Reads the operation records of the last minute.
    async fn events(&self, region: &str) -> Result<Events, Failure> {
        let now = self.client.clock().now().unix_seconds();
        let now = u64::try_from(now).unwrap_or_default();
        let query = EventsQuery {
            from: now.saturating_sub(60),
            until: now,
            attributes: vec![
                (ATTRIBUTE_RESOURCE_TYPE, "cloudaudit".to_owned()),
                (ATTRIBUTE_ACTION_TYPE, "Write".to_owned()),
            ],
            max_pages: 1,
        };
        let until = Instant::now() + RETRY_FOR;
        self.client.events(region, &query, until, &Unobserved).await
    }

    /// Returns the other site if it knows the key of the credentials.
    async fn known_at_site(&self) -> Option<Site> {
        let other_site_sts = self.other_site_sts.as_ref()?;
        let credential = self.base.credential().await.ok()?;
        // An unknown temporary key has probably expired.
        if credential.token().is_some() {
            return None;
        }
        let fixed = Arc::new(FixedProvider::of(credential));
        let is_known = match other_site_sts.with(fixed).caller_identity().await {
            Ok(_) => true,
            Err(failure) => failure.reason == Reason::Unauthorized,
        };
        is_known.then(|| self.account.site.other())
    }

    /// Returns the endpoint that issues the keys of the credentials. `None` if they are local.
    fn key_endpoint(&self) -> Option<config::Endpoint> {
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

/// Returns whether the API does not know the key.
fn is_unknown_key(failure: &Failure) -> bool {
    failure.code == "AuthFailure.SecretIdNotFound"
}
