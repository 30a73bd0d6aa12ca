//! The polled accounts, and the programs that poll them: the exporter and its peer.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::client::Client;
use super::cloud::Cloud;
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
}

/// Tracks of an account that is there for its tracks: a full page.
const TRACKS_AN_ACCOUNT: usize = 100;

/// The name of an account, which its place in the schedule is derived from.
pub(crate) fn account_name(number: usize) -> String {
    format!("account-{number:05}")
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

/// Starts an exporter and waits until every account has been polled.
pub(crate) fn start_exporter(estate: Estate, cloud: &Cloud) -> Process {
    let exporter = begin_exporter(estate, cloud);
    let accounts = u32::try_from(estate.accounts).expect("they are ten thousand at the most");
    sleep(FIRST_POLL_SPACING * accounts);
    // Ready is also an account that has waited for an interval, so the cloud is asked too.
    wait_until("every account has been polled", || {
        cloud.accounts() == estate.accounts
    });
    wait_until("the exporter is ready", || {
        let mut client = Client::new(&exporter.address, "/-/ready", "identity");
        client.fetch().is_ok()
    });
    exporter
}

/// Starts an exporter and waits until it listens.
pub(crate) fn begin_exporter(estate: Estate, cloud: &Cloud) -> Process {
    let mut file = NamedTempFile::new().expect("there is room for a file");
    let config = estate.config(cloud.address());
    file.write_all(config.as_bytes())
        .expect("there is room for a file");
    let address = free_address();
    let mut command = Command::new(measured());
    command
        .env_clear()
        .arg("--config.file")
        .arg(file.path())
        .arg(format!("--web.listen-address={address}"))
        .arg("--log.level=error");
    let exporter = Process::start(&mut command, address);
    wait_until("the exporter listens", || {
        TcpStream::connect(&exporter.address).is_ok()
    });
    exporter
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

/// Returns the measured program: `BENCH_EXPORTER`, or the binary that cargo has built.
fn measured() -> PathBuf {
    let named = std::env::var_os("BENCH_EXPORTER");
    named.map_or_else(
        || env!("CARGO_BIN_EXE_cloudaudit-exporter").into(),
        Into::into,
    )
}

/// Returns an unused loopback address.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    address.to_string()
}
