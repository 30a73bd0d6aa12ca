//! The members of an organisation.
//!
//! Source: the organisation API, version 2021-03-31 (`DescribeOrganizationMembers`). Its
//! documentation names no rate; 20 calls a second are taken for granted, as for its neighbours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::api_client::{ApiClient, Call, CallLimits, ClientParts};
use super::bounded::{List, Object};
use super::envelope::{Content, ErrorBody, open};
use super::lenient::{Field, Notes, Text};
use super::listing::MAX_WALKS;
use super::observer::Observer;
use super::redactor::Redactor;
use super::signer::Service;
use crate::failure::{Failure, Reason};
use crate::snapshot::Member;

/// Its name in signatures.
pub const ORGANIZATION_NAME: &str = "organization";

const ORGANIZATION: Service = Service {
    name: ORGANIZATION_NAME,
    version: "2021-03-31",
};

/// How often one call may be made in a second with one identity.
pub const ORGANIZATION_PER_SECOND: u32 = 10;

/// The API's name of the call that lists members.
pub const DESCRIBE_ORGANIZATION_MEMBERS: &str = "DescribeOrganizationMembers";

/// Members on a page: the most that the API gives.
const PAGE_SIZE: u32 = 50;

/// No organisation that can be polled, by however many processes, has more members.
pub const MAX_MEMBERS: usize = 100_000;

/// Pages of one walk, the empty one at its end included.
const MAX_PAGES: u32 = 2_001;

/// No member has more tags.
const MAX_TAGS: usize = 50;

/// The answers of a walk are no larger together, in bytes: 1,300 for each of the most members.
pub const MAX_MEMBERS_BYTES: usize = 128 * 1024 * 1024;

/// How long and how often one page is tried.
const LIMITS: CallLimits = CallLimits {
    timeout: Duration::from_secs(10),
    attempts: 3,
};

/// No retry of a page starts later than this after the first try of it.
const RETRY_FOR: Duration = Duration::from_mins(2);

/// Asks for the members of one organisation, with the keys of its admin account.
pub struct Directory {
    api: ApiClient,
    observer: Arc<dyn Observer>,
    /// The UINs of the last complete list.
    known: Mutex<BTreeSet<String>>,
}

impl Directory {
    /// Calls the API with what `parts` has; `observer` is told of each call.
    pub fn new(parts: ClientParts, observer: Arc<dyn Observer>) -> Self {
        let api = ApiClient::new(ORGANIZATION, parts, LIMITS);
        Self {
            api,
            observer,
            known: Mutex::default(),
        }
    }

    /// All members, by UIN.
    ///
    /// # Errors
    ///
    /// That of the first page that failed; or `incomplete`, where neither of two walks over the
    /// pages brought as many as the API says there are. Half of the members are not the members:
    /// those that are missing would lose their series. So a known member has left only if two walks
    /// in a row agree on it, as for tracks (see [`MAX_WALKS`]).
    pub async fn members(&self) -> Result<Vec<Member>, Failure> {
        let mut walk = self.walk().await?;
        let mut walks = 1;
        let mut is_confirmed = walk.adds_up() && self.are_all_known_in(&walk);
        while !is_confirmed {
            let next = self.walk().await?;
            let before = std::mem::replace(&mut walk, next);
            walks += 1;
            is_confirmed = walk.adds_up()
                && (self.are_all_known_in(&walk) || walk.members.keys().eq(before.members.keys()));
            if !is_confirmed && (walks == MAX_WALKS || !walk.adds_up()) {
                let message = format!(
                    "the pages do not make a list: {} members of {}, in the walk before {} of {}",
                    walk.members.len(),
                    walk.total,
                    before.members.len(),
                    before.total
                );
                return Err(Failure::new(Reason::Incomplete, message));
            }
        }
        *self.known() = walk.members.keys().cloned().collect();
        Ok(walk.into_members())
    }

