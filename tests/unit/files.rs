//! The only module that reads files: what it rejects, that a hung read blocks no other read, and
//! that no other source reads files.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use cloudaudit_exporter::files::{
    MAX_READS_IN_FLIGHT, Presence, ReadSlot, Reads, is_descriptor, presence, read, stamp,
};
use tempfile::TempDir;

const LIMIT: usize = 100;

fn fifo(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    path
}

#[test]
fn only_regular_files_up_to_a_limit_are_read() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("full"), "x".repeat(LIMIT)).unwrap();
    fs::write(at("long"), "x".repeat(LIMIT + 1)).unwrap();
    fs::write(at("latin"), b"one\ntw\xf6\n").unwrap();
    symlink("full", at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    let _listener = UnixListener::bind(at("socket")).unwrap();

    for good in ["full", "link"] {
        let contents = read(&at(good), LIMIT).unwrap();
        assert_eq!(contents.bytes.len(), LIMIT);
        assert!(contents.metadata.unwrap().is_file());
    }
    let latin = read(&at("latin"), LIMIT).unwrap();
    let why = latin.text().unwrap_err().to_string();
    assert_eq!(why, "not UTF-8 text, first on line 2");
    // The length of a kernel file is unknown.
    assert!(
        !read(Path::new("/proc/self/status"), 1 << 20)
            .unwrap()
            .bytes
            .is_empty()
    );

    for (path, expected) in [
        (at("long"), "it is longer than 100 bytes"),
        ("/proc/self/status".into(), "it is longer than 100 bytes"),
        (fifo(&folder), "it is a FIFO; only regular files are read"),
        (
            at("socket"),
            "it is a socket or a device; only regular files are read",
        ),
        (
            "/dev/zero".into(),
            "it is a device; only regular files are read",
        ),
        (
            "/dev/null".into(),
            "it is a device; only regular files are read",
        ),
        (
            folder.path().into(),
            "it is a directory; only regular files are read",
        ),
        (
            "/proc/self/maps-not".into(),
            "No such file or directory (os error 2)",
        ),
    ] {
        let error = read(&path, LIMIT).unwrap_err();
        assert_eq!(error.to_string(), expected, "{}", path.display());
    }
    assert!(read(&at("dangling"), LIMIT).unwrap_err().is_absent());
    assert!(stamp(&at("fifo")).is_err());
}

#[test]
fn only_paths_that_do_not_exist_are_absent() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "").unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink(".", at("here")).unwrap();
    let fifo = fifo(&folder);
    let found = |path: PathBuf| presence(&path).map_err(|error| error.to_string());
    assert_eq!(found(at("here/file")), Ok(Presence::File));
    assert_eq!(found(at("here")), Ok(Presence::Folder));
    assert_eq!(found(fifo), Ok(Presence::Other("a FIFO")));
    for absent in ["none", "none/below", "here/none", "file/below"] {
        assert_eq!(found(at(absent)), Ok(Presence::Absent), "{absent}");
    }
    for link in ["dangling", "dangling/below"] {
        let error = found(at(link)).unwrap_err();
        assert!(error.ends_with("dangling leads nowhere"), "{error}");
    }
    assert!(found(at("loop")).is_err());
}

#[test]
fn descriptors_are_recognized_by_their_paths() {
    for path in ["-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/0"] {
        assert!(is_descriptor(Path::new(path)), "{path}");
    }
    for path in ["./-", "/dev/null", "/dev/fdx", "config.yaml"] {
        assert!(!is_descriptor(Path::new(path)), "{path}");
    }
}

