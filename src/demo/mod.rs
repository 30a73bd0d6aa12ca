//! `demo`: the daemon as it is, against a simulated Tencent Cloud on loopback in which things happen.
//!
//! Nothing is shortened: the exporter is configured by a file, signs, pages and paces over real HTTP;
//! and what is printed of an event is the time until a scrape showed it.

// What there is.
mod estate;

// What happens.
mod timetable;

// Who watches.
mod watch;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::{mpsc, watch as stop};

use crate::app::{App, Load, Reloading, Web};
use crate::clock::Clock;
use crate::config::Config;
use crate::sim::Server;

/// This machine only: what is shown is nobody's real account, and nobody else's business.
pub const LISTEN_ADDRESS: &str = "127.0.0.1:10629";

/// Runs until `shutdown`.
///
/// # Errors
///
/// Which address cannot be listened on.
pub async fn run(
    web: &Web,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> Result<(), String> {
    let world = estate::world(clock.now().wall);
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let cloud = Server::bind(loopback, world.clone())
        .await
        .map_err(|error| format!("the simulated cloud cannot listen on loopback: {error}"))?;
    let endpoint = format!("http://{}", cloud.local_addr());
    let configuration = estate::configuration(&endpoint);
    let load: Load = Arc::new(move || Config::parse("demo", &configuration, &<_>::default()));
    let config = load().map_err(|error| error.to_string())?;
    // Its configuration never changes, and a terminal that hangs up ends it.
    let (_, no_signals) = mpsc::channel(1);
    let reloading = Reloading::new(load, no_signals);
    let app = App::bind(config, &estate::environment(), web, reloading, clock).await?;
    let addresses = app.addresses();
    let address = addresses
        .first()
        .ok_or("there is no address to listen on")?;
    let page = format!("http://{}/", reachable(*address));
    let metrics = format!("{}{}", page.trim_end_matches('/'), web.telemetry_path);
    say(&introduction(&endpoint, &page, &metrics));

    let (end, ended) = stop::channel(());
    let when_ended = || {
        let mut ended = ended.clone();
        async move { drop(ended.changed().await) }
    };
    let mut parts = tokio::task::JoinSet::new();
    parts.spawn(cloud.serve(when_ended()));
    parts.spawn(app.run(when_ended()));
    tokio::select! {
        () = shutdown => {}
        () = timetable::play(&world, &metrics) => {}
        // Neither ends by itself; what panicked has said so.
        _ = parts.join_next() => return Err("a part of the demo has ended".to_owned()),
    }
    drop(end);
    while parts.join_next().await.is_some() {}
    Ok(())
}

/// Where an address that is listened on can be reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    }
    address
}

fn introduction(endpoint: &str, page: &str, metrics: &str) -> String {
    let timetable = timetable::printed();
    format!(
        "cloudaudit-exporter demo. Ctrl-C ends it.

The simulated Tencent Cloud listens on {endpoint}
The metrics are on {metrics}
The page is on {page}

Worth typing:
  curl -s {metrics} | grep '^cloudaudit_track_enabled.* 0$'   # which tracks are off?
  curl -s {metrics} | grep '^cloudaudit_up'                   # who answered? denied did not
  curl -s {metrics} | grep '^cloudaudit_account_tracks'       # empty has 0 tracks, denied has no number

What happens, each minute:
{timetable}
"
    )
}

/// Prints at once. Where stdout is closed, the demo goes on for those who scrape it.
fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    drop(
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush()),
    );
}
