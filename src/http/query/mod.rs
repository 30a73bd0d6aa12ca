//! The query string of the page and of the API: filters, order and pages.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use form_urlencoded::Serializer;
use jiff::Timestamp;

use super::filter_values::allowed;

/// The most parameters of a query string; a query with more is rejected.
const MAX_PAIRS: usize = 64;

/// The rows of one page, by default and at most.
const DEFAULT_ROWS: usize = 100;
const MAX_ROWS: usize = 10_000;

/// The highest page number.
const MAX_PAGE: usize = 1_000_000;

/// The parameters that filter rows. A row must match one value of every parameter.
pub(super) const FILTERS: [&str; 9] = [
    "account",
    "region",
    "state",
    "status",
    "storage_type",
    "track",
    "change",
    "result",
    "since",
];

/// What the page number of one section begins with, as in `page.off=2`.
const SECTION: &str = "page.";

/// The sections of the page that have a page number of their own.
const SECTIONS: [&str; 27] = [
    "off",
    "deleted",
    "unseen",
    "without",
    "missing",
    "foreign",
    "failing",
    "stale",
    "exporter",
    "organizations",
    "credentials",
    "refreshes",
    "attempts",
    "mismatched",
    "not-covered",
    "outdated",
    "recreated",
    "dropped",
    "throttled",
    "unknown",
    "undocumented",
    "disagreeing",
    "counted",
    "searches",
    "deliveries",
    "changes",
    "accounts",
];

/// The columns by which rows can be sorted.
const SORTS: [&str; 6] = [
    "account",
    "region",
    "state",
    "track",
    "status",
    "storage_type",
];

/// A parsed query string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    filters: BTreeMap<&'static str, Vec<String>>,
    pub(super) sort: &'static str,
    pub(super) descending: bool,
    /// From 1. Of the API, and of the tracks on the page.
    pub(super) page: usize,
    /// Rows of one page. `None` if the query does not say.
    rows: Option<usize>,
    /// The page numbers of other sections of the page.
    section_pages: BTreeMap<&'static str, usize>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            filters: BTreeMap::new(),
            sort: SORTS[0],
            descending: false,
            page: 1,
            rows: None,
            section_pages: BTreeMap::new(),
        }
    }
}

