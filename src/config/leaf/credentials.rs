//! Parts of credentials and roles. An error shows a text only if it cannot be a secret.

use serde_json::{Value as Json, json};

use super::super::definitions::LIMITS;
use super::super::secret::Secret;
use super::super::text::quoted;
use super::super::value_types::Leaf;
use super::names::Uin;

/// The longest name in STS and CAM.
const LONGEST_NAME: usize = 128;

/// A secret id. It goes into the `Authorization` header, between `=`, `/` and `,`.
pub(in crate::config) struct SecretId;

impl Leaf for SecretId {
    type Value = String;

    const PUBLIC: bool = false;

    fn parse(text: &str) -> Result<String, String> {
        check_secret(text)?;
        if text.contains(['/', ',']) {
            return Err("not a secret id; it cannot contain / or ,".into());
        }
        Ok(text.to_owned())
    }

    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"], "pattern": "^[!-+.0-~-]{1,8192}$"})
    }
}

/// A secret key or a token.
pub(in crate::config) struct SecretText;

impl Leaf for SecretText {
    type Value = Secret;

    const PUBLIC: bool = false;

    fn parse(text: &str) -> Result<Secret, String> {
        check_secret(text).map(|()| Secret::from(text))
    }

    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"], "pattern": "^[!-~]{1,8192}$"})
    }
}

fn check_secret(text: &str) -> Result<(), String> {
    const LONGEST: usize = 8 << 10;
    if text.trim() != text {
        Err("leading or trailing whitespace; remove it (values are not trimmed)".into())
    } else if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        Err("quotes around the secret; remove them".into())
    } else if !text.bytes().all(|b| b.is_ascii_graphic()) {
        Err("whitespace, a control character or a character outside ASCII; allowed is what an HTTP header can carry".into())
    } else if text.len() > LONGEST {
        Err(format!(
            "longer than {LONGEST} bytes, the limit for a secret"
        ))
    } else {
        Ok(())
    }
}

/// The name of an environment variable. Not public: the secret itself may be here by mistake.
pub(in crate::config) struct VariableName;

impl Leaf for VariableName {
    type Value = String;

    const PUBLIC: bool = false;

    fn parse(text: &str) -> Result<String, String> {
        const LONGEST: usize = 256;
        let starts = |b: u8| b.is_ascii_alphabetic() || b == b'_';
        let formed = text.bytes().next().is_some_and(starts)
            && text.bytes().all(|b| starts(b) || b.is_ascii_digit());
        if formed && text.len() <= LONGEST {
            return Ok(text.to_owned());
        }
        Err("not the name of an environment variable; allowed are letters, digits and _, no digit first, not the secret itself".into())
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 256})
    }
}

/// The name of a section in a profile file.
pub(in crate::config) struct ProfileName;

impl Leaf for ProfileName {
    type Value = String;

    const PUBLIC: bool = false;

    fn parse(text: &str) -> Result<String, String> {
        let allowed = |b: u8| b.is_ascii_graphic() && !b"[]".contains(&b);
        if text.len() <= LONGEST_NAME && text.bytes().all(allowed) {
            return Ok(text.to_owned());
        }
        Err(format!(
            "not the name of a profile; allowed are up to {LONGEST_NAME} ASCII characters without whitespace and brackets"
        ))
    }

    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"], "pattern": r"^[!-Z\\^-~]{1,128}$"})
    }
}

/// `qcs::cam::uin/100000000001:roleName/audit-reader`, and the two other forms of a role's ARN.
pub(in crate::config) struct RoleArn;

impl Leaf for RoleArn {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        if is_role_arn(text) {
            return Ok(text.to_owned());
        }
        Err(format!(
            "{} is not the ARN of a role; write it like qcs::cam::uin/100000000001:roleName/audit-reader",
            quoted(text)
        ))
    }

    fn schema() -> Json {
        json!({
            "type": "string",
            "pattern": r"^qcs::cam::uin/[0-9]{1,20}:(roleName/[A-Za-z0-9_+=,.@-]{1,128}|role/[0-9]{1,20}|role/tencentcloudServiceRoleName/[A-Za-z0-9_+=,.@-]{1,128})$"
        })
    }
}

fn is_role_arn(text: &str) -> bool {
    let parts = text.strip_prefix("qcs::cam::uin/").and_then(|rest| {
        let (uin, role) = rest.split_once(':')?;
        let (kind, name) = role.rsplit_once('/')?;
        Some((uin, kind, name))
    });
    parts.is_some_and(|(uin, kind, name)| {
        let is_role = match kind {
            "roleName" | "role/tencentcloudServiceRoleName" => is_name(name, 1),
            // An id is a number of the same size.
            "role" => Uin::parse(name).is_ok(),
            _ => false,
        };
        is_role && Uin::parse(uin).is_ok()
    })
}

/// The name of a role, which is a part of ARNs and of the metadata service's paths.
pub(in crate::config) struct RoleName;

impl Leaf for RoleName {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        if is_name(text, 1) {
            return Ok(text.to_owned());
        }
        Err(format!(
            "{} is not the name of a role; allowed are up to {LONGEST_NAME} letters, digits and _+=,.@-",
            quoted(text)
        ))
    }

    fn schema() -> Json {
        json!({
            "type": ["string", "number", "boolean"],
            "pattern": "^[A-Za-z0-9_+=,.@-]{1,128}$"
        })
    }
}

/// The name of a session, as STS accepts it.
pub(in crate::config) struct SessionName;

impl Leaf for SessionName {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        if is_name(text, 2) {
            return Ok(text.to_owned());
        }
        Err(format!(
            "{} is not the name of a session; allowed are 2 to {LONGEST_NAME} letters, digits and _+=,.@-",
            quoted(text)
        ))
    }

    fn schema() -> Json {
        json!({
            "type": ["string", "number", "boolean"],
            "pattern": "^[A-Za-z0-9_+=,.@-]{2,128}$",
            LIMITS: "2 to 128 letters, digits and `_+=,.@-`."
        })
    }
}

fn is_name(text: &str, least: usize) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (least..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(allowed)
}

/// An external id, which is kept like a secret.
pub(in crate::config) struct ExternalId;

impl Leaf for ExternalId {
    type Value = Secret;

    const PUBLIC: bool = false;

    fn parse(text: &str) -> Result<Secret, String> {
        if (2..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(Secret::from(text));
        }
        Err(format!(
            "not an external id; allowed are 2 to {LONGEST_NAME} ASCII characters without whitespace"
        ))
    }

    fn schema() -> Json {
        json!({
            "type": ["string", "number", "boolean"],
            "pattern": "^[!-~]{2,128}$",
            LIMITS: "2 to 128 characters. It is kept like a secret."
        })
    }
}
