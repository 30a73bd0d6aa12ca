//! The Chinese README says what the English one says, as far as a machine can tell.

use crate::files::read;
use crate::markdown::Markdown;

#[test]
fn both_readmes_have_the_same_headings_commands_tables_and_links() {
    let english = read("README.md");
    let chinese = read("README.zh-CN.md");
    assert_eq!(differences(&english, &chinese), Vec::<&str>::new());
}

#[test]
fn a_difference_is_found() {
    let english = read("README.md");
    let chinese = read("README.zh-CN.md");
    for (from, to, difference) in [
        ("\n## ", "\n### ", "headings"),
        ("\nmake test", "\nmake tests", "code blocks"),
        ("| `make package`", "| `make packages`", "first columns"),
        ("(docs/limits.md)", "(docs/limit.md)", "links"),
        ("`cloudaudit_up`", "`cloudaudit_down`", "code within lines"),
    ] {
        let changed = chinese.replacen(from, to, 1);
        assert_ne!(changed, chinese, "{from}");
        assert!(
            differences(&english, &changed).contains(&difference),
            "{difference}"
        );
    }
}

fn differences(english: &str, chinese: &str) -> Vec<&'static str> {
    let [english, chinese] = [english, chinese].map(Markdown::of);
    let levels =
        |page: &Markdown| -> Vec<usize> { page.headings.iter().map(|(level, _)| *level).collect() };
    // A cell that holds code or a link says the same in every language.
    let first_cells = |page: &Markdown| -> Vec<Option<String>> {
        let cells = page.rows.iter().map(|row| row[0].clone());
        cells
            .map(|cell| cell.contains(['`', '[']).then_some(cell))
            .collect()
    };
    // Each links to the other.
    let links = |page: &Markdown| -> Vec<String> {
        let links = page.links.iter().filter(|link| !link.starts_with("README"));
        links.cloned().collect()
    };
    // The order of words may differ within a sentence.
    let sorted = |mut spans: Vec<String>| {
        spans.sort();
        spans
    };
    [
        ("headings", levels(&english) == levels(&chinese)),
        ("code blocks", english.blocks == chinese.blocks),
        (
            "first columns",
            first_cells(&english) == first_cells(&chinese),
        ),
        ("links", links(&english) == links(&chinese)),
        (
            "code within lines",
            sorted(english.spans) == sorted(chinese.spans),
        ),
    ]
    .into_iter()
    .filter_map(|(what, same)| (!same).then_some(what))
    .collect()
}