    fn are_all_known_in(&self, walk: &Walk) -> bool {
        let known = self.known();
        known.iter().all(|uin| walk.members.contains_key(uin))
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // It is replaced as a whole, and so is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn walk(&self) -> Result<Walk, Failure> {
        let mut walk = Walk::default();
        let mut bytes = 0;
        for page in 0..MAX_PAGES {
            let offset = page * PAGE_SIZE;
            let body = format!(r#"{{"Offset":{offset},"Limit":{PAGE_SIZE}}}"#);
            let call = Call {
                action: DESCRIBE_ORGANIZATION_MEMBERS,
                // The product has no regions.
                region: None,
                body: &body,
                signed: true,
                secrets: &[],
                retry_until: Instant::now() + RETRY_FOR,
            };
            let parse = |body: &[u8], redactor: &Redactor| {
                let page = open(body, redactor, |answer: Answer| answer.into_page(redactor))?;
                Ok((page, body.len()))
            };
            let (page, length) = self.api.call(call, &*self.observer, parse).await?;
            self.api.note(call.action, page.unreadable, &*self.observer);
            let before = walk.members.len();
            walk.is_steady &= walk.total == page.total || before == 0;
            walk.total = page.total;
            let members = page.members.into_iter();
            walk.members
                .extend(members.map(|member| (member.uin.clone(), member)));
            let collected = walk.members.len();
            bytes += length;
            if collected > MAX_MEMBERS || bytes > MAX_MEMBERS_BYTES {
                let message = format!("{collected} members in {bytes} bytes are too many");
                return Err(Failure::new(Reason::Malformed, message));
            }
            if collected == before || collected as u64 == walk.total {
                break;
            }
        }
        Ok(walk)
    }
}

/// What one walk over the pages has found.
struct Walk {
    members: BTreeMap<String, Member>,
    total: u64,
    /// Whether every page said the same total.
    is_steady: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            members: BTreeMap::new(),
            total: 0,
            is_steady: true,
        }
    }
}

impl Walk {
    fn adds_up(&self) -> bool {
        self.is_steady && self.members.len() as u64 == self.total
    }

    fn into_members(self) -> Vec<Member> {
        self.members.into_values().collect()
    }
}

/// One page.
struct Page {
    members: Vec<Member>,
    total: u64,
    /// The fields that could not be read and are absent here.
    unreadable: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    items: Option<List<Object<Item>, MAX_MEMBERS>>,
    #[serde(default)]
    total: Field<u64>,
    #[serde(default)]
    error: Field<Object<ErrorBody>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Item {
    member_uin: Field<u64>,
    name: Field<Text>,
    node_name: Field<Text>,
    tags: Field<List<Field<Object<Tag>>, MAX_TAGS>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Tag {
    tag_key: Field<Text>,
    tag_value: Field<Text>,
}

impl Content for Answer {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl Answer {
    fn into_page(self, redactor: &Redactor) -> Result<Page, String> {
        let total = self.total.required("Total")?;
        let items = match self.items {
            Some(items) if items.length > MAX_MEMBERS => {
                return Err(format!("{} members on a page", items.length));
            }
            Some(items) => items.kept,
            None if total == 0 => Vec::new(),
            None => return Err(format!("Total is {total} and the answer has no Items")),
        };
        let mut notes = Notes::default();
        let items = items.into_iter().enumerate();
        let members =
            items.map(|(index, Object(item))| item.into_member(index, redactor, &mut notes));
        Ok(Page {
            members: members.collect::<Result<_, String>>()?,
            total,
            unreadable: notes.into_lines(),
        })
    }
}

impl Item {
    fn into_member(
        self,
        index: usize,
        redactor: &Redactor,
        notes: &mut Notes,
    ) -> Result<Member, String> {
        let uin = self
            .member_uin
            .required(format_args!("Items[{index}].MemberUin"))?;
        let mut text = |field: &str, value: Field<Text>| {
            let value = value.noted(format_args!("Items[{index}].{field}"), notes);
            redactor.redact_name(value.map(|Text(text)| text).unwrap_or_default())
        };
        let (name, node) = (text("Name", self.name), text("NodeName", self.node_name));
        let tags = self.tags.noted(format_args!("Items[{index}].Tags"), notes);
        let mut pairs = BTreeMap::new();
        for tag in tags.unwrap_or_default().kept {
            let place = format_args!("Items[{index}].Tags[]");
            let Some(Object(tag)) = tag.noted(place, notes) else {
                continue;
            };
            let key = tag.tag_key.noted(place, notes);
            let value = tag.tag_value.noted(place, notes);
            let text = |text: Option<Text>| {
                redactor.redact_name(text.map(|Text(text)| text).unwrap_or_default())
            };
            pairs.insert(text(key), text(value));
        }
        Ok(Member {
            uin: uin.to_string(),
            name,
            node,
            tags: pairs,
        })
    }
}
