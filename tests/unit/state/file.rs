//! The state file, and the other files in its folder.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::state::{Loaded, StateFile, VERSION, decode, encode};
use proptest::prelude::*;
use tempfile::TempDir;

/// What the mechanics carry here; they do not read it.
type Value = Vec<u64>;

/// A folder with a state file in it, or not yet.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(content: &[u8]) -> Self {
        let folder = Self::new();
        fs::write(folder.file(), content).unwrap();
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("state.json")
    }

    fn open(&self) -> (StateFile<Value>, Loaded<Value>) {
        StateFile::open(self.file(), now())
    }

    /// The names in it, but for the lock.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "state.json.lock").collect();
        names.sort();
        names
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(498_730)
}

async fn write(file: &StateFile<Value>, value: &[u64]) -> Result<(), String> {
    let value = value.to_vec();
    file.write(move || value, now()).await
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn no_file_is_no_fault() {
    let folder = Folder::new();
    let (_, loaded) = folder.open();
    assert_eq!(loaded.value, None);
    assert_eq!(loaded.warnings, [""; 0]);
    assert_eq!(loaded.unwritable, None);
    assert_eq!(folder.names(), [""; 0]);
}

#[tokio::test]
async fn the_next_process_can_read_the_file_and_other_users_cannot() {
    let folder = Folder::new();
    let (file, _) = folder.open();
    write(&file, &[1, 2]).await.unwrap();
    write(&file, &[3]).await.unwrap();
    assert_eq!(folder.names(), ["state.json"]);
    assert_eq!(mode(&folder.file()), 0o600);
    drop(file);
    let (_, loaded) = folder.open();
    assert_eq!(loaded.value, Some(vec![3]));
    assert_eq!(loaded.warnings, [""; 0]);
}

#[tokio::test]
async fn the_file_is_two_lines_of_json_that_people_can_read() {
    let folder = Folder::new();
    write(&folder.open().0, &[7, 8]).await.unwrap();
    let content = fs::read_to_string(folder.file()).unwrap();
    let hash = "def4fe4f74f38325f2f5e330fcb0e51d476035250b64f6158662026485f0e557";
    let (header, payload) = content.split_once('\n').unwrap();
    let header: serde_json::Value = serde_json::from_str(header).unwrap();
    assert_eq!(
        header,
        serde_json::json!({"format": "cloudaudit-exporter state", "version": 1, "bytes": 5, "sha256": hash})
    );
    assert_eq!(payload, "[7,8]");
}

#[tokio::test]
async fn a_second_process_reads_and_warns_and_writes_nothing_until_the_first_is_gone() {
    let folder = Folder::new();
    let (first, _) = folder.open();
    write(&first, &[1]).await.unwrap();

    let (second, loaded) = folder.open();
    assert_eq!(loaded.value, Some(vec![1]));
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("another process holds the lock"));
    assert!(loaded.warnings[0].contains("state.json.lock"));
    let refused = write(&second, &[2]).await.unwrap_err();
    assert_eq!(Some(refused), loaded.unwritable);
    write(&first, &[3]).await.unwrap();
    assert_eq!(fs::read(folder.file()).unwrap(), encode(b"[3]"));

    drop(first);
    write(&second, &[4]).await.unwrap();
    assert_eq!(fs::read(folder.file()).unwrap(), encode(b"[4]"));
}

#[tokio::test]
async fn a_second_process_leaves_a_damaged_file_to_the_first_and_keeps_it_when_that_is_gone() {
    let folder = Folder::new();
    let (first, _) = folder.open();
    fs::write(folder.file(), "damaged").unwrap();
    let (second, loaded) = folder.open();
    assert_eq!(loaded.value, None);
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
    assert_eq!(folder.names(), ["state.json"]);

    drop(first);
    write(&second, &[1]).await.unwrap();
    assert_eq!(
        folder.names(),
        ["state.json", "state.json.corrupt-1795428000"]
    );
}

