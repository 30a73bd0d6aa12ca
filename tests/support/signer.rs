//! A small signer for tests that call the simulated cloud without the exporter's client.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use sha2::{Digest, Sha256};

/// Signs `content-type;host`, as the official SDKs do.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) host: String,
    pub(crate) secret_id: String,
    pub(crate) secret_key: String,
}

impl Signer {
    pub(crate) fn new(host: &str, secret_id: &str, secret_key: &str) -> Self {
        Self {
            host: host.to_owned(),
            secret_id: secret_id.to_owned(),
            secret_key: secret_key.to_owned(),
        }
    }

    /// Returns a call of `DescribeAuditTracks`.
    pub(crate) fn list(
        &self,
        at: SystemTime,
        region: &str,
        page: u64,
        size: u64,
    ) -> Request<Bytes> {
        let body = format!(r#"{{"PageNumber":{page},"PageSize":{size}}}"#);
        self.request(at, region, &body)
    }

    /// Returns a call of `DescribeAuditTracks` with any body.
    pub(crate) fn request(&self, at: SystemTime, region: &str, body: &str) -> Request<Bytes> {
        let timestamp = at.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let seconds = i64::try_from(timestamp).unwrap();
        let date = jiff::Timestamp::from_second(seconds).unwrap();
        let date = date.strftime("%Y-%m-%d").to_string();
        self.dated(timestamp, &date, region, body)
    }

    /// Returns a call with any date in the scope.
    pub(crate) fn dated(
        &self,
        timestamp: u64,
        date: &str,
        region: &str,
        body: &str,
    ) -> Request<Bytes> {
        let action = ["cloudaudit", "DescribeAuditTracks", "2019-03-19"];
        self.signed(timestamp, date, action, region, body)
    }

    /// Returns a call of any product, action and version.
    pub(crate) fn signed(
        &self,
        timestamp: u64,
        date: &str,
        [service, action, version]: [&str; 3],
        region: &str,
        body: &str,
    ) -> Request<Bytes> {
        let scope = format!("{date}/{service}/tc3_request");

        let canonical = format!(
            "POST\n/\n\ncontent-type:application/json\nhost:{}\n\ncontent-type;host\n{}",
            self.host.to_lowercase(),
            sha256(body)
        );
        let to_sign = format!(
            "TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{}",
            sha256(&canonical)
        );
        let key = [date, service, "tc3_request"].iter().fold(
            format!("TC3{}", self.secret_key).into_bytes(),
            |key, part| hmac(&key, part),
        );
        let signature = base16ct::lower::encode_string(&hmac(&key, &to_sign));
        Request::post("/")
            .header("Host", &self.host)
            .header("Content-Type", "application/json")
            .header("X-TC-Action", action)
            .header("X-TC-Version", version)
            .header("X-TC-Timestamp", timestamp)
            .header("X-TC-Region", region)
            .header(
                "Authorization",
                format!(
                    "TC3-HMAC-SHA256 Credential={}/{scope}, SignedHeaders=content-type;host, \
                     Signature={signature}",
                    self.secret_id
                ),
            )
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }
}

fn sha256(text: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(text))
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
