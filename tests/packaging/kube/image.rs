//! The image. It cannot be built here, for want of an engine and of its bases; what can be had of
//! the build without them is done: the same commands, on the same files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::recipe::{Instruction, instructions};
use super::tool::{copy_folder, read, root, run, run_with};
use crate::support::parts::part;

const DOCKERFILE: &str = "deploy/Dockerfile";

fn hadolint(dockerfile: &str) -> Result<String, String> {
    run_with(Command::new(part("hadolint")).arg("-"), dockerfile)
}

/// What .dockerignore lets through: it shuts everything out first.
fn context() -> BTreeSet<String> {
    let text = read(".dockerignore");
    let mut lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    assert_eq!(lines.next(), Some("*"));
    lines
        .map(|line| line.strip_prefix('!').expect("only exceptions follow"))
        .map(str::to_owned)
        .collect()
}

fn bases(recipe: &[Instruction]) -> Vec<&str> {
    let from = recipe
        .iter()
        .filter(|instruction| instruction.name == "FROM");
    from.filter_map(|instruction| instruction.arguments.split_whitespace().next())
        .collect()
}

#[test]
fn hadolint_has_no_objection_and_has_one_where_there_should_be() {
    let dockerfile = read(DOCKERFILE);
    assert_eq!(hadolint(&dockerfile), Ok(String::new()));
    let broken = format!("{dockerfile}RUN cd /tmp\n");
    let objection = hadolint(&broken).expect_err("cd lasts no longer than its line");
    assert!(objection.contains("DL3003"), "{objection}");
}

#[test]
fn what_is_copied_exists_and_is_all_that_the_builder_is_given() {
    let dockerfile = read(DOCKERFILE);
    let recipe = instructions(&dockerfile);
    let copied: BTreeSet<String> = recipe
        .iter()
        .flat_map(Instruction::sources)
        .map(str::to_owned)
        .collect();
    for source in &copied {
        assert!(root().join(source).exists(), "{source} is not there");
    }
    assert_eq!(copied, context());
}

#[test]
fn bases_are_pinned_and_of_one_debian_and_the_image_needs_no_shell() {
    let dockerfile = read(DOCKERFILE);
    let recipe = instructions(&dockerfile);
    let bases = bases(&recipe);
    for base in &bases {
        let digest = base.split_once("@sha256:").map_or("", |(_, digest)| digest);
        let is_digest = digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit());
        assert!(is_digest, "{base} is not pinned");
    }
    // What one links against the other has to have.
    assert!(matches!(
        bases[..],
        [build, image] if build.contains("-bookworm@") && image.contains("cc-debian12:nonroot@")
    ));
    let argument = |name: &str| {
        let found = recipe
            .iter()
            .rfind(|instruction| instruction.name == name)
            .map(|instruction| instruction.arguments.as_str());
        found.unwrap_or_else(|| panic!("there is no {name}"))
    };
    assert_eq!(
        argument("ENTRYPOINT"),
        r#"["/usr/bin/cloudaudit-exporter"]"#
    );
    assert!(argument("HEALTHCHECK").ends_with(r#"CMD ["/usr/bin/cloudaudit-exporter", "health"]"#));
    assert_eq!(argument("EXPOSE"), "10629");
    assert_eq!(argument("USER"), "65532:65532");
    let version = format!("image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(argument("LABEL").contains(&version), "{version}");
}

/// The commands of the first stage on the files that it copies, in its order. Checking stands in
/// for compiling, and the target folder of the tests for the builder's cache: after `make lint` it
/// is quick.
#[test]
fn the_commands_of_the_build_stage_work_on_the_files_that_it_copies() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("a folder can be made");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("it is in the target folder");
    let dockerfile = read(DOCKERFILE);
    let recipe = instructions(&dockerfile);
    let stage = recipe
        .iter()
        .skip_while(|instruction| instruction.name != "FROM");
    let mut ran = Vec::new();
    for instruction in stage
        .skip(1)
        .take_while(|instruction| instruction.name != "FROM")
    {
        for source in instruction.sources() {
            let (from, to) = (root().join(source), folder.join(source));
            if from.is_dir() {
                // COPY puts the folder's content over what is there.
                copy_folder(&from, &to);
            } else {
                fs::copy(&from, &to).expect("a file can be copied");
            }
        }
        let Some(command) = instruction.shell() else {
            continue;
        };
        // What comes after compiling moves its result into the next stage.
        let (command, _) = command
            .split_once(" && mkdir -p /image")
            .unwrap_or((&command, ""));
        let command = command
            .replace("cargo build", "cargo check")
            .replace(" --release", "");
        let done = run(Command::new("sh")
            .args(["-euc", &command])
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_NET_OFFLINE", "true")
            .env("REVISION", "0123456789ab"));
        assert!(done.is_ok(), "{command}: {done:?}");
        ran.push(command);
    }
    assert_eq!(ran.len(), 2, "{ran:?}");
    assert!(ran[1].contains("cargo check --locked --offline"), "{ran:?}");
}

/// The libraries of the base: the C library and GCC's own, and no other.
const THERE: [&str; 6] = [
    "linux-vdso.so",
    "libgcc_s.so.1",
    "libm.so.6",
    "libc.so.6",
    "/lib64/ld-linux",
    "/lib/ld-linux",
];

#[test]
fn the_program_needs_no_library_that_the_base_has_not() {
    let needed = run(Command::new("ldd").arg(env!("CARGO_BIN_EXE_cloudaudit-exporter")))
        .expect("ldd reads it");
    for library in needed.lines().map(str::trim) {
        let is_there = THERE.iter().any(|name| library.starts_with(name));
        assert!(is_there, "{library}");
    }
}
