//! The verdict: one line and a color, before everything else.

use std::fmt;
use std::time::SystemTime;

use super::accounts::oldest_success;
use super::deliveries;
use super::facts::Scope;
use super::html::{BadgeColor, Text, Utc, pluralize};
use super::problems::{Doubts, Level, Problem, doubts};
use crate::http::view::TrackEntry;

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
            format!("members of {organizations} not known")
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
    if let Some(shard) = &everything.facts.info.shard {
        notes.push(format!(
            "This process is {shard}: the page shows only its accounts."
        ));
    }
    let accounts = everything.accounts.len();
    let unchecked = unchecked_deliveries(everything);
    if unchecked > 0 {
        let which = if unchecked == accounts {
            "Deliveries are".to_owned()
        } else {
            format!("Deliveries of {unchecked} of {accounts} accounts are")
        };
        let why = "an enabled track does not prove that records arrive";
        notes.push(format!("{which} not checked: {why}."));
    }
    let unknown = unknown_owners(everything);
    if unknown > 0 {
        let tracks = pluralize(unknown as u64, "track");
        notes.push(format!(
            "The owner of the storage of {tracks} is not reported: it may be another account."
        ));
    }
    notes
}

/// Returns of how many accounts the deliveries are not checked.
pub(super) fn unchecked_deliveries(everything: &Scope<'_>) -> usize {
    let accounts = everything.accounts.iter();
    accounts.filter(|it| it.deliveries.is_none()).count()
}

/// Returns for how many tracks it is not known whether their storage belongs to another account.
pub(super) fn unknown_owners(everything: &Scope<'_>) -> usize {
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
