//! The accounts that are polled, and the exporter that polls them.

use std::fmt::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use super::client::Client;
use super::process::{Process, wait_until};

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
}

/// Tracks of an account that is there for its tracks: a full page.
const TRACKS_AN_ACCOUNT: usize = 100;

/// The name of an account, which its place in the schedule is derived from.
pub(crate) fn account_name(number: usize) -> String {
    format!("account-{number:05}")
}

/// A running exporter.
pub(crate) struct Exporter {
    pub(crate) process: Process,
    pub(crate) address: String,
    _folder: TempDir,
}

/// The program that is measured: the one that cargo has built, or that `BENCH_EXPORTER` names.
fn measured() -> PathBuf {
    let named = std::env::var_os("BENCH_EXPORTER");
    named.map_or_else(
        || env!("CARGO_BIN_EXE_cloudaudit-exporter").into(),
        Into::into,
    )
}

impl Estate {
    /// So many tracks, in accounts that are polled once, and then no more.
    pub(crate) fn at_rest(tracks: usize) -> Self {
        Self {
            accounts: tracks.div_ceil(TRACKS_AN_ACCOUNT),
            interval: NEVER_AGAIN,
            page_size: tracks.min(TRACKS_AN_ACCOUNT),
        }
    }

    fn config(&self, cloud: &str) -> String {
        let Self {
            accounts,
            interval,
            page_size,
        } = self;
        let interval = interval.as_millis();
        let timeout = (interval / 2).min(10_000);
        let mut text = format!(
            "endpoint: http://{cloud}\n\
             poll: {{interval: {interval}ms, timeout: {timeout}ms, page_size: {page_size}, stale_after: 3d, max_tracks: 100000}}\n\
             rate_limit: {{requests_per_second: 1000}}\n\
             accounts:\n"
        );
        for number in 0..*accounts {
            let name = account_name(number);
            let credentials = format!("{{secret_id: AKID{number:05}, secret_key: key-{number}}}");
            writeln!(text, "  {name}: {{credentials: {credentials}}}").expect("a String takes all");
        }
        text
    }
}

impl Exporter {
    /// Starts one and waits until every account has been polled.
    pub(crate) fn start(estate: Estate, cloud: &str) -> Self {
        let exporter = Self::begin(estate, cloud);
        let accounts = u32::try_from(estate.accounts).expect("they are ten thousand at the most");
        // Ready is also an account that has waited for an interval, so it is asked when all have begun.
        sleep(FIRST_POLL_SPACING * accounts);
        wait_until("the exporter is ready", || {
            let ready = Client::new(&exporter.address, "/-/ready", false).fetch();
            ready.is_ok()
        });
        exporter
    }

    /// Starts one, and waits for nothing.
    pub(crate) fn begin(estate: Estate, cloud: &str) -> Self {
        let folder = TempDir::new().expect("there is room for a folder");
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, estate.config(cloud)).expect("there is room for a file");
        let address = free_address();
        let mut command = Command::new(measured());
        command
            .env_clear()
            .arg("--config.file")
            .arg(file)
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error");
        Self {
            process: Process::start(&mut command),
            address,
            _folder: folder,
        }
    }

    /// A client that scrapes it.
    pub(crate) fn scraper(&self, gzip: bool) -> Client {
        Client::new(&self.address, "/metrics", gzip)
    }
}

/// A loopback address that nobody listens on.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    address.to_string()
}
