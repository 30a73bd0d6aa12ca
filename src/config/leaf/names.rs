//! Names: of accounts, regions, labels, tracks.

use serde_json::{Value as Json, json};

use super::super::glob::Glob;
use super::super::organization::AccountLabel;
use super::super::site::Site;
use super::super::text::quoted;
use super::super::value_types::{Identity, Item, Leaf, NameKind};
use crate::snapshot::RESERVED_LABELS;

/// `international` or `china`.
pub(in crate::config) struct SiteName;

impl Leaf for SiteName {
    type Value = Site;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<Site, String> {
        let site = [Site::International, Site::China]
            .into_iter()
            .find(|it| it.as_str() == text);
        site.ok_or_else(|| {
            format!(
                "{} is not a site; allowed are international and china",
                quoted(text)
            )
        })
    }

    fn schema() -> Json {
        json!({"enum": [Site::International.as_str(), Site::China.as_str()]})
    }
}

/// What the label `account` of a member is.
pub(in crate::config) struct MemberLabel;

impl Leaf for MemberLabel {
    type Value = AccountLabel;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<AccountLabel, String> {
        let label = [AccountLabel::Uin, AccountLabel::Name].into_iter();
        let label = label.into_iter().find(|it| it.as_str() == text);
        label.ok_or_else(|| {
            format!(
                "{} is not a label for a member; allowed are uin and name",
                quoted(text)
            )
        })
    }

    fn schema() -> Json {
        json!({"enum": [AccountLabel::Uin.as_str(), AccountLabel::Name.as_str()]})
    }
}

/// `ap-guangzhou`. The API decides which regions exist; only the form is checked.
pub(in crate::config) struct Region;

impl Item for Region {
    const NOUN: [&str; 2] = ["region", "regions"];
}

impl Leaf for Region {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        const LONGEST: usize = 40;
        let mut parts = text.split('-');
        let is_area = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        let formed = parts.next().is_some_and(is_area)
            && text.contains('-')
            && parts.all(is_lower_case_alphanumeric);
        if formed && text.len() <= LONGEST {
            return Ok(text.to_owned());
        }
        Err(format!(
            "{} is not a region; write it like ap-guangzhou or na-siliconvalley",
            quoted(text)
        ))
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^[a-z]+(-[a-z0-9]+)+$", "maxLength": 40})
    }
}

/// The number of a Tencent Cloud account, as text.
pub(in crate::config) struct Uin;

impl Item for Uin {
    const NOUN: [&str; 2] = ["account", "accounts"];
}

impl Leaf for Uin {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        const LONGEST: usize = 20;
        let is_digits = text.bytes().all(|b| b.is_ascii_digit());
        if is_digits && (1..=LONGEST).contains(&text.len()) {
            return Ok(text.to_owned());
        }
        Err(format!(
            "{} is not a UIN, the number of an account; allowed are up to {LONGEST} digits",
            quoted(text)
        ))
    }

    fn schema() -> Json {
        json!({"type": ["string", "integer"], "minimum": 0, "pattern": "^[0-9]{1,20}$"})
    }
}

/// What a track records. The API accepts only these, and their case matters.
pub(in crate::config) struct ActionType;

impl Leaf for ActionType {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        match text {
            "Read" | "Write" | "*" => Ok(text.to_owned()),
            _ => Err(format!(
                "{} is not an action type; allowed are Read, Write and \"*\"",
                quoted(text)
            )),
        }
    }

    fn schema() -> Json {
        json!({"enum": ["Read", "Write", "*"]})
    }
}

/// A field of a track, which is compared as text.
pub(in crate::config) struct TrackText;

impl Leaf for TrackText {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        LabelValue::parse(text)
    }

    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": 1024})
    }
}

/// The value of a label.
pub(in crate::config) struct LabelValue;

impl Leaf for LabelValue {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        const LONGEST: usize = 1024;
        if text.len() <= LONGEST {
            return Ok(text.to_owned());
        }
        Err(format!(
            "longer than {LONGEST} bytes, the limit for the value of a label"
        ))
    }

    fn schema() -> Json {
        // YAML's null is the text `null`, or `~`, as it is written.
        json!({"type": ["string", "number", "boolean", "null"], "minLength": 1, "maxLength": 1024})
    }
}

/// The name of a label.
pub(in crate::config) struct LabelName;

impl NameKind for LabelName {
    const NOUN: [&str; 2] = ["label", "labels"];

