//! Verifies TC3-HMAC-SHA256 signatures.

use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "TC3-HMAC-SHA256";

/// The parsed header `Authorization`.
pub(super) struct Authorization<'a> {
    pub(super) secret_id: &'a str,
    pub(super) date: &'a str,
    pub(super) service: &'a str,
    pub(super) signature: &'a str,
    signed_headers: &'a str,
}

impl<'a> Authorization<'a> {
    /// Parses `TC3-HMAC-SHA256 Credential=id/date/service/tc3_request, SignedHeaders=a;b,
    /// Signature=hex`. Returns `None` if the header has another form, or if a required header is not
    /// signed.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let fields = text.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
        let mut fields = fields.split(',').map(str::trim);
        let credential = fields.next()?.strip_prefix("Credential=")?;
        let signed_headers = fields.next()?.strip_prefix("SignedHeaders=")?;
        let signature = fields.next()?.strip_prefix("Signature=")?;

        let mut scope = credential.split('/');
        let authorization = Self {
            secret_id: scope.next()?,
            date: scope.next()?,
            service: scope.next()?,
            signed_headers,
            signature,
        };
        let ends_well = scope.next()? == "tc3_request" && scope.next().is_none();
        let signs = |name| signed_headers.split(';').any(|signed| signed == name);
        let is_complete = ends_well && fields.next().is_none();
        (is_complete && signs("content-type") && signs("host")).then_some(authorization)
    }

    /// Returns whether this key signed the request, whose bytes are as they arrived.
    pub(super) fn is_by<B: AsRef<[u8]>>(
        &self,
        secret_key: &str,
        timestamp: &str,
        request: &Request<B>,
    ) -> bool {
        let Some(canonical) = self.canonical_request(request) else {
            return false;
        };
        let scope = format!("{}/{}/tc3_request", self.date, self.service);
        let string_to_sign = format!(
            "{ALGORITHM}\n{timestamp}\n{scope}\n{}",
            sha256_hex(canonical.as_bytes())
        );

        let key = hmac(format!("TC3{secret_key}").as_bytes(), self.date);
        let key = hmac(&key, self.service);
        let key = hmac(&key, "tc3_request");
        base16ct::lower::encode_string(&hmac(&key, &string_to_sign)) == self.signature
    }

    /// Returns `None` if a signed header is missing.
    fn canonical_request<B: AsRef<[u8]>>(&self, request: &Request<B>) -> Option<String> {
        let mut headers = String::new();
        for name in self.signed_headers.split(';') {
            let value = header(request, name)?.trim().to_lowercase();
            headers.extend([name, ":", &value, "\n"]);
        }
        let payload = match header(request, "x-tc-content-sha256") {
            Some("UNSIGNED-PAYLOAD") => sha256_hex(b"UNSIGNED-PAYLOAD"),
            _ => sha256_hex(request.body().as_ref()),
        };
        let parts = [
            request.method().as_str(),
            request.uri().path(),
            request.uri().query().unwrap_or_default(),
            &headers,
            self.signed_headers,
            &payload,
        ];
        Some(parts.join("\n"))
    }
}

/// Returns a header as text. A request in memory may have no `Host`, which a client adds when it
/// sends the request; the URI has it.
pub(super) fn header<'a, B>(request: &'a Request<B>, name: &str) -> Option<&'a str> {
    match request.headers().get(name) {
        Some(value) => value.to_str().ok(),
        None if name == "host" => Some(request.uri().authority()?.as_str()),
        None => None,
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str =
        r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
    const ASTERISKS: &str = "********************************";

    /// The signatures in past versions of the documentation, and its example for GET.
    #[test]
    fn the_published_vectors_hold() {
        let two = "content-type;host";
        let three = "content-type;host;x-tc-action";
        let keys = [
            "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
            "Gu5t9xGARNpq86cd98joQYCN3*******",
            ASTERISKS,
        ];
        let post = || {
            Request::post("/")
                .header("Content-Type", "application/json; charset=utf-8")
                .header("X-TC-Action", "DescribeInstances")
        };
        let get = || {
            Request::get("/?Limit=10&Offset=0")
                .header("Content-Type", "application/x-www-form-urlencoded")
        };
        for (key, signed, request, body, timestamp, date, signature) in [
            (
                keys[0],
                two,
                post(),
                BODY,
                "1551113065",
                "2019-02-25",
                "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
            ),
            (
                keys[1],
                three,
                post(),
                BODY,
                "1551113065",
                "2019-02-25",
                "be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3",
            ),
            (
                keys[2],
                three,
                post(),
                BODY,
                "1551113065",
                "2019-02-25",
                "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f",
            ),
            (
                keys[0],
                two,
                get(),
                "",
                "1539084154",
                "2018-10-09",
                "5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474",
            ),
        ] {
            let request = request
                .header("Host", "cvm.tencentcloudapi.com")
                .body(body)
                .unwrap();
            let text = format!(
                "{ALGORITHM} Credential=AKID/{date}/cvm/tc3_request, SignedHeaders={signed}, Signature={signature}"
            );
            let authorization = Authorization::parse(&text).unwrap();
            assert!(authorization.is_by(key, timestamp, &request), "{signature}");
            assert!(
                !authorization.is_by("another", timestamp, &request),
                "{signature}"
            );
        }
    }
}
