//! The host of an API, and whether requests to it are encrypted.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::text::quoted;

/// The metadata service of Tencent Cloud. The name resolves only inside Tencent Cloud, and the
/// service has no HTTPS.
pub(super) const METADATA: &str = "http://metadata.tencentyun.com";

/// The address of an API.
///
/// The authority has the form that an HTTP client sends as `Host`: lower case, without the port
/// that the scheme implies, without a final dot. The signature covers the host, so that it needs
/// one spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Endpoint {
    scheme: &'static str,
    authority: String,
}

impl Endpoint {
    /// Returns an HTTPS endpoint of Tencent Cloud.
    pub(super) fn of_host(host: &str) -> Self {
        Self {
            scheme: "https",
            authority: host.to_owned(),
        }
    }

    /// Parses a host, `host:port`, or either as a URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let endpoint = Self::read(text)?;
        if endpoint.is_plain() && !is_loopback(split(&endpoint.authority).map_or("", |it| it.0)) {
            return Err(format!(
                "{} would send credentials' signatures unencrypted; http:// is allowed for loopback hosts only, https:// for all",
                quoted(text)
            ));
        }
        Ok(endpoint)
    }

    /// Parses the host of a metadata service, which serves keys over plain HTTP.
    pub(super) fn parse_metadata(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            Self::read(text)
        } else {
            Self::read(&format!("http://{text}")).map_err(|_| refused(text))
        }
    }

    /// Returns the metadata service of every virtual machine.
    pub fn metadata() -> Self {
        Self::read(METADATA).expect("the address is right")
    }

    fn read(text: &str) -> Result<Self, String> {
        let (scheme, authority) = match text.split_once("://") {
            None => ("https", text),
            Some(("https", authority)) => ("https", authority),
            Some(("http", authority)) => ("http", authority),
            Some(_) => return Err(refused(text)),
        };
        let (host, port) = split(authority).ok_or_else(|| refused(text))?;
        let name = host_name(without_final_dot(host)).ok_or_else(|| refused(text))?;
        let implied = if scheme == "http" { 80 } else { 443 };
        let authority = match port {
            Some(port) if port != implied => format!("{name}:{port}"),
            _ => name,
        };
        Ok(Self { scheme, authority })
    }

    /// Returns whether requests are not encrypted.
    pub fn is_plain(&self) -> bool {
        self.scheme == "http"
    }

    /// Returns `https`, or `http` for this machine and for metadata services.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Returns the `Host` header: the host, with its port unless the scheme implies it.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// The URL, without a path.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

fn refused(text: &str) -> String {
    // A user name and a password may precede the @.
    let what = if text.contains('@') {
        "not an endpoint, because it contains a user".into()
    } else {
        format!("{} is not an endpoint", quoted(text))
    };
    format!("{what}; write a host with or without a port, or https://host, without a path")
}

/// Returns host and port of an authority. An IPv6 address is in brackets.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let colon = match authority.rfind(']') {
        Some(bracket) => authority[bracket..].find(':').map(|at| bracket + at),
        None => authority.find(':'),
    };
    match colon {
        None => Some((authority, None)),
        Some(at) => {
            let port = &authority[at + 1..];
            let digits = port.bytes().all(|b| b.is_ascii_digit());
            let port = port.parse().ok().filter(|port| digits && *port > 0)?;
            Some((&authority[..at], Some(port)))
        }
    }
}

/// Removes the dot that marks a name as absolute. Only a name with another dot can have it; an
/// address cannot.
fn without_final_dot(host: &str) -> &str {
    let name = host.strip_suffix('.').filter(|name| name.contains('.'));
    name.filter(|name| name.parse::<Ipv4Addr>().is_err())
        .unwrap_or(host)
}

/// Returns the host as a client sends it.
fn host_name(host: &str) -> Option<String> {
    const LONGEST: usize = 253;
    if let Some(inside) = host.strip_prefix('[') {
        let address: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let formed = host.len() <= LONGEST && host.split('.').all(is_label);
    // A client reads a host whose last label is a number as an IPv4 address, in its own spelling.
    let last = host.rsplit('.').next()?;
    let numeric = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    let address = host.parse::<Ipv4Addr>().is_ok();
    (formed && (address || !numeric)).then(|| host.to_ascii_lowercase())
}

fn is_loopback(host: &str) -> bool {
    let inside = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|v4: Ipv4Addr| v4.is_loopback())
        || inside.parse().is_ok_and(|v6: Ipv6Addr| v6.is_loopback())
}
