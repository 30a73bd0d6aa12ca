//! Decides which folders the newest object may be in. Their names are unknown: perhaps dates, with or
//! without leading zeros, perhaps names of tracks.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::dates::{Numbers, leading_digits, name, number, numbers_of};

/// The most folders named after a track that a search follows.
const MAX_TRACKS: usize = 20;

/// The most other folders that a search follows.
const MAX_OTHERS: usize = 5;

/// The most dates that are tried if the latest one has no objects.
const MAX_ALTERNATIVES: usize = 2;

/// Folders to visit, the best one first. The search visits the next folder only if the previous folder
/// has no objects.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group<'a> {
    pub(super) folders: Vec<&'a str>,
    /// Whether there are more, which are not visited.
    pub(super) is_cut: bool,
}

/// The folders to visit.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    pub(super) groups: Vec<Group<'a>>,
    /// Whether folders outside of the groups may have newer objects.
    pub(super) is_cut: bool,
}

impl<'a> Group<'a> {
    fn of(folder: &'a str) -> Self {
        Self {
            folders: vec![folder],
            is_cut: false,
        }
    }
}

/// Returns the folders to visit.
pub(super) fn choose<'a>(folders: &'a [String], tracks: &[&str]) -> Choice<'a> {
    let mut known = Vec::new();
    let mut dated: BTreeMap<usize, Vec<(Numbers, &str)>> = BTreeMap::new();
    let mut others: Vec<&str> = Vec::new();
    for folder in folders {
        let name = name(folder);
        if tracks.contains(&name) {
            known.push(&**folder);
        } else if let Some(numbers) = numbers_of(folder) {
            // Dates of another form belong to another layout, so they are not compared.
            let of_form = dated.entry(numbers.len()).or_default();
            of_form.push((numbers, folder));
        } else {
            others.push(folder);
        }
    }
    // A track that has a folder of its own delivers to no other folder.
    let has_folder = |track: &&str| known.iter().any(|folder| name(folder) == *track);
    let have_folders = !tracks.is_empty() && tracks.iter().all(has_folder);
    let is_cut = known.len() > MAX_TRACKS || (!have_folders && others.len() > MAX_OTHERS);
    let known = known.into_iter().take(MAX_TRACKS).map(Group::of);
    let dated = dated.into_values().flat_map(latest);
    others.sort_by(|one, other| natural(name(other), name(one)));
    let others = others.into_iter().take(MAX_OTHERS).map(Group::of);
    Choice {
        groups: known.chain(dated).chain(others).collect(),
        is_cut,
    }
}

/// Returns the folders with the latest date, which may have several spellings. Earlier folders are
/// alternatives to the last of these folders.
fn latest(mut of_form: Vec<(Numbers, &str)>) -> Vec<Group<'_>> {
    of_form.sort();
    let Some((latest, _)) = of_form.last() else {
        return Vec::new();
    };
    let (earlier, latest): (Vec<_>, Vec<_>) = of_form.iter().partition(|(it, _)| it < latest);
    let mut groups: Vec<Group> = latest.iter().map(|(_, folder)| Group::of(folder)).collect();
    let alternatives = earlier.iter().rev().take(MAX_ALTERNATIVES);
    if let Some(last) = groups.last_mut() {
        last.folders.extend(alternatives.map(|(_, folder)| *folder));
        last.is_cut = earlier.len() > MAX_ALTERNATIVES;
    }
    groups
}

