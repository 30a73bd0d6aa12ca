//! The command `health`, a health check for images without a shell.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};
use tokio::time::timeout;

use super::{CommandError, daemon};
use crate::cli::Flags;
use crate::escape::{escaped, visible};
use crate::web_config::WebConfig;

/// How long the exporter may take to respond.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The prefix of the address of a Unix socket.
const UNIX: &str = "unix:";

/// The most causes of an error that are printed.
const MAX_CAUSES: usize = 8;

/// Checks the exporter that was started with the same flags on this machine, at the first of its
/// addresses that accepts a connection.
pub(super) async fn run(flags: &Flags) -> Result<(), CommandError> {
    let web = flags.web(daemon::LISTEN_ADDRESS);
    let web_config = match flags.web_config_file() {
        Some(file) => Some(WebConfig::load(file).await?),
        None => None,
    };
    let web_config = web_config.as_ref();
    let addresses = web.listen_addresses.iter();
    let mut connect_addresses = addresses.flat_map(|address| connect_addresses(address));
    let mut failures = Vec::new();
    let probing = async {
        loop {
            let Some(address) = connect_addresses.next() else {
                return Err(());
            };
            match probe(&address, &web.route_prefix, web_config).await {
                Ok(()) => return Ok(()),
                Err(failure) => {
                    failures.push(failure.message);
                    if failure.has_connected {
                        return Err(());
                    }
                }
            }
        }
    };
    match timeout(TIMEOUT, probing).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(())) => {}
        Err(_) => failures.push(format!("no response within {TIMEOUT:?}")),
    }
    if web.systemd_socket {
        failures.push(
            "the sockets that systemd passed are unknown to health; name one with --web.listen-address"
                .to_owned(),
        );
    }
    Err(CommandError::new(failures.join("; ")))
}

/// Why the check failed: the exporter is unhealthy or does not run.
struct ProbeFailure {
    message: String,
    /// Whether a process listens at the address.
    has_connected: bool,
}

/// Checks one address, `unix:PATH` or `host:port`.
async fn probe(
    address: &str,
    route_prefix: &str,
    web_config: Option<&WebConfig>,
) -> Result<(), ProbeFailure> {
    let scheme = match web_config {
        Some(web_config) if web_config.has_tls() => "https",
        _ => "http",
    };
    let (host, client) = match address.strip_prefix(UNIX) {
        Some(path) => ("localhost", client().unix_socket(path)),
        None => (address, client()),
    };
    let url = format!("{scheme}://{host}{route_prefix}/-/healthy");
    let failure = |why: &str, has_connected| ProbeFailure {
        message: match address.strip_prefix(UNIX) {
            Some(_) => format!("{url} at {}: {why}", visible(address)),
            None => format!("{}: {why}", visible(&url)),
        },
        has_connected,
    };
    let client = client
        .build()
        .map_err(|error| failure(&causes(error), false))?;
    match client.get(&url).send().await {
        Ok(response) => check_response(response)
            .await
            .map_err(|why| failure(&why, true)),
        Err(error) => {
            let has_connected = !error.is_connect();
            Err(failure(&describe(error, web_config), has_connected))
        }
    }
}

/// Builds the client. Connections stay on this machine, so it uses no proxy and accepts any
/// certificate.
fn client() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .tls_danger_accept_invalid_certs(true)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .timeout(TIMEOUT)
}

async fn check_response(mut response: Response) -> Result<(), String> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(format!(
            "{status}: add /-/healthy to auth_exempt_paths in --web.config.file"
        ));
    }
    // The reason is a line or two, so the first chunk has all of it.
    let reason = response.chunk().await.ok().flatten().unwrap_or_default();
    let reason = String::from_utf8_lossy(&reason);
    Err(format!("{status}: {}", escaped(&reason)))
}

/// Describes an error, with a remedy if the web configuration may be the cause.
fn describe(error: reqwest::Error, web_config: Option<&WebConfig>) -> String {
    let is_timeout = error.is_timeout();
    let has_connected = !error.is_connect();
    let why = causes(error);
    match web_config {
        _ if is_timeout => format!("no response within {TIMEOUT:?}"),
        Some(web_config) if web_config.requires_client_certificates() => format!(
            "{why}; client_auth_type requires a client certificate, which health does not have; set it to \
             VerifyClientCertIfGiven, or use another health check"
        ),
        None if has_connected => {
            format!(
                "{why}; if the exporter runs with --web.config.file, run health with the same flag"
            )
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
fn connect_addresses(address: &str) -> Vec<String> {
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