impl Query {
    /// Parses a query string.
    ///
    /// # Errors
    ///
    /// If a parameter or value is unknown. The message lists what is allowed.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut query = Self::default();
        for (count, (key, value)) in form_urlencoded::parse(text.as_bytes()).enumerate() {
            if count == MAX_PAIRS {
                return Err(format!("more than {MAX_PAIRS} parameters"));
            }
            // An empty field of the form.
            if value.is_empty() {
                continue;
            }
            match &*key {
                "sort" => query.sort = one_of(&SORTS, &value, "sort")?,
                "order" => query.descending = one_of(&["asc", "desc"], &value, "order")? == "desc",
                "page" => query.page = number(&value, MAX_PAGE, "page")?,
                "rows" => query.rows = Some(number(&value, MAX_ROWS, "rows")?),
                key => match key.strip_prefix(SECTION) {
                    Some(section) => {
                        let section = one_of(&SECTIONS, section, "page of a section")?;
                        let page = number(&value, MAX_PAGE, key)?;
                        query.section_pages.insert(section, page);
                    }
                    None => query.filter(key, &value)?,
                },
            }
        }
        Ok(query)
    }

    fn filter(&mut self, key: &str, value: &str) -> Result<(), String> {
        let key = one_of(&FILTERS, key, "parameter").map_err(|_| {
            let known = FILTERS.join(", ");
            format!("no such parameter; there are {known}, sort, order, page and rows")
        })?;
        check_value(key, value)?;
        let wanted = self.filters.entry(key).or_default();
        wanted.push(value.to_owned());
        Ok(())
    }

    /// Checks that a path has each filter. A filter that it ignored would return rows that do not match.
    ///
    /// # Errors
    ///
    /// If it does not have one. The message lists what is allowed.
    pub(super) fn with_only(self, allowed: &[&'static str]) -> Result<Self, String> {
        match self.filters.keys().find(|filter| !allowed.contains(filter)) {
            None => Ok(self),
            Some(other) => Err(format!(
                "{other}: not a filter of this path; there are {}",
                allowed.join(", ")
            )),
        }
    }

    /// Checks the filter `state`, whose values depend on the rows.
    ///
    /// # Errors
    ///
    /// If a value is unknown. The message lists what is allowed.
    pub(super) fn with_states(self, allowed: &[&'static str]) -> Result<Self, String> {
        for state in self.filters.get("state").into_iter().flatten() {
            one_of(allowed, state, "state")?;
        }
        Ok(self)
    }

    /// Returns whether a value passes the filter of a parameter.
    pub(super) fn matches(&self, key: &str, value: &str) -> bool {
        let wanted = self.filters.get(key);
        wanted.is_none_or(|wanted| wanted.iter().any(|wanted| wanted == value))
    }

    /// Returns whether a track passes the filter `track`, which has ids or names.
    pub(super) fn matches_track(&self, id: u64, name: &str) -> bool {
        self.matches("track", name) || self.matches("track", &id.to_string())
    }

    /// Returns whether a time is not before the filter `since`; if there are several, before the
    /// earliest.
    pub(super) fn is_since(&self, at: SystemTime) -> bool {
        let wanted = self.filters.get("since");
        let earliest = wanted.and_then(|wanted| wanted.iter().filter_map(|it| time(it)).min());
        earliest.is_none_or(|earliest| at >= earliest)
    }

    /// Returns whether the query has a filter.
    pub(super) fn filters_by(&self, key: &str) -> bool {
        self.filters.contains_key(key)
    }

    /// Returns the first value of a filter, for the form.
    pub(super) fn filter_value(&self, key: &str) -> &str {
        let wanted = self.filters.get(key).and_then(|wanted| wanted.first());
        wanted.map_or("", String::as_str)
    }

    /// Returns whether every row is shown.
    pub(super) fn has_no_filters(&self) -> bool {
        self.filters.is_empty()
    }

    /// Returns a copy of the query with a change, as a query string.
    pub(super) fn with(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut query = self.clone();
        change(&mut query);
        let mut text = Serializer::new(String::new());
        for (key, values) in &query.filters {
            for value in values {
                text.append_pair(key, value);
            }
        }
        let usual = Self::default();
        if query.sort != usual.sort {
            text.append_pair("sort", query.sort);
        }
        if query.descending {
            text.append_pair("order", "desc");
        }
        if let Some(rows) = query.rows {
            text.append_pair("rows", &rows.to_string());
        }
        for (section, page) in &query.section_pages {
            text.append_pair(&format!("{SECTION}{section}"), &page.to_string());
        }
        if query.page != usual.page {
            text.append_pair("page", &query.page.to_string());
        }
        format!("?{}", text.finish())
    }

    /// Returns a copy of the query for another page of one section, as a query string.
    pub(super) fn with_section_page(&self, section: &'static str, page: usize) -> String {
        self.with(|query| {
            query.section_pages.insert(section, page);
        })
    }

    /// Returns the page number of a section, from 1.
    pub(super) fn section_page(&self, section: &str) -> usize {
        self.section_pages.get(section).copied().unwrap_or(1)
    }

    /// Forgets all page numbers, because other rows or another order are wanted.
    pub(super) fn reset_pages(&mut self) {
        self.page = 1;
        self.section_pages.clear();
    }

    /// Returns the rows of one page, or this number if the query does not say.
    pub(super) fn rows_or(&self, usual: usize) -> usize {
        self.rows.unwrap_or(usual)
    }

    /// Returns the rows of `count` that are on the page.
    pub(super) fn row_range(&self, count: usize) -> std::ops::Range<usize> {
        range(count, self.page, self.rows_or(DEFAULT_ROWS))
    }

    /// Returns the number of pages for `count` rows, at least one.
    pub(super) fn page_count(&self, count: usize) -> usize {
        count.div_ceil(self.rows_or(DEFAULT_ROWS)).max(1)
    }
}

/// Returns the rows of `count` that are on a page with so many rows.
pub(super) fn range(count: usize, page: usize, rows: usize) -> std::ops::Range<usize> {
    let start = (page - 1).saturating_mul(rows).min(count);
    start..start.saturating_add(rows).min(count)
}

fn one_of(known: &[&'static str], text: &str, key: &str) -> Result<&'static str, String> {
    let found = known.iter().find(|known| **known == text).copied();
    found.ok_or_else(|| format!("{key}: allowed are {}", known.join(", ")))
}

/// Checks the value of a filter with a closed set of values, or with a form.
fn check_value(key: &str, value: &str) -> Result<(), String> {
    if let Some(allowed) = allowed(key) {
        return one_of(&allowed, value, key).map(drop);
    }
    if key == "since" && time(value).is_none() {
        return Err(
            "since: allowed are Unix seconds and a time of RFC 3339 such as 2026-01-31T08:00:00Z"
                .to_owned(),
        );
    }
    Ok(())
}

/// Reads Unix seconds, or a time of RFC 3339 whose `+` may have become a blank in the query string.
fn time(text: &str) -> Option<SystemTime> {
    if let Ok(seconds) = text.parse::<f64>() {
        let since = Duration::try_from_secs_f64(seconds).ok()?;
        return UNIX_EPOCH.checked_add(since);
    }
    let timestamp: Timestamp = text.replace(' ', "+").parse().ok()?;
    Some(timestamp.into())
}

fn number(text: &str, most: usize, key: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("{key}: a number from 1 to {most} is allowed"))
}

#[cfg(test)]
mod tests;
