//! A bucket, and the requests to it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri, header};
use secrecy::ExposeSecret;

use super::sign;
use crate::tencent::Endpoint;
use crate::tencent::credentials::Credential;

/// The token of a temporary credential.
const TOKEN: &str = "x-cos-security-token";

/// How long a signature is valid before its time, in seconds, because clocks differ.
const VALID_BEFORE: i64 = 60;

/// How long a signature is valid after its time, in seconds.
const VALID_AFTER: i64 = 300;

/// The longest name of a bucket or region. The API allows 50 characters, the APPID included.
const MAX_NAME: usize = 60;

/// A bucket.
pub(super) struct Bucket {
    /// The `Host` header, which is signed.
    host: String,
    /// Where the requests go.
    endpoint: Endpoint,
}

/// A query of objects.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListQuery<'a> {
    /// Only keys that begin with this.
    pub(super) prefix: &'a str,
    /// Whether to list only the folder of the prefix, with its subfolders instead of their content.
    pub(super) is_folder: bool,
    /// Only keys after this.
    pub(super) marker: &'a str,
    /// The most keys and folders of a page.
    pub(super) max_keys: u32,
}

impl Bucket {
    /// Returns a bucket. `address` replaces its host for connections only.
    ///
    /// # Errors
    ///
    /// If one of the parts cannot be a part of a host.
    pub(super) fn new(
        name: &str,
        app_id: &str,
        region: &str,
        address: Option<&Endpoint>,
    ) -> Result<Self, String> {
        if !is_label(name) {
            return Err(format!("StorageName {name:?} is not the name of a bucket"));
        }
        if !is_label(region) {
            return Err(format!("StorageRegion {region:?} is not a region"));
        }
        if app_id.len() > MAX_NAME || !app_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("the APPID {app_id:?} is not a number"));
        }
        let host = format!("{}.cos.{region}.myqcloud.com", full_name(name, app_id));
        let endpoint = address.cloned().unwrap_or_else(|| Endpoint {
            url: format!("https://{host}").into(),
            host: host.as_str().into(),
        });
        Ok(Self { host, endpoint })
    }

    /// Returns the name with the APPID.
    pub(super) fn name(&self) -> &str {
        self.host.split('.').next().unwrap_or_default()
    }

    /// Returns the host that connections go to.
    pub(super) fn connects_to(&self) -> &str {
        &self.endpoint.host
    }

    /// Returns the signed request for a page of a listing.
    pub(super) fn request(
        &self,
        query: ListQuery<'_>,
        credential: Option<&Arc<Credential>>,
        timestamp: i64,
    ) -> Request<Bytes> {
        let max_keys = query.max_keys.to_string();
        let mut parameters = vec![("prefix", query.prefix)];
        parameters.extend(query.is_folder.then_some(("delimiter", "/")));
        parameters.extend((!query.marker.is_empty()).then_some(("marker", query.marker)));
        parameters.extend([("max-keys", &*max_keys), ("encoding-type", "url")]);
        let pairs = parameters.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={}", sign::encoded(value)));
        let uri = format!(
            "{}/?{}",
            self.endpoint.url,
            pairs.collect::<Vec<_>>().join("&")
        );

        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri
            .parse::<Uri>()
            .expect("an endpoint is a scheme and an authority, and the query is encoded");
        let headers = request.headers_mut();
        headers.insert(header::HOST, value(&self.host));
        if let Some(credential) = credential {
            let authorization = self.authorization(&parameters, credential, timestamp);
            headers.insert(header::AUTHORIZATION, sensitive(&authorization));
            if let Some(token) = credential.token() {
                let token = sensitive(token.expose_secret());
                headers.insert(HeaderName::from_static(TOKEN), token);
            }
        }
        request
    }

    fn authorization(
        &self,
        parameters: &[(&str, &str)],
        credential: &Credential,
        timestamp: i64,
    ) -> String {
        let mut headers = vec![("host", &*self.host)];
        let token = credential.token().map(ExposeSecret::expose_secret);
        headers.extend(token.map(|token| (TOKEN, token)));
        let (parameters, headers) = (sign::signed_pairs(parameters), sign::signed_pairs(&headers));
        let key_time = sign::key_time(timestamp - VALID_BEFORE, timestamp + VALID_AFTER);
        let sign_key = sign::sign_key(credential.secret_key(), &key_time);
        let text = sign::http_string("get", "/", &parameters, &headers);
        let signature = sign::signature(&sign_key, &sign::string_to_sign(&key_time, &text));
        let id = credential.secret_id();
        sign::authorization(id, &key_time, &parameters, &headers, &signature)
    }
}

/// Returns the name of a bucket with the APPID of its owner. The documentation says that
/// `StorageName` has no APPID; the console shows it with one.
pub fn full_name(name: &str, app_id: &str) -> String {
    let short = name.strip_suffix(app_id);
    let short = short.and_then(|name| name.strip_suffix('-'));
    format!("{}-{app_id}", short.unwrap_or(name))
}

fn is_label(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(is_part)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("hosts and credentials are header-safe by their types")
}

fn sensitive(text: &str) -> HeaderValue {
    let mut value = value(text);
    value.set_sensitive(true);
    value
}
