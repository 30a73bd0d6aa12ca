//! Dates in the names of folders, in any of the usual forms, with or without leading zeros.

/// The least digits of a complete date without separators.
const DATE_DIGITS: usize = 8;

/// The most numbers of a name that are compared.
const MAX_NUMBERS: usize = 16;

/// The largest number of a date after the year: a minute or a second.
const MAX_PART: u64 = 59;

/// The units that may precede a number and an equals sign, as in `month=9`.
const UNITS: [&str; 11] = [
    "year", "month", "day", "hour", "minute", "date", "dt", "y", "m", "d", "h",
];

/// The months, which names may have in full or with their first three letters.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The numbers of a date, the greatest unit first.
pub(super) type Numbers = Vec<u64>;

/// Returns whether the name of a folder is a date or a part of one.
pub(super) fn is_date(folder: &str) -> bool {
    numbers_of(folder).is_some()
}

/// Returns whether a folder may be later than another folder in the same place, by the dates in their
/// names.
pub(super) fn is_later(folder: &str, than: &str) -> bool {
    match (numbers_of(folder), numbers_of(than)) {
        (Some(folder), Some(than)) => folder > than,
        _ => false,
    }
}

/// Returns the keys before the folders of the same year and of the same month as `folder`. `None`
/// if its name does not begin with a complete date, so that it has few siblings.
pub(super) fn year_and_month(folder: &str) -> Option<(&str, &str)> {
    const YEAR: usize = 4;
    const MONTH: usize = 6;
    let name = folder.len() - 1 - name(folder).len();
    has_complete_date(folder).then(|| (&folder[..name + YEAR], &folder[..name + MONTH]))
}

/// Returns whether the name of a folder begins with a complete date.
pub(super) fn has_complete_date(folder: &str) -> bool {
    date_numbers(name(folder)).is_some() && leading_digits(name(folder)) >= DATE_DIGITS
}

/// Returns the name of a folder without the folders around it.
pub(super) fn name(folder: &str) -> &str {
    let path = folder.strip_suffix('/').unwrap_or(folder);
    path.rsplit('/').next().unwrap_or_default()
}

/// Returns the numbers of the date in the name of a folder. `None` if the name is no date. A small
/// number alone may be a partition, so it counts only below a folder of a year.
pub(super) fn numbers_of(folder: &str) -> Option<Numbers> {
    let name = name(folder);
    let numbers = date_numbers(name)?;
    let mut around = folder.split('/');
    let is_clear = has_year(&numbers) || name.contains('=') || around.any(names_year);
    is_clear.then_some(numbers)
}

/// Returns the numbers of a name that consists of numbers and separators, perhaps after a unit and an
/// equals sign.
fn date_numbers(name: &str) -> Option<Numbers> {
    let value = match name.split_once('=') {
        Some((unit, value)) => UNITS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(unit))
            .then_some(value)?,
        None => name,
    };
    let is_part = |c: char| c.is_ascii_digit() || "-_.:T ".contains(c);
    if !value.starts_with(|c: char| c.is_ascii_digit()) || !value.chars().all(is_part) {
        return None;
    }
    let mut numbers = Vec::new();
    for run in value.split(|c: char| !c.is_ascii_digit()).take(MAX_NUMBERS) {
        match run.len() {
            0 => {}
            1 | 2 if number(run) <= MAX_PART => numbers.push(number(run)),
            4 if is_year(run) => numbers.push(number(run)),
            // The hour after a date may have one digit, so the run is not one number.
            6 | DATE_DIGITS..=14 => numbers.extend(date(run)?),
            // A UIN, for example: the largest UIN is not the latest.
            _ => return None,
        }
    }
    Some(numbers)
}

/// Returns the numbers of a date without separators: year and month, perhaps with day and time.
fn date(run: &str) -> Option<Numbers> {
    let (year, rest) = run.split_at(4);
    let (month, rest) = rest.split_at(2);
    if !is_year(year) || !(1..=12).contains(&number(month)) {
        return None;
    }
    let mut numbers = vec![number(year), number(month)];
    if let Some((day, time)) = rest.split_at_checked(2) {
        if !(1..=31).contains(&number(day)) {
            return None;
        }
        numbers.push(number(day));
        numbers.extend((!time.is_empty()).then(|| number(time)));
    }
    Some(numbers)
}

/// Returns whether four digits are a year.
fn is_year(digits: &str) -> bool {
    digits.starts_with("19") || digits.starts_with("20")
}

/// Returns whether one of the numbers of a date is a year.
fn has_year(numbers: &Numbers) -> bool {
    numbers.iter().any(|number| *number > MAX_PART)
}

/// Returns whether a name is a date with a year, perhaps with the name of a month: `Nov-2026`.
fn names_year(name: &str) -> bool {
    let is_month = |word: &&str| {
        let word = word.to_ascii_lowercase();
        let mut months = MONTHS.iter();
        months.any(|month| *month == word || month[..3] == *word)
    };
    let mut words = name.split(|c: char| !c.is_ascii_alphabetic());
    let without_month = words
        .find(is_month)
        .map(|month| name.replacen(month, "", 1));
    let date = match &without_month {
        Some(date) => date.trim_matches(['-', '_', ' ']),
        None => name,
    };
    date_numbers(date).is_some_and(|numbers| has_year(&numbers))
}

/// Returns the number of digits at the beginning.
pub(super) fn leading_digits(name: &str) -> usize {
    name.bytes().take_while(u8::is_ascii_digit).count()
}

/// Returns a number of any length; one that is too large counts as the largest.
pub(super) fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_dates_have_a_month() {
        assert_eq!(
            year_and_month("p/2026112809/"),
            Some(("p/2026", "p/202611"))
        );
        assert_eq!(year_and_month("20261128/"), Some(("2026", "202611")));
        for folder in ["p/2026/", "p/audit/", "p/day=20261128/", "/"] {
            assert_eq!(year_and_month(folder), None);
        }
    }
}
