//! A dashboard as Grafana reads it, and its queries as Grafana sends them.

use std::path::{Path, PathBuf};

use serde_json::Value;

pub(crate) const FILES: [&str; 2] = ["fleet.json", "exporter.json"];

/// The time range of a dashboard in the tests.
const RANGE_SECONDS: u32 = 60;

/// The value of `$__rate_interval` in Grafana if Prometheus scrapes every second: at least four
/// scrape intervals.
const RATE_INTERVAL: &str = "5s";

pub(crate) fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("grafana/dashboards")
        .join(file)
}

/// A board.
pub(crate) fn read(file: &str) -> Value {
    let text = std::fs::read_to_string(path(file)).expect("the board is there");
    serde_json::from_str(&text).expect("the board is JSON")
}

/// Returns the items of a list, or none if the value is not a list.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The panels with queries. A row is a panel that only folds those below it.
pub(crate) fn panels(board: &Value) -> impl Iterator<Item = &Value> {
    list(&board["panels"]).filter(|panel| panel["type"] != "row")
}

/// A query of a dashboard, with its location.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// `panel title` and the reference in it, or the annotation's name.
    pub(crate) place: String,
    pub(crate) expression: String,
}

/// Every query of the panels and the annotations.
pub(crate) fn queries(board: &Value) -> Vec<Query> {
    let panels = panels(board).flat_map(|panel| {
        list(&panel["targets"]).map(|target| Query {
            place: format!("{} {}", text(&panel["title"]), text(&target["refId"])),
            expression: text(&target["expr"]).to_owned(),
        })
    });
    let annotations = list(&board["annotations"]["list"])
        .filter(|annotation| annotation["expr"].is_string())
        .map(|annotation| Query {
            place: text(&annotation["name"]).to_owned(),
            expression: text(&annotation["expr"]).to_owned(),
        });
    panels.chain(annotations).collect()
}

/// The label and the selector of every `label_values(selector, label)` of the variables.
pub(crate) fn variables(board: &Value) -> Vec<(String, String)> {
    list(&board["templating"]["list"])
        .filter_map(|variable| {
            let query = text(&variable["query"]["query"]);
            let arguments = query.strip_prefix("label_values(")?.strip_suffix(')')?;
            let (selector, label) = arguments.rsplit_once(", ")?;
            Some((label.to_owned(), selector.to_owned()))
        })
        .collect()
}

/// The text that Grafana substitutes for a variable: a single value, several values as a group, or
/// the dashboard's own text for `All`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen(pub(crate) &'static [(&'static str, &'static [&'static str])]);

impl Chosen {
    pub(crate) const ALL: Self = Self(&[]);

    fn of(self, variable: &str) -> String {
        let values = self.0.iter().find(|(name, _)| *name == variable);
        match values.map(|(_, values)| *values) {
            None => ".+".to_owned(),
            Some([value]) => (*value).to_owned(),
            Some(values) => format!("({})", values.join("|")),
        }
    }
}

/// Returns a query as Prometheus receives it.
pub(crate) fn interpolated(expression: &str, chosen: Chosen) -> String {
    let mut sent = expression
        .replace("$__range_s", &RANGE_SECONDS.to_string())
        .replace("$__range", &format!("{RANGE_SECONDS}s"))
        .replace("$__rate_interval", RATE_INTERVAL);
    for variable in ["job", "instance", "account", "region"] {
        sent = sent.replace(&format!("${variable}"), &chosen.of(variable));
    }
    assert!(!sent.contains('$'), "a variable is left in {sent}");
    sent
}
