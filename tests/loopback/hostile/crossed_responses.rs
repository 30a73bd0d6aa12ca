//! Responses that arrive twice, late, or on another connection never show the tracks of another
//! account. The tests run the exporter behind a misbehaving gateway.

use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Identity, Role, Server, Track, World};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::support::address::free_address;
use crate::support::gateway::{Gateway, Mischief};

/// The number of accounts of each kind.
const ACCOUNTS: u64 = 12;

/// How long the gateway misbehaves.
const STORM: Duration = Duration::from_secs(6);

/// A time limit that no operation reaches, even on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);

const ADMIN: u64 = 100_000_000_000;
const ORGANIZATION: u64 = 300_000_000_000;
const MEMBERS: u64 = 200_000_000_001;

/// A cloud in which the name of each track contains the UIN of its account. The accounts have a key
/// and a role that the admin account can assume, are members of an organization, or use a machine
/// role.
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
    founder.create_organization(ACCOUNTS, &trusted, &[]);
    for uin in MEMBERS..MEMBERS + ACCOUNTS {
        let member = world.account(&uin.to_string()).unwrap();
        member.replace(vec![track_of(uin)]);
    }
    admin.add_role(Role::new("machine"));
    world.bind_machine(&ADMIN.to_string(), "machine");
    world
}

/// The name of each account contains the UIN that is in the names of its tracks.
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

    /// Returns the series of a scrape, or none before the exporter listens.
    async fn series(&self) -> Vec<String> {
        match self.client.get(&self.url).send().await {
            Ok(response) => response
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

/// Returns the value of a label.
fn label<'a>(series: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = series.split_once(&format!("{name}=\""))?;
    value.split('"').next()
}

/// Checks that every series of a track belongs to its account, and returns the number of these
/// series.
fn assert_tracks_belong_to_their_account(series: &[String], mischief: Mischief) -> usize {
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

/// Returns whether every account is polled successfully and shows its track.
fn is_complete(series: &[String]) -> bool {
    let up = |line: &&String| line.starts_with("cloudaudit_up{") && line.ends_with(" 1");
    let shown = |line: &&String| line.starts_with("cloudaudit_track_enabled{");
    let targets = usize::try_from(4 * ACCOUNTS).unwrap() + 1;
    series.iter().filter(up).count() == targets && series.iter().filter(shown).count() == targets
}

async fn assert_accounts_are_separate(mischief: Mischief) {
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
        seen += assert_tracks_belong_to_their_account(&series, mischief);
        sleep(Duration::from_millis(100)).await;
    }
    assert!(seen > 0, "{mischief:?}: no track was shown");
    assert!(
        gateway.mischiefs() > 5,
        "{mischief:?}: {}",
        gateway.mischiefs()
    );
    gateway.behave();
    let complete = timeout(PATIENCE, async {
        loop {
            let series = exporter.series().await;
            assert_tracks_belong_to_their_account(&series, mischief);
            if is_complete(&series) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let complete = complete.await;
    assert!(complete.is_ok(), "{mischief:?}: {:#?}", {
        let mut series = exporter.series().await;
        series.retain(|line| line.starts_with("cloudaudit_last_failure_info"));
        series
    });
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_repeated_later_is_not_matched_to_another_request() {
    for after in [0, 3, 20] {
        assert_accounts_are_separate(Mischief::Again(Duration::from_millis(after))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_response_is_not_matched_to_another_request() {
    assert_accounts_are_separate(Mischief::Doubled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_copied_to_another_connection_is_not_accepted_there() {
    for after in [1, 20] {
        assert_accounts_are_separate(Mischief::Elsewhere(Duration::from_millis(after))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_sent_early_on_the_next_connection_is_not_accepted() {
    assert_accounts_are_separate(Mischief::OnTheNext).await;
}

/// Each response is new, and comes in place of the response to another request. Only the account of
/// the key shows that.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_an_exchanged_response_is_not_used() {
    assert_accounts_are_separate(Mischief::Exchanged("AssumeRole")).await;
}