/// Compares names with the numbers in them as numbers.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let digits = (leading_digits(one), leading_digits(other));
        let ((first, rest), (second, others)) = match digits {
            (0, _) | (_, 0) => match (one.chars().next(), other.chars().next()) {
                (Some(a), Some(b)) if a == b => {
                    let split = a.len_utf8();
                    (one.split_at(split), other.split_at(split))
                }
                _ => return one.cmp(other),
            },
            (a, b) => (one.split_at(a), other.split_at(b)),
        };
        match number(first).cmp(&number(second)) {
            Ordering::Equal if first == second || digits.0 > 0 => (one, other) = (rest, others),
            order => return order,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str], tracks: &[&str]) -> Vec<Vec<String>> {
        let folders: Vec<String> = names.iter().map(|name| format!("p/{name}/")).collect();
        let groups = choose(&folders, tracks).groups.into_iter();
        let names = |group: Group| {
            let folders = group.folders.into_iter();
            folders.map(|it| name(it).to_owned()).collect()
        };
        groups.map(names).collect()
    }

    /// Names that are digits but no dates, such as the UINs of accounts, have no latest one.
    #[test]
    fn only_plausible_dates_are_compared() {
        for names in [
            &["100000000009", "100000000001"][..],
            &["200012345678", "200000000001"],
            &["1250000002", "1250000001"],
            &["20261", "20260"],
            &["20261399", "20261301"],
            &["uin=100000000009", "uin=100000000001"],
            &["1-100000000009", "1-100000000001"],
            &["1421", "1422"],
            &["214", "100"],
            &["99", "98"],
            &["2", "1", "0"],
            &["partition=0", "partition=1"],
            &["partition=2026", "partition=2025"],
        ] {
            let groups: Vec<Vec<&str>> = names.iter().map(|name| vec![*name]).collect();
            let mut found = chosen(names, &[]);
            found.sort_by_key(|group| names.iter().position(|name| *name == group[0]));
            assert_eq!(found, groups, "all are followed");
        }
    }

    /// Small numbers are months, days or hours only below a year: elsewhere they may be partitions.
    #[test]
    fn small_numbers_are_dates_below_a_year() {
        for (around, expected) in [
            ("p/2026", true),
            ("p/2026/11", true),
            ("p/year=2026", true),
            ("p/y=2026/m=11", true),
            ("p/20261128", true),
            ("p/Nov-2026", true),
            ("p/november-2026", true),
            ("p/audit-2026", false),
            ("p/partition=2026", false),
            ("p/12", false),
            ("p", false),
        ] {
            let folders = ["9", "10"].map(|name| format!("{around}/{name}/"));
            let groups = choose(&folders, &[]).groups;
            assert_eq!(groups.len() == 1, expected, "{around}");
            assert_eq!(
                super::super::dates::is_later(&folders[1], &folders[0]),
                expected
            );
        }
    }

    #[test]
    fn folders_that_are_not_followed_are_reported() {
        let cut = |names: Vec<String>, tracks: &[&str]| {
            let folders: Vec<String> = names.iter().map(|name| format!("{name}/")).collect();
            let choice = choose(&folders, tracks);
            (choice.is_cut, choice.groups.iter().any(|it| it.is_cut))
        };
        let names = |prefix: &str, count: usize| -> Vec<String> {
            (0..count)
                .map(|number| format!("{prefix}{number}"))
                .collect()
        };
        assert_eq!(cut(names("a", MAX_OTHERS), &[]), (false, false));
        assert_eq!(cut(names("a", MAX_OTHERS + 1), &[]), (true, false));
        let dates = MAX_ALTERNATIVES + 1;
        assert_eq!(cut(names("202", dates), &[]), (false, false));
        assert_eq!(cut(names("202", dates + 1), &[]), (false, true));
        let tracks = names("t", MAX_TRACKS + 1);
        let tracks: Vec<&str> = tracks.iter().map(String::as_str).collect();
        assert_eq!(cut(names("t", MAX_TRACKS), &tracks), (false, false));
        assert_eq!(cut(names("t", MAX_TRACKS + 1), &tracks), (true, false));
        // Other folders do not hide arrivals in the folders of the tracks.
        let others = names("a", MAX_OTHERS + 1);
        let with_others = |count| [names("t", count), others.clone()].concat();
        assert_eq!(cut(with_others(3), &tracks[..3]), (false, false));
        assert_eq!(cut(with_others(2), &tracks[..3]), (true, false));
    }

    #[test]
    fn the_latest_date_is_chosen_in_every_form() {
        for (names, best) in [
            (&["2024", "2026", "2025"][..], "2026"),
            (&["2026/9", "2026/10", "2026/1"], "10"),
            (&["2026/09", "2026/10", "2026/01"], "10"),
            (&["20261128", "20261130", "20261129"], "20261130"),
            // One digit of the hour, and two.
            (&["202611289", "2026112810"], "2026112810"),
            (&["2026112823", "202611290"], "202611290"),
            (&["2026-9-30", "2026-10-1"], "2026-10-1"),
            (&["month=9", "month=10"], "month=10"),
            (&["202509", "202601"], "202601"),
            (&["2026-11-28T09", "2026-11-28T10"], "2026-11-28T10"),
        ] {
            assert_eq!(chosen(names, &[])[0][0], best, "{names:?}");
        }
    }

    #[test]
    fn folders_with_names_and_dates_of_other_forms_are_searched_together() {
        let names = [
            "2026112809",
            "2026",
            "audit-1",
            "audit-2",
            "x10",
            "x9",
            "a",
            "b",
            "c",
            "d",
        ];
        let groups = chosen(&names, &["audit-2"]);
        let first: Vec<&str> = groups.iter().map(|group| &*group[0]).collect();
        assert_eq!(
            first,
            ["audit-2", "2026", "2026112809", "x10", "x9", "d", "c", "b"]
        );
    }

    #[test]
    fn every_spelling_of_the_latest_date_is_followed() {
        let groups = chosen(&["2026/8", "2026/09", "2026/9", "2026/07"], &[]);
        assert_eq!(groups, [vec!["09"], vec!["9", "8", "07"]]);
    }

    #[test]
    fn natural_order_is_an_order() {
        let names = [
            "", "a", "a1", "a01", "a2", "a10", "é1", "é2", "2", "10", "1a",
        ];
        for one in names {
            for other in names {
                assert_eq!(
                    natural(one, other),
                    natural(other, one).reverse(),
                    "{one} {other}"
                );
            }
        }
        assert_eq!(natural("x9", "x10"), Ordering::Less);
        assert_eq!(natural("x9b", "x9a"), Ordering::Greater);
    }
}
