//! As much of Markdown as these pages use.

use std::collections::BTreeMap;

/// A page taken apart.
#[derive(Default)]
pub(crate) struct Markdown {
    /// Level and text.
    pub(crate) headings: Vec<(usize, String)>,
    /// What follows the fence, and the lines up to the next one, without the indent of the fence.
    pub(crate) blocks: Vec<(String, Vec<String>)>,
    /// The cells of each row, without those that only draw a line.
    pub(crate) rows: Vec<Vec<String>>,
    /// Where links and pictures lead, in order.
    pub(crate) links: Vec<String>,
    /// Code within a line, in order.
    pub(crate) spans: Vec<String>,
}

impl Markdown {
    pub(crate) fn of(text: &str) -> Self {
        let mut page = Self::default();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let indent = line.len() - line.trim_start().len();
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let inside = lines
                    .by_ref()
                    .take_while(|line| !line.trim_start().starts_with("```"));
                let inside = inside.map(|line| line.get(indent..).unwrap_or_default().to_owned());
                page.blocks.push((language.to_owned(), inside.collect()));
                continue;
            }
            page.spans.extend(spans(line));
            let plain = without_spans(line);
            page.links.extend(links(&plain));
            if let Some((marks, text)) = line.split_once(' ')
                && !marks.is_empty()
                && marks.bytes().all(|byte| byte == b'#')
            {
                page.headings.push((marks.len(), text.to_owned()));
            }
            if line.starts_with('|') && !line.starts_with("| ---") {
                let cells = line.trim_matches('|').split(" | ");
                page.rows
                    .push(cells.map(|cell| cell.trim().to_owned()).collect());
            }
        }
        page
    }

    /// What a link to each heading is written with, as GitHub makes it.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut times = BTreeMap::<String, usize>::new();
        let mut anchors = Vec::new();
        for (_, heading) in &self.headings {
            let kept = heading.to_lowercase();
            let kept = kept
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let before = times.entry(anchor.clone()).or_default();
            anchors.push(match *before {
                0 => anchor,
                again => format!("{anchor}-{again}"),
            });
            *before += 1;
        }
        anchors
    }

    /// The commands that somebody would type: the lines of shell blocks, and code that begins so.
    pub(crate) fn commands(&self) -> Vec<String> {
        let of_shell = self.blocks.iter().filter(|(language, _)| language == "sh");
        let lines = of_shell.flat_map(|(_, lines)| lines.iter().cloned());
        let lines = lines.map(|line| match line.split_once(" # ") {
            Some((command, _)) => command.trim().to_owned(),
            None => line,
        });
        let is_command = |span: &&String| {
            let begins = ["make ", "cloudaudit-exporter ", "cargo ", "docker "];
            begins.iter().any(|begin| span.starts_with(begin))
        };
        lines
            .chain(self.spans.iter().filter(is_command).cloned())
            .collect()
    }
}

/// Every second piece between backticks is code.
fn spans(line: &str) -> Vec<String> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn without_spans(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

fn links(line: &str) -> Vec<String> {
    let after = line.split("](").skip(1);
    after
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_page_is_taken_apart() {
    let page = Markdown::of(
        "# A `b` c!\n[x](y.md#z) `[no](link)`\n\n| k | v |\n| --- | --- |\n| `a` | ![b](c.svg) |\n  ```sh\n  make it # so\n    indented\n  ```\n## A b C\n## A b C\nsay `make more`.\n",
    );
    assert_eq!(page.anchors(), ["a-b-c", "a-b-c-1", "a-b-c-2"]);
    assert_eq!(page.links, ["y.md#z", "c.svg"]);
    assert_eq!(page.rows, [["k", "v"], ["`a`", "![b](c.svg)"]]);
    assert_eq!(
        page.blocks,
        [(
            "sh".to_owned(),
            vec!["make it # so".to_owned(), "  indented".to_owned()]
        )]
    );
    assert_eq!(page.commands(), ["make it", "  indented", "make more"]);
}
