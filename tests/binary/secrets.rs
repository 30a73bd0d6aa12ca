//! Every credential provider over loopback. Nothing that the process writes contains a secret, even
//! at the most verbose log level and while everything fails.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Identity, Role, Track, World};
use tempfile::TempDir;

use crate::cloud::{Cloud, loopback};
use crate::support::exporter::{Exporter, Samples, binary};

const HOME: &str = "100000000001";
const AWAY: &str = "100000000002";

/// Each account and the `provider` that it must show.
const PROVIDERS: [(&str, &str); 7] = [
    ("in-the-file", "inline"),
    ("by-env", "env"),
    ("by-files", "files"),
    ("by-profile", "profile"),
    ("machine", "cvm_role"),
    ("pod", "tke_oidc"),
    ("with-a-role", "assume_role"),
];

/// The owners of the configured keys, including those that a later configuration adds.
const KEYS: [&str; 7] = [
    "inline", "inline-2", "env", "files", "files-2", "profile", "base",
];

const POD_TOKEN: &str = "a-pod-s-web-identity-token";
const EXTERNAL_IDS: [&str; 2] = ["first-external-id", "second-external-id"];

fn id(of: &str) -> String {
    format!("AKIDof{of}")
}

fn key(of: &str) -> String {
    format!("secret-key-of-{of}")
}

/// A cloud with the keys and roles of one account, and a role in another account.
fn world() -> World {
    let world = World::new(SystemTime::now());
    let home = world.add_account(HOME);
    home.create(Track::new(1, "home"));
    for of in KEYS {
        home.add_identity(Identity::permanent(&id(of), &key(of)));
    }
    home.add_role(Role::new("machine"));
    home.add_role(Role::new("pod").trusts_provider("cls-1", POD_TOKEN));
    world.bind_machine(HOME, "machine");
    let away = world.add_account(AWAY);
    away.create(Track::new(2, "away"));
    away.add_role(reader(EXTERNAL_IDS[0]));
    // Short-lived keys, so that the exporter refreshes them during the test.
    world.set_max_role_duration(Duration::from_secs(4));
    world
}

fn reader(external_id: &str) -> Role {
    Role::new("reader")
        .trusts_account(HOME)
        .external_id(external_id)
}

/// The exporter's files and variables.
struct Site {
    folder: TempDir,
    file: PathBuf,
    cloud: Cloud,
}

impl Site {
    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn write_config(&self, inline: &str, external_id: &str) {
        let cloud = format!("http://{}", self.cloud.address);
        let (inline_id, inline_key) = (id(inline), key(inline));
        let text = format!(
            "endpoint: {cloud}\n\
             poll: {{interval: 1s, timeout: 1s}}\n\
             state: {{file: state.json}}\n\
             accounts:\n  \
               in-the-file: {{credentials: {{secret_id: {inline_id}, secret_key: {inline_key}}}}}\n  \
               by-env: {{uin: '{HOME}', credentials: {{env: {{secret_id: THE_ID, secret_key: THE_KEY}}}}}}\n  \
               by-files: {{credentials: {{secret_id_file: id, secret_key_file: key}}}}\n  \
               by-profile: {{credentials: {{profile: {{file: profile}}}}}}\n  \
               machine: {{credentials: {{cvm_role: {{endpoint: '{cloud}'}}}}}}\n  \
               pod: {{credentials: {{tke_oidc: {{endpoint: '{cloud}'}}}}}}\n  \
               with-a-role:\n    \
                 credentials: {{env: {{secret_id: BASE_ID, secret_key: BASE_KEY}}}}\n    \
                 assume_role: {{arn: 'qcs::cam::uin/{AWAY}:roleName/reader', external_id: {external_id}}}\n"
        );
        fs::write(&self.file, text).unwrap();
    }

    fn write_key(&self, of: &str) {
        self.write("id", &id(of));
        self.write("key", &key(of));
    }

