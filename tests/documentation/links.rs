//! Every link within the repository resolves.

use std::path::{Component, Path, PathBuf};

use crate::files::{pages, read, root};
use crate::markdown::Markdown;

#[test]
fn every_relative_link_and_anchor_resolves() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for link in Markdown::of(&read(&page.to_string_lossy())).links {
            if !link.contains("://") {
                seen += 1;
                if let Some(why) = error_in(&page, &link) {
                    broken.push(format!("{}: {link}: {why}", page.display()));
                }
            }
        }
    }
    assert!(seen > 50, "{seen} links");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_broken_link_is_found() {
    let page = Path::new("docs/metrics.md");
    assert_eq!(error_in(page, "faults.md#connections-to-the-api"), None);
    assert_eq!(error_in(page, "#the-process"), None);
    assert_eq!(error_in(page, "gone.md"), Some("no such file"));
    assert_eq!(error_in(page, "faults.md#gone"), Some("no such heading"));
    assert_eq!(
        error_in(page, "../deploy/cloudaudit-exporter.yaml#gone"),
        Some("no such heading")
    );
}

/// Paths that packages install in the documentation folder, in addition to the pages in the root.
const PACKAGED: [&str; 10] = [
    "docs/",
    "grafana/",
    "deploy/cloudaudit-exporter.",
    "deploy/helm/cloudaudit-exporter/README.md",
    "deploy/prometheus/",
    "deploy/alertmanager/",
    "deploy/kustomize/",
    "deploy/systemd/",
    // Only developers follow these links, and they have a checkout.
    "src/",
    "benches/",
];

#[test]
fn links_of_packaged_pages_point_to_packaged_files() {
    let mut broken = Vec::new();
    for page in pages() {
        let folder = page.parent().expect("a page is in a folder");
        let is_packaged = ["docs", "docs/zh", ""]
            .iter()
            .any(|packaged| folder == Path::new(packaged));
        if is_packaged && !page.ends_with("CONTRIBUTING.md") {
            let links = Markdown::of(&read(&page.to_string_lossy())).links;
            let links = links.iter().filter(|link| !link.contains("://"));
            let missing = links.filter(|link| !is_in_the_package(folder, link));
            broken.extend(missing.map(|link| format!("{}: {link}", page.display())));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_link_out_of_the_package_is_found() {
    let docs = Path::new("docs");
    assert!(is_in_the_package(docs, "faults.md#gone"));
    assert!(is_in_the_package(docs, "../README.md"));
    assert!(is_in_the_package(docs, "../deploy/prometheus/rules"));
    assert!(is_in_the_package(Path::new("docs/zh"), "../../README.md"));
    assert!(!is_in_the_package(docs, "../deploy/compose.yaml"));
    assert!(!is_in_the_package(Path::new(""), "fuzz/README.md"));
}

fn is_in_the_package(folder: &Path, link: &str) -> bool {
    let (path, _) = target(&folder.join("page.md"), link);
    let is_page = path.extension().is_some_and(|extension| extension == "md")
        && path.parent() == Some(Path::new(""));
    let path = path.to_string_lossy();
    is_page || PACKAGED.iter().any(|packaged| path.starts_with(packaged))
}

/// Returns the path that a link of a page points to, relative to the root, and its anchor.
pub(crate) fn target<'l>(page: &Path, link: &'l str) -> (PathBuf, Option<&'l str>) {
    let (path, anchor) = link
        .split_once('#')
        .map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    if path.is_empty() {
        return (page.to_owned(), anchor);
    }
    let mut target = page.parent().expect("a page is in a folder").to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                target.pop();
            }
            part => target.push(part),
        }
    }
    (target, anchor)
}

fn error_in(page: &Path, link: &str) -> Option<&'static str> {
    let (target, anchor) = target(page, link);
    if !root().join(&target).exists() {
        return Some("no such file");
    }
    let anchors = || Markdown::of(&read(&target.to_string_lossy())).anchors();
    match anchor {
        Some(anchor) if !anchors().iter().any(|known| known == anchor) => Some("no such heading"),
        _ => None,
    }
}
