//! Probes of accounts, including keys that belong to the other of the two clouds.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::config::{Config, Site};
use cloudaudit_exporter::probe::{AccountFindings, Findings, PROBE_TIMEOUT, probe};
use cloudaudit_exporter::sim::{Fault, Identity, Role, World};
use cloudaudit_exporter::tencent::{ResponseFuture, Transport};
use http::Request;
use tokio::time::Instant;

use super::organization::organization;
use super::stage::{HOME, ID, KEY, noon, world};
use crate::support::simulated::in_memory;

/// Sends requests to one of two clouds by host name.
struct Sites {
    international: Arc<dyn Transport>,
    china: Arc<dyn Transport>,
}

impl Transport for Sites {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        let host = request.uri().host().unwrap();
        if host.ends_with(".intl.tencentcloudapi.com") {
            self.international.send(request)
        } else {
            self.china.send(request)
        }
    }
}

/// Probes an account at the international cloud, with a key that exists in `china`.
async fn found(china: &World, more: &str) -> AccountFindings {
    let international = World::new(noon());
    let sites: Arc<dyn Transport> = Arc::new(Sites {
        international: in_memory(&international),
        china: in_memory(china),
    });
    let text = format!(
        "accounts: {{prod: {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}{more}}}}}"
    );
    let config = Config::parse("config.yaml", &text, &BTreeMap::new()).unwrap();
    let factory = Box::new(move |_| Ok(Arc::clone(&sites)));
    let clock = Clock::virtual_at(noon());
    let findings = probe(&config, &BTreeMap::new(), &clock, factory).await;
    findings.unwrap().accounts.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_key_of_the_other_site_is_found_there() {
    let china = world();
    let found_there = found(&china, "").await;
    assert_eq!(found_there.known_at_site, Some(Site::China));
    let error = found_there.error.unwrap();
    assert_eq!(error.failure.code, "AuthFailure.SecretIdNotFound");
    let calls = china.calls();
    let actions: Vec<&str> = calls.iter().map(|call| &*call.action).collect();
    assert_eq!(actions, ["GetCallerIdentity"], "one call to the other site");

    let home = china.account(HOME).unwrap();
    home.deny_action(ID, "sts:GetCallerIdentity").unwrap();
    assert_eq!(found(&china, "").await.known_at_site, Some(Site::China));
    let role = ", assume_role: {arn: 'qcs::cam::uin/100000000002:roleName/reader'}";
    assert_eq!(found(&china, role).await.known_at_site, Some(Site::China));
}

#[tokio::test(start_paused = true)]
async fn a_key_unknown_at_both_sites_has_no_known_site() {
    let china = World::new(noon());
    china
        .add_account(HOME)
        .add_identity(Identity::permanent("AKIDother", KEY));
    assert_eq!(found(&china, "").await.known_at_site, None);
    assert_eq!(china.call_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_whole_probe_has_a_timeout() {
    let world = world();
    world.inject(Fault::hang().action("DescribeAuditTracks").until_cleared());
    let transport = in_memory(&world);
    let text = format!(
        "endpoint: http://127.0.0.1:1\npoll: {{interval: 1h, timeout: 1h, stale_after: 2h}}\naccounts: {{prod: \
         {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}}}"
    );
    let config = Config::parse("config.yaml", &text, &BTreeMap::new()).unwrap();
    let factory = Box::new(move |_| Ok(Arc::clone(&transport)));
    let (clock, began) = (Clock::virtual_at(noon()), Instant::now());
    let findings = probe(&config, &BTreeMap::new(), &clock, factory).await;
    assert_eq!(began.elapsed(), PROBE_TIMEOUT);
    let error = findings.unwrap().accounts[0].error.clone().unwrap();
    assert_eq!(error.failure.message, "no complete response within 300s");
}

/// A configured endpoint already selects the cloud.
#[tokio::test(start_paused = true)]
async fn a_configured_endpoint_is_the_only_one_probed() {
    let china = world();
    for named in ["endpoint", "sts_endpoint"] {
        let more = format!(", {named}: another.intl.tencentcloudapi.com");
        assert_eq!(found(&china, &more).await.known_at_site, None, "{named}");
    }
    assert_eq!(china.call_count(), 0);
}

async fn findings(world: &World, accounts: &str) -> Findings {
    let transport = in_memory(world);
    let text = format!("endpoint: http://127.0.0.1:1\n{accounts}");
    let config = Config::parse("config.yaml", &text, &BTreeMap::new()).unwrap();
    let factory = Box::new(move |_| Ok(Arc::clone(&transport)));
    let clock = Clock::virtual_at(noon());
    probe(&config, &BTreeMap::new(), &clock, factory)
        .await
        .unwrap()
}

/// The daemon also polls such a role, with a warning.
#[tokio::test(start_paused = true)]
async fn a_role_without_permission_to_verify_is_not_an_error() {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.add_role(Role::new("reader").trusts_account(HOME));
    let denied = Fault::error("UnauthorizedOperation", "not allowed");
    world.inject(denied.action("GetCallerIdentity").until_cleared());
    let account = |uin: &str| {
        let arn = home.role_arn("reader");
        format!(
            "accounts: {{prod: {{{uin}credentials: {{secret_id: {ID}, secret_key: {KEY}}}, assume_role: {{arn: '{arn}'}}}}}}"
        )
    };
    let found = findings(&world, &account("")).await;
    assert_eq!(found.accounts[0].errors().count(), 0);
    let found = findings(&world, &account(&format!("uin: '{HOME}', "))).await;
    assert_eq!(found.accounts[0].errors().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_names_for_one_account_cause_a_warning() {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.add_identity(Identity::permanent("AKIDsecond", KEY));
    let accounts = format!(
        "accounts: {{one: {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}, two: {{credentials: {{secret_id: \
         AKIDsecond, secret_key: {KEY}}}}}}}"
    );
    let found = findings(&world, &accounts).await;
    let expected = format!(
        "accounts one and two are the same Tencent Cloud account {HOME}; one account with all regions is enough"
    );
    assert_eq!(found.warnings, [expected]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_also_a_member_causes_a_warning() {
    let world = organization(2);
    let role = "{secret_id: AKIDhome, secret_key: key-of-home}, assume_role: {arn: 'qcs::cam::uin/200000000001:roleName/audit-reader'}";
    let config = format!(
        "{}\naccounts: {{mine: {{credentials: {role}}}}}",
        super::organization::config("")
    );
    let found = findings(&world, &config).await;
    let expected = "account mine is member 200000000001 of organization main too; exclude the member or remove the account";
    assert_eq!(found.warnings, [expected]);
}
