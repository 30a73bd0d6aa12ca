//! `demo`: the daemon as it is, against a simulated Tencent Cloud on loopback in which things
//! happen.
//!
//! Nothing is shortened: the exporter is configured by a file, signs, pages and paces over real
//! HTTP; and what is printed of an event is the time until a scrape showed it.

// What there is.
mod estate;
mod organization;

// What happens, and on what.
mod stage;
mod timetable;

// Who watches.
mod watch;

use self::stage::Stage;
use crate::app::Web;
use crate::clock::Clock;
use crate::stdio::print;

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
    let mut stage = Stage::set(web, clock).await?;
    let page = stage.page();
    let metrics = format!("{}{}", page.trim_end_matches('/'), web.telemetry_path);
    let introduction = introduction(&stage.endpoint(), &page, &metrics);
    let playing = async {
        say(introduction).await;
        timetable::play(&mut stage, &metrics).await
    };
    let played = tokio::select! {
        () = shutdown => Ok(()),
        failed = playing => failed,
    };
    stage.clear().await;
    played
}

fn introduction(endpoint: &str, page: &str, metrics: &str) -> String {
    let timetable = timetable::printed();
    format!(
        "cloudaudit-exporter demo. Ctrl-C ends it.

The simulated Tencent Cloud listens on {endpoint} (not for browsers)
The metrics are on {metrics}
The page is on {page}

Worth typing:
  curl -s {metrics} | grep '^cloudaudit_track_enabled.* 0$'   # which tracks are off?
  curl -s {metrics} | grep '^cloudaudit_up'                   # who answered? denied did not
  curl -s {metrics} | grep '^cloudaudit_account_tracks'       # empty has 0 tracks, denied has no number
  curl -s {metrics} | grep '^cloudaudit_account_covered{{'     # search has no track: its organisation's covers it

What happens, every minute and a half:
{timetable}
"
    )
}

/// Prints at once. Where stdout is closed, the demo goes on for those who scrape it.
async fn say(text: String) {
    drop(print(vec![text.into()]).await);
}
