//! The page for people: the verdict, what is wrong, then all accounts and tracks.
//!
//! The server renders it, and it loads nothing from elsewhere. Its only script fetches the page every
//! few seconds; without scripts, the browser reloads it. Texts from the cloud or the configuration
//! are written as [`html::Text`], hence escaped.

// Escaped HTML and tables.
mod html;
mod table;

// What the page shows.
mod facts;

// The parts of the page, from top to bottom.
mod form;
mod tiles;
mod verdict;

mod problems;

mod changes;
mod deliveries;

mod accounts;
mod tracks;

mod footer;

use std::fmt;

pub(super) use self::facts::Facts;

use self::facts::Scope;
use self::html::{Badge, BadgeColor, Text, Utc};
use self::problems::{Level, Problem};
use self::table::Table;
use self::verdict::Verdict;
use super::filter_values::State;
use super::query::Query;

/// The content security policy: the browser may apply the inline style, run the inline script, and
/// fetch the page again. A test compares the hashes with the style and the script.
pub(super) const POLICY: &str = "default-src 'none'; \
     style-src 'sha256-zxzG8hB/gqnsBVYd4xeXrPtO5G52e4+7bW7oc8w8d78='; \
     script-src 'sha256-obi3NuuapXUEvZ3M0ZO5UYlfvgQwU+u36UTAuZVC1IQ='; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// How often a browser without scripts reloads the page, in seconds.
const RELOAD_SECONDS: u8 = 30;

/// The data of the page.
pub(super) struct Page<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) query: &'a Query,
    pub(super) telemetry_path: &'a str,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            facts,
            query,
            telemetry_path,
        } = *self;
        let unfiltered = Query::default();
        let everything = Scope::new(facts, &unfiltered);
        let problems = problems::all(&everything, &unfiltered);
        let verdict = Verdict::new(&everything, &problems);

        head(f, &verdict)?;
        writeln!(f, "<header>\n<h1>CloudAudit exporter</h1>")?;
        form::links(f, telemetry_path)?;
        writeln!(
            f,
            "<p id=\"contact\" class=\"bad\" role=\"alert\" hidden></p>"
        )?;
        writeln!(f, "<div id=\"now\">")?;
        verdict.write(f)?;
        tiles::tiles(f, &everything, &problems)?;
        let now = Utc(facts.view.now.wall);
        writeln!(
            f,
            "<p class=\"soft\">This page shows the state at <span id=\"at\">{now}</span>.</p>\n</div>"
        )?;
        form::form(f, query)?;
        writeln!(f, "</header>\n<main>")?;
        sections(f, query, &Scope::new(facts, query))?;
        checked(f, &everything, &problems)?;
        writeln!(f, "</main>")?;
        footer::footer(f, facts)?;
        writeln!(f, "<script>{SCRIPT}</script>\n</body>\n</html>")
    }
}

fn head(f: &mut fmt::Formatter<'_>, verdict: &Verdict) -> fmt::Result {
    writeln!(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>")?;
    writeln!(f, "<meta charset=\"utf-8\">")?;
    writeln!(
        f,
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    )?;
    writeln!(
        f,
        "<noscript><meta http-equiv=\"refresh\" content=\"{RELOAD_SECONDS}\"></noscript>"
    )?;
    writeln!(
        f,
        "<title>{} – CloudAudit exporter</title>",
        Text(&verdict.text)
    )?;
    writeln!(f, "<style>{STYLE}</style>\n</head>\n<body>")
}

/// Writes the tables of what a query selects: what is wrong, then everything.
fn sections(f: &mut fmt::Formatter<'_>, query: &Query, scope: &Scope<'_>) -> fmt::Result {
    let facts = scope.facts;
    let problems = problems::all(scope, query).into_iter();
    let problems = problems.filter(|problem| problem.table.count > 0);
    let (bad, others): (Vec<_>, Vec<_>) = problems.partition(|it| it.level == Level::Bad);
    let is_broken = deliveries::broken(facts) > 0;
    let deliveries = |f: &mut fmt::Formatter<'_>| match deliveries::table(scope) {
        Some(table) => section(f, query, &table, "No storage target matches."),
        None => Ok(()),
    };
    bad.iter().try_for_each(|problem| problem.write(f, query))?;
    if is_broken {
        deliveries(f)?;
    }
    others
        .iter()
        .try_for_each(|problem| problem.write(f, query))?;
    if !is_broken {
        deliveries(f)?;
    }
    let empty = if query.has_no_filters() {
        "The exporter has seen no change yet."
    } else {
        "No change matches."
    };
    section(f, query, &changes::table(facts, query), empty)?;
    let empty = if facts.view.reports.is_empty() {
        "No account is polled."
    } else {
        "No account matches."
    };
    section(f, query, &accounts::table(scope), empty)?;
    let tracks = tracks::table(scope);
    let empty = match (query.has_no_filters(), scope.is_fresh) {
        _ if facts.view.reports.is_empty() => "No account is polled.",
        (true, true) => "No track is listed.",
        (true, false) => "No track is known.",
        (false, true) => "No listed track matches.",
        (false, false) => "No known track matches.",
    };
    section(f, query, &tracks, empty)
}

/// Writes a table, or a sentence if it has no rows.
fn section(
    f: &mut fmt::Formatter<'_>,
    query: &Query,
    table: &Table<'_>,
    empty: &str,
) -> fmt::Result {
    let Table {
        id, heading, count, ..
    } = table;
    write!(
        f,
        "<section id=\"{id}\">\n<details open><summary><h2>{heading}"
    )?;
    if *count == 0 {
        writeln!(f, "</h2></summary>\n<p>{}</p>", Text(empty))?;
    } else {
        let badge = format_args!(" <span class=\"badge plain\">{count}</span>");
        writeln!(f, "{badge}</h2></summary>")?;
        table.write(f, query)?;
    }
    writeln!(f, "</details>\n</section>")
}

/// Writes which kinds of problems were looked for and not found.
fn checked(
    f: &mut fmt::Formatter<'_>,
    everything: &Scope<'_>,
    problems: &[Problem<'_>],
) -> fmt::Result {
    let none = problems.iter().filter(|it| it.table.count == 0);
    let none = none.filter(|it| it.level != Level::Unknown);
    let hides_owners = verdict::unknown_owners(everything) > 0;
    let none = none.filter(|it| !hides_owners || it.table.id != "foreign");
    let reads_operations = problems::reads_operations(everything);
    let none =
        none.filter(|it| reads_operations || !problems::OF_OPERATIONS.contains(&it.table.id));
    let none: Vec<_> = none.collect();
    let doubts = problems::doubts(everything);
    if none.is_empty() || doubts.accounts == everything.accounts.len() {
        return Ok(());
    }
    let (heading, advice) = if doubts.accounts == 0 {
        ("Checked and not found", "As of the last listings.")
    } else {
        (
            "Not found in the accounts with known data",
            "The accounts under “Not known” may have these problems.",
        )
    };
    writeln!(
        f,
        "<section id=\"checked\">\n<details><summary><h2>{heading} <span class=\"badge plain\">{}</span></h2></summary>\n<p>{advice}</p>\n<ul>",
        none.len()
    )?;
    for problem in none {
        writeln!(f, "<li>{}</li>", Text(problem.table.heading))?;
    }
    writeln!(f, "</ul>\n</details>\n</section>")
}

fn badge(state: State) -> Badge {
    let color = match state {
        State::Up => BadgeColor::Good,
        State::Failing | State::Stale => BadgeColor::Bad,
        State::Waiting => BadgeColor::Unsure,
    };
    let word = state.as_str();
    Badge { color, word }
}
