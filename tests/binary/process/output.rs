//! `once --output`: how it replaces each kind of file that may be at the path.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::program::{A_SECOND, Program, fifo, shell, text};
use crate::support::exporter::binary;
use crate::support::site::{Site, with};

const UP: &str = "cloudaudit_up{account=\"a\"";

async fn site() -> Site {
    let site = Site::start().await;
    site.write("a: {}");
    site
}

fn once(site: &Site, output: &Path) -> Command {
    let mut command = binary();
    command
        .args(["once", "--log.level=error", "--config.file"])
        .arg(&site.file)
        .arg("--output")
        .arg(output)
        .envs(with(&[]))
        .stdin(Stdio::null());
    command
}

fn run(site: &Site, output: &Path) -> Output {
    tokio::task::block_in_place(|| once(site, output).output().unwrap())
}

fn succeeds(site: &Site, output: &Path) {
    let ended = run(site, output);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
}

/// Asserts that the command fails, and names the path and the reason.
fn fails(site: &Site, output: &Path, reason: &str) {
    let ended = run(site, output);
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    let name = output.display().to_string();
    assert!(said.contains(&name) && said.contains(reason), "{said}");
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn folder(site: &Site) -> PathBuf {
    let folder = site.folder.path().join("textfile");
    fs::create_dir(&folder).unwrap();
    folder
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_regular_file_is_written_to_and_never_replaced() {
    let site = site().await;
    let folder = folder(&site);
    let null = folder.join("null");
    if is_root() {
        let made = Command::new("mknod")
            .arg(&null)
            .args(["c", "1", "3"])
            .status();
        if made.unwrap().success() {
            succeeds(&site, &null);
            assert!(fs::metadata(&null).unwrap().file_type().is_char_device());
            fs::remove_file(&null).unwrap();
        }
    }
    symlink("/dev/null", &null).unwrap();
    succeeds(&site, &null);
    assert_eq!(fs::read_link(&null).unwrap(), Path::new("/dev/null"));
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );

    let pipe = folder.join("pipe");
    fifo(&pipe);
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || content(&pipe)
    });
    succeeds(&site, &pipe);
    assert!(reader.join().unwrap().contains(UP));
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());

    let socket = folder.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fails(&site, &socket, "socket");
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    fails(&site, &folder, "directory");
    assert_eq!(names(&folder), ["null", "pipe", "socket"]);
}

