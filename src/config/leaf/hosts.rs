//! Hosts and proxies.

use serde_json::{Value as Json, json};

use super::super::definitions::LIMITS;
use super::super::endpoint::Endpoint;
use super::super::value_types::Leaf;
use crate::proxy::Proxy;

/// The host of an API.
pub(in crate::config) struct Host;

impl Leaf for Host {
    type Value = Endpoint;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<Endpoint, String> {
        Endpoint::parse(text)
    }

    fn schema() -> Json {
        json!({
            "type": "string",
            "pattern": r"^((https://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http://([A-Za-z]+|127\.[0-9.]+|\[[0:]*1\]))(:[0-9]{1,5})?$",
            LIMITS: "A host with or without a port, or a URL without a path; `http://` only for loopback."
        })
    }
}

/// The metadata service, which has no HTTPS.
pub(in crate::config) struct MetadataHost;

impl Leaf for MetadataHost {
    type Value = Endpoint;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<Endpoint, String> {
        Endpoint::parse_metadata(text)
    }

    fn schema() -> Json {
        json!({
            "type": "string",
            "pattern": r"^(https?://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$",
            LIMITS: "A host with or without a port, or a URL without a path. `http://` is allowed for any host."
        })
    }
}

/// The URL of a proxy. Not public: it may contain a password.
pub(in crate::config) struct ProxyUrl;

impl Leaf for ProxyUrl {
    type Value = Proxy;

    const PUBLIC: bool = false;

    fn parse(text: &str) -> Result<Proxy, String> {
        Proxy::parse(text)
    }

    fn schema() -> Json {
        json!({
            "type": "string",
            "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]+/?$",
            LIMITS: "`http://host:port` or `https://host:port`, with `user:password@` before the host if the proxy requires a password. Percent-encode reserved characters in user and password. A user name cannot contain `:`."
        })
    }
}
