//! Our own rules for dashboards, beyond Grafana's schema.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::board::{self, list, panels, queries, text};

const HOME: &str = "https://github.com/cloudaudit-exporter/cloudaudit-exporter";

/// The width of a board.
const COLUMNS: u64 = 24;

/// The selectors that every series must have, so that the variables take effect.
const SELECTOR: &str = r#"{job=~"$job", instance=~"$instance""#;

#[test]
fn the_boards_keep_the_rules() {
    for file in board::FILES {
        assert_eq!(objections(file, &board::read(file)), Vec::<String>::new());
    }
}

#[test]
fn a_board_that_breaks_a_rule_is_objected_to() {
    for (pointer, value, expected) in breaks() {
        let mut broken = board::read("fleet.json");
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
        let parent = broken.pointer_mut(parent).expect("it points into a board");
        match key.parse::<usize>() {
            Ok(index) => parent[index] = value,
            Err(_) => parent[key] = value,
        }
        let objections = objections("fleet.json", &broken);
        let raised = objections.iter().any(|line| line.contains(expected));
        assert!(raised, "{pointer}: {objections:?} lacks {expected}");
    }
}

/// The maximum size of a preview in bytes, because every clone contains it.
const PREVIEW_LIMIT: usize = 150_000;

#[test]
fn every_board_in_the_folder_is_checked() {
    let folder = board::path("");
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let names = files.map(|file| file.expect("it can be read").file_name());
    let names: BTreeSet<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, BTreeSet::from(board::FILES.map(str::to_owned)));
}

#[test]
fn the_accounts_are_sorted_by_what_is_wrong() {
    let board = board::read("fleet.json");
    let table = panels(&board).find(|it| it["title"] == "Accounts, worst first");
    let sorted = &table.expect("it is there")["options"]["sortBy"][0];
    assert_eq!(*sorted, json!({"displayName": "Problems", "desc": true}));
}

#[test]
fn the_previews_show_every_panel() {
    for file in board::FILES {
        let name = format!("preview-{}.svg", file.trim_end_matches(".json"));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana");
        let preview = std::fs::read_to_string(folder.join(name)).expect("there is a preview");
        assert!(preview.len() < PREVIEW_LIMIT, "{} bytes", preview.len());
        assert!(preview.contains("Not a screenshot of Grafana."));
        let board = board::read(file);
        let titles = list(&board["panels"]).map(|panel| text(&panel["title"]));
        let missing: Vec<&str> = titles
            .filter(|title| !preview.contains(&format!(">{title}</text>")))
            .collect();
        assert_eq!(missing, [""; 0], "make previews");
    }
}

/// Returns each violation, with the expected objection.
fn breaks() -> Vec<(&'static str, Value, &'static str)> {
    let expression = "/panels/0/targets/0/expr";
    vec![
        ("/uid", json!("fleet"), "uid"),
        ("/editable", json!(false), "editable"),
        ("/schemaVersion", json!(38), "schemaVersion"),
        ("/tags", json!([]), "tags"),
        ("/__inputs", json!([]), "__inputs"),
        ("/templating/list/1/name", json!("cluster"), "variables"),
        ("/templating/list/2/multi", json!(false), "instance is not"),
        (
            "/templating/list/2/allValue",
            json!(".*"),
            "instance is not",
        ),
        ("/panels/8/collapsed", json!(true), "not open"),
        ("/panels/8/type", json!("text"), "panels"),
        (
            "/panels/6/fieldConfig/defaults/thresholds/steps/0/color",
            json!("green"),
            "may be green",
        ),
        ("/panels/0/description", json!(""), "description"),
        ("/panels/1/title", json!("Accounts"), "title"),
        ("/panels/1/id", json!(1), "id"),
        ("/panels/1/gridPos/x", json!(2), "overlap"),
        ("/panels/0/gridPos/w", json!(25), "wider"),
        ("/panels/0/fieldConfig/defaults/unit", json!(""), "unit"),
        (
            "/panels/0/fieldConfig/defaults/thresholds/steps",
            json!([]),
            "threshold",
        ),
        (
            "/panels/0/datasource/uid",
            json!("prometheus"),
            "data source",
        ),
        ("/panels/0/targets/0/datasource", json!(null), "data source"),
        (
            "/panels/0/links/0/url",
            json!(format!("{HOME}/blob/main/docs/alerts.md#nothing")),
            "no alert",
        ),
        (
            expression,
            json!("count(cloudaudit_up)"),
            "not chosen by the variables",
        ),
        (
            expression,
            json!(format!("rate(cloudaudit_polls_total{SELECTOR}}}[5m])")),
            "[5m]",
        ),
        (
            expression,
            json!(format!(
                "time() - cloudaudit_last_success_timestamp_seconds{SELECTOR}}}"
            )),
            "55 years",
        ),
    ]
}

