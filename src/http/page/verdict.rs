//! The verdict: one line and a color, before everything else, and the tiles below it.

use std::fmt;
use std::time::SystemTime;

use super::accounts::oldest_success;
use super::deliveries;
use super::facts::Scope;
use super::html::{BadgeColor, Text, Utc, pluralize};
use super::problems::{Doubts, Level, Problem, doubts};
use crate::http::view::TrackEntry;
use crate::snapshot::Status;

/// The verdict over everything that the exporter polls.
pub(super) struct Verdict {
    pub(super) color: BadgeColor,
    pub(super) text: String,
    /// The oldest data that the verdict rests on, if all is good.
    as_of: Option<SystemTime>,
    /// What the verdict does not include.
    notes: Vec<String>,
}

impl Verdict {
    /// Returns the verdict. It is green only if everything that it needs is known and fresh.
    pub(super) fn new(everything: &Scope<'_>, problems: &[Problem<'_>]) -> Self {
        let of_level = |level| {
            let rows = problems.iter().filter(|problem| problem.level == level);
            rows.map(|problem| problem.table.count).sum::<usize>()
        };
        let bad = of_level(Level::Bad) + deliveries::broken(everything.facts);
        let warnings = of_level(Level::Warning);
        let doubts = doubts(everything);
        let counted = |count: usize, noun: &str| (count > 0).then(|| pluralize(count as u64, noun));
        let parts = [counted(bad, "problem"), counted(warnings, "warning")];
        let mut parts: Vec<String> = parts.into_iter().flatten().collect();
        if everything.accounts.is_empty() {
            parts.push("no account is polled".to_owned());
        }
        parts.extend(not_known(doubts, everything.accounts.len()));
        let as_of = oldest_success(everything).filter(|_| parts.is_empty());
        let (color, text) = match as_of {
            _ if bad > 0 => (BadgeColor::Bad, parts.join("; ")),
            Some(_) => (BadgeColor::Good, "all good".to_owned()),
            None if parts.is_empty() => (BadgeColor::Unsure, "nothing is known".to_owned()),
            None => (BadgeColor::Unsure, parts.join("; ")),
        };
        Self {
            color,
            text: capitalized(&text),
            as_of,
            notes: notes(everything),
        }
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (color, text) = (self.color.class(), Text(&self.text));
        write!(f, "<p id=\"verdict\" class=\"{color}\">{text}")?;
        if let Some(at) = self.as_of {
            write!(f, " as of {}", Utc(at))?;
        }
        writeln!(f, "</p>")?;
        if self.color != BadgeColor::Bad {
            for note in &self.notes {
                writeln!(f, "<p class=\"soft\">{}</p>", Text(note))?;
            }
        }
        Ok(())
    }
}

/// Returns what is not known, in words.
fn not_known(doubts: Doubts, accounts: usize) -> Vec<String> {
    let Doubts {
        accounts: unknown,
        organizations,
        deliveries,
    } = doubts;
    let all = pluralize(accounts as u64, "account");
    let parts = [
        (unknown > 0 && unknown == accounts).then(|| format!("not known for any of {all}")),
        (unknown > 0 && unknown < accounts).then(|| format!("not known for {unknown} of {all}")),
        (organizations > 0).then(|| {
            let organizations = pluralize(organizations as u64, "organization");
            format!("members not known of {organizations}")
        }),
        (deliveries > 0).then(|| {
            let targets = pluralize(deliveries as u64, "storage target");
            format!("delivery not known for {targets}")
        }),
    ];
    parts.into_iter().flatten().collect()
}

/// Returns what the verdict does not include.
fn notes(everything: &Scope<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let accounts = everything.accounts.len();
    let unchecked = everything.accounts.iter();
    let unchecked = unchecked.filter(|it| it.deliveries.is_none()).count();
    if unchecked > 0 {
        let which = if unchecked == accounts {
            "Deliveries are".to_owned()
        } else {
            format!("Deliveries of {unchecked} of {accounts} accounts are")
        };
        let why = "an enabled track does not prove that its log arrives";
        notes.push(format!("{which} not checked: {why}."));
    }
    let unknown = unknown_owners(everything);
    if unknown > 0 {
        let tracks = pluralize(unknown as u64, "track");
        notes.push(format!(
            "The owner of the storage of {tracks} is not reported."
        ));
    }
    notes
}

/// Returns for how many tracks it is not known whether their storage belongs to another account.
fn unknown_owners(everything: &Scope<'_>) -> usize {
    let tracks = everything.tracks.iter();
    let unknown = tracks.filter(|group| match group.first.track {
        TrackEntry::Listed(track) => {
            let account = &group.first.report.account;
            account.is_foreign(&track.storage).is_none()
        }
        TrackEntry::Vanished(_) => false,
    });
    unknown.count()
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

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
            "members not known of {}",
            pluralize(count as u64, "organization")
        ),
    };
    let of_accounts = match doubts.accounts {
        0 => String::new(),
        count => format!("not known for {}", pluralize(count as u64, "account")),
    };
    let owners = match unknown_owners(everything) {
        0 => of_accounts.clone(),
        count => format!("owner not reported of {}", pluralize(count as u64, "track")),
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
        of("Tracks off", &["off"], &of_accounts),
        of("Seen deleted", &["deleted", "recreated"], &of_accounts),
        of("Foreign storage", &["foreign"], &owners),
        of(
            "Accounts not covered",
            &["without", "not-covered"],
            &of_accounts,
        ),
        of("Failing", &["failing"], &waiting),
        of("Stale accounts", &["stale"], &waiting),
    ];
    if everything.facts.view.deliveries().next().is_some() {
        tiles.push(delivery_tile(everything, doubts));
    }
    tiles
}

/// Returns the tile of the storage targets at which nothing arrives.
fn delivery_tile(everything: &Scope<'_>, doubts: Doubts) -> Tile {
    let broken = deliveries::broken(everything.facts);
    let note = match doubts.deliveries {
        0 => String::new(),
        count => format!(
            "not known for {}",
            pluralize(count as u64, "storage target")
        ),
    };
    let color = match (broken, doubts.deliveries) {
        (0, 0) => BadgeColor::Plain,
        (0, _) => BadgeColor::Unsure,
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
