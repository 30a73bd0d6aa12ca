//! What is found where a key is tried at the wrong one of two clouds.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::config::{Config, Site};
use cloudaudit_exporter::fleet::{AccountFound, inquire};
use cloudaudit_exporter::sim::{Identity, World};
use cloudaudit_exporter::tencent::{Answer, Transport};
use http::Request;

use crate::simulated::in_memory;
use crate::stage::{HOME, ID, KEY, noon, world};

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
