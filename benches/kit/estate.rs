//! The polled accounts, and the programs that poll them: the exporter and its peer.

use std::fmt::Write as _;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use super::client::Client;
use super::cloud::Cloud;
use super::installation::{Installation, free_address};
use super::process::{Process, wait_until};
use super::programs::part;

/// First polls start so far apart.
const FIRST_POLL_SPACING: Duration = Duration::from_millis(20);

/// An interval that no run sees the end of: after its first poll, an account is at rest.
pub(crate) const NEVER_AGAIN: Duration = Duration::from_hours(24);

/// Accounts of one region each.
#[derive(Clone, Copy)]
pub(crate) struct Estate {
    pub(crate) accounts: usize,
    pub(crate) interval: Duration,
    /// Tracks on a page, which is full.
    pub(crate) page_size: usize,
    /// Pages of the listing of each account.
    pub(crate) pages: usize,
    pub(crate) detail: Detail,
    /// The most tracks of an account that get series.
    pub(crate) max_tracks: usize,
    /// The time between two checks of a storage target. `None` to check none.
    pub(crate) delivery: Option<Duration>,
}

/// How much a listing says of each track.
#[derive(Clone, Copy)]
pub(crate) enum Detail {
    Full,
    /// What the exporter shows. The listing of 100,000 full tracks would exceed 32 MiB.
    Shown,
    /// Nothing that may be absent.
    Least,
}

/// Tracks of an account that is there for its tracks: a full page.
const TRACKS_AN_ACCOUNT: usize = 100;

/// The largest `poll.page_size`. The cloud may send larger pages.
const MAX_PAGE_SIZE: usize = 100;

/// The name of an account, which its place in the schedule is derived from.
pub(crate) fn account_name(number: usize) -> String {
    format!("account-{number:05}")
}

impl Estate {
    /// Accounts with a page of tracks each.
    pub(crate) fn new(accounts: usize, interval: Duration, page_size: usize) -> Self {
        Self {
            accounts,
            interval,
            page_size,
            pages: 1,
            detail: Detail::Full,
            max_tracks: 100_000,
            delivery: None,
        }
    }

    /// So many tracks, in accounts that are polled once, and then no more.
    pub(crate) fn at_rest(tracks: usize) -> Self {
        let accounts = tracks.div_ceil(TRACKS_AN_ACCOUNT);
        Self::new(accounts, NEVER_AGAIN, tracks.min(TRACKS_AN_ACCOUNT))
    }

    /// Returns the number of tracks of all accounts.
    pub(crate) fn tracks(&self) -> usize {
        self.accounts * self.pages * self.page_size
    }

    /// Returns the configuration of an exporter that polls them. Another generation is another value
    /// of a label of every account.
    pub(super) fn config(&self, cloud: &str, generation: u32) -> String {
        let Self {
            accounts,
            interval,
            max_tracks,
            delivery,
            ..
        } = self;
        let page_size = self.page_size.min(MAX_PAGE_SIZE);
        let interval = interval.as_millis();
        let timeout = (interval / 2).min(10_000);
        let mut text = format!(
            "endpoint: http://{cloud}\n\
             poll: {{interval: {interval}ms, timeout: {timeout}ms, page_size: {page_size}, stale_after: 3d, max_tracks: {max_tracks}}}\n\
             rate_limit: {{requests_per_second: 1000}}\n"
        );
        if let Some(interval) = delivery {
            let interval = interval.as_secs();
            writeln!(text, "delivery: {{enabled: true, interval: {interval}s}}")
                .expect("a String takes all");
        }
        if generation > 0 {
            writeln!(
                text,
                "defaults: {{labels: {{generation: \"{generation}\"}}}}"
            )
            .expect("a String takes all");
        }
        text.push_str("accounts:\n");
        for number in 0..*accounts {
            let name = account_name(number);
            let credentials = format!("{{secret_id: AKID{number:05}, secret_key: key-{number}}}");
            writeln!(text, "  {name}: {{credentials: {credentials}}}").expect("a String takes all");
        }
        text
    }
}

/// Starts an exporter and waits until every account has been polled.
pub(crate) fn start_exporter(estate: Estate, cloud: &Cloud) -> Process {
    let exporter = begin_exporter(estate, cloud);
    wait_until_polled(estate, cloud, &exporter);
    exporter
}

/// Starts an exporter and waits until it listens.
pub(crate) fn begin_exporter(estate: Estate, cloud: &Cloud) -> Process {
    Installation::new(estate, cloud).begin()
}

/// Waits until an exporter that has just started has polled every account.
pub(crate) fn wait_until_polled(estate: Estate, cloud: &Cloud, exporter: &Process) {
    let accounts = u32::try_from(estate.accounts).expect("they are ten thousand at the most");
    sleep(FIRST_POLL_SPACING * accounts);
    // An exporter is also ready after one interval without a poll, so check the cloud's side first.
    wait_until("every account has been polled", || {
        cloud.accounts() == estate.accounts
    });
    wait_until("the exporter is ready", || {
        let mut client = Client::new(&exporter.address, "/-/ready", "identity");
        client.fetch().is_ok()
    });
}

/// Starts the exporter that most people would write (see `peers/peer.py`), and waits until every
/// account has been polled.
pub(crate) fn start_peer(estate: Estate, cloud: &Cloud) -> Process {
    let port = free_address().rsplit(':').next().map(str::to_owned);
    let mut command = Command::new(part("venv/bin/python"));
    command
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/benches/peers/peer.py"
        ))
        .arg(cloud.address())
        .arg(estate.accounts.to_string())
        .arg(estate.interval.as_secs_f64().to_string())
        .arg(estate.page_size.to_string())
        .args(port);
    Process::announced(&mut command)
}