fn objections(file: &str, board: &Value) -> Vec<String> {
    let mut objections = of_the_board(file, board);
    objections.extend(of_the_variables(board));
    let alerts = alerts();
    for panel in panels(board) {
        let title = text(&panel["title"]);
        let of_panel = of_a_panel(panel, &alerts);
        objections.extend(of_panel.into_iter().map(|what| format!("{title}: {what}")));
    }
    objections.extend(of_the_grid(board));
    objections.extend(of_the_rows(board));
    for query in queries(board) {
        let of_query = of_a_query(&query.expression).into_iter();
        objections.extend(of_query.map(|what| format!("{}: {what}", query.place)));
    }
    objections
}

fn of_the_board(file: &str, board: &Value) -> Vec<String> {
    let name = file.trim_end_matches(".json");
    let version = board["schemaVersion"].as_u64().unwrap_or_default();
    let tagged = list(&board["tags"]).any(|tag| tag == "cloudaudit");
    let kept = [
        (board["uid"] == format!("cloudaudit-{name}"), "uid"),
        (board["editable"] == true, "editable"),
        ((39..=41).contains(&version), "schemaVersion"),
        (tagged, "tags"),
        (board.get("__inputs").is_none(), "__inputs"),
        (board.get("__requires").is_none(), "__requires"),
        (board.get("id").is_none(), "id, which is of one Grafana"),
        (!text(&board["description"]).is_empty(), "description"),
        (are_unique(board, "title"), "a title is there twice"),
        (are_unique(board, "id"), "an id is there twice"),
    ];
    let broken = kept.iter().filter(|(kept, _)| !kept);
    broken.map(|(_, what)| (*what).to_owned()).collect()
}

fn are_unique(board: &Value, key: &str) -> bool {
    let mut seen = BTreeSet::new();
    list(&board["panels"]).all(|panel| seen.insert(panel[key].to_string()))
}

fn of_the_variables(board: &Value) -> Vec<String> {
    let variables: Vec<&Value> = list(&board["templating"]["list"]).collect();
    let names: Vec<&str> = variables.iter().map(|one| text(&one["name"])).collect();
    let mut objections = Vec::new();
    if names != ["datasource", "job", "instance", "account", "region"] {
        objections.push(format!("variables are {names:?}"));
    }
    for variable in variables.iter().filter(|one| one["type"] == "query") {
        let several = variable["multi"] == true && variable["includeAll"] == true;
        if !several || variable["allValue"] != ".+" {
            let name = text(&variable["name"]);
            objections.push(format!("{name} is not several values, or all as .+"));
        }
    }
    objections
}

fn of_a_panel(panel: &Value, alerts: &BTreeSet<String>) -> Vec<String> {
    let defaults = &panel["fieldConfig"]["defaults"];
    let steps = list(&defaults["thresholds"]["steps"]).count();
    let targets = || list(&panel["targets"]);
    let references: BTreeSet<&str> = targets().map(|target| text(&target["refId"])).collect();
    let chosen = |of: &Value| of["datasource"]["uid"] == "${datasource}";
    let kept = [
        (text(&panel["description"]).ends_with('.'), "no description"),
        (!text(&defaults["unit"]).is_empty(), "no unit"),
        (steps > 0, "no threshold"),
        (chosen(panel), "not of the chosen data source"),
        (
            targets().all(chosen),
            "a query not of the chosen data source",
        ),
        (targets().count() > 0, "no query"),
        (
            references.len() == targets().count(),
            "a refId is there twice",
        ),
        (
            !is_green_while_disabled(panel),
            "what is disabled may be green",
        ),
    ];
    let broken = kept.iter().filter(|(kept, _)| !kept);
    let mut objections: Vec<String> = broken.map(|(_, what)| (*what).to_owned()).collect();
    let runbooks = format!("{HOME}/blob/main/docs/alerts.md#");
    for link in list(&panel["links"]) {
        let url = text(&link["url"]);
        if !url
            .strip_prefix(&runbooks)
            .is_some_and(|anchor| alerts.contains(anchor))
        {
            objections.push(format!("no alert has the runbook {url}"));
        }
    }
    objections
}

