//! The signature method of COS, one pure function for each stage of its specification (COS API,
//! "Request Signature").

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};

/// The characters that are encoded: all but `A-Z a-z 0-9 - _ . ~`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The parameters or the headers that are signed, encoded and in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPairs {
    /// `a;b`, for the header.
    pub names: String,
    /// `a=1&b=2`, for the signed text.
    pub text: String,
}

/// Encodes a name or a value, as in the URL of a request.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Stage 1: the parameters or the headers. Names count in lower case.
pub fn signed_pairs(pairs: &[(&str, &str)]) -> SignedPairs {
    let pairs = pairs.iter();
    let pairs = pairs.map(|(name, value)| (encoded(name).to_lowercase(), encoded(value)));
    let mut pairs: Vec<(String, String)> = pairs.collect();
    pairs.sort();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    let texts = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    SignedPairs {
        names: names.join(";"),
        text: texts.collect::<Vec<_>>().join("&"),
    }
}

/// Stage 2: the text of the request. `path` is decoded, and `/` for a bucket.
pub fn http_string(
    method: &str,
    path: &str,
    parameters: &SignedPairs,
    headers: &SignedPairs,
) -> String {
    let method = method.to_lowercase();
    format!("{method}\n{path}\n{}\n{}\n", parameters.text, headers.text)
}

/// Stage 3: the validity of the signature, in Unix seconds.
pub fn key_time(from: i64, until: i64) -> String {
    format!("{from};{until}")
}

/// Stage 4: the key of this validity, which is a hexadecimal text.
pub fn sign_key(secret_key: &SecretString, key_time: &str) -> SecretString {
    hmac_sha1(secret_key.expose_secret(), key_time).into()
}

/// Stage 5: the string to sign.
pub fn string_to_sign(key_time: &str, http_string: &str) -> String {
    format!("sha1\n{key_time}\n{}\n", sha1_hex(http_string))
}

/// Stage 6: the signature in lower-case hexadecimal.
pub fn signature(sign_key: &SecretString, string_to_sign: &str) -> String {
    hmac_sha1(sign_key.expose_secret(), string_to_sign)
}

/// Stage 7: the value of the header `Authorization`.
pub fn authorization(
    secret_id: &str,
    key_time: &str,
    parameters: &SignedPairs,
    headers: &SignedPairs,
    signature: &str,
) -> String {
    format!(
        "q-sign-algorithm=sha1&q-ak={secret_id}&q-sign-time={key_time}&q-key-time={key_time}\
         &q-header-list={}&q-url-param-list={}&q-signature={signature}",
        headers.names, parameters.names
    )
}

/// SHA-1 in lower-case hexadecimal.
pub fn sha1_hex(text: &str) -> String {
    base16ct::lower::encode_string(&Sha1::digest(text))
}

fn hmac_sha1(key: &str, message: &str) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(key.as_bytes());
    let mut mac = mac.expect("an HMAC takes keys of every length");
    mac.update(message.as_bytes());
    base16ct::lower::encode_string(&mac.finalize().into_bytes())
}
