//! Verifies signatures of COS.

use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha1::{Digest, Sha1};

use crate::sim::verify::header;

/// The parsed header `Authorization`.
pub(super) struct CosAuthorization<'a> {
    pub(super) secret_id: &'a str,
    pub(super) signature: &'a str,
    key_time: &'a str,
    headers: &'a str,
    parameters: &'a str,
}

impl<'a> CosAuthorization<'a> {
    /// Parses `q-sign-algorithm=sha1&q-ak=…&…`. Returns `None` if a part is missing or wrong, or if
    /// the host is not signed.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let part = |name: &str| {
            let mut parts = text.split('&').filter_map(|part| part.split_once('='));
            parts
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
        };
        let authorization = Self {
            secret_id: part("q-ak")?,
            signature: part("q-signature")?,
            key_time: part("q-key-time")?,
            headers: part("q-header-list")?,
            parameters: part("q-url-param-list")?,
        };
        let is_right = part("q-sign-algorithm")? == "sha1"
            && part("q-sign-time")? == authorization.key_time
            && authorization.headers.split(';').any(|name| name == "host");
        is_right.then_some(authorization)
    }

    /// Returns whether the signature is valid at this Unix time.
    pub(super) fn is_valid_at(&self, unix_seconds: u64) -> bool {
        let times = self.key_time.split_once(';');
        let seconds = |text: &str| text.parse::<u64>().ok();
        times.is_some_and(|(from, until)| {
            let (from, until) = (seconds(from), seconds(until));
            from.is_some_and(|from| from <= unix_seconds)
                && until.is_some_and(|until| unix_seconds <= until)
        })
    }

    /// Returns whether this key signed the request.
    pub(super) fn is_by<B>(&self, secret_key: &str, request: &Request<B>) -> bool {
        let given = parameters(request.uri().query().unwrap_or_default());
        let parameters = signed(self.parameters, |name| {
            let mut values = given.iter().filter(|(known, _)| *known == name);
            values.next().map(|(_, value)| value.clone())
        });
        let headers = signed(self.headers, |name| {
            header(request, name).map(|value| encode(value.as_bytes()))
        });
        let (Some(parameters), Some(headers)) = (parameters, headers) else {
            return false;
        };
        let path: Vec<u8> = percent_decode_str(request.uri().path()).collect();
        let method = request.method().as_str().to_lowercase();
        let text = [
            method.as_bytes(),
            &path,
            parameters.as_bytes(),
            headers.as_bytes(),
        ];
        let text: Vec<u8> = text
            .into_iter()
            .flat_map(|line| [line, b"\n"].concat())
            .collect();
        let digest = base16ct::lower::encode_string(&Sha1::digest(&text));
        let to_sign = format!("sha1\n{}\n{digest}\n", self.key_time);
        let key = hmac(secret_key.as_bytes(), self.key_time);
        hmac(key.as_bytes(), &to_sign) == self.signature
    }
}

/// Returns `name=value&…` for the listed names. `None` if one is missing.
fn signed(names: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let names = names.split(';').filter(|name| !name.is_empty());
    let pairs = names.map(|name| Some(format!("{name}={}", value(name)?)));
    Some(pairs.collect::<Option<Vec<String>>>()?.join("&"))
}

/// Returns the parameters of a query with encoded, lower-case names and encoded values.
fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // Clients may write a blank as a plus sign.
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).collect::<Vec<u8>>()
        };
        (encode(&decode(name)).to_lowercase(), encode(&decode(value)))
    });
    pairs.collect()
}

fn encode(bytes: &[u8]) -> String {
    const KEPT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    percent_encode(bytes, KEPT).to_string()
}

fn hmac(key: &[u8], message: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(message.as_bytes());
    base16ct::lower::encode_string(&mac.finalize().into_bytes())
}
