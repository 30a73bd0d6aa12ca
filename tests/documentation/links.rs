//! Every link within the repository leads somewhere.

use std::path::Path;

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
                if let Some(why) = objection(&page, &link) {
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
    assert_eq!(objection(page, "faults.md#the-way-to-the-api"), None);
    assert_eq!(objection(page, "#reasons"), None);
    assert_eq!(objection(page, "gone.md"), Some("no such file"));
    assert_eq!(objection(page, "faults.md#gone"), Some("no such heading"));
    assert_eq!(
        objection(page, "../deploy/cloudaudit-exporter.yaml#gone"),
        Some("no such heading")
    );
}

fn objection(page: &Path, link: &str) -> Option<&'static str> {
    let (path, anchor) = link
        .split_once('#')
        .map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let folder = page.parent().expect("a page is in a folder");
    let target = if path.is_empty() {
        page.to_owned()
    } else {
        folder.join(path)
    };
    if !root().join(&target).exists() {
        return Some("no such file");
    }
    let anchors = || Markdown::of(&read(&target.to_string_lossy())).anchors();
    match anchor {
        Some(anchor) if !anchors().iter().any(|known| known == anchor) => Some("no such heading"),
        _ => None,
    }
}