    fn check(name: &str) -> Result<(), String> {
        check_label_name(name)
    }

    fn schema() -> (Json, String) {
        let reserved = RESERVED_LABELS.map(|name| format!("`{name}`")).join(", ");
        (
            label_name(),
            format!("Up to 32; these names are reserved: {reserved}."),
        )
    }
}

/// Checks the name of a label that a configuration adds.
fn check_label_name(name: &str) -> Result<(), String> {
    const LONGEST: usize = 128;
    let starts = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let formed = name.bytes().next().is_some_and(starts)
        && name.bytes().all(|b| starts(b) || b.is_ascii_digit());
    if !formed || name.len() > LONGEST {
        Err(format!(
            "not a label name; allowed are up to {LONGEST} letters, digits and _, no digit first"
        ))
    } else if name.starts_with("__") {
        Err("Prometheus reserves label names that begin with __; use another name".into())
    } else if RESERVED_LABELS.contains(&name) {
        let reserved = RESERVED_LABELS.join(", ");
        Err(format!(
            "a reserved label name; use a name other than: {reserved}"
        ))
    } else {
        Ok(())
    }
}

fn label_name() -> Json {
    json!({
        "pattern": "^(?!__)[A-Za-z_][A-Za-z0-9_]*$",
        "maxLength": 128,
        "not": {"enum": RESERVED_LABELS}
    })
}

/// A tag of a member that becomes a label of its series.
pub(in crate::config) struct TagLabel;

impl Item for TagLabel {
    const NOUN: [&str; 2] = ["tag", "tags"];
}

impl Leaf for TagLabel {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        check_label_name(text).map_err(|why| format!("{}: {why}", quoted(text)))?;
        Ok(text.to_owned())
    }

    fn schema() -> Json {
        let mut name = label_name();
        name["type"] = "string".into();
        name
    }
}

/// A pattern for the UIN, the name or the node of members.
pub(in crate::config) struct MemberPattern;

impl Item for MemberPattern {
    const NOUN: [&str; 2] = ["pattern", "patterns"];
}

impl Identity for Glob {
    fn identity(&self) -> &str {
        self.as_str()
    }
}

impl Leaf for MemberPattern {
    type Value = Glob;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<Glob, String> {
        const LONGEST: usize = 256;
        if text.chars().count() <= LONGEST {
            return Ok(Glob::from(text));
        }
        Err(format!(
            "longer than {LONGEST} characters, the limit for a pattern"
        ))
    }

    fn schema() -> Json {
        json!({"type": ["string", "integer"], "minLength": 1, "maxLength": 256})
    }
}

/// The name of an account, which is a label value and a part of the names of variables.
pub(in crate::config) struct AccountName;

impl NameKind for AccountName {
    const NOUN: [&str; 2] = ["account", "accounts"];

    fn check(name: &str) -> Result<(), String> {
        check_name(Self::NOUN[0], name)
    }

    fn clash(name: &str) -> Option<(String, &'static str)> {
        Some((in_variable(name).to_uppercase(), "in environment variables"))
    }

    fn schema() -> (Json, String) {
        name_schema()
    }
}

/// The name of an organization.
pub(in crate::config) struct OrganizationName;

impl NameKind for OrganizationName {
    const NOUN: [&str; 2] = ["organization", "organizations"];

    fn check(name: &str) -> Result<(), String> {
        check_name(Self::NOUN[0], name)
    }

    fn clash(name: &str) -> Option<(String, &'static str)> {
        AccountName::clash(name)
    }

    fn schema() -> (Json, String) {
        name_schema()
    }
}

/// Returns how an override spells the name of an account or an organization, in lower case.
pub(in crate::config) fn in_variable(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

fn check_name(noun: &str, name: &str) -> Result<(), String> {
    const LONGEST: usize = 64;
    if name.len() <= LONGEST && name.split(['-', '_']).all(is_lower_case_alphanumeric) {
        return Ok(());
    }
    Err(format!(
        "not a name for an {noun}; allowed are up to {LONGEST} lower-case letters and digits, with single - or _ between them"
    ))
}

fn name_schema() -> (Json, String) {
    let names = json!({"pattern": "^[a-z0-9]+([-_][a-z0-9]+)*$", "maxLength": 64});
    let limits =
        "A name is up to 64 lower-case letters and digits, with single `-` or `_` between them.";
    (names, limits.to_owned())
}

fn is_lower_case_alphanumeric(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}
