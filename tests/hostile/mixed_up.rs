//! Answers that arrive twice, late, or on the connection of another: no account ever shows what
//! belongs to another account. The program itself, behind an evil gateway.

use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Identity, Role, Server, Track, World};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::address::free_address;
use crate::gateway::{Gateway, Mischief};

/// Accounts of each kind.
const ACCOUNTS: u64 = 12;

/// How long the gateway misbehaves.
const STORM: Duration = Duration::from_secs(6);

/// Nothing takes longer on the slowest machine.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

const ADMIN: u64 = 100_000_000_000;
const ORGANIZATION: u64 = 300_000_000_000;
const MEMBERS: u64 = 200_000_000_001;

/// A cloud of accounts each of whose tracks carry its number in their names: accounts with a key,
/// accounts whose role the admin account assumes, members of an organization, and one machine.
fn world() -> World {
    let world = World::new(SystemTime::now());
    world.set_rate_limit(10_000);
    world.set_latency(Duration::from_millis(2));
    let track_of = |uin: u64| Track::new(uin, &format!("of-{uin}"));
    let admin = world.add_account(&ADMIN.to_string());
    admin.add_identity(Identity::permanent("AKIDadmin", "key-of-admin"));
    admin.create(track_of(ADMIN));
    let role = || Role::new("reader").trusts_account(&ADMIN.to_string());
    for number in 1..=ACCOUNTS {
        let uin = ADMIN + number;
        let account = world.add_account(&uin.to_string());
        account.add_identity(Identity::permanent(
            &format!("AKID{uin}"),
            &format!("key-{uin}"),
        ));
        account.add_role(role());
        account.create(track_of(uin));
    }
    let founder = world.add_account(&ORGANIZATION.to_string());
    founder.add_identity(Identity::permanent("AKIDfounder", "key-of-founder"));
    let trusted = Role::new("reader").trusts_account(&ORGANIZATION.to_string());
    founder.found_organization(ACCOUNTS, &trusted, &[]);
    for uin in MEMBERS..MEMBERS + ACCOUNTS {
        let member = world.account(&uin.to_string()).unwrap();
        member.replace(vec![track_of(uin)]);
    }
    admin.add_role(Role::new("machine"));
    world.bind_machine(&ADMIN.to_string(), "machine");
    world
}

/// The name of each account is the number that its tracks carry.
fn config(gateway: &Gateway) -> String {
    let at = gateway.address;
    let mut yaml = format!(
        "endpoint: http://{at}\n\
         poll: {{interval: 1s, timeout: 900ms, attempts: 3, stale_after: 1h}}\n\
         rate_limit: {{requests_per_second: 100}}\n\
         organizations:\n  main:\n    role_name: reader\n    refresh: 2s\n    \
         credentials: {{secret_id: AKIDfounder, secret_key: key-of-founder}}\n\
         accounts:\n  \
         a{ADMIN}: {{credentials: {{cvm_role: {{endpoint: {at}}}}}}}\n"
    );
    for number in 1..=ACCOUNTS {
        let uin = ADMIN + number;
        write!(
            yaml,
            "  a{uin}: {{regions: [ap-guangzhou, ap-singapore], credentials: {{secret_id: AKID{uin}, secret_key: key-{uin}}}}}\n  \
             r{uin}: {{credentials: {{secret_id: AKIDadmin, secret_key: key-of-admin}}, \
             assume_role: {{arn: 'qcs::cam::uin/{uin}:roleName/reader'}}}}\n"
        )
        .unwrap();
    }
    yaml
}

struct Exporter {
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Exporter {
    fn start(config: &Path) -> Self {
        let address = free_address();
        let child = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
            .env_clear()
            .args(["--log.level=error", "--web.listen-address"])
            .arg(address.to_string())
            .arg("--config.file")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        Self {
            child: child.unwrap(),
            url: format!("http://{address}/metrics"),
            client: client.build().unwrap(),
        }
    }

    /// The series that a scrape shows; none before it listens.
    async fn series(&self) -> Vec<String> {
        match self.client.get(&self.url).send().await {
            Ok(answer) => answer
                .text()
                .await
                .unwrap()
                .lines()
                .map(Into::into)
                .collect(),
            Err(_) => Vec::new(),
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The value of a label.
fn label<'a>(series: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = series.split_once(&format!("{name}=\""))?;
    value.split('"').next()
}

/// How many series of tracks there are, all of the account that they stand under.
fn assert_everything_is_its_own(series: &[String], mischief: Mischief) -> usize {
    let tracks = series.iter().filter(|line| line.contains(",track=\"of-"));
    tracks
        .map(|line| {
            let account = label(line, "{account").unwrap();
            let uin = account.trim_start_matches(['a', 'r']);
            let track = label(line, ",track").unwrap();
            assert_eq!(track, format!("of-{uin}"), "{mischief:?}: {line}");
        })
        .count()
}

/// Whether every account is polled and shows its track.
fn is_whole(series: &[String]) -> bool {
    let up = |line: &&String| line.starts_with("cloudaudit_up{") && line.ends_with(" 1");
    let shown = |line: &&String| line.starts_with("cloudaudit_track_enabled{");
    let targets = usize::try_from(4 * ACCOUNTS).unwrap() + 1;
    series.iter().filter(up).count() == targets && series.iter().filter(shown).count() == targets
}

async fn assert_nothing_is_mixed_up(mischief: Mischief) {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), world())
        .await
        .unwrap();
    let cloud = server.local_addr();
    let serving = tokio::spawn(server.serve(std::future::pending::<()>()));
    let gateway = Gateway::start(cloud, &[mischief]).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, config(&gateway)).unwrap();
    let exporter = Exporter::start(&file);
    let storm = Instant::now();
    let mut seen = 0;
    while storm.elapsed() < STORM {
        let series = exporter.series().await;
        seen += assert_everything_is_its_own(&series, mischief);
        sleep(Duration::from_millis(100)).await;
    }
    assert!(seen > 0, "{mischief:?}: something is shown");
    assert!(
        gateway.mischiefs() > 5,
        "{mischief:?}: {}",
        gateway.mischiefs()
    );
    gateway.behave();
    let whole = timeout(STALL_TIMEOUT, async {
        loop {
            let series = exporter.series().await;
            assert_everything_is_its_own(&series, mischief);
            if is_whole(&series) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let whole = whole.await;
    assert!(whole.is_ok(), "{mischief:?}: {:#?}", {
        let mut series = exporter.series().await;
        series.retain(|line| line.starts_with("cloudaudit_last_failure_info"));
        series
    });
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_again_a_moment_later() {
    for after in [0, 3, 20] {
        assert_nothing_is_mixed_up(Mischief::Again(Duration::from_millis(after))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_twice_at_once() {
    assert_nothing_is_mixed_up(Mischief::Doubled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_on_the_connection_of_another_too() {
    for after in [1, 20] {
        assert_nothing_is_mixed_up(Mischief::Elsewhere(Duration::from_millis(after))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_waits_on_the_next_connection() {
    assert_nothing_is_mixed_up(Mischief::OnTheNext).await;
}
