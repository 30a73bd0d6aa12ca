//! The answers that came lately, so that none is taken twice.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use memchr::memmem;

/// Before the id of an answer. In JSON these bytes are always a key: within a string the quotes are
/// escaped.
const REQUEST_ID: &[u8] = br#""RequestId""#;

/// The API's ids are UUIDs. What is shorter is made up by something else and need not be unique, so
/// it proves nothing.
const MIN_UNIQUE_BYTES: usize = 16;

/// The longest value that is taken for an id.
const MAX_ID_BYTES: usize = 64;

/// How many ids are remembered, 24 bytes each: more than a minute and a half of ten thousand
/// accounts with four pages each.
const MAX_REMEMBERED: usize = 65_536;

/// The `RequestId`s of the answers that came last, from every endpoint and for every identity.
#[derive(Debug, Default)]
pub(super) struct RecentAnswers {
    /// Random, so that no server can choose two ids with the same hash.
    key: RandomState,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    order: VecDeque<u64>,
    known: HashSet<u64>,
}

impl RecentAnswers {
    /// Whether this answer of `host` came before. The API gives every answer an id of its own, so
    /// one with a known id was earned by an earlier request. Remembers the id.
    pub(super) fn is_repeated(&self, host: &str, answer: &[u8]) -> bool {
        let Some(id) = request_id(answer) else {
            return false;
        };
        let id = self.key.hash_one((host, id));
        // Both collections are changed without a panic in between.
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if !recent.known.insert(id) {
            return true;
        }
        recent.order.push_back(id);
        if recent.order.len() > MAX_REMEMBERED
            && let Some(oldest) = recent.order.pop_front()
        {
            recent.known.remove(&oldest);
        }
        false
    }
}

/// The id of an answer, if it has one that is unique. It is the last field of `Response`, so it is
/// looked for from the end.
fn request_id(answer: &[u8]) -> Option<&[u8]> {
    let after = memmem::rfind(answer, REQUEST_ID)? + REQUEST_ID.len();
    let value = answer[after..].trim_ascii_start().strip_prefix(b":")?;
    let value = value.trim_ascii_start().strip_prefix(b"\"")?;
    let longest = &value[..value.len().min(MAX_ID_BYTES + 1)];
    let end = memchr::memchr(b'"', longest)?;
    (end >= MIN_UNIQUE_BYTES).then(|| &value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f1e2d3c-0000-4000-8000-000000000000";

    fn answer(id: &str) -> String {
        format!(r#"{{"Response":{{"Tracks":[],"TotalCount":0,"RequestId":{id}}}}}"#)
    }

    #[test]
    fn an_answer_is_taken_once() {
        let recent = RecentAnswers::default();
        let first = answer(&format!("\"{ID}\""));
        let spaced = first.replace("\"RequestId\":", "\"RequestId\" :\n ");
        assert!(!recent.is_repeated("one", first.as_bytes()));
        assert!(recent.is_repeated("one", first.as_bytes()));
        assert!(recent.is_repeated("one", spaced.as_bytes()));
        assert!(!recent.is_repeated("other", first.as_bytes()));
    }

    #[test]
    fn what_has_no_unique_id_proves_nothing() {
        let recent = RecentAnswers::default();
        let long = format!("\"{}\"", "x".repeat(MAX_ID_BYTES + 1));
        for id in ["7", "null", "\"\"", "\"r-page\"", &long, "\""] {
            let answer = answer(id);
            assert!(!recent.is_repeated("one", answer.as_bytes()));
            assert!(!recent.is_repeated("one", answer.as_bytes()), "{id}");
        }
        for other in ["", "not JSON", "\"RequestId\"", "\"RequestId\":"] {
            assert!(!recent.is_repeated("one", other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_name_that_looks_like_an_id_is_none() {
        let name = format!(r#"{{\"RequestId\":\"{ID}\"}}"#);
        let answer = format!(r#"{{"Response":{{"Name":"{name}","RequestId":"r"}}}}"#);
        assert_eq!(request_id(answer.as_bytes()), None);
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let recent = RecentAnswers::default();
        let numbered = |number: usize| answer(&format!("\"{number:036}\""));
        for number in 0..=MAX_REMEMBERED {
            assert!(!recent.is_repeated("one", numbered(number).as_bytes()));
        }
        assert!(recent.is_repeated("one", numbered(1).as_bytes()));
        assert!(!recent.is_repeated("one", numbered(0).as_bytes()));
    }
}
