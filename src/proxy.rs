//! The proxy for requests to the cloud: one strict parser for `http.proxy` and for the variables of
//! the environment, so that only exempt hosts bypass a configured proxy.

mod exempt;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use self::exempt::NoProxy;

/// The variables that name a proxy for HTTPS. The first one that is set wins, as in curl.
const VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The variables that name a proxy for plain HTTP. Requests to the cloud use HTTPS, so these have no
/// effect.
const PLAIN_VARIABLES: [&str; 2] = ["http_proxy", "HTTP_PROXY"];

/// The variables that name the exempt hosts.
const NO_PROXY_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

const ALLOWED: &str = "allowed is http://host:port or https://host:port, with user:password@ before the host if the proxy requires them";

/// A proxy, and the exempt hosts, which get requests directly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proxy {
    /// Scheme, host and port.
    url: String,
    /// Marked as sensitive, so `Debug` hides it.
    #[serde(serialize_with = "serialize_presence")]
    authorization: Option<HeaderValue>,
    exempt: NoProxy,
}

/// A variable of the environment that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadVariable {
    /// Its name.
    pub name: &'static str,
    /// What is wrong. It quotes at most the scheme or one reserved character, because the value may
    /// contain a password.
    pub message: String,
}

/// Serializes only whether there is a user or password.
#[expect(clippy::ref_option, reason = "serde passes the field")]
fn serialize_presence<S: Serializer>(
    authorization: &Option<HeaderValue>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(authorization.is_some())
}

impl Proxy {
    /// Parses a URL. The error quotes at most the scheme or one reserved character.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse(text).map_err(|why| format!("not a proxy URL: {why}"))
    }

    /// Returns the proxy that the environment names for HTTPS.
    pub fn from_environment(
        environment: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, BadVariable> {
        let Some((name, text)) = first_set(&VARIABLES, environment) else {
            return Ok(None);
        };
        // As in curl, a proxy without a scheme speaks HTTP.
        let text = if text.contains("://") {
            Zeroizing::new(text.to_owned())
        } else {
            Zeroizing::new(format!("http://{text}"))
        };
        match Self::parse(&text) {
            Ok(proxy) => Ok(Some(proxy)),
            Err(message) => Err(BadVariable { name, message }),
        }
    }

    /// Sets the exempt hosts from `no_proxy` or `NO_PROXY`.
    #[must_use]
    pub fn with_exemptions_of(mut self, environment: &BTreeMap<String, String>) -> Self {
        if let Some((_, list)) = first_set(&NO_PROXY_VARIABLES, environment) {
            self.exempt = NoProxy::parse(list);
        }
        self
    }

    /// Returns scheme, host and port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the value of `Proxy-Authorization`.
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Returns whether a host is called directly.
    pub fn exempts(&self, host: &str) -> bool {
        self.exempt.contains(host)
    }
}

/// Returns the variable that sets a proxy for plain HTTP only, if no variable sets one for HTTPS.
pub fn unused_variable(environment: &BTreeMap<String, String>) -> Option<&'static str> {
    let (name, _) = first_set(&PLAIN_VARIABLES, environment)?;
    first_set(&VARIABLES, environment).is_none().then_some(name)
}

/// Returns the first variable that is not empty. As in curl, an empty variable counts as not set.
fn first_set<'e>(
    names: &[&'static str],
    environment: &'e BTreeMap<String, String>,
) -> Option<(&'static str, &'e str)> {
    names.iter().find_map(|name| {
        let text = environment.get(*name)?.trim();
        (!text.is_empty()).then_some((*name, text))
    })
}

