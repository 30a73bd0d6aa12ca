//! `health`: for images without a shell.

use std::error::Error;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};

use super::{Failed, daemon};
use crate::cli::Flags;
use crate::web::Gate;

/// An exporter that takes longer is not well.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a Unix socket's address begins with.
const UNIX: &str = "unix:";

/// How deep the chain of causes of an error is followed.
const MAX_CAUSES: usize = 8;

/// Asks the exporter that was started with the same flags on this machine.
pub(super) async fn run(flags: &Flags) -> Result<(), Failed> {
    let web = flags.web(daemon::LISTEN_ADDRESS);
    let gate = match flags.web_config_file() {
        Some(file) => Some(Gate::open_in_time(file).await?),
        None => None,
    };
    let scheme = match &gate {
        Some(gate) if gate.has_tls() => "https",
        _ => "http",
    };
    let address = web.listen_addresses.first().map_or("", String::as_str);
    let (host, client) = match address.strip_prefix(UNIX) {
        Some(path) => ("localhost".to_owned(), client().unix_socket(path)),
        None => (reachable(address), client()),
    };
    let url = format!("{scheme}://{host}{}/-/healthy", web.route_prefix);
    let failed = |why: &str| match address.strip_prefix(UNIX) {
        Some(_) => Failed::new(format!("{url} at {address}: {why}")),
        None => Failed::new(format!("{url}: {why}")),
    };
    let client = client.build().map_err(|error| failed(&causes(error)))?;
    match client.get(&url).send().await {
        Ok(response) => judge(response).await.map_err(|why| failed(&why)),
        Err(error) => Err(failed(&remedied(error, gate.as_ref()))),
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
fn remedied(error: reqwest::Error, gate: Option<&Gate>) -> String {
    let is_timeout = error.is_timeout();
    let has_connected = !error.is_connect();
    let why = causes(error);
    match gate {
        _ if is_timeout => format!("no answer within {TIMEOUT:?}"),
        Some(gate) if gate.wants_certificates() => format!(
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

/// Where something that listens on `address` can be asked from the same machine.
fn reachable(address: &str) -> String {
    match address.rsplit_once(':') {
        Some(("" | "0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => address.to_owned(),
    }
}