/// A damaged file, and the warning about it.
#[tokio::test]
async fn a_file_that_cannot_be_used_is_reported_and_kept() {
    let good = encode(b"[1,2,3]");
    let text = String::from_utf8(good.clone()).unwrap();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("empty", vec![], "does not begin with the header"),
        ("noise", vec![0xff; 100], "does not begin with the header"),
        (
            "another kind",
            b"{\"format\":\"terraform\",\"version\":1}\n".to_vec(),
            "it is not a state file of cloudaudit-exporter",
        ),
        (
            "cut in the header",
            good[..20].to_vec(),
            "does not begin with the header",
        ),
        (
            "cut",
            good[..good.len() - 1].to_vec(),
            "it has 6 bytes after the header instead of 7",
        ),
        (
            "longer",
            [&good[..], b"\n"].concat(),
            "it has 8 bytes after the header instead of 7",
        ),
        (
            "changed",
            text.replace("[1,2", "[1,9").into_bytes(),
            "its checksum is wrong",
        ),
        (
            "newer",
            b"{\"format\":\"cloudaudit-exporter state\",\"version\":2,\"zstd\":true}\n\x28\xb5"
                .to_vec(),
            "its format has version 2, and this exporter supports version 1",
        ),
        (
            "of another shape",
            encode(b"{\"a\":1}"),
            "its payload is invalid",
        ),
    ];
    for (name, content, fault) in cases {
        let folder = Folder::with(&content);
        let (file, loaded) = folder.open();
        assert_eq!(loaded.value, None, "{name}");
        assert_eq!(loaded.unwritable, None, "{name}");
        assert_eq!(loaded.warnings.len(), 1, "{name}: {:?}", loaded.warnings);
        let warning = &loaded.warnings[0];
        assert!(warning.contains(fault), "{name}: {warning}");
        assert!(warning.contains("renamed to"), "{name}: {warning}");
        let aside = folder.0.path().join("state.json.corrupt-1795428000");
        assert_eq!(fs::read(aside).unwrap(), content, "{name}");
        write(&file, &[5]).await.unwrap();
        drop(file);
        assert_eq!(folder.open().1.value, Some(vec![5]), "{name}");
    }
    assert_eq!(VERSION, 1);
}

#[test]
fn only_a_few_damaged_files_are_kept_the_latest_ones() {
    let folder = Folder::new();
    let strangers = [
        "state.json.corrupt-old",
        "state.json.corrupt-007",
        "other.corrupt-1",
    ];
    for name in strangers {
        fs::write(folder.0.path().join(name), "not ours").unwrap();
    }
    for number in 0..9_u64 {
        fs::write(folder.file(), number.to_string()).unwrap();
        // Two in each second: neither overwrites the other.
        let at = now() + Duration::from_secs(number / 2 * 10);
        drop(StateFile::<Value>::open(folder.file(), at));
    }
    let mut kept: Vec<String> = folder
        .names()
        .into_iter()
        .filter(|name| !strangers.contains(&name.as_str()))
        .map(|name| fs::read_to_string(folder.0.path().join(name)).unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept, ["4", "5", "6", "7", "8"]);
    assert_eq!(folder.names().len(), 5 + strangers.len());
}

#[test]
fn what_a_killed_process_left_half_written_goes() {
    let folder = Folder::with(&encode(b"[1]"));
    fs::write(folder.0.path().join("state.json.tmp"), "half").unwrap();
    let (_, loaded) = folder.open();
    assert_eq!(loaded.value, Some(vec![1]));
    assert_eq!(folder.names(), ["state.json"]);
}

