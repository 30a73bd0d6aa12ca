//! Turns a call into an HTTP request: its headers and its signature.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::call::Call;
use super::credential::Credential;
use super::sign;

/// A product of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The name in signatures, on every host.
    pub name: &'static str,
    /// The API version.
    pub version: &'static str,
}

const ACTION: HeaderName = HeaderName::from_static("x-tc-action");
const VERSION: HeaderName = HeaderName::from_static("x-tc-version");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-tc-timestamp");
const REGION: HeaderName = HeaderName::from_static("x-tc-region");
const LANGUAGE: HeaderName = HeaderName::from_static("x-tc-language");
const CALLER: HeaderName = HeaderName::from_static("x-tc-requestclient");
const TOKEN: HeaderName = HeaderName::from_static("x-tc-token");

/// Replaces the signature of an unsigned request.
const UNSIGNED: HeaderValue = HeaderValue::from_static("SKIP");

/// The signed content type. Another spelling would invalidate the signature.
const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// `X-TC-RequestClient` names the client, in the characters that the API allows.
const REQUEST_CLIENT: &str = concat!("cloudaudit-exporter_", env!("CARGO_PKG_VERSION"));

/// The address of the API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Scheme and authority, such as `https://cloudaudit.intl.tencentcloudapi.com`.
    pub url: Arc<str>,
    /// The authority alone: the `Host` header as it is signed and sent.
    pub host: Arc<str>,
}

/// Builds and signs the requests to one endpoint.
pub(super) struct Signer {
    endpoint: Endpoint,
    uri: Uri,
    service: Service,
    key: Mutex<Option<SigningKey>>,
}

/// A signing key, which wipes itself.
type Key = Zeroizing<[u8; 32]>;

/// The signing key of a credential for one day. Deriving it is most of the work of a signature.
struct SigningKey {
    credential: Arc<Credential>,
    date: String,
    key: Key,
}

impl Signer {
    pub(super) fn new(endpoint: Endpoint, service: Service) -> Self {
        let uri = format!("{}/", endpoint.url)
            .parse()
            .expect("an endpoint is a scheme and an authority");
        Self {
            endpoint,
            uri,
            service,
            key: Mutex::new(None),
        }
    }

    /// Returns the request for a call at `timestamp` in Unix seconds. It is unsigned without a
    /// credential.
    pub(super) fn request(
        &self,
        call: Call<'_>,
        credential: Option<&Arc<Credential>>,
        timestamp: i64,
    ) -> Request<Bytes> {
        let authorization = credential.map_or(UNSIGNED, |credential| {
            sensitive(&self.authorization(call.body, credential, timestamp))
        });
        // A body may hold an external id or a token, so it wipes itself after sending.
        let body = Zeroizing::new(call.body.as_bytes().to_vec());
        let mut request = Request::new(Bytes::from_owner(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::HOST, value(&self.endpoint.host));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::AUTHORIZATION, authorization);
        headers.insert(ACTION, HeaderValue::from_static(call.action));
        headers.insert(VERSION, HeaderValue::from_static(self.service.version));
        headers.insert(TIMESTAMP, HeaderValue::from(timestamp));
        if let Some(region) = call.region {
            headers.insert(REGION, value(region));
        }
        headers.insert(LANGUAGE, HeaderValue::from_static("en-US"));
        headers.insert(CALLER, HeaderValue::from_static(REQUEST_CLIENT));
        if let Some(token) = credential.and_then(|credential| credential.token()) {
            headers.insert(TOKEN, sensitive(token.expose_secret()));
        }
        request
    }

    /// Signs the two headers that the official SDKs sign.
    fn authorization(&self, body: &str, credential: &Arc<Credential>, timestamp: i64) -> String {
        let scope = sign::Scope::at(timestamp, self.service.name);
        let headers = [
            ("content-type", CONTENT_TYPE),
            ("host", &self.endpoint.host),
        ];
        let canonical = sign::canonical_request("POST", "", &headers, body.as_bytes());
        let to_sign = sign::string_to_sign(timestamp, &scope, &canonical);
        let signature = sign::signature(&self.key(credential, &scope), &to_sign);
        let signed_headers = sign::signed_headers(&headers);
        sign::authorization(credential.secret_id(), &scope, &signed_headers, &signature)
    }

    fn key(&self, credential: &Arc<Credential>, scope: &sign::Scope<'_>) -> Key {
        let mut cached = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cached.as_ref()
            && cached.date == scope.date
            && Arc::ptr_eq(&cached.credential, credential)
        {
            return cached.key.clone();
        }
        let date = Zeroizing::new(sign::secret_date(credential.secret_key(), &scope.date));
        let service = Zeroizing::new(sign::secret_service(&date, scope.service));
        let key = Zeroizing::new(sign::secret_signing(&service));
        *cached = Some(SigningKey {
            credential: Arc::clone(credential),
            date: scope.date.clone(),
            key: key.clone(),
        });
        key
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .expect("endpoints, regions and credentials are header-safe by their types")
}

fn sensitive(text: &str) -> HeaderValue {
    let mut value = value(text);
    value.set_sensitive(true);
    value
}
