//! Remembers recent responses, so that no response is accepted twice.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use memchr::memmem;
use tracing::warn;

/// The key of a response's id. In JSON these bytes are always a key, because quotes inside a string
/// are escaped.
const REQUEST_ID: &[u8] = br#""RequestId""#;

/// The API's ids are UUIDs. A shorter id does not come from the API and need not be unique, so it
/// proves nothing.
const MIN_UNIQUE_BYTES: usize = 16;

/// The longest value that is treated as an id.
const MAX_ID_BYTES: usize = 64;

/// The number of remembered responses, some 40 bytes each: more than 90 seconds of ten thousand
/// accounts with four pages each.
const MAX_REMEMBERED: usize = 65_536;

/// A repeated response is identical to the last byte. Comparing the length and this much of both ends
/// distinguishes it from another response with the same id, in a fraction of the time.
const MAX_COMPARED_BYTES: usize = 256;

/// The number of remembered hosts; a configuration names a handful.
const MAX_HOSTS: usize = 1_024;

/// After this many repeated ids in a row, each on a connection of its own, a host counts as one that
/// repeats its ids.
const MAX_DEDICATED_REPEATS: u32 = 16;

/// The latest responses of all endpoints and identities, by their `RequestId`.
#[derive(Debug, Default)]
pub(super) struct RecentResponses {
    /// Random, so that no server can construct two responses with the same hash.
    key: RandomState,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    order: VecDeque<u64>,
    known: HashSet<u64>,
    hosts: HashMap<u64, Host>,
}

/// The ids of one host.
#[derive(Debug)]
struct Host {
    first_id: u64,
    /// How often it was unreachable. A restarted server may count its ids from the beginning, and a
    /// response from before the restart cannot arrive on a new connection.
    starts: u64,
    /// Whether it has sent different ids.
    varies: bool,
    /// Whether it repeats its ids, as a simulation with one canned response does.
    repeats: bool,
}

/// Which connection a response came on, after how many rejected ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseOrigin {
    /// Whether the connection carried only this request.
    pub(super) dedicated: bool,
    /// How many responses in a row were rejected before this one.
    pub(super) rejected: u32,
}

impl RecentResponses {
    /// Remembers a response and returns whether an earlier response had the same id: the API gives
    /// each response a unique id, so a repeated response belongs to an earlier request.
    ///
    /// On a connection without other requests, a response cannot be an earlier one, unless a gateway
    /// has mixed up whole connections. So a repeated response is accepted there if the host turns out
    /// to repeat its ids.
    pub(super) fn is_repeated(&self, host: &str, origin: ResponseOrigin, response: &[u8]) -> bool {
        let Some(id) = request_id(response) else {
            return false;
        };
        let end = response.len().saturating_sub(MAX_COMPARED_BYTES);
        let begin = &response[..response.len().min(MAX_COMPARED_BYTES)];
        let name = host;
        let (host, id) = (self.key.hash_one(host), self.key.hash_one(id));
        let mut recent = self.recent();
        if recent.hosts.len() < MAX_HOSTS || recent.hosts.contains_key(&host) {
            let known = recent.hosts.entry(host).or_insert(Host {
                first_id: id,
                starts: 0,
                varies: false,
                repeats: false,
            });
            known.varies |= known.first_id != id;
        }
        let starts = recent.hosts.get(&host).map_or(0, |host| host.starts);
        let whole = (host, starts, id, response.len(), begin, &response[end..]);
        let whole = self.key.hash_one(whole);
        if recent.remember(whole) {
            return false;
        }
        let Some(host) = recent.hosts.get_mut(&host) else {
            return true;
        };
        let proves_it = !host.varies || origin.rejected + 1 >= MAX_DEDICATED_REPEATS;
        if origin.dedicated && proves_it && !host.repeats {
            host.repeats = true;
            warn!(
                host = name,
                "the endpoint repeats its request ids, as the API never does; from now on, the exporter cannot tell if a response belongs to an earlier request"
            );
        }
        !host.repeats
    }

    /// Records that no connection to a host could be opened, which forgets its earlier responses.
    pub(super) fn unreachable(&self, host: &str) {
        let host = self.key.hash_one(host);
        if let Some(host) = self.recent().hosts.get_mut(&host) {
            host.starts += 1;
        }
    }