    fn variables(&self) -> Vec<(String, String)> {
        let token = self.folder.path().join("token");
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        [
            ("CLOUDAUDIT_EXPORTER_LOG_LEVEL", "debug"),
            ("THE_ID", &id("env")),
            ("THE_KEY", &key("env")),
            ("BASE_ID", &id("base")),
            ("BASE_KEY", &key("base")),
            ("TKE_PROVIDER_ID", "cls-1"),
            (
                "TKE_ROLE_ARN",
                &format!("qcs::cam::uin/{HOME}:roleName/pod"),
            ),
            ("TKE_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ]
        .map(own)
        .to_vec()
    }

    /// Returns everything that a command writes.
    async fn run(&self, arguments: &[&str]) -> String {
        let mut command = binary();
        command.args(arguments).arg("--config.file").arg(&self.file);
        command.envs(self.variables());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        [output.stdout, output.stderr]
            .map(|it| String::from_utf8(it).unwrap())
            .concat()
    }
}

async fn site(world: &World) -> Site {
    let folder = TempDir::new().unwrap();
    let site = Site {
        file: folder.path().join("config.yaml"),
        folder,
        cloud: Cloud::start(world, loopback()).await,
    };
    site.write_config("inline", EXTERNAL_IDS[0]);
    site.write_key("files");
    let profile = format!(
        "[default]\nsecret_id = {}\nsecret_key = {}\n",
        id("profile"),
        key("profile")
    );
    site.write("profile", &profile);
    site.write("token", POD_TOKEN);
    site
}

fn up(samples: &Samples, account: &str) -> bool {
    samples.values("cloudaudit_up", &[("account", account)]) == [1.0]
}

fn fails(samples: &Samples, account: &str, reason: &str, code: &str) -> bool {
    let labels = [("account", account), ("reason", reason), ("code", code)];
    samples.values("cloudaudit_last_failure_info", &labels) == [1.0]
}

fn all_up(samples: &Samples) -> bool {
    PROVIDERS.iter().all(|(account, _)| up(samples, account))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_written_holds_a_secret() {
    let world = world();
    let site = site(&world).await;
    let variables = site.variables();
    let pairs = variables.iter().map(|(name, value)| (&**name, &**value));
    let mut exporter = Exporter::start(Some(&site.file), &pairs.collect::<Vec<_>>());
    let samples = exporter
        .metrics_when("every provider has its keys", all_up)
        .await;
    for (account, provider) in PROVIDERS {
        let labels = [("account", account), ("provider", provider)];
        assert_eq!(
            samples.values("cloudaudit_account_info", &labels),
            [1.0],
            "{account}"
        );
    }
    let mut written = vec![exporter.get("/metrics").await.1, exporter.get("/").await.1];

    // A rotated key file, a deleted key, and a role with a different external ID.
    let (home, away) = (world.account(HOME).unwrap(), world.account(AWAY).unwrap());
    site.write_key("files-2");
    home.remove_identity(&id("files")).unwrap();
    home.remove_identity(&id("inline")).unwrap();
    away.add_role(reader(EXTERNAL_IDS[1]));
    let code = "AuthFailure.SecretIdNotFound";
    exporter
        .metrics_when("all of that is seen", |samples| {
            let rotated = [("account", "by-files")];
            let taken_up = samples.values("cloudaudit_credentials_refreshes_total", &rotated);
            fails(samples, "in-the-file", "unauthenticated", code)
                && fails(
                    samples,
                    "with-a-role",
                    "credentials",
                    "UnauthorizedOperation",
                )
                && taken_up == [2.0]
                && up(samples, "by-files")
        })
        .await;
    written.extend([exporter.get("/metrics").await.1, exporter.get("/").await.1]);
    written.push(site.run(&["check", "--online"]).await);

    site.write_config("inline-2", EXTERNAL_IDS[1]);
    exporter.signal("HUP");
    exporter.metrics_when("all is well again", all_up).await;
    written.extend([exporter.get("/metrics").await.1, exporter.get("/").await.1]);
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
    written.push(exporter.log());
    written.push(fs::read_to_string(site.folder.path().join("state.json")).unwrap());
    for command in [
        &["check"][..],
        &["check", "--output", "json"],
        &["check", "--policy"],
        &["check", "--online"],
        &["once", "--log.format", "json"],
    ] {
        written.push(site.run(command).await);
    }

    let secrets = secrets(&world);
    let log = exporter.log();
    assert!(
        log.contains("level=debug") && log.contains("level=warn"),
        "{log}"
    );
    for (place, text) in written.iter().enumerate() {
        assert!(!text.is_empty(), "{place}");
        for secret in &secrets {
            assert!(
                !text.contains(secret),
                "{secret} is in the {place}th text:\n{text}"
            );
        }
    }
}

/// Returns every secret: the configured ones, those that the cloud issued, and every signature.
fn secrets(world: &World) -> Vec<String> {
    let issued = world.issued_secrets();
    assert!(issued.len() >= 2 * 3, "three roles, a key and a token each");
    let calls = world.calls();
    assert_eq!(
        calls.len() as u64,
        world.call_count(),
        "all of them are remembered"
    );
    let signatures = calls.into_iter().map(|call| call.signature);
    let signatures: Vec<String> = signatures.filter(|it| !it.is_empty()).collect();
    assert!(signatures.len() > 50, "{}", signatures.len());
    let known = KEYS.iter().flat_map(|of| [id(of), key(of)]);
    let texts = EXTERNAL_IDS.iter().chain([&POD_TOKEN]);
    let texts = texts.map(|text| (*text).to_owned());
    known.chain(texts).chain(issued).chain(signatures).collect()
}
