//! One version everywhere. Programs, packages, man page and bill take it from `Cargo.toml`; these
//! state it.

use crate::run::{file, read};

/// A file, and what stands right before the version in it.
const PLACES: [(&str, &str); 8] = [
    ("Cargo.lock", "\nname = \"cloudaudit-exporter\"\nversion = "),
    (
        "fuzz/Cargo.lock",
        "\nname = \"cloudaudit-exporter\"\nversion = ",
    ),
    ("deploy/Dockerfile", "org.opencontainers.image.version="),
    ("deploy/helm/cloudaudit-exporter/Chart.yaml", "\nversion: "),
    (
        "deploy/helm/cloudaudit-exporter/Chart.yaml",
        "\nappVersion: ",
    ),
    (
        "deploy/kustomize/base/deployment.yaml",
        "image: ghcr.io/cloudaudit-exporter/cloudaudit-exporter:",
    ),
    (
        "deploy/kustomize/overlays/example/kustomization.yaml",
        "newTag: ",
    ),
    // The newest heading with a version.
    ("CHANGELOG.md", "\n## ["),
];

#[test]
fn one_version_everywhere() {
    let faults = faults(env!("CARGO_PKG_VERSION"));
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_version_that_was_forgotten_is_found() {
    // Before the first release the changelog has no heading to compare.
    let unreleased = usize::from(stated(&read(file("CHANGELOG.md")), "\n## [").is_none());
    assert_eq!(faults("9.9.9").len(), PLACES.len() - unreleased);
}

/// The places that state another version.
fn faults(version: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, before) in PLACES {
        let stated = stated(&read(file(name)), before);
        let unreleased = name == "CHANGELOG.md" && stated.is_none();
        if stated.as_deref() != Some(version) && !unreleased {
            faults.push(format!("{name} states {stated:?} and not {version}"));
        }
    }
    faults
}

fn stated(text: &str, before: &str) -> Option<String> {
    let text = text.replacen("\n## [Unreleased]", "", 1);
    let (_, rest) = text.split_once(before)?;
    let part = |character: char| character.is_ascii_alphanumeric() || ".+-".contains(character);
    let stated = rest
        .trim_start_matches('"')
        .split(|character| !part(character));
    stated.map(str::to_owned).next()
}