/// `once` waits for the reader of a pipe, as a shell does. A signal stops it.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_without_a_reader_is_left_at_a_signal() {
    let site = site().await;
    let pipe = folder(&site).join("pipe");
    fifo(&pipe);
    let mut program = Program::start(once(&site, &pipe).stderr(Stdio::null()));
    tokio::time::sleep(Duration::from_millis(800)).await;
    let (code, took) = program.ends_after("TERM");
    assert_eq!(code, Some(1));
    assert!(took < A_SECOND, "{took:?}");
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hyphen_and_the_names_of_stdout_are_stdout() {
    let site = site().await;
    let folder = folder(&site);
    for output in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let printed = run(&site, Path::new(output));
        assert_eq!(printed.status.code(), Some(0), "{}", text(&printed.stderr));
        assert!(text(&printed.stdout).contains(UP), "{output}");
        // The previous content stays, because the file was opened for appending.
        let file = folder.join("appended");
        fs::write(&file, "before\n").unwrap();
        let inode = fs::metadata(&file).unwrap().ino();
        let mut command = once(&site, Path::new(output));
        let append = fs::File::options().append(true).open(&file).unwrap();
        let status = tokio::task::block_in_place(|| command.stdout(append).status());
        assert!(status.unwrap().success());
        let content = content(&file);
        assert!(
            content.starts_with("before\n") && content.contains(UP),
            "{output}"
        );
        assert_eq!(fs::metadata(&file).unwrap().ino(), inode, "{output}");
    }
    assert_eq!(names(&folder), ["appended"]);
    assert!(!Path::new("-").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_followed_and_stay() {
    let site = site().await;
    let folder = folder(&site);
    let elsewhere = site.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let target = elsewhere.join("metrics.prom");
    fs::write(&target, "old").unwrap();
    fs::set_permissions(&target, PermissionsExt::from_mode(0o640)).unwrap();
    // Through two links, one of them relative.
    symlink("../elsewhere/metrics.prom", folder.join("one")).unwrap();
    symlink(folder.join("one"), folder.join("two")).unwrap();
    succeeds(&site, &folder.join("two"));
    assert!(content(&target).contains(UP));
    assert_eq!(mode(&target), 0o640);
    assert_eq!(names(&folder), ["one", "two"]);
    assert_eq!(names(&elsewhere), ["metrics.prom"]);
    assert!(
        fs::symlink_metadata(folder.join("one"))
            .unwrap()
            .is_symlink()
    );

    // A link to a path that does not exist yet.
    fs::remove_file(&target).unwrap();
    succeeds(&site, &folder.join("two"));
    assert!(content(&target).contains(UP));
    assert!(
        fs::symlink_metadata(folder.join("two"))
            .unwrap()
            .is_symlink()
    );

    symlink("circle", folder.join("circle")).unwrap();
    fails(&site, &folder.join("circle"), "symbolic links");
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_owner_and_group_are_kept_and_a_new_file_is_for_everybody() {
    let site = site().await;
    let folder = folder(&site);
    let file = folder.join("metrics.prom");
    for umask in ["077", "002", "000", "777"] {
        drop(fs::remove_file(&file));
        let script = format!(r#"umask {umask}; "$0" "$@""#);
        let command = once(&site, &file);
        let run = || tokio::task::block_in_place(|| shell(&script, &command));
        let ended = run();
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        assert_eq!(mode(&file), 0o644, "{umask}");
        for kept in [0o640, 0o600, 0o664, 0o444] {
            fs::set_permissions(&file, PermissionsExt::from_mode(kept)).unwrap();
            if is_root() {
                std::os::unix::fs::chown(&file, Some(12_345), Some(54_321)).unwrap();
            }
            assert!(run().status.success());
            assert_eq!(mode(&file), kept, "{umask}");
            let found = fs::metadata(&file).unwrap();
            if is_root() {
                assert_eq!((found.uid(), found.gid()), (12_345, 54_321));
            }
        }
    }
    assert_eq!(names(&folder), ["metrics.prom"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_cannot_be_written_is_named_and_nothing_is_left() {
    let site = site().await;
    let folder = folder(&site);
    fails(&site, &folder.join("not/there.prom"), "No such file");
    let slash = PathBuf::from(format!("{}/", folder.join("new").display()));
    fails(&site, &slash, "directory");
    fs::write(folder.join("file"), "old").unwrap();
    fails(&site, &folder.join("file/under.prom"), "Not a directory");
    assert_eq!(names(&folder), ["file"]);
    let empty = run(&site, Path::new(""));
    assert_eq!(empty.status.code(), Some(2), "{}", text(&empty.stderr));
}

/// A file system that is full: the old file stays, and no other file remains in its folder.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_the_old_file() {
    let site = site().await;
    let folder = folder(&site);
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8k", "none"])
        .arg(&folder)
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("not run: this needs the right to mount");
        return;
    }
    let file = folder.join("metrics.prom");
    fs::write(&file, "old").unwrap();
    let ended = run(&site, &file);
    let (left, old) = (names(&folder), content(&file));
    let unmounted = Command::new("umount").arg("-l").arg(&folder).status();
    assert!(unmounted.unwrap().success());
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        text(&ended.stderr).contains("No space left"),
        "{}",
        text(&ended.stderr)
    );
    assert_eq!((left, &*old), (vec!["metrics.prom".to_owned()], "old"));
}

/// If another user owns the folder, the old file stays intact, and the error says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_write_permission_is_named() {
    if !is_root() {
        eprintln!("not run: this needs root, to be another user");
        return;
    }
    let site = site().await;
    fs::set_permissions(site.folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let folder = folder(&site);
    let file = folder.join("metrics.prom");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
    let command = once(&site, &file);
    let as_nobody = r#"exec setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@""#;
    let program = site.folder.path().join("program");
    fs::copy(command.get_program(), &program).unwrap();
    let mut copied = Command::new(&program);
    copied.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => copied.env(name, value),
            None => copied.env_remove(name),
        };
    }
    let ended = tokio::task::block_in_place(|| shell(as_nobody, &copied));
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.contains("Permission denied") && said.contains("folder"),
        "{said}"
    );
    assert_eq!(content(&file), "old");
    assert_eq!(names(&folder), ["metrics.prom"]);

    // A folder that this user may write in, and a file of another owner: the rest is kept.
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o777)).unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    let ended = tokio::task::block_in_place(|| shell(as_nobody, &copied));
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert!(content(&file).contains(UP));
    assert_eq!(mode(&file), 0o640);
}

/// A reader that has the file open keeps the old content, and so does a hard link.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_file_and_a_hard_link_keep_the_old_content() {
    let site = site().await;
    let folder = folder(&site);
    let file = folder.join("metrics.prom");
    fs::write(&file, "old").unwrap();
    fs::hard_link(&file, folder.join("second")).unwrap();
    let mut open = fs::File::open(&file).unwrap();
    succeeds(&site, &file);
    let mut old = String::new();
    open.read_to_string(&mut old).unwrap();
    assert_eq!(old, "old");
    assert_eq!(content(&folder.join("second")), "old");
    assert!(content(&file).contains(UP));
}
