//! Each Chinese page has the same sections, commands, names and links as its English page. The
//! wording is free.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use crate::files::{pages, read};
use crate::links::target;
use crate::markdown::{Markdown, sections};

/// A page of the repository, possibly changed by a test.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn of(path: PathBuf) -> Self {
        let text = read(&path.to_string_lossy());
        Self { path, text }
    }
}

#[test]
fn every_chinese_page_has_what_its_english_page_has() {
    let mut found = Vec::new();
    let mut seen = 0;
    for path in pages() {
        if let Some(english) = english_of(&path) {
            seen += 1;
            let chinese = Page::of(path);
            let differences = differences(&Page::of(english), &chinese);
            found.extend(
                differences
                    .into_iter()
                    .map(|what| format!("{}: {what}", chinese.path.display())),
            );
        }
    }
    assert!(seen >= 8, "{seen} pages");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_difference_is_found() {
    let english = Page::of("README.md".into());
    for (from, to, difference) in [
        ("\n## ", "\n### ", "headings"),
        ("\nmake test", "\nmake tests", "code blocks"),
        (
            "| `CloudAuditTrackVanished`",
            "| `CloudAuditTrackGone`",
            "first columns",
        ),
        ("(docs/install.md)", "(docs/docker.md)", "links"),
        ("`cloudaudit_up`", "`cloudaudit_down`", "code within lines"),
    ] {
        let mut chinese = Page::of("README.zh-CN.md".into());
        let changed = chinese.text.replacen(from, to, 1);
        assert_ne!(changed, chinese.text, "{from}");
        chinese.text = changed;
        let found = differences(&english, &chinese);
        assert!(
            found.iter().any(|what| what.contains(difference)),
            "{difference}: {found:?}"
        );
    }
}

/// Links to the same heading have different anchors in two languages.
#[test]
fn a_link_is_compared_by_the_place_of_its_heading() {
    let of = |page: &str, link: &str| place(Path::new(page), link);
    assert_eq!(
        of("docs/README.md", "credentials.md#a-cvm"),
        ("docs/credentials.md".into(), Some(6))
    );
    assert_eq!(
        of("README.zh-CN.md", "docs/zh/limits.md"),
        of("README.md", "docs/limits.md")
    );
    assert_ne!(
        of("README.md", "docs/credentials.md#a-cvm"),
        of("README.md", "docs/credentials.md#a-role")
    );
}

/// Returns the English page of a Chinese page.
fn english_of(path: &Path) -> Option<PathBuf> {
    if path == Path::new("README.zh-CN.md") {
        return Some("README.md".into());
    }
    let name = path.strip_prefix("docs/zh").ok()?;
    Some(Path::new("docs").join(name))
}

fn differences(english: &Page, chinese: &Page) -> Vec<String> {
    let [english_sections, chinese_sections] = [english, chinese].map(|page| sections(&page.text));
    let headings = |page: &[Markdown]| -> Vec<_> { page.iter().map(heading).collect() };
    let [before, after] = [&english_sections, &chinese_sections].map(|page| headings(page));
    if let Some(difference) = compared("the page", "headings", &before, &after) {
        return vec![difference];
    }
    let mut found = Vec::new();
    for (english_section, chinese_section) in english_sections.iter().zip(&chinese_sections) {
        let name = english_section
            .headings
            .first()
            .map_or("the top", |(_, text)| text);
        let [english_links, chinese_links] =
            [(english, english_section), (chinese, chinese_section)]
                .map(|(page, section)| links(&page.path, section));
        found.extend(
            [
                compared(
                    name,
                    "code blocks",
                    &blocks(english_section),
                    &blocks(chinese_section),
                ),
                compared(
                    name,
                    "first columns",
                    &first_cells(english_section),
                    &first_cells(chinese_section),
                ),
                compared(name, "links", &english_links, &chinese_links),
                compared(
                    name,
                    "code within lines",
                    &spans(english_section),
                    &spans(chinese_section),
                ),
            ]
            .into_iter()
            .flatten(),
        );
    }
    found
}

/// Describes the items that only one page has, or returns `None` if the items are equal.
fn compared<T: PartialEq + Debug>(
    name: &str,
    what: &str,
    english: &[T],
    chinese: &[T],
) -> Option<String> {
    let only = |these: &[T], those: &[T]| -> String {
        let missing = these.iter().filter(|item| !those.contains(item));
        format!("{:?}", missing.collect::<Vec<_>>())
    };
    let [only_english, only_chinese] = [only(english, chinese), only(chinese, english)];
    (english != chinese).then(|| {
        format!("{name}: {what}: only in English {only_english}, only in Chinese {only_chinese}")
    })
}

/// Returns the level of a heading, and its text if other files link to it, as for alerts.
fn heading(section: &Markdown) -> Option<(usize, Option<String>)> {
    let (level, text) = section.headings.first()?;
    let is_alert = text.starts_with("CloudAudit") && !text.contains(' ');
    Some((*level, is_alert.then(|| text.clone())))
}

/// Returns the sorted code blocks without comments, because pages may swap the two sites.
fn blocks(section: &Markdown) -> Vec<String> {
    let blocks = section.blocks.iter();
    let mut blocks: Vec<String> = blocks
        .map(|(language, lines)| format!("{language}\n{}", without_comments(lines)))
        .collect();
    blocks.sort();
    blocks
}

/// Returns the code in the first cell of each row.
fn first_cells(section: &Markdown) -> Vec<Vec<String>> {
    let cells = section.rows.iter().map(|row| &row[0]);
    cells.map(|cell| spans(&Markdown::of(cell))).collect()
}

/// Returns the links within the repository, except those to the same page in the other language.
fn links(page: &Path, section: &Markdown) -> Vec<String> {
    let links = section.links.iter().filter(|link| !link.contains("://"));
    let places = links.map(|link| place(page, link));
    let this = (english_of(page).unwrap_or_else(|| page.to_owned()), None);
    let others = places.filter(|place| *place != this);
    distinct(others.map(|(path, heading)| format!("{} {heading:?}", path.display())))
}

fn spans(section: &Markdown) -> Vec<String> {
    distinct(section.spans.iter().cloned())
}

fn distinct(items: impl Iterator<Item = String>) -> Vec<String> {
    items.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the English page that a link points to, and the index of the heading there.
fn place(page: &Path, link: &str) -> (PathBuf, Option<usize>) {
    let (path, anchor) = target(page, link);
    let heading = anchor.and_then(|anchor| {
        let anchors = Markdown::of(&read(&path.to_string_lossy())).anchors();
        anchors.iter().position(|known| *known == anchor)
    });
    (english_of(&path).unwrap_or(path), heading)
}

/// Removes comments from code, and the comments of silences.
fn without_comments(lines: &[String]) -> String {
    let lines = lines.iter();
    let code = lines.map(|line| {
        if line.trim_start().starts_with("# ") {
            return "";
        }
        let code = line.split(" # ").next().unwrap_or_default();
        code.split(" --comment=")
            .next()
            .unwrap_or_default()
            .trim_end()
    });
    code.collect::<Vec<_>>().join("\n")
}
