//! The same version is in all files. Programs, packages, the manual page and the SBOM read it from
//! `Cargo.toml`; the files below repeat it.

use crate::run::{file, read};

/// Files, each with the text right before the version.
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
fn all_files_have_the_same_version() {
    let differences = differences(env!("CARGO_PKG_VERSION"));
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn an_outdated_version_is_found() {
    // Before the first release, the changelog has no heading with a version.
    let unreleased = usize::from(version_in(&read(file("CHANGELOG.md")), "\n## [").is_none());
    assert_eq!(differences("9.9.9").len(), PLACES.len() - unreleased);
}

/// Returns the places with another version.
fn differences(version: &str) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, before) in PLACES {
        let found = version_in(&read(file(name)), before);
        let unreleased = name == "CHANGELOG.md" && found.is_none();
        if found.as_deref() != Some(version) && !unreleased {
            differences.push(format!("{name} has version {found:?} instead of {version}"));
        }
    }
    differences
}

fn version_in(text: &str, before: &str) -> Option<String> {
    let text = text.replacen("\n## [Unreleased]", "", 1);
    let (_, rest) = text.split_once(before)?;
    let part = |character: char| character.is_ascii_alphanumeric() || ".+-".contains(character);
    let versions = rest
        .trim_start_matches('"')
        .split(|character| !part(character));
    versions.map(str::to_owned).next()
}