    /// Returns whether a host repeats its ids. They prove nothing, so each request to it needs a
    /// connection of its own.
    pub(super) fn repeats_ids(&self, host: &str) -> bool {
        let host = self.key.hash_one(host);
        self.recent()
            .hosts
            .get(&host)
            .is_some_and(|host| host.repeats)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        // No change can panic half-way, so a poisoned lock holds consistent collections.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    /// Remembers a response and returns whether it is new.
    fn remember(&mut self, response: u64) -> bool {
        if !self.known.insert(response) {
            return false;
        }
        self.order.push_back(response);
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

/// Returns the id of a response if it is long enough to be unique. The id is the last field of
/// `Response`, so the search starts at the end.
fn request_id(response: &[u8]) -> Option<&[u8]> {
    let after = memmem::rfind(response, REQUEST_ID)? + REQUEST_ID.len();
    let value = response[after..].trim_ascii_start().strip_prefix(b":")?;
    let value = value.trim_ascii_start().strip_prefix(b"\"")?;
    let longest = &value[..value.len().min(MAX_ID_BYTES + 1)];
    let end = memchr::memchr(b'"', longest)?;
    (end >= MIN_UNIQUE_BYTES).then(|| &value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f1e2d3c-0000-4000-8000-000000000000";

    fn response(id: &str) -> String {
        format!(r#"{{"Response":{{"Tracks":[],"TotalCount":0,"RequestId":{id}}}}}"#)
    }

    const SHARED: ResponseOrigin = ResponseOrigin {
        dedicated: false,
        rejected: 0,
    };
    const DEDICATED: ResponseOrigin = ResponseOrigin {
        dedicated: true,
        rejected: 1,
    };

    /// Returns a host that gives different ids.
    fn varied(host: &str) -> RecentResponses {
        let recent = RecentResponses::default();
        for number in 0..2 {
            let response = response(&format!("\"another-{number:028}\""));
            assert!(!recent.is_repeated(host, SHARED, response.as_bytes()));
        }
        recent
    }

    #[test]
    fn a_response_is_accepted_once() {
        let recent = varied("one");
        let first = response(&format!("\"{ID}\""));
        assert!(!recent.is_repeated("one", SHARED, first.as_bytes()));
        assert!(recent.is_repeated("one", SHARED, first.as_bytes()));
        assert!(!recent.is_repeated("other", SHARED, first.as_bytes()));
        let other_text = first
            .replace("0}", "1}")
            .replace("TotalCount\":0", "TotalCount\":1");
        assert!(!recent.is_repeated("one", SHARED, other_text.as_bytes()));
    }

    #[test]
    fn a_repeated_response_is_rejected_on_a_dedicated_connection_too() {
        let recent = varied("one");
        let response = response(&format!("\"{ID}\""));
        assert!(!recent.is_repeated("one", SHARED, response.as_bytes()));
        assert!(recent.is_repeated("one", DEDICATED, response.as_bytes()));
        assert!(!recent.repeats_ids("one"));
    }

    #[test]
    fn a_host_with_one_id_is_believed_on_dedicated_connections() {
        let recent = RecentResponses::default();
        let canned = response(&format!("\"{ID}\""));
        assert!(!recent.is_repeated("one", SHARED, canned.as_bytes()));
        assert!(recent.is_repeated("one", SHARED, canned.as_bytes()));
        assert!(!recent.is_repeated("one", DEDICATED, canned.as_bytes()));
        assert!(recent.repeats_ids("one"));
        assert!(!recent.is_repeated("one", SHARED, canned.as_bytes()));
    }

    #[test]
    fn a_host_that_repeats_ids_again_and_again_is_believed() {
        let recent = varied("one");
        let again = response(&format!("\"{ID}\""));
        assert!(!recent.is_repeated("one", SHARED, again.as_bytes()));
        let last = ResponseOrigin {
            rejected: MAX_DEDICATED_REPEATS - 1,
            ..DEDICATED
        };
        assert!(!recent.is_repeated("one", last, again.as_bytes()));
        assert!(recent.repeats_ids("one"));
    }

    #[test]
    fn a_host_that_was_started_again_may_count_from_the_beginning() {
        let recent = varied("one");
        let first = response(&format!("\"{ID}\""));
        assert!(!recent.is_repeated("one", SHARED, first.as_bytes()));
        recent.unreachable("other");
        assert!(recent.is_repeated("one", SHARED, first.as_bytes()));
        recent.unreachable("one");
        assert!(!recent.is_repeated("one", SHARED, first.as_bytes()));
        assert!(recent.is_repeated("one", SHARED, first.as_bytes()));
    }

    #[test]
    fn what_has_no_unique_id_proves_nothing() {
        let recent = varied("one");
        let long = format!("\"{}\"", "x".repeat(MAX_ID_BYTES + 1));
        for id in ["7", "null", "\"\"", "\"r-page\"", &long, "\""] {
            let response = response(id);
            assert!(!recent.is_repeated("one", SHARED, response.as_bytes()));
            assert!(
                !recent.is_repeated("one", SHARED, response.as_bytes()),
                "{id}"
            );
        }
        for other in ["", "not JSON", "\"RequestId\"", "\"RequestId\":"] {
            assert!(
                !recent.is_repeated("one", SHARED, other.as_bytes()),
                "{other}"
            );
        }
    }

    #[test]
    fn a_name_that_looks_like_an_id_is_none() {
        let name = format!(r#"{{\"RequestId\":\"{ID}\"}}"#);
        let response = format!(r#"{{"Response":{{"Name":"{name}","RequestId":"r"}}}}"#);
        assert_eq!(request_id(response.as_bytes()), None);
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let recent = varied("one");
        let numbered = |number: usize| response(&format!("\"{number:036}\""));
        for number in 0..=MAX_REMEMBERED {
            assert!(!recent.is_repeated("one", SHARED, numbered(number).as_bytes()));
        }
        assert!(recent.is_repeated("one", SHARED, numbered(1).as_bytes()));
        assert!(!recent.is_repeated("one", SHARED, numbered(0).as_bytes()));
    }
}
