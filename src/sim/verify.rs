//! TC3-HMAC-SHA256 from the verifier's side: what did this request sign, and with this key?

use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use sha2::{Digest, Sha256};

use crate::sim::gateway::header;

const ALGORITHM: &str = "TC3-HMAC-SHA256";

/// The header `Authorization`, taken apart.
pub(super) struct Authorization<'a> {
    pub(super) secret_id: &'a str,
    pub(super) date: &'a str,
    pub(super) service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// `TC3-HMAC-SHA256 Credential=id/date/service/tc3_request, SignedHeaders=a;b, Signature=hex`;
    /// none if it does not read so, or does not sign what must be signed.
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

    /// Whether this key made this signature over this request, as its bytes arrived.
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

    /// None if a header was signed that did not arrive.
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

fn sha256_hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
