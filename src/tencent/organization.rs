//! The members of an organization.
//!
//! Source: the organization API, version 2021-03-31 (`DescribeOrganizationMembers`). Its
//! documentation gives no rate limit; this client assumes 20 requests per second, as for similar
//! actions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::api_client::{ApiClient, ClientParts};
use super::bounded::{List, Object};
use super::call::{Call, CallLimits};
use super::envelope::{Content, ErrorBody, parse_response};
use super::lenient::{Field, Notes, Text};
use super::observer::Observer;
use super::paging::{self, Tally, Walk, WalkLimits};
use super::redactor::Redactor;
use super::signer::Service;
use crate::failure::Failure;
use crate::snapshot::Member;

/// The name of the product in signatures.
pub const ORGANIZATION_NAME: &str = "organization";

const ORGANIZATION: Service = Service {
    name: ORGANIZATION_NAME,
    version: "2021-03-31",
};

/// The rate of one identity, in requests per second: the whole limit of the API, because little
/// else sends the action. If it throttles, the rate is halved. At half of the limit, 32 shards do
/// not list the most members within the default `refresh`.
pub const ORGANIZATION_PER_SECOND: u32 = 20;

/// The API's name of the action that lists members.
pub const DESCRIBE_ORGANIZATION_MEMBERS: &str = "DescribeOrganizationMembers";

/// Members per page: the API's maximum.
const PAGE_SIZE: u32 = 50;

/// The most members of an organization, however many shards poll them.
pub const MAX_MEMBERS: usize = 100_000;

/// The most pages of one walk, including the empty one at its end.
const MAX_PAGES: u32 = 2_001;

/// The most tags of a member.
const MAX_TAGS: usize = 50;

/// The most bytes of all responses of a walk: 1,300 for each of the most members.
pub const MAX_MEMBERS_BYTES: usize = 128 * 1024 * 1024;

const LIMITS: CallLimits = CallLimits {
    timeout: Duration::from_secs(10),
    attempts: 3,
};

/// How long a page is retried.
const RETRY_FOR: Duration = Duration::from_mins(2);

/// Lists the members of one organization, with the credentials of its admin account.
pub struct Directory {
    api: ApiClient,
    observer: Arc<dyn Observer>,
    /// The UINs of the last complete list.
    known: Mutex<BTreeSet<String>>,
}

impl Directory {
    /// Creates a client that reports each request to `observer`.
    pub fn new(parts: ClientParts, observer: Arc<dyn Observer>) -> Self {
        Self {
            api: ApiClient::new(ORGANIZATION, parts, LIMITS),
            observer,
            known: Mutex::default(),
        }
    }

    /// Lists all members, by UIN.
    ///
    /// # Errors
    ///
    /// The failure of the first page that failed; or `incomplete`, if the walks over the pages do not
    /// add up. A partial list would end the series of the missing members. So a known member is
    /// missing from the list only if two walks in a row agree, as for tracks.
    pub async fn members(&self) -> Result<Vec<Member>, Failure> {
        let walk = paging::list(|_| MemberWalk {
            directory: self,
            members: BTreeMap::new(),
            tally: Tally::default(),
        });
        let members = walk.await?.members;
        *self.known() = members.keys().cloned().collect();
        Ok(members.into_values().collect())
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // The set is replaced as a whole, so a poisoned lock holds a consistent set.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one walk over the pages has found.
struct MemberWalk<'a> {
    directory: &'a Directory,
    members: BTreeMap<String, Member>,
    tally: Tally,
}

impl Walk for MemberWalk<'_> {
    const ITEMS: &'static str = "members";

    fn limits(&self) -> WalkLimits {
        WalkLimits {
            pages: MAX_PAGES,
            items: MAX_MEMBERS as u64,
            bytes: MAX_MEMBERS_BYTES,
        }
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }

    async fn add_page(&mut self, number: u32) -> Result<bool, Failure> {
        let Directory { api, observer, .. } = self.directory;
        let offset = (number - 1) * PAGE_SIZE;
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
            let page = parse_response(body, redactor, |page: MembersResponse| {
                page.into_page(redactor)
            })?;
            Ok((page, body.len()))
        };
        let (page, bytes) = api.call(call, &**observer, parse).await?;
        api.report_unreadable(call.action, page.unreadable, &**observer);
        let members = page.members.into_iter();
        self.members
            .extend(members.map(|member| (member.uin.clone(), member)));
        let collected = self.members.len() as u64;
        Ok(self.tally.add_page(collected, page.total, bytes))
    }

    fn is_complete(&self, before: Option<&Self>) -> bool {
        let has_all_known = || {
            let known = self.directory.known();
            known.iter().all(|uin| self.members.contains_key(uin))
        };
        let is_repeated = |before: &Self| self.members.keys().eq(before.members.keys());
        self.tally.adds_up() && (has_all_known() || before.is_some_and(is_repeated))
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
struct MembersResponse {
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

impl Content for MembersResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl MembersResponse {
    fn into_page(self, redactor: &Redactor) -> Result<Page, String> {
        let total = self.total.required("Total")?;
        let items = match self.items {
            Some(items) if items.length > MAX_MEMBERS => {
                let length = items.length;
                return Err(format!(
                    "the page has {length} members (limit {MAX_MEMBERS})"
                ));
            }
            Some(items) => items.kept,
            None if total == 0 => Vec::new(),
            None => return Err(format!("Total is {total}, but the response has no Items")),
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
            redactor.redact_name(value.unwrap_or_default().0)
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
            let text = |text: Option<Text>| redactor.redact_name(text.unwrap_or_default().0);
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
