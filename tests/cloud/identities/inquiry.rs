//! What is found where a key is tried at the wrong one of two clouds.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::config::{Config, Site};
use cloudaudit_exporter::fleet::{AccountFound, INQUIRY_TIME, inquire};
use cloudaudit_exporter::sim::{Fault, Identity, World};
use cloudaudit_exporter::tencent::{Answer, Transport};
use http::Request;
use tokio::time::Instant;

use super::stage::{HOME, ID, KEY, noon, world};
use crate::support::simulated::in_memory;

/// The two clouds, told apart by the names of their hosts.
struct Sites {
    international: Arc<dyn Transport>,
    china: Arc<dyn Transport>,
}

impl Transport for Sites {
    fn send(&self, request: Request<Bytes>) -> Answer<'_> {
        let host = request.uri().host().unwrap();
        if host.ends_with(".intl.tencentcloudapi.com") {
            self.international.send(request)
        } else {
            self.china.send(request)
        }
    }
}

/// What is found of an account that is asked for internationally, with the key that `china` has.
async fn found(china: &World, more: &str) -> AccountFound {
    let international = World::new(noon());
    let sites: Arc<dyn Transport> = Arc::new(Sites {
        international: in_memory(&international),
        china: in_memory(china),
    });
    let text = format!(
        "accounts: {{prod: {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}{more}}}}}"
    );
    let config = Config::parse("config.yaml", &text, &BTreeMap::new()).unwrap();
    let connect = Box::new(move |_| Ok(Arc::clone(&sites)));
    let clock = Clock::virtual_at(noon());
    let findings = inquire(&config, &BTreeMap::new(), &clock, connect).await;
    findings.unwrap().accounts.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_key_of_the_other_site_is_found_there() {
    let china = world();
    let found_there = found(&china, "").await;
    assert_eq!(found_there.known_at, Some(Site::China));
    let trouble = found_there.trouble.unwrap();
    assert_eq!(trouble.failure.code, "AuthFailure.SecretIdNotFound");
    let calls = china.calls();
    let actions: Vec<&str> = calls.iter().map(|call| &*call.action).collect();
    assert_eq!(actions, ["GetCallerIdentity"], "it is asked once");

    let home = china.account(HOME).unwrap();
    home.deny_action(ID, "sts:GetCallerIdentity").unwrap();
    assert_eq!(found(&china, "").await.known_at, Some(Site::China));
    let role = ", assume_role: {arn: 'qcs::cam::uin/100000000002:roleName/reader'}";
    assert_eq!(found(&china, role).await.known_at, Some(Site::China));
}

#[tokio::test(start_paused = true)]
async fn a_key_of_neither_site_is_one_of_neither() {
    let china = World::new(noon());
    china
        .add_account(HOME)
        .add_identity(Identity::permanent("AKIDother", KEY));
    assert_eq!(found(&china, "").await.known_at, None);
    assert_eq!(china.call_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_of_it_has_a_time_limit() {
    let world = world();
    world.inject(Fault::hang().action("DescribeAuditTracks").until_cleared());
    let way = in_memory(&world);
    let text = format!(
        "endpoint: http://127.0.0.1:1\npoll: {{interval: 1h, timeout: 1h, stale_after: 2h}}\naccounts: {{prod: \
         {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}}}"
    );
    let config = Config::parse("config.yaml", &text, &BTreeMap::new()).unwrap();
    let connect = Box::new(move |_| Ok(Arc::clone(&way)));
    let (clock, began) = (Clock::virtual_at(noon()), Instant::now());
    let findings = inquire(&config, &BTreeMap::new(), &clock, connect).await;
    assert_eq!(began.elapsed(), INQUIRY_TIME);
    let trouble = findings.unwrap().accounts[0].trouble.clone().unwrap();
    assert_eq!(trouble.failure.message, "not all was answered within 300s");
}

/// Whoever names an endpoint knows where the key is.
#[tokio::test(start_paused = true)]
async fn nobody_else_is_asked_where_the_endpoint_is_named() {
    let china = world();
    for named in ["endpoint", "sts_endpoint"] {
        let more = format!(", {named}: another.intl.tencentcloudapi.com");
        assert_eq!(found(&china, &more).await.known_at, None, "{named}");
    }
    assert_eq!(china.call_count(), 0);
}