/// A read that hangs until the sender is dropped.
fn hangs() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
    let (sender, receiver) = mpsc::channel::<()>();
    (sender, move || {
        let _ = receiver.recv();
    })
}

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_hung_read_holds_one_thread_until_it_ends() {
    let slot = ReadSlot::default();
    let (end, hung) = hangs();
    let error = slot.run(SHORT, hung).await.unwrap_err();
    assert!(
        error.to_string().contains("it was not read within 50ms"),
        "{error}"
    );
    let (began, begins) = mpsc::channel();
    for _ in 0..10 {
        let began = began.clone();
        let read = slot.run(SHORT, move || began.send(()).unwrap()).await;
        assert!(read.is_err());
    }
    assert!(begins.try_recv().is_err(), "no read begins");
    // Other slots can read meanwhile.
    assert_eq!(ReadSlot::default().run(LONG, || 1).await.unwrap(), 1);
    drop(end);
    assert_eq!(slot.run(LONG, || 2).await.unwrap(), 2);
    assert!(
        slot.run(LONG, || panic!("intended by the test"))
            .await
            .is_err()
            || cfg!(panic = "abort")
    );
    assert_eq!(slot.run(LONG, || 3).await.unwrap(), 3);
}

#[tokio::test]
async fn the_number_of_hung_reads_is_capped() {
    let reads = Reads::default();
    let slots: Vec<ReadSlot> = (0..MAX_READS_IN_FLIGHT).map(|_| reads.slot()).collect();
    let mut ends = Vec::new();
    let (began, mut begins) = tokio::sync::mpsc::unbounded_channel();
    for slot in slots {
        let (end, hung) = hangs();
        ends.push(end);
        let began = began.clone();
        let hung = move || {
            began.send(()).unwrap();
            hung();
        };
        drop(tokio::spawn(async move { slot.run(LONG, hung).await }));
    }
    for _ in &ends {
        begins.recv().await;
    }
    assert!(reads.slot().run(SHORT, || ()).await.is_err());
    tokio::task::spawn_blocking(|| ()).await.unwrap();
    ends.clear();
    assert!(reads.slot().run(LONG, || ()).await.is_ok());
}

/// Sources that may access the file system, each with the reason.
const EXCEPTIONS: [(&str, &str); 7] = [
    ("files/", "the module that reads files"),
    ("stdio.rs", "writes to the standard streams"),
    ("state/path.rs", "locks and renames files"),
    ("http/bind.rs", "removes a stale Unix socket"),
    ("replace.rs", "replaces files"),
    ("commands/output.rs", "writes the exposition"),
    ("demo/processes.rs", "a temporary folder"),
];

/// Code that reads files or their metadata.
const READS: [&str; 11] = [
    "fs::",
    "std::fs;",
    ".exists()",
    ".try_exists()",
    ".is_file()",
    ".is_dir()",
    ".is_symlink()",
    ".symlink_metadata()",
    ".read_dir()",
    ".read_link()",
    ".canonicalize()",
];

/// Two other uses, both on the blocking pool, which load the configuration.
const LOADING: [(&str, &str); 2] = [
    ("config/account_files.rs", ".read_dir()"),
    ("config/sources.rs", ".canonicalize()"),
];

#[test]
fn no_other_source_reads_files() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for file in sources_below(&sources) {
        let name = file
            .strip_prefix(&sources)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let is_test = name.ends_with("/tests.rs");
        if is_test
            || EXCEPTIONS
                .iter()
                .any(|(exception, _)| name.starts_with(exception))
        {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        // Tests are at the end of a source.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            let forbidden = READS.iter().filter(|it| line.contains(**it));
            let uses = forbidden.filter(|it| !LOADING.contains(&(name.as_str(), it)));
            // Naming a type of metadata is not a read.
            let uses = uses.filter(|_| {
                !line.contains("fs::Metadata")
                    && !line.contains("fs::PermissionsExt")
                    && !line.contains("fs::DirEntry")
                    && !line.contains("procfs::")
            });
            found.extend(uses.map(|it| format!("src/{name}:{}: {it}", number + 1)));
        }
    }
    assert!(found.is_empty(), "read files with self::files: {found:#?}");
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = paths.flat_map(|path| {
        if path.is_dir() {
            sources_below(&path)
        } else {
            vec![path]
        }
    });
    below
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .collect()
}
