//! The simulator verifies signatures as documented.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::sim::{Identity, Track, World};
use http::{HeaderValue, Request};

use super::{HOST, ID, KEY, REGION, UIN, ask, ids, refusal};

struct Vector {
    host: &'static str,
    content_type: &'static str,
    timestamp: u64,
    date: &'static str,
    signed: &'static str,
    signature: &'static str,
}

const UTF8: &str = "application/json; charset=utf-8";
const CHINA: &str = "cloudaudit.tencentcloudapi.com";
const TWO: &str = "content-type;host";
const THREE: &str = "content-type;host;x-tc-action";

#[rustfmt::skip]
const VECTORS: [Vector; 6] = [
    Vector { host: HOST, content_type: UTF8, timestamp: 1_551_113_065, date: "2019-02-25", signed: TWO,
        signature: "9a299400955f961bfad45a06b31ba9e402f42291fc505e9aadb9d8e98da319f8" },
    Vector { host: HOST, content_type: UTF8, timestamp: 1_551_113_065, date: "2019-02-25", signed: THREE,
        signature: "88a8aabbf757bcd9dbabe62e82ea5caed6c47f49b3367155587005200dbfd85a" },
    Vector { host: CHINA, content_type: UTF8, timestamp: 1_551_113_065, date: "2019-02-25", signed: THREE,
        signature: "6b361769675e7521bce476c4b4ec8a4c8be6041964e28210cf232cfebf905282" },
    Vector { host: CHINA, content_type: UTF8, timestamp: 1_551_139_199, date: "2019-02-25", signed: TWO,
        signature: "1cb8ec635025020135a71dd9548653ebd78e2ed5d248f952ae9c76b6bd9373c4" },
    Vector { host: CHINA, content_type: UTF8, timestamp: 1_551_139_200, date: "2019-02-26", signed: TWO,
        signature: "2b8da762f23bd61a5550dadc5f78d3b88318a69977ca25f4fa9e66df70df1bf6" },
    Vector { host: CHINA, content_type: "application/json", timestamp: 1_551_113_065, date: "2019-02-25", signed: TWO,
        signature: "54e70538e234ded5adc41b01774f9769f79802293bd65d61580cbbf811d259cc" },
];

impl Vector {
    fn request(&self) -> Request<Bytes> {
        let Self {
            date,
            signed,
            signature,
            ..
        } = self;
        let authorization = format!(
            "TC3-HMAC-SHA256 Credential={ID}/{date}/cloudaudit/tc3_request, \
             SignedHeaders={signed}, Signature={signature}"
        );
        Request::post("/")
            .header("Host", self.host)
            .header("Content-Type", self.content_type)
            .header("X-TC-Action", "DescribeAuditTracks")
            .header("X-TC-Version", "2019-03-19")
            .header("X-TC-Region", REGION)
            .header("X-TC-Timestamp", self.timestamp)
            .header("Authorization", authorization)
            .body(Bytes::from_static(br#"{"PageNumber":1,"PageSize":50}"#))
            .unwrap()
    }

    fn world(&self) -> World {
        let world = World::new(UNIX_EPOCH + Duration::from_secs(self.timestamp));
        let account = world.add_account(UIN);
        account.add_identity(Identity::permanent(ID, KEY));
        account.create(Track::new(1, "audit"));
        world
    }
}

#[tokio::test(start_paused = true)]
async fn the_vectors_are_accepted() {
    for vector in VECTORS {
        let answer = ask(&vector.world(), vector.request()).await;
        assert_eq!(ids(&answer), [1], "{}: {answer}", vector.signature);
    }
}

#[tokio::test(start_paused = true)]
async fn a_vector_is_refused_if_any_signed_part_differs() {
    let mut other_body = VECTORS[0].request();
    *other_body.body_mut() = Bytes::from_static(br#"{"PageNumber":2,"PageSize":50}"#);
    for modified in [
        other_body,
        with("Host", "localhost"),
        with("Content-Type", "text/json"),
        with("X-TC-Timestamp", "1551113066"),
    ] {
        let code = refusal(&VECTORS[0].world(), modified).await;
        assert_eq!(code, "AuthFailure.SignatureFailure");
    }
}

/// Returns the first vector with a header that differs from the signed one.
fn with(header: &'static str, value: &'static str) -> Request<Bytes> {
    let mut request = VECTORS[0].request();
    let value = HeaderValue::from_static(value);
    request.headers_mut().insert(header, value);
    request
}

#[tokio::test(start_paused = true)]
async fn in_memory_the_uri_authority_replaces_a_missing_host_header() {
    let mut request = VECTORS[0].request();
    request.headers_mut().remove("host");
    *request.uri_mut() = format!("https://{HOST}/").parse().unwrap();
    assert_eq!(ids(&ask(&VECTORS[0].world(), request).await), [1]);
}
