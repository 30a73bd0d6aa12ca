//! The image. Without a container engine and the base images, it cannot be built here. Instead, the
//! tests run the commands of the build on the same files.

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

/// Returns the exceptions of .dockerignore, which ignores everything else.
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
fn hadolint_accepts_the_dockerfile_and_rejects_a_broken_one() {
    let dockerfile = read(DOCKERFILE);
    assert_eq!(hadolint(&dockerfile), Ok(String::new()));
    let broken = format!("{dockerfile}RUN cd /tmp\n");
    let error = hadolint(&broken).expect_err("cd affects only its own RUN");
    assert!(error.contains("DL3003"), "{error}");
}

#[test]
fn copied_files_exist_and_equal_the_build_context() {
    let dockerfile = read(DOCKERFILE);
    let recipe = instructions(&dockerfile);
    let copied: BTreeSet<String> = recipe
        .iter()
        .flat_map(Instruction::sources)
        .map(str::to_owned)
        .collect();
    for source in &copied {
        assert!(root().join(source).exists(), "{source} does not exist");
    }
    assert_eq!(copied, context());
}

#[test]
fn base_images_are_pinned_and_of_the_same_debian_and_no_shell_is_needed() {
    let dockerfile = read(DOCKERFILE);
    let recipe = instructions(&dockerfile);
    let bases = bases(&recipe);
    for base in &bases {
        let digest = base.split_once("@sha256:").map_or("", |(_, digest)| digest);
        let is_digest = digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit());
        assert!(is_digest, "{base} is not pinned");
    }
    // The base image must have the libraries that the build image links.
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

/// Runs the commands of the first stage on the files that it copies. `cargo check` replaces
/// `cargo build`, and the target folder of the tests replaces the cache of the builder, so the test
/// is fast after `make lint`.
#[test]
fn the_commands_of_the_build_stage_work_on_the_files_that_it_copies() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("a new folder");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("the target folder");
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
                // COPY merges the content of the folder into the target.
                copy_folder(&from, &to);
            } else {
                fs::copy(&from, &to).expect("a copy");
            }
        }
        let Some(command) = instruction.shell() else {
            continue;
        };
        // The commands after the build prepare its result for the next stage.
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

/// The libraries of the base image: only those of the C library and of GCC.
const BASE_LIBRARIES: [&str; 6] = [
    "linux-vdso.so",
    "libgcc_s.so.1",
    "libm.so.6",
    "libc.so.6",
    "/lib64/ld-linux",
    "/lib/ld-linux",
];

#[test]
fn the_base_image_has_all_libraries() {
    let needed = run(Command::new("ldd").arg(env!("CARGO_BIN_EXE_cloudaudit-exporter")))
        .expect("the output of ldd");
    for library in needed.lines().map(str::trim) {
        let is_in_base = BASE_LIBRARIES.iter().any(|name| library.starts_with(name));
        assert!(is_in_base, "{library}");
    }
}
