//! A client whose requests are recorded, and a second implementation that checks their signatures.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::failure::Failure;
use cloudaudit_exporter::snapshot::Listing;
use cloudaudit_exporter::tencent::credentials::Credential;
use cloudaudit_exporter::tencent::{CallOptions, Client, ClientParts, ResponseFuture};
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::scripted::{Notes, answer, options, page, parts, scripted};

pub(crate) const REGION: &str = "ap-guangzhou";
pub(crate) const TOKEN: &str = "token-of-a-temporary-credential";
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// The requests that arrived, and their times.
pub(crate) type Arrived = Arc<Mutex<Vec<(Instant, Request<Bytes>)>>>;

/// Returns the parts of a client whose cloud answers by the number of the call, from 0.
pub(crate) fn cloud<F>(script: F) -> (ClientParts, Arrived)
where
    F: Fn(usize) -> ResponseFuture<'static> + Send + Sync + 'static,
{
    let arrived = Arrived::default();
    let log = Arc::clone(&arrived);
    let transport = scripted(move |_, _, request| {
        let mut log = log.lock().unwrap();
        log.push((Instant::now(), request.clone()));
        script(log.len() - 1)
    });
    (parts(transport), arrived)
}

pub(crate) fn empty() -> ResponseFuture<'static> {
    answer(page(&[], 0))
}

pub(crate) async fn list(
    client: &Client,
    retry_for: Duration,
) -> (Result<Arc<Listing>, Failure>, Notes) {
    let notes = Notes::default();
    let listing = client
        .list(REGION, Instant::now() + retry_for, &notes)
        .await;
    (listing, notes)
}

pub(crate) fn attempts(attempts: u32) -> CallOptions {
    CallOptions {
        attempts,
        ..options(50)
    }
}

pub(crate) fn count(arrived: &Arrived) -> usize {
    arrived.lock().unwrap().len()
}

pub(crate) fn credential(secret_id: &str, secret_key: &str, token: Option<&str>) -> Credential {
    let token = token.map(SecretString::from);
    Credential::new(secret_id.to_owned(), secret_key.into(), token).expect("it can be sent")
}

pub(crate) fn header<'a>(request: &'a Request<Bytes>, name: &str) -> &'a str {
    request.headers()[name].to_str().unwrap()
}

/// Computes the signature again from the specification and the received request, and compares.
pub(crate) fn assert_signed(request: &Request<Bytes>, secret_id: &str, secret_key: &str) {
    let hmac = |key: &[u8], text: &str| -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let hex = base16ct::lower::encode_string;
    let sha = |bytes: &[u8]| hex(&Sha256::digest(bytes));
    let timestamp = header(request, "x-tc-timestamp");
    let date = match timestamp.parse().unwrap() {
        1_551_052_800..1_551_139_200_u64 => "2019-02-25",
        1_551_139_200..1_551_225_600 => "2019-02-26",
        other => panic!("{other} is on neither day of these tests"),
    };
    let canonical = format!(
        "POST\n/\n\ncontent-type:{}\nhost:{}\n\ncontent-type;host\n{}",
        header(request, "content-type"),
        header(request, "host"),
        sha(request.body())
    );
    let scope = format!("{date}/cloudaudit/tc3_request");
    let to_sign = format!(
        "TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{}",
        sha(canonical.as_bytes())
    );
    let day = hmac(format!("TC3{secret_key}").as_bytes(), date);
    let key = hmac(&hmac(&day, "cloudaudit"), "tc3_request");
    let signature = hex(&hmac(&key, &to_sign));
    let expected = format!(
        "TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders=content-type;host, \
         Signature={signature}"
    );
    assert_eq!(header(request, "authorization"), expected);
}