fn parse(text: &str) -> Result<Proxy, String> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(format!("it contains whitespace; {ALLOWED}"));
    }
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| format!("it does not begin with http:// or https://; {ALLOWED}"))?;
    let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => ("http", 80),
        "https" => ("https", 443),
        other if is_scheme(other) => {
            return Err(format!("the scheme {other} is not supported; {ALLOWED}"));
        }
        _ => return Err(format!("it does not begin with a scheme; {ALLOWED}")),
    };
    let (login, host_port) = match rest.rsplit_once('@') {
        Some((login, host_port)) => (Some(login), host_port),
        None => (None, rest),
    };
    let host_port = host_port.strip_suffix('/').unwrap_or(host_port);
    if host_port.contains(['/', '?', '#', '\\']) {
        return Err(format!(
            "`/`, `?` or `#` follows the host; in a password write them as %2F, %3F and %23, and nothing after the port; {ALLOWED}"
        ));
    }
    let authorization = login.map(authorization).transpose()?;
    let (host, port) = host_and_port(host_port)?;
    Ok(Proxy {
        url: format!("{scheme}://{host}:{}", port.unwrap_or(default_port)),
        authorization,
        exempt: NoProxy::default(),
    })
}

/// Returns whether a text has the form of a scheme. Only such a text is safe to quote.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Returns the value of `Proxy-Authorization` for the user and password of a URL.
fn authorization(login: &str) -> Result<HeaderValue, String> {
    if let Some(raw) = login.chars().find(|c| "/?#@\\".contains(*c)) {
        return Err(format!(
            "user and password contain `{raw}`; percent-encode it as %{:02X}",
            u32::from(raw)
        ));
    }
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (user, password) = (decoded(user)?, decoded(password)?);
    if user.is_empty() && password.is_empty() {
        return Err("no user before the @; remove the @ or add the user".into());
    }
    if user.contains(&b':') {
        return Err("the user contains a colon, which Basic authentication cannot send".into());
    }
    let login = Zeroizing::new([user.as_slice(), b":", password.as_slice()].concat());
    if login.iter().any(u8::is_ascii_control) {
        return Err("user or password contain a control character".into());
    }
    let header = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(&*login)));
    let mut header = HeaderValue::from_str(&header).map_err(|error| error.to_string())?;
    header.set_sensitive(true);
    Ok(header)
}

fn decoded(text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        let byte = digit(0).zip(digit(1)).map(|(high, low)| high * 16 + low);
        let byte = byte.and_then(|byte| u8::try_from(byte).ok());
        bytes.push(byte.ok_or(
            "user or password contain a % without two hexadecimal digits; write a percent sign as %25",
        )?);
        rest = &after[2..];
    }
    Ok(bytes)
}

/// Returns the host, with brackets around an IPv6 address, and the port. Errors never quote the text,
/// because without an @ it may be a part of a password.
fn host_and_port(host_port: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = if host_port.starts_with('[') {
        let end = host_port
            .find(']')
            .ok_or("the IPv6 address has no closing ]")?;
        let (host, rest) = host_port.split_at(end + 1);
        host[1..end]
            .parse::<Ipv6Addr>()
            .map_err(|_| "there is no IPv6 address between the brackets")?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port),
            None if rest.is_empty() => None,
            None => return Err("only a port may follow the IPv6 address".into()),
        };
        (host, port)
    } else {
        match host_port.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("the host contains several colons; write an IPv6 address in brackets, and an @ after a password".into());
            }
            Some((host, port)) => (check_name(host)?, Some(port)),
            None => (check_name(host_port)?, None),
        }
    };
    let Some(port) = port else {
        return Ok((host, None));
    };
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(number @ 1..) if digits => Ok((host, Some(number))),
        _ => Err(format!(
            "the port is not a number from 1 to 65535; {ALLOWED}"
        )),
    }
}

fn check_name(host: &str) -> Result<&str, String> {
    let labels = host.strip_suffix('.').unwrap_or(host);
    let named = labels.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    });
    if !named {
        return Err(format!(
            "the host is neither a name nor an address (write an international name in its xn-- form); {ALLOWED}"
        ));
    }
    let last = labels.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    if numeric && labels.parse::<Ipv4Addr>().is_err() {
        return Err("the host ends in a number and is not an IPv4 address".into());
    }
    Ok(host)
}
