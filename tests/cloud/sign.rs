//! The signature against published vectors, stage by stage, so that a failure names its stage.
//!
//! V1–V4 come from three versions of Tencent Cloud's documentation. C1–C6 are this project's own
//! vectors for CloudAudit, recomputed with the official Python SDK where it signs the same headers.

use cloudaudit_exporter::tencent::sign::{
    Scope, authorization, canonical_request, secret_date, secret_service, secret_signing,
    sha256_hex, signature, signed_headers, string_to_sign,
};
use secrecy::SecretString;

const ID_V1: &str = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE";
const KEY_V1: &str = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE";
const KEY_V2: &str = "Gu5t9xGARNpq86cd98joQYCN3*******";
const KEY_V3: &str = "********************************";
const CVM_BODY: &str =
    r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
const AUDIT_BODY: &str = r#"{"PageNumber":1,"PageSize":50}"#;
const JSON_UTF8: &str = "application/json; charset=utf-8";
const INTL: &str = "cloudaudit.intl.tencentcloudapi.com";
const CHINA: &str = "cloudaudit.tencentcloudapi.com";

struct Vector<'a> {
    name: &'a str,
    secret_key: &'a str,
    service: &'a str,
    timestamp: i64,
    method: &'a str,
    query: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
    canonical_hash: Option<&'a str>,
    keys: Option<[&'a str; 3]>,
    signature: &'a str,
}

impl Vector<'_> {
    fn check(&self) {
        let name = self.name;
        let scope = Scope::at(self.timestamp, self.service);
        let canonical =
            canonical_request(self.method, self.query, self.headers, self.body.as_bytes());
        if let Some(expected) = self.canonical_hash {
            assert_eq!(
                sha256_hex(canonical.as_bytes()),
                expected,
                "{name}: canonical request"
            );
        }
        let k1 = secret_date(&SecretString::from(self.secret_key), &scope.date);
        let k2 = secret_service(&k1, self.service);
        let k3 = secret_signing(&k2);
        if let Some([date, service, signing]) = self.keys {
            let hex = |key: &[u8; 32]| base16ct::lower::encode_string(key);
            assert_eq!(hex(&k1), date, "{name}: key of the date");
            assert_eq!(hex(&k2), service, "{name}: key of the service");
            assert_eq!(hex(&k3), signing, "{name}: signing key");
        }
        let to_sign = string_to_sign(self.timestamp, &scope, &canonical);
        assert_eq!(
            signature(&k3, &to_sign),
            self.signature,
            "{name}: signature"
        );
    }
}

#[test]
fn documented_vectors() {
    let host = "cvm.tencentcloudapi.com";
    let two = [("content-type", JSON_UTF8), ("host", host)];
    let three = [two[0], two[1], ("x-tc-action", "DescribeInstances")];
    let post = |name, secret_key, headers, canonical_hash, keys, signature| Vector {
        name,
        secret_key,
        service: "cvm",
        timestamp: 1_551_113_065,
        method: "POST",
        query: "",
        headers,
        body: CVM_BODY,
        canonical_hash: Some(canonical_hash),
        keys: Some(keys),
        signature,
    };
    assert_eq!(
        sha256_hex(CVM_BODY.as_bytes()),
        "35e9c5b0e3ae67532d3c9f17ead6c90222632e5b1ff7f6e89887f1398934f064"
    );
    post(
        "V1",
        KEY_V1,
        &two[..],
        "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031",
        [
            "d1308c81fe71cfd4e06437bbc067b2b8a3d2d8c0e375d547f15c41d5214b395a",
            "3c7cb7c7795393edc14fd2e0e6434a518564b4504b88e94f5d11bf59ba3e7050",
            "ac658d5dde49e9bfdd14e04e062f66b05d9f637d44b8a8d845327d4a77f666b1",
        ],
        "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
    )
    .check();
    post(
        "V2",
        KEY_V2,
        &three[..],
        "7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84",
        [
            "f1cb4d518a0eda9d5cbbfdb7850983f1e603eeae484edea76e4dd8d8deb5556e",
            "e7c609ce81bea53546bed2cc904778bef9ca14082e48e67883443ed64e227cd7",
            "8aa8ab5755582f576e94bcfe383b8e29325b0ca90c3590d569221c6a63a091ed",
        ],
        "be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3",
    )
    .check();
    post(
        "V3",
        KEY_V3,
        &three[..],
        "7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84",
        [
            "da98fb70dcf6b112dc21038d1eeeb3a95c74b4dcb12c1131f864f6066bd02be0",
            "8d70cbefb03939f929db64d32dc2ba89b1095620119fe3e050e2b18c5bd2752f",
            "b596b923aad85185e2d1f6659d2a062e0a86731226e021e61bfe06f7ed05f5af",
        ],
        "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f",
    )
    .check();
    Vector {
        name: "V4",
        secret_key: KEY_V1,
        service: "cvm",
        timestamp: 1_539_084_154,
        method: "GET",
        query: "Limit=10&Offset=0",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", host),
        ],
        body: "",
        canonical_hash: Some("91c9c192c14460df6c1ffc69e34e6c5e90708de2a6d282cccf957dbf1aa7f3a7"),
        keys: Some([
            "e476728ff6d7bacfa7847b3d3d6d3a9e6f536992367701d4533354ca7b5d0fa5",
            "6e3d6d4854b8adc273db620fefefebecb11004f335f9991439eba3c231030714",
            "39c4cf287fdff993dc407e649450ae4a0f1e1fd75aedb08d8160e47372e9b62d",
        ]),
        signature: "5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474",
    }
    .check();
}