#[tokio::test]
async fn what_is_no_file_is_left_where_it_is() {
    let folder = Folder::new();
    fs::create_dir(folder.file()).unwrap();
    let (file, loaded) = folder.open();
    assert!(
        loaded.warnings[0].contains("not a regular file"),
        "{:?}",
        loaded.warnings
    );
    assert!(
        write(&file, &[1])
            .await
            .unwrap_err()
            .contains("not a regular file")
    );
    assert!(folder.file().is_dir());

    let (file, loaded) = StateFile::<Value>::open("/dev/null", now());
    assert_eq!(loaded.value, None);
    assert!(write(&file, &[1]).await.is_err());
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_a_warning_and_no_more_once_it_is() {
    let folder = Folder::new();
    let path = folder.0.path().join("later/state.json");
    let (file, loaded) = StateFile::<Value>::open(&path, now());
    assert_eq!(loaded.value, None);
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(write(&file, &[1]).await.is_err());
    fs::create_dir(path.parent().unwrap()).unwrap();
    write(&file, &[1]).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), encode(b"[1]"));
}

#[tokio::test]
async fn a_write_that_fails_leaves_the_old_file_and_no_other() {
    let folder = Folder::new();
    let (file, _) = folder.open();
    write(&file, &[1]).await.unwrap();
    // A folder with something in it, where the new file should be written, fails for root, too.
    let obstacle = folder.0.path().join("state.json.tmp/x");
    fs::create_dir_all(&obstacle).unwrap();
    assert!(write(&file, &[2]).await.is_err());
    assert_eq!(fs::read(folder.file()).unwrap(), encode(b"[1]"));
    fs::remove_dir_all(obstacle.parent().unwrap()).unwrap();
    write(&file, &[3]).await.unwrap();
    assert_eq!(folder.names(), ["state.json"]);
    assert_eq!(fs::read(folder.file()).unwrap(), encode(b"[3]"));
}

#[tokio::test]
async fn a_link_stays_a_link() {
    let folder = Folder::new();
    let real = folder.0.path().join("real.json");
    fs::write(&real, encode(b"[1]")).unwrap();
    symlink(&real, folder.file()).unwrap();
    let (file, loaded) = folder.open();
    assert_eq!(loaded.value, Some(vec![1]));
    write(&file, &[2]).await.unwrap();
    assert!(fs::symlink_metadata(folder.file()).unwrap().is_symlink());
    assert_eq!(fs::read(real).unwrap(), encode(b"[2]"));
}

#[tokio::test]
async fn a_write_without_a_waiting_caller_ends_before_the_next_write_begins() {
    let folder = Folder::new();
    let (file, _) = folder.open();
    let slow = || {
        #[expect(clippy::disallowed_methods, reason = "it stands for a slow disk")]
        std::thread::sleep(Duration::from_millis(200));
        vec![1]
    };
    let given_up = tokio::time::timeout(Duration::from_millis(50), file.write(slow, now())).await;
    assert!(given_up.is_err());
    write(&file, &[2]).await.unwrap();
    assert_eq!(fs::read(folder.file()).unwrap(), encode(b"[2]"));
}

#[tokio::test]
async fn a_panic_while_the_value_is_made_is_an_error_like_others() {
    let folder = Folder::new();
    let (file, _) = folder.open();
    let written = file.write(|| panic!("no value"), now()).await;
    assert!(written.unwrap_err().contains("panic"));
    write(&file, &[1]).await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sealed_is_unsealed(payload: Vec<u8>) {
        let content = encode(&payload);
        prop_assert_eq!(decode(&content), Ok(&payload[..]));
    }

    /// A byte that is another one is always noticed, wherever it is, or means nothing.
    #[test]
    fn no_byte_can_be_changed_unnoticed(payload: Vec<u8>, place: prop::sample::Index, change in 1..=255_u8) {
        let mut content = encode(&payload);
        let place = place.index(content.len());
        content[place] ^= change;
        if let Ok(unsealed) = decode(&content) {
            prop_assert_eq!(unsealed, &payload[..]);
        }
    }

    #[test]
    fn no_file_can_be_cut_unnoticed(payload: Vec<u8>, end: prop::sample::Index) {
        let content = encode(&payload);
        prop_assert!(decode(&content[..end.index(content.len())]).is_err());
    }
}
