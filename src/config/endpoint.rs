//! Where the API is: a site's own host, or one from the configuration.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::defaults;
use super::error::quoted;

/// The address that calls go to.
///
/// The authority is in the form that an HTTP client sends as `Host`: lower case, without the port
/// that the scheme implies, without a final dot. The host is signed, so two spellings of one would
/// not do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    scheme: &'static str,
    authority: String,
}

impl Endpoint {
    /// An HTTPS endpoint of Tencent Cloud's own.
    pub(super) fn of_host(host: &str) -> Self {
        Self {
            scheme: "https",
            authority: host.to_owned(),
        }
    }

    /// Reads a host, `host:port`, or either as a URL.
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

    /// The same for a metadata service, which gives keys over plain HTTP.
    pub(super) fn parse_metadata(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            Self::read(text)
        } else {
            Self::read(&format!("http://{text}")).map_err(|_| refused(text))
        }
    }

    /// The metadata service of every virtual machine.
    pub fn metadata() -> Self {
        Self::read(defaults::METADATA).expect("the address is right")
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

    /// Whether it is not encrypted.
    pub fn is_plain(&self) -> bool {
        self.scheme == "http"
    }

    /// `https`; `http` towards this machine and to metadata services.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The host, with its port where the scheme does not imply it: the `Host` header.
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
    // A user name and a password would stand before the @.
    let what = if text.contains('@') {
        "not an endpoint, a user is in it".into()
    } else {
        format!("{} is not an endpoint", quoted(text))
    };
    format!("{what}; allowed is a host with or without a port, or https://host, no more")
}

/// Host and port of an authority; an IPv6 address stands in brackets.
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

/// The name without the dot that says that it is absolute. Names with another dot always are; a
/// name without one, and an address, cannot have it.
fn without_final_dot(host: &str) -> &str {
    let name = host.strip_suffix('.').filter(|name| name.contains('.'));
    name.filter(|name| name.parse::<Ipv4Addr>().is_err())
        .unwrap_or(host)
}

/// The host as a client would write it.
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