#[test]
fn string_to_sign_of_v1() {
    let scope = Scope::at(1_551_113_065, "cvm");
    let headers = [
        ("content-type", JSON_UTF8),
        ("host", "cvm.tencentcloudapi.com"),
    ];
    let canonical = canonical_request("POST", "", &headers, CVM_BODY.as_bytes());
    assert_eq!(
        string_to_sign(1_551_113_065, &scope, &canonical),
        "TC3-HMAC-SHA256\n1551113065\n2019-02-25/cvm/tc3_request\n\
         5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031"
    );
}

#[test]
fn cloudaudit_vectors() {
    assert_eq!(
        sha256_hex(AUDIT_BODY.as_bytes()),
        "e773b8906a34228a6e082892983d3e0d9a313bc1db7628ac92fbb86aece92526"
    );
    let action = ("x-tc-action", "DescribeAuditTracks");
    let international = [("content-type", JSON_UTF8), ("host", INTL), action];
    let china = [("content-type", JSON_UTF8), ("host", CHINA), action];
    let vector = |name, headers, timestamp, canonical_hash, signature| Vector {
        name,
        secret_key: KEY_V1,
        service: "cloudaudit",
        timestamp,
        method: "POST",
        query: "",
        headers,
        body: AUDIT_BODY,
        canonical_hash,
        keys: None,
        signature,
    };
    let keys_of_the_day = Some([
        "d1308c81fe71cfd4e06437bbc067b2b8a3d2d8c0e375d547f15c41d5214b395a",
        "b452bcadb7246bb9421dde030b4c9fff32748764ce5e6454459912c71bde752e",
        "a6fa6e614c427f57272d9cbedff5e08fad1bdbf11d3674e34eff37122eb0a9d9",
    ]);
    Vector {
        keys: keys_of_the_day,
        ..vector(
            "C1",
            &[("content-type", JSON_UTF8), ("host", INTL)],
            1_551_113_065,
            Some("5c3ddbd6e75ac6a3ded1b366694f7154753d58c782e877cff26ed2b717dd5646"),
            "9a299400955f961bfad45a06b31ba9e402f42291fc505e9aadb9d8e98da319f8",
        )
    }
    .check();
    vector(
        "C2",
        &international,
        1_551_113_065,
        Some("20439f3077a10ee80ac6d02b3c43c6fabf197e0c58e803a6c65b5dbce04fd667"),
        "88a8aabbf757bcd9dbabe62e82ea5caed6c47f49b3367155587005200dbfd85a",
    )
    .check();
    vector(
        "C3",
        &china,
        1_551_113_065,
        Some("d4cacbae4e828fd6029fb2859d87d740218651676133e2f95ff718a667deaf01"),
        "6b361769675e7521bce476c4b4ec8a4c8be6041964e28210cf232cfebf905282",
    )
    .check();
    vector(
        "C6",
        &[("content-type", "application/json"), ("host", CHINA)],
        1_551_113_065,
        None,
        "54e70538e234ded5adc41b01774f9769f79802293bd65d61580cbbf811d259cc",
    )
    .check();
}

/// C4 is the last second of a UTC day and C5 the first of the next: only the timestamp and the
/// scope differ.
#[test]
fn across_utc_midnight() {
    let headers = [("content-type", JSON_UTF8), ("host", CHINA)];
    let at = |name, timestamp, signature| Vector {
        name,
        secret_key: KEY_V1,
        service: "cloudaudit",
        timestamp,
        method: "POST",
        query: "",
        headers: &headers,
        body: AUDIT_BODY,
        canonical_hash: Some("65a9562ed394f542d10228a23ea7b311c04ca727870c756162ccc7b3a9c5ac1e"),
        keys: None,
        signature,
    };
    assert_eq!(Scope::at(1_551_139_199, "cloudaudit").date, "2019-02-25");
    assert_eq!(Scope::at(1_551_139_200, "cloudaudit").date, "2019-02-26");
    at(
        "C4",
        1_551_139_199,
        "1cb8ec635025020135a71dd9548653ebd78e2ed5d248f952ae9c76b6bd9373c4",
    )
    .check();
    at(
        "C5",
        1_551_139_200,
        "2b8da762f23bd61a5550dadc5f78d3b88318a69977ca25f4fa9e66df70df1bf6",
    )
    .check();
}

#[test]
fn authorization_header() {
    let scope = Scope::at(1_551_113_065, "cvm");
    let signed = signed_headers(&[("content-type", ""), ("host", "")]);
    assert_eq!(
        authorization(ID_V1, &scope, &signed, "72e4"),
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, \
         SignedHeaders=content-type;host, Signature=72e4"
    );
}