/// The anchors of the runbooks: each is the name of an alert that we ship.
fn alerts() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/rules");
    let files = std::fs::read_dir(folder).expect("the rules are there");
    let texts = files.map(|file| {
        let path = file.expect("the folder can be read").path();
        std::fs::read_to_string(path).expect("rules are text")
    });
    texts
        .flat_map(|text| {
            let names = text.lines().filter_map(|line| line.split_once("- alert: "));
            names
                .map(|(_, name)| name.trim().to_lowercase())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn of_the_grid(board: &Value) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut objections = Vec::new();
    for panel in list(&board["panels"]) {
        let title = text(&panel["title"]);
        let place = |key: &str| panel["gridPos"][key].as_u64().expect("a place has numbers");
        let (x, y) = (place("x"), place("y"));
        if x + place("w") > COLUMNS {
            objections.push(format!("{title} makes the board wider than it is"));
        }
        let columns = x..x + place("w");
        let cells = columns.flat_map(|column| (y..y + place("h")).map(move |row| (column, row)));
        // All are taken, whether or not one was before.
        if cells.filter(|cell| !taken.insert(*cell)).count() > 0 {
            objections.push(format!("{title} overlaps with another"));
        }
    }
    objections
}

/// The maximum number of panels in a section: above, between or below rows.
const MOST_PANELS_OF_A_ROW: usize = 10;

fn of_the_rows(board: &Value) -> Vec<String> {
    let mut objections = Vec::new();
    let all: Vec<&Value> = list(&board["panels"]).collect();
    for row in all.split(|panel| panel["type"] == "row") {
        if row.len() > MOST_PANELS_OF_A_ROW || row.is_empty() {
            objections.push(format!("a row has {} panels", row.len()));
        }
    }
    for row in all.iter().filter(|panel| panel["type"] == "row") {
        let whole = row["gridPos"]["w"] == COLUMNS && row["gridPos"]["h"] == 1;
        if !whole || row["collapsed"] != false {
            let title = text(&row["title"]);
            objections.push(format!(
                "row {title} is not open, or not as wide as the board"
            ));
        }
    }
    objections
}

/// Returns whether a panel shows disabled tracks in green, which our rules forbid.
fn is_green_while_disabled(panel: &Value) -> bool {
    let defaults = &panel["fieldConfig"]["defaults"];
    let colors = |settings: &Value| {
        let steps = list(&settings["thresholds"]["steps"]);
        let colors: Vec<String> = steps.map(|step| text(&step["color"]).to_owned()).collect();
        colors
    };
    let overrides = || list(&panel["fieldConfig"]["overrides"]);
    let is_of_it = |title: &str| title.to_lowercase().starts_with("disabled");
    let has_series = list(&panel["targets"]).any(|target| {
        let legend = text(&target["legendFormat"]);
        legend == "{{status}}" || legend == "{{change}}"
    });
    let own = overrides().find(|it| it["matcher"]["options"] == "disabled");
    let color = own.map(|it| text(&it["properties"][0]["value"]["fixedColor"]));
    let of_columns = overrides()
        .filter(|it| is_of_it(text(&it["matcher"]["options"])))
        .flat_map(|it| list(&it["properties"]))
        .any(|property| {
            let steps = list(&property["value"]["steps"]);
            property["id"] == "thresholds" && steps.into_iter().any(|it| it["color"] == "green")
        });
    let of_panel =
        is_of_it(text(&panel["title"])) && colors(defaults).contains(&"green".to_owned());
    of_columns || of_panel || has_series && color != Some("red")
}

fn of_a_query(expression: &str) -> Vec<String> {
    let mut objections = Vec::new();
    for (name, rest) in series(expression) {
        if !rest.starts_with(SELECTOR) {
            objections.push(format!("{name} is not chosen by the variables"));
        }
    }
    for range in expression.split('[').skip(1) {
        let range = range.split(']').next().unwrap_or_default();
        if !["$__rate_interval", "$__range"].contains(&range) {
            objections.push(format!("[{range}] is not of the board"));
        }
    }
    // Before the first listing the time of the last one is 0.
    for age in expression.split("time() - ").skip(1) {
        let of_a_time = age.split(" / ").next().unwrap_or_default();
        if of_a_time.contains("_timestamp_seconds") && !of_a_time.contains("> 0") {
            objections.push("an age may be 55 years".to_owned());
        }
    }
    objections
}

/// Whether a metric's name may have it.
pub(crate) fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// The names of the series in an expression, each with what follows it.
pub(crate) fn series(expression: &str) -> Vec<(&str, &str)> {
    let mut rest = expression;
    let mut found = Vec::new();
    while let Some(start) = rest.find(is_of_a_name) {
        rest = &rest[start..];
        let end = rest.find(|c: char| !is_of_a_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if ["cloudaudit_", "process_", "scrape_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            found.push((name, after));
        }
        rest = after;
    }
    found
}
