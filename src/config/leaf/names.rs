//! Names: of accounts, regions, labels, tracks.

use serde_json::{Value as Json, json};

use super::super::glob::Glob;
use super::super::organization::AccountLabel;
use super::super::site::Site;
use super::super::text::quoted;
use super::super::value_types::{Identity, Item, Leaf, NameKind};
use super::pattern::pattern_types;
use crate::snapshot::RESERVED_LABELS;

/// Defines types with a closed set of words.
macro_rules! word_types {
    ($(
        $(#[$about:meta])*
        $name:ident -> $value:ty = $words:expr, else $message:literal;
    )*) => {$(
        $(#[$about])*
        pub(in crate::config) struct $name;

        impl Leaf for $name {
            type Value = $value;

            const PUBLIC: bool = true;

            fn parse(text: &str) -> Result<$value, String> {
                let known = $words.into_iter().find(|(word, _)| *word == text);
                let known = known.map(|(_, value)| value.into());
                known.ok_or_else(|| format!("{} is {}", quoted(text), $message))
            }

            fn schema() -> Json {
                json!({"enum": $words.map(|(word, _)| word)})
            }
        }
    )*};
}

word_types! {
    /// The cloud of an account.
    SiteName -> Site = [Site::International, Site::China].map(|it| (it.as_str(), it)),
        else "not a site; allowed are international and china";

    /// What the label `account` of a member is.
    MemberLabel -> AccountLabel = [AccountLabel::Uin, AccountLabel::Name].map(|it| (it.as_str(), it)),
        else "not a label for a member; allowed are uin and name";

    /// What a track records. The API accepts only these, and their case matters.
    ActionType -> String = ["Read", "Write", "*"].map(|it| (it, it)),
        else "not an action type; allowed are Read, Write and \"*\"";
}

pattern_types! {
    /// `ap-guangzhou`. The API decides which regions exist; only the form is checked.
    public Region -> String = "string" "^[a-z]+(-[a-z0-9]+)+$" up to 40
        else "not a region; write it like ap-guangzhou or na-siliconvalley";

    /// The number of a Tencent Cloud account, as text.
    public Uin -> String = ["string", "integer"] from 0 "^[0-9]{1,20}$"
        else "not a UIN, the number of an account; allowed are up to 20 digits";

    /// The APPID of an account, as text.
    public AppId -> String = ["string", "integer"] from 0 "^[0-9]{1,20}$"
        else "not an APPID, the number after the last hyphen of a bucket's name; allowed are up to 20 digits";
}

impl Item for Region {
    const NOUN: [&str; 2] = ["region", "regions"];
}

impl Item for Uin {
    const NOUN: [&str; 2] = ["account", "accounts"];
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
        let reserved = RESERVED_LABELS.iter().map(|name| format!("`{name}`"));
        let reserved = reserved.collect::<Vec<_>>().join(", ");
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
        "not a name for an {noun}; a name has up to {LONGEST} characters: lowercase letters and digits, with single - or _ between them"
    ))
}

fn name_schema() -> (Json, String) {
    let names = json!({"pattern": "^[a-z0-9]+([-_][a-z0-9]+)*$", "maxLength": 64});
    let limits = "A name has up to 64 characters: lowercase letters and digits, with single `-` or `_` between them.";
    (names, limits.to_owned())
}

fn is_lower_case_alphanumeric(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}
