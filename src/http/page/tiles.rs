//! The tiles below the verdict: one number each, with a link to its rows.

use std::fmt;

use super::deliveries;
use super::facts::Scope;
use super::html::{BadgeColor, Text, pluralize};
use super::problems::{Doubts, Problem, doubts, success};
use super::verdict::{unchecked_deliveries, unknown_owners};
use crate::snapshot::Status;

/// One number, with a link to its rows.
struct Tile {
    label: &'static str,
    value: String,
    note: String,
    color: BadgeColor,
    /// The section with its rows.
    section: &'static str,
}

/// Writes the tiles.
pub(super) fn tiles(
    f: &mut fmt::Formatter<'_>,
    everything: &Scope<'_>,
    problems: &[Problem<'_>],
) -> fmt::Result {
    writeln!(f, "<nav id=\"tiles\" aria-label=\"Overview\">")?;
    for tile in all_tiles(everything, problems) {
        let Tile {
            label,
            value,
            note,
            color,
            section,
        } = tile;
        writeln!(
            f,
            "<a class=\"{}\" href=\"./#{section}\"><b>{}</b> <span>{}</span> <small>{}</small></a>",
            color.class(),
            Text(&value),
            Text(label),
            Text(&note)
        )?;
    }
    writeln!(f, "</nav>")
}

fn all_tiles(everything: &Scope<'_>, problems: &[Problem<'_>]) -> Vec<Tile> {
    let doubts = doubts(everything);
    let accounts = everything.accounts.len();
    let targets = pluralize(everything.targets.len() as u64, "target");
    let unlisted = match doubts.organizations {
        0 => String::new(),
        count => format!(
            "members of {} not known",
            pluralize(count as u64, "organization")
        ),
    };
    let of_accounts = match doubts.accounts {
        0 => String::new(),
        count => format!("not known for {}", pluralize(count as u64, "account")),
    };
    let owners = match unknown_owners(everything) {
        0 => of_accounts.clone(),
        count => format!("owner of {} not reported", pluralize(count as u64, "track")),
    };
    let waiting = everything.targets.iter();
    let waiting = waiting.filter(|row| row.target.last_poll.is_none()).count();
    let waiting = match waiting {
        0 => String::new(),
        count => format!("{} not polled yet", pluralize(count as u64, "target")),
    };
    let in_accounts = if unlisted.is_empty() {
        targets
    } else {
        unlisted.clone()
    };
    let of = |label, ids, unknown: &str| problem_tile(label, ids, unknown, problems);
    let polled = Tile {
        value: shown(accounts, !unlisted.is_empty()),
        note: in_accounts,
        ..plain("Accounts", "accounts")
    };
    if accounts == 0 {
        return vec![polled];
    }
    let mut tiles = vec![
        polled,
        Tile {
            value: shown(distinct_tracks(everything), doubts.accounts > 0),
            note: of_accounts.clone(),
            ..plain("Tracks", "tracks")
        },
        of("Tracks not enabled", &["off"], &of_accounts),
        of("Seen deleted", &["deleted", "recreated"], &of_accounts),
        of("Foreign storage", &["foreign"], &owners),
        of(
            "Accounts not covered",
            &["without", "not-covered"],
            &of_accounts,
        ),
        of("Failing", &["failing"], &waiting),
        of("Stale accounts", &["stale"], &never_listed(everything)),
    ];
    if everything.facts.view.deliveries().next().is_some() {
        tiles.push(delivery_tile(everything, doubts));
    }
    tiles
}

/// Returns of how many accounts no listing is known, in words. Empty if of none.
fn never_listed(everything: &Scope<'_>) -> String {
    let accounts = everything.accounts.iter();
    let never = accounts.filter(|report| !report.targets.iter().any(|it| success(it).is_some()));
    match never.count() {
        0 => String::new(),
        count => format!("{} never listed", pluralize(count as u64, "account")),
    }
}

/// Returns the tile of the storage targets at which nothing arrives.
fn delivery_tile(everything: &Scope<'_>, doubts: Doubts) -> Tile {
    let broken = deliveries::broken(everything.facts);
    let unchecked = unchecked_deliveries(everything);
    let note = match (doubts.deliveries, unchecked) {
        (0, 0) => String::new(),
        (0, count) => format!("not checked for {}", pluralize(count as u64, "account")),
        (count, _) => format!(
            "not known for {}",
            pluralize(count as u64, "storage target")
        ),
    };
    let color = match broken {
        0 if note.is_empty() => BadgeColor::Plain,
        0 => BadgeColor::Unsure,
        _ => BadgeColor::Bad,
    };
    Tile {
        value: shown(broken, !note.is_empty()),
        note,
        color,
        ..plain("Not delivered", "deliveries")
    }
}

fn plain(label: &'static str, section: &'static str) -> Tile {
    Tile {
        label,
        value: String::new(),
        note: String::new(),
        color: BadgeColor::Plain,
        section,
    }
}

/// Returns the tile of some kinds of problems. `unknown` says what is not known; empty if all is.
fn problem_tile(
    label: &'static str,
    ids: &[&'static str],
    unknown: &str,
    problems: &[Problem<'_>],
) -> Tile {
    let kinds = problems.iter().filter(|it| ids.contains(&it.table.id));
    let mut found = kinds.filter(|it| it.table.count > 0).peekable();
    let (section, color) = match found.peek() {
        Some(first) => (first.table.id, first.level.color()),
        None if unknown.is_empty() => ("checked", BadgeColor::Plain),
        None => ("unknown", BadgeColor::Unsure),
    };
    let count = found.map(|it| it.table.count).sum();
    Tile {
        value: shown(count, !unknown.is_empty()),
        note: unknown.to_owned(),
        color,
        ..plain(label, section)
    }
}

/// Returns a count. What is not known is never shown as 0.
fn shown(count: usize, is_partial: bool) -> String {
    match (count, is_partial) {
        (0, true) => "?".to_owned(),
        (count, true) => format!("{count}+"),
        (count, false) => count.to_string(),
    }
}

/// Returns the number of tracks. A track counts once for its account even if several regions list
/// it, as in `cloudaudit_account_tracks`.
fn distinct_tracks(everything: &Scope<'_>) -> usize {
    let accounts = everything.accounts.iter();
    let totals = accounts.filter_map(|report| everything.facts.view.totals(report));
    let tracks = totals.map(|totals| Status::ALL.iter().map(|it| totals.tracks[*it]).sum::<u64>());
    usize::try_from(tracks.sum::<u64>()).unwrap_or(usize::MAX)
}
