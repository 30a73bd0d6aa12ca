//! The query string of the page and of the API: filters, order and page.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;

/// The most parameters of a query string; a query with more is rejected.
const MAX_PAIRS: usize = 64;

/// The rows of one page, by default and at most.
const DEFAULT_ROWS: usize = 100;
const MAX_ROWS: usize = 10_000;

/// The parameters that filter rows. A row must match one value of every parameter.
const FILTERS: [&str; 5] = ["account", "region", "state", "status", "storage_type"];

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
    /// From 1.
    pub(super) page: usize,
    /// Rows of one page.
    pub(super) rows: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            filters: BTreeMap::new(),
            sort: SORTS[0],
            descending: false,
            page: 1,
            rows: DEFAULT_ROWS,
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
                "page" => query.page = number(&value, usize::MAX, "page")?,
                "rows" => query.rows = number(&value, MAX_ROWS, "rows")?,
                key => {
                    let key = one_of(&FILTERS, key, "parameter").map_err(|_| {
                        let known = FILTERS.join(", ");
                        format!("no such parameter; there are {known}, sort, order, page and rows")
                    })?;
                    query
                        .filters
                        .entry(key)
                        .or_default()
                        .push(value.into_owned());
                }
            }
        }
        Ok(query)
    }

    /// Checks a filter whose values are a closed set.
    ///
    /// # Errors
    ///
    /// If a value is unknown. The message lists what is allowed.
    pub(super) fn check(&self, key: &str, allowed: &[&'static str]) -> Result<(), String> {
        let mut values = self.filters.get(key).into_iter().flatten();
        values.try_for_each(|value| one_of(allowed, value, key).map(|_| ()))
    }

    /// Whether a value passes the filter of a parameter.
    pub(super) fn matches(&self, key: &str, value: &str) -> bool {
        let wanted = self.filters.get(key);
        wanted.is_none_or(|wanted| wanted.iter().any(|wanted| wanted == value))
    }

    /// Returns the first value of a filter, for the form.
    pub(super) fn filter_value(&self, key: &str) -> &str {
        let wanted = self.filters.get(key).and_then(|wanted| wanted.first());
        wanted.map_or("", String::as_str)
    }

    /// Whether every row is shown.
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
        if query.rows != usual.rows {
            text.append_pair("rows", &query.rows.to_string());
        }
        if query.page != usual.page {
            text.append_pair("page", &query.page.to_string());
        }
        format!("?{}", text.finish())
    }

    /// Returns the rows of `count` that are on the page.
    pub(super) fn row_range(&self, count: usize) -> std::ops::Range<usize> {
        let start = (self.page - 1).saturating_mul(self.rows).min(count);
        start..start.saturating_add(self.rows).min(count)
    }

    /// Returns the number of pages for `count` rows, at least one.
    pub(super) fn page_count(&self, count: usize) -> usize {
        count.div_ceil(self.rows).max(1)
    }
}

fn one_of(known: &[&'static str], text: &str, key: &str) -> Result<&'static str, String> {
    let found = known.iter().find(|known| **known == text).copied();
    found.ok_or_else(|| format!("{key}: allowed are {}", known.join(", ")))
}

fn number(text: &str, most: usize, key: &str) -> Result<usize, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| {
        if most == usize::MAX {
            format!("{key}: a number from 1 on is allowed")
        } else {
            format!("{key}: a number from 1 to {most} is allowed")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for text in [
            "?",
            "?account=a%26b&account=%E6%94%AF&region=ap-guangzhou",
            "?status=disabled&sort=track&order=desc&rows=5&page=3",
        ] {
            let query = Query::parse(&text[1..]).unwrap();
            assert_eq!(query.with(|_| ()), text);
        }
        let query = Query::parse("account=&page=2&rows=10&status=enabled&status=unknown").unwrap();
        assert!(query.matches("account", "any") && query.matches("status", "unknown"));
        assert!(!query.matches("status", "disabled"));
        assert_eq!(
            (
                query.row_range(15),
                query.row_range(5),
                query.page_count(15)
            ),
            (10..15, 5..5, 2)
        );
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, said) in [
            ("acount=a", "no such parameter; there are account, region,"),
            ("sort=age", "sort: allowed are account, region,"),
            ("order=up", "order: allowed are asc, desc"),
            ("page=0", "page: a number from 1 on is allowed"),
            ("rows=10001", "rows: a number from 1 to 10000 is allowed"),
            ("rows=-1", "rows: a number"),
        ] {
            let why = Query::parse(text).unwrap_err();
            assert!(why.starts_with(said), "{why}");
        }
        assert!(Query::parse(&"account=a&".repeat(65)).is_err());
    }
}
