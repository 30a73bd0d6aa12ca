//! `health`: for images without a shell.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};
use tokio::time::timeout;

use super::{Failed, daemon};
use crate::cli::Flags;
use crate::web_config::WebConfig;

/// An exporter that takes longer is not well.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a Unix socket's address begins with.
const UNIX: &str = "unix:";

/// How deep the chain of causes of an error is followed.
const MAX_CAUSES: usize = 8;

/// Asks the exporter that was started with the same flags on this machine: at the first of its
/// addresses that takes a connection.
pub(super) async fn run(flags: &Flags) -> Result<(), Failed> {
    let web = flags.web(daemon::LISTEN_ADDRESS);
    let gate = match flags.web_config_file() {
        Some(file) => Some(WebConfig::load(file).await?),
        None => None,
    };
    let gate = gate.as_ref();
    let addresses = web.listen_addresses.iter();
    let mut places = addresses.flat_map(|address| places(address));
    let mut failures = Vec::new();
    let asking = async {
        loop {
            let Some(place) = places.next() else {
                return Err(());
            };
            match ask(&place, &web.route_prefix, gate).await {
                Ok(()) => return Ok(()),
                Err(unwell) => {
                    failures.push(unwell.message);
                    if unwell.has_connected {
                        return Err(());
                    }
                }
            }
        }
    };
    match timeout(TIMEOUT, asking).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(())) => {}
        Err(_) => failures.push(format!("no answer within {TIMEOUT:?}")),
    }
    if web.systemd_socket {
        failures.push(
            "the sockets that systemd passed are not known to health; name one with --web.listen-address"
                .to_owned(),
        );
    }
    Err(Failed::new(failures.join("; ")))
}

/// The exporter is unhealthy or does not run.
struct Unwell {
    message: String,
    /// Whether something listens there.
    has_connected: bool,
}

/// Asks at one address, `unix:PATH` or `host:port`.
async fn ask(place: &str, route_prefix: &str, gate: Option<&WebConfig>) -> Result<(), Unwell> {
    let scheme = match gate {
        Some(gate) if gate.has_tls() => "https",
        _ => "http",
    };
    let (host, client) = match place.strip_prefix(UNIX) {
        Some(path) => ("localhost", client().unix_socket(path)),
        None => (place, client()),
    };
    let url = format!("{scheme}://{host}{route_prefix}/-/healthy");
    let unwell = |why: &str, has_connected| Unwell {
        message: match place.strip_prefix(UNIX) {
            Some(_) => format!("{url} at {place}: {why}"),
            None => format!("{url}: {why}"),
        },
        has_connected,
    };
    let client = client
        .build()
        .map_err(|error| unwell(&causes(error), false))?;
    match client.get(&url).send().await {
        Ok(response) => judge(response).await.map_err(|why| unwell(&why, true)),
        Err(error) => {
            let has_connected = !error.is_connect();
            Err(unwell(&remedied(error, gate), has_connected))
        }
    }
}

/// For this machine: there is no proxy in between, and nobody to be taken for it, whatever name its
/// certificate has and whoever vouches for it.
fn client() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .tls_danger_accept_invalid_certs(true)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .timeout(TIMEOUT)
}

async fn judge(mut response: Response) -> Result<(), String> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(format!(
            "{status}: put /-/healthy into the auth_exempt_paths of --web.config.file"
        ));
    }
    // The reason is a line or two: it comes in one piece.
    let reason = response.chunk().await.ok().flatten().unwrap_or_default();
    let reason = String::from_utf8_lossy(&reason);
    Err(format!("{status}: {}", reason.trim()))
}

/// What went wrong, and what to do about it where the gate may be the cause.
fn remedied(error: reqwest::Error, gate: Option<&WebConfig>) -> String {
    let is_timeout = error.is_timeout();
    let has_connected = !error.is_connect();
    let why = causes(error);
    match gate {
        _ if is_timeout => format!("no answer within {TIMEOUT:?}"),
        Some(gate) if gate.requires_client_certificates() => format!(
            "{why}; by client_auth_type every client shows a certificate, and health has none: let it be \
             VerifyClientCertIfGiven, or ask in another way"
        ),
        None if has_connected => {
            format!("{why}; if the exporter has a --web.config.file, health needs the same")
        }
        _ => why,
    }
}

fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let first: &dyn Error = &error;
    let chain = std::iter::successors(Some(first), |&error| error.source());
    let messages: Vec<String> = chain.take(MAX_CAUSES).map(ToString::to_string).collect();
    messages.join(": ")
}

/// Returns the addresses at which this machine can reach a listener on `address`. For a listener on
/// every interface these are both loopback addresses, because either may be disabled.
fn places(address: &str) -> Vec<String> {
    const LOOPBACKS: [IpAddr; 2] = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    let bound = match address.strip_prefix(':') {
        Some(port) => format!("[::]:{port}"),
        None => address.to_owned(),
    };
    match bound.parse::<SocketAddr>() {
        Ok(bound) if bound.ip().to_canonical().is_unspecified() => LOOPBACKS
            .iter()
            .filter(|loopback| loopback.is_ipv4() || bound.is_ipv6())
            .map(|loopback| SocketAddr::new(*loopback, bound.port()).to_string())
            .collect(),
        _ => vec![address.to_owned()],
    }
}
