//! Calls to the other products, and with the keys that they issue.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::sim::World;
use http::{HeaderValue, Request};
use serde_json::Value;

use super::{HOST, REGION, ask, signer};
use crate::support::signer::Signer;

/// A permanent or temporary key.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) signer: Signer,
    pub(crate) token: Option<String>,
}

/// Returns the permanent key of the world's first account.
pub(crate) fn permanent() -> Key {
    Key {
        signer: signer(),
        token: None,
    }
}

/// Returns the key in a response of STS.
pub(crate) fn temporary(answer: &Value) -> Key {
    machine(&answer["Credentials"])
}

/// Returns the key in a response of the metadata service.
pub(crate) fn machine(answer: &Value) -> Key {
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    Key {
        signer: Signer::new(HOST, &text("TmpSecretId"), &text("TmpSecretKey")),
        token: Some(text("Token")),
    }
}

impl Key {
    /// Calls an action of a product that needs no region.
    pub(crate) async fn ask(&self, world: &World, action: [&str; 3], body: &str) -> Value {
        ask(world, self.request(world, action, "", body)).await
    }

    pub(crate) async fn assume(&self, world: &World, body: &str) -> Value {
        self.ask(world, ["sts", "AssumeRole", "2018-08-13"], body)
            .await
    }

    pub(crate) async fn caller_identity(&self, world: &World) -> Value {
        let action = ["sts", "GetCallerIdentity", "2018-08-13"];
        self.ask(world, action, "{}").await
    }

    /// Lists the first page of tracks.
    pub(crate) async fn list(&self, world: &World) -> Value {
        let action = ["cloudaudit", "DescribeAuditTracks", "2019-03-19"];
        let body = r#"{"PageNumber":1,"PageSize":10}"#;
        ask(world, self.request(world, action, REGION, body)).await
    }

    pub(crate) fn request(
        &self,
        world: &World,
        action: [&str; 3],
        region: &str,
        body: &str,
    ) -> Request<Bytes> {
        let (seconds, date) = stamp(world.now());
        let mut request = self.signer.signed(seconds, &date, action, region, body);
        if let Some(token) = &self.token {
            let token = HeaderValue::from_str(token).unwrap();
            request.headers_mut().insert("X-TC-Token", token);
        }
        request
    }
}

/// Returns an unsigned call to STS.
pub(crate) fn unsigned(action: &str, body: &str) -> Request<Bytes> {
    Request::post("/")
        .header("Host", "sts.tencentcloudapi.com")
        .header("Content-Type", "application/json")
        .header("X-TC-Action", action)
        .header("X-TC-Version", "2018-08-13")
        .header("Authorization", "SKIP")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

fn stamp(at: SystemTime) -> (u64, String) {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap();
    (seconds, time.strftime("%Y-%m-%d").to_string())
}
