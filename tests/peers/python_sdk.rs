//! The official Python SDK reads the simulated cloud. It shares no code with the client or the
//! simulator.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may stop it, as the test itself may"
)]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::sim::{Identity, Operator, Role, Server, Track, World, ckafka};
use cloudaudit_exporter::tencent::credentials::{CredentialFile, Profile};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

pub(crate) const ID: &str = "AKIDsimulated0000000000000000000000";
pub(crate) const KEY: &str = "simulatedkey00000000000000000000";

/// Starting Python and importing the SDK takes a few seconds on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn world() -> World {
    let world = World::new(Clock::system().now().wall);
    let account = world.add_account("100000000001");
    account.add_identity(Identity::permanent(ID, KEY));
    for id in 1..=7 {
        account.create(Track::new(id, &format!("track-{id}")));
    }
    account.set_status(2, 0).unwrap();
    let storage = ckafka("ap-guangzhou", "ckafka-1", "audit");
    account.set_storage(3, storage).unwrap();
    world
}

/// Returns what the SDK lists from the world behind a socket.
async fn list_with_sdk(world: &World, secret_key: &str, page_size: &str) -> Value {
    run("list_tracks.py", world, &[ID, secret_key, page_size]).await
}

/// Runs a script with the world's address as its first argument. The SDK reaches the metadata
/// service, which has another address, through the proxy in the environment.
pub(crate) async fn run(script: &str, world: &World, arguments: &[&str]) -> Value {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), world.clone());
    let server = server.await.unwrap();
    let endpoint = server.local_addr().to_string();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/peers")
        .join(script);
    let running = Command::new(python())
        .arg(&script)
        .arg(&endpoint)
        .args(arguments)
        .env_remove("HTTP_PROXY")
        .env("http_proxy", format!("http://{endpoint}"))
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::select! {
        output = timeout(PATIENCE, running) => output.expect("the SDK hangs").unwrap(),
        () = server.serve(std::future::pending::<()>()) => unreachable!("the server has no shutdown"),
    };
    assert!(
        output.status.success(),
        "{} failed: {}",
        script.display(),
        output.status
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn python() -> PathBuf {
    let parts = std::env::var_os("CLOUDAUDIT_PARTS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".cache/parts"),
        PathBuf::from,
    );
    let python = parts.join("venv/bin/python");
    assert!(
        python.exists(),
        "the official SDK is not installed at {}: run make parts",
        python.display()
    );
    python
}

#[tokio::test]
async fn the_sdk_reads_every_page() {
    let world = world();
    let found = list_with_sdk(&world, KEY, "3").await;
    let expected = json!({"pages": 3, "total": 7, "tracks": [
        [1, "track-1", 1, "cos"],
        [2, "track-2", 0, "cos"],
        [3, "track-3", 1, "ckafka"],
        [4, "track-4", 1, "cos"],
        [5, "track-5", 1, "cos"],
        [6, "track-6", 1, "cos"],
        [7, "track-7", 1, "cos"],
    ]});
    assert_eq!(found, expected);
    assert_eq!((world.call_count(), world.refused_signatures()), (3, 0));
}

#[tokio::test]
async fn the_sdk_recognizes_the_refusal_of_a_wrong_key() {
    let world = world();
    let found = list_with_sdk(&world, "wrong", "3").await;
    assert_eq!(found["code"], "AuthFailure.SignatureFailure");
    assert_eq!(found["request_id"].as_str().unwrap().len(), 36);
    assert_eq!((world.call_count(), world.refused_signatures()), (1, 1));
}

#[tokio::test]
async fn the_sdk_reads_operation_records() {
    let world = world();
    let account = world.account("100000000001").unwrap();
    let alice = account.by(Operator::user("alice", "100000000011"));
    alice.set_status(1, 0).unwrap();
    alice.denied_attempt("DeleteAuditTrack", json!({"TrackId": 1}));
    let now = world.now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (from, until) = ((now - 600).to_string(), (now + 600).to_string());
    let arguments = [ID, KEY, &from, &until, "8"];
    let found = run("list_events.py", &world, &arguments).await;
    let events = found["events"].as_array().unwrap();
    // Seven creations, two changes by the root user, one by alice, and her attempt.
    assert_eq!(events.len(), 11);
    let denied = json!(["DeleteAuditTrack", "alice", "alice", {"TrackId": 1}, 4102, "cloudaudit"]);
    assert_eq!(events[0], denied);
    let parameters = json!({"TrackId": 1, "Status": 0});
    let disabled = json!([
        "ModifyAuditTrack",
        "alice",
        "alice",
        parameters,
        0,
        "cloudaudit"
    ]);
    assert_eq!(events[1], disabled);
    let tokens = found["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 1);
    assert!(tokens[0].as_u64().unwrap() > 1 << 53, "{tokens:?}");

    account
        .deny_action(ID, "cloudaudit:DescribeEvents")
        .unwrap();
    let refused = run("list_events.py", &world, &arguments).await;
    assert_eq!(refused["code"], "UnauthorizedOperation");
}

const OTHER: &str = "100000000002";
const ROLE_ARN: &str = "qcs::cam::uin/100000000002:roleName/audit-reader";

/// Adds an account whose role can be assumed in three ways.
fn world_with_a_role() -> World {
    let world = world();
    let other = world.add_account(OTHER);
    other.create(Track::new(9, "theirs"));
    let role = Role::new("audit-reader")
        .trusts_account("100000000001")
        .external_id("between us")
        .trusts_provider("cls-1", "a pod's token");
    other.add_role(role);
    world.bind_machine(OTHER, "audit-reader");
    world
}

#[tokio::test]
async fn the_sdk_assumes_a_role_and_lists_its_tracks() {
    let world = world_with_a_role();
    let expected = json!({"account": OTHER, "type": "CAMRole",
        "tracks": [[9, "theirs", 1, "cos"]]});
    let role = ["role", ID, KEY, ROLE_ARN, "between us"];
    assert_eq!(run("become.py", &world, &role).await, expected);
    let pod = ["pod", "cls-1", "a pod's token", ROLE_ARN];
    assert_eq!(run("become.py", &world, &pod).await, expected);
    assert_eq!(run("become.py", &world, &["machine"]).await, expected);

    let calls = world.calls();
    let actions: Vec<&str> = calls.iter().map(|call| call.action.as_str()).collect();
    let then = ["GetCallerIdentity", "DescribeAuditTracks"];
    let first = ["AssumeRole", then[0], then[1]];
    let second = ["AssumeRoleWithWebIdentity", then[0], then[1]];
    let third = ["metadata", "metadata", then[0], then[1]];
    assert_eq!(actions, [&first[..], &second, &third].concat());
}

#[tokio::test]
async fn the_sdk_recognizes_the_refusal_of_a_role() {
    let world = world_with_a_role();
    let role = ["role", ID, KEY, ROLE_ARN, "a guess"];
    let refused = run("become.py", &world, &role).await;
    assert_eq!(refused, json!({"code": "UnauthorizedOperation"}));
    let pod = ["pod", "cls-1", "another token", ROLE_ARN];
    let refused = run("become.py", &world, &pod).await;
    assert_eq!(
        refused,
        json!({"code": "InvalidParameter.WebIdentityTokenError"})
    );
}

const READ: Option<[&str; 2]> = Some(["AKID1", "key-1"]);

/// A spelling of the credentials file, what the exporter reads, and what the SDK reads.
type Spelling = (
    &'static [u8],
    Option<[&'static str; 2]>,
    Option<[&'static str; 2]>,
);

/// Spellings that the exporter reads as the SDK does.
const ALIKE: [(&[u8], Option<[&str; 2]>); 13] = [
    (b"[default]\nsecret_id = AKID1\nsecret_key = key-1\n", READ),
    (b"[default]\nsecret_id=AKID1\nsecret_key=key-1", READ),
    (
        b"[default]\r\nsecret_id: AKID1\r\nsecret_key: key-1\r\n",
        READ,
    ),
    (b"[default]\rsecret_id: AKID1\rsecret_key: key-1\r", READ),
    (b"[default]\nSECRET_ID = AKID1\nSecret_Key = key-1\n", READ),
    (
        b"; one\n\n# two\n[default]\nsecret_id = AKID1\n; three\nsecret_key = key-1\n",
        READ,
    ),
    (
        b"[prod]\nsecret_id = AKID2\n[default]\nsecret_id = AKID1\nsecret_key = key-1\n",
        READ,
    ),
    (
        b"[default]\nsecret_id =\tAKID1  \nsecret_key = key-1\nother = x\n",
        READ,
    ),
    (
        b"[default]\nsecret_id = AKID1\nsecret_key = a=b:c#d;e\n",
        Some(["AKID1", "a=b:c#d;e"]),
    ),
    (b"[Default]\nsecret_id = AKID1\nsecret_key = key-1\n", None),
    (b"secret_id = AKID1\n[default]\nsecret_key = key-1\n", None),
    (
        b"[default]\nsecret_id = AKID1\nsecret_id = AKID1\nsecret_key = key-1\n",
        None,
    ),
    (b"[default]\nsecret_id = AKID1\nsecret_key =\n", None),
];

/// Spellings that the exporter deliberately reads differently. docs/credentials.md lists these
/// kinds.
const DIFFERENT: [Spelling; 6] = [
    // A byte order mark is skipped.
    (
        b"\xef\xbb\xbf[default]\nsecret_id = AKID1\nsecret_key = key-1\n",
        READ,
        None,
    ),
    // An error in one section does not affect the others.
    (
        b"[other]\nno key here\n[default]\nsecret_id = AKID1\nsecret_key = key-1\n",
        READ,
        None,
    ),
    (
        b"[other]\n[other]\n[default]\nsecret_id = AKID1\nsecret_key = key-1\n",
        READ,
        None,
    ),
    (
        b"[other]\n# caf\xe9\n[default]\nsecret_id = AKID1\nsecret_key = key-1\n",
        READ,
        None,
    ),
    // A value in quotes is refused.
    (
        b"[default]\nsecret_id = \"AKID1\"\nsecret_key = key-1\n",
        None,
        Some(["\"AKID1\"", "key-1"]),
    ),
    // An indented line starts a new key; it does not continue the value above it.
    (
        b"[default]\nsecret_id = AKID1\n  secret_key = key-1\n",
        READ,
        None,
    ),
];

#[tokio::test]
async fn the_credentials_file_is_read_as_the_sdk_reads_it() {
    let alike = ALIKE.iter().map(|(text, read)| (*text, *read, *read));
    let table: Vec<Spelling> = alike.chain(DIFFERENT).collect();
    let homes: Vec<tempfile::TempDir> = table
        .iter()
        .map(|(text, _, _)| {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join(".tencentcloud");
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("credentials"), text).unwrap();
            home
        })
        .collect();
    let paths: Vec<&str> = homes
        .iter()
        .map(|home| home.path().to_str().unwrap())
        .collect();
    let sdk = run("read_profile.py", &world(), &paths).await;
    for ((text, ours, theirs), (home, sdk)) in
        table.iter().zip(paths.iter().zip(sdk.as_array().unwrap()))
    {
        let text = String::from_utf8_lossy(text);
        assert_eq!(*sdk, json!(theirs), "the SDK: {text}");
        let profile = Profile {
            name: "default".to_owned(),
            files: vec![PathBuf::from(home).join(".tencentcloud/credentials")],
        };
        let read = profile.read().ok();
        let read = read.as_ref().map(|credential| {
            let key = credential.secret_key().expose_secret();
            [credential.secret_id(), key]
        });
        assert_eq!(read, *ours, "{text}");
    }
}
