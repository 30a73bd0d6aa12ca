//! The command `demo`: runs the daemon against a simulated Tencent Cloud on loopback, and changes
//! the simulator every few seconds.
//!
//! The demo takes no shortcut. The exporter reads a configuration, and signs, pages and paces its
//! requests over real HTTP. For each event the demo prints how long it took until a scrape of the
//! exporter showed it.

// The initial state of the simulator, and the configuration.
mod accounts;
mod organization;
mod storage;
mod tracks;

// The simulator and the exporter.
mod processes;

// The events, and how they are observed.
mod events;
mod scraper;

use self::processes::Processes;
use crate::app::Web;
use crate::clock::Clock;

/// Loopback only: the demo's numbers look real, and no other machine should scrape them.
pub const LISTEN_ADDRESS: &str = "127.0.0.1:10629";

/// Runs until `shutdown`.
///
/// # Errors
///
/// Returns an error if an address cannot be listened on.
pub async fn run(
    web: &Web,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> Result<(), String> {
    let mut processes = Processes::start(web, clock).await?;
    let address = processes.url() + &web.route_prefix;
    let (page, metrics) = (format!("{address}/"), address + &web.telemetry_path);
    let introduction = introduction(&processes.endpoint(), &page, &metrics);
    let running = async {
        events::print(introduction).await;
        events::run(&mut processes, &metrics).await
    };
    let result = tokio::select! {
        () = shutdown => Ok(()),
        failed = running => failed,
    };
    processes.shut_down().await;
    result
}

fn introduction(endpoint: &str, page: &str, metrics: &str) -> String {
    let schedule = events::schedule();
    format!(
        "cloudaudit-exporter demo. Press Ctrl-C to stop.

The simulated Tencent Cloud API is on {endpoint} (not for browsers)
The metrics are on {metrics}
The page is on {page}

Try:
  curl -s {metrics} | grep '^cloudaudit_track_enabled.* 0$'   # disabled tracks
  curl -s {metrics} | grep '^cloudaudit_up'                   # 0: the last poll failed; account denied always fails
  curl -s {metrics} | grep '^cloudaudit_account_tracks'       # account empty has 0 tracks; account denied has no sample
  curl -s {metrics} | grep '^cloudaudit_account_covered{{'     # account search has no track; a track of its organization covers it
  curl -s {metrics} | grep '^cloudaudit_track_change_operator' # who changed a track
  curl -s {metrics} | grep '^cloudaudit_delivery_state.* 1$'  # account legacy is stalled after half a minute; account platform loses its bucket

Events, repeated every 90 seconds:
{schedule}
"
    )
}
