//! The signature of COS against vectors, stage by stage, so that a failure names its stage.
//!
//! O1 to O4 come from two versions of the documentation. L1 to L4 are listings, reproduced with the
//! official Python SDK.

use cloudaudit_exporter::tencent::storage::cos::sign::{
    authorization, http_string, key_time, sha1_hex, sign_key, signature, signed_pairs,
    string_to_sign,
};
use secrecy::{ExposeSecret, SecretString};

const ID: &str = "AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q";
const KEY: &str = "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz";
const HOST: (&str, &str) = (
    "host",
    "examplebucket-1250000000.cos.ap-beijing.myqcloud.com",
);

struct Vector<'a> {
    name: &'a str,
    request: (&'a str, &'a str),
    parameters: &'a [(&'a str, &'a str)],
    headers: &'a [(&'a str, &'a str)],
    key_time: (i64, i64),
    sign_key: &'a str,
    http_string: &'a str,
    signature: &'a str,
}

impl Vector<'_> {
    fn check(&self) {
        let name = self.name;
        let (method, path) = self.request;
        let key_time = key_time(self.key_time.0, self.key_time.1);
        let sign_key = sign_key(&SecretString::from(KEY), &key_time);
        assert_eq!(sign_key.expose_secret(), self.sign_key, "{name}: key");
        let parameters = signed_pairs(self.parameters);
        let headers = signed_pairs(self.headers);
        let text = http_string(method, path, &parameters, &headers);
        assert_eq!(sha1_hex(&text), self.http_string, "{name}: {text}");
        let signed = signature(&sign_key, &string_to_sign(&key_time, &text));
        assert_eq!(signed, self.signature, "{name}: signature");
    }
}

#[test]
fn documented_vectors() {
    let path = "/exampleobject(腾讯云)";
    let old_time = (1_417_773_892, 1_417_853_898);
    let old_key = "d265642cf75792e70e35030fd14e73134094d673";
    for vector in [
        Vector {
            name: "O1",
            request: ("PUT", path),
            parameters: &[],
            headers: &[
                ("Content-Length", "13"),
                ("Content-MD5", "mQ/fVh815F3k6TAUm8m0eg=="),
                ("Content-Type", "text/plain"),
                ("Date", "Thu, 16 May 2019 06:45:51 GMT"),
                HOST,
                ("x-cos-acl", "private"),
                ("x-cos-grant-read", "uin=\"100000000011\""),
            ],
            key_time: (1_557_989_151, 1_557_996_351),
            sign_key: "eb2519b498b02ac213cb1f3d1a3d27a3b3c9bc5f",
            http_string: "8b2751e77f43a0995d6e9eb9477f4b685cca4172",
            signature: "3b8851a11a569213c17ba8fa7dcf2abec6935172",
        },
        Vector {
            name: "O2",
            request: ("GET", path),
            parameters: &[
                ("response-content-type", "application/octet-stream"),
                ("response-cache-control", "max-age=600"),
            ],
            headers: &[("date", "Thu, 16 May 2019 06:55:53 GMT"), HOST],
            key_time: (1_557_989_753, 1_557_996_953),
            sign_key: "937914bf490e9e8c189836aad2052e4feeb35eaf",
            http_string: "54ecfe22f59d3514fdc764b87a32d8133ea611e6",
            signature: "01681b8c9d798a678e43b685a9f1bba0f6c0e012",
        },
        Vector {
            name: "O3",
            request: ("put", "/exampleobject"),
            parameters: &[],
            headers: &[
                HOST,
                ("x-cos-storage-class", "standard"),
                (
                    "x-cos-content-sha1",
                    "b502c3a1f48c8609ae212cdfb639dee39673f5e",
                ),
            ],
            key_time: old_time,
            sign_key: old_key,
            http_string: "823d118a3d7a70ab62f668f2539fabe9683a7ae9",
            signature: "0ab12f43e74cbe148d705cd9fae8adc9a6d39cc1",
        },
        Vector {
            name: "O4",
            request: ("get", "/testfile"),
            parameters: &[],
            headers: &[
                ("host", "bucket1-1254000000.cos.ap-beijing.myqcloud.com"),
                ("range", "bytes=0-3"),
            ],
            key_time: old_time,
            sign_key: old_key,
            http_string: "3a529544cb1559b8be98f079df87742e8fad26dc",
            signature: "4b6cbab14ce01381c29032423481ebffd514e8be",
        },
    ] {
        vector.check();
    }
}

#[test]
fn listing_vectors() {
    let token = ("x-cos-security-token", "example/token+with=signs");
    let list = |name, method, parameters, headers, http_string, signature| Vector {
        name,
        request: (method, "/"),
        parameters,
        headers,
        key_time: (1_557_989_753, 1_557_990_053),
        sign_key: "7e8adbca49c0aa4ef8569b6675847d659fe5db8c",
        http_string,
        signature,
    };
    for vector in [
        list(
            "L1",
            "GET",
            &[
                ("prefix", "cloudaudit/"),
                ("delimiter", "/"),
                ("max-keys", "1000"),
            ],
            &[HOST],
            "65a60a134080df831bfddb996389f21bea19616c",
            "9c490299436fb1c34690b411e6612a3a47de62d8",
        ),
        list(
            "L2",
            "GET",
            &[
                ("prefix", "cloudaudit/2026/11/28/"),
                ("marker", "cloudaudit/2026/11/28/0930_a(1)+b.gz"),
                ("max-keys", "1000"),
                ("encoding-type", "url"),
            ],
            &[HOST],
            "848b83680169f8f4948902284f8b9f6f75bf2882",
            "1ff397babec4746bc99a1d32e3a245113ff42ebd",
        ),
        list(
            "L3",
            "HEAD",
            &[],
            &[HOST],
            "e8370b19bfff402c6a0be70672c3e82735dedd80",
            "223374e661d7c78a288c4da172d386ec4d8738c1",
        ),
        list(
            "L4",
            "GET",
            &[("prefix", "cloudaudit/"), ("max-keys", "1")],
            &[HOST, token],
            "f1373d384acc267a1150971185acd9872f589109",
            "ee0f151da1424fbe526980b668b4afa0fce632c5",
        ),
    ] {
        vector.check();
    }
}

#[test]
fn the_header_lists_the_signed_names() {
    let parameters = signed_pairs(&[("prefix", "a/ b"), ("Max-Keys", "1"), ("empty", "")]);
    assert_eq!(parameters.text, "empty=&max-keys=1&prefix=a%2F%20b");
    let headers = signed_pairs(&[("x-cos-security-token", "t"), ("Host", "h")]);
    let header = authorization(ID, "1;2", &parameters, &headers, "00ff");
    assert_eq!(
        header,
        "q-sign-algorithm=sha1&q-ak=AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q&q-sign-time=1;2\
         &q-key-time=1;2&q-header-list=host;x-cos-security-token\
         &q-url-param-list=empty;max-keys;prefix&q-signature=00ff"
    );
}
