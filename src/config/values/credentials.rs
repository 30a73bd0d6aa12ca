//! Text → what says who asks. What may be a secret is not shown.

use std::time::Duration;

use super::super::defaults::{LEAST_ROLE_DURATION, MOST_ROLE_DURATION};
use super::super::error::quoted;
use super::{duration_from, spell, uin};

/// A secret id. It goes into the `Authorization` header, between `=`, `/` and `,`.
pub(in crate::config) fn secret_id(text: &str) -> Result<String, String> {
    match text.find(['/', ',']) {
        None => secret(text).map(str::to_owned),
        Some(_) => Err("not a secret id; / and , cannot be part of one".into()),
    }
}

/// A secret key or token. Nothing is trimmed: what a secret is, is not ours to guess. The message
/// never shows it.
pub(in crate::config) fn secret(text: &str) -> Result<&str, String> {
    const LONGEST: usize = 8 << 10;
    if text.trim() != text {
        Err("blanks before or after it; take them away, nothing is trimmed here".into())
    } else if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        Err("quotes around it; remove them, they are not part of a secret".into())
    } else if !text.bytes().all(|b| b.is_ascii_graphic()) {
        Err("a blank, a control character or one beyond ASCII in it; allowed is what can be sent in an HTTP header".into())
    } else if text.len() > LONGEST {
        Err(format!(
            "longer than {LONGEST} bytes, the most a secret may have"
        ))
    } else {
        Ok(text)
    }
}

/// The name of an environment variable. It is not shown either: a secret may have been put here.
pub(in crate::config) fn variable_name(text: &str) -> Result<String, String> {
    const LONGEST: usize = 256;
    let starts = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let formed = text.bytes().next().is_some_and(starts)
        && text.bytes().all(|b| starts(b) || b.is_ascii_digit());
    if formed && text.len() <= LONGEST {
        return Ok(text.to_owned());
    }
    Err("not the name of an environment variable; allowed are letters, digits and _, no digit first, not the secret itself".into())
}

/// The section of a profile file.
pub(in crate::config) fn profile_name(text: &str) -> Result<String, String> {
    let formed = |b: u8| b.is_ascii_graphic() && !b"[]".contains(&b);
    if text.len() <= LONGEST_NAME && text.bytes().all(formed) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "not the name of a profile; allowed are up to {LONGEST_NAME} ASCII characters without blanks and brackets"
    ))
}

/// `qcs::cam::uin/100000000001:roleName/audit-reader`, and the two other forms there are.
pub(in crate::config) fn role_arn(text: &str) -> Result<String, String> {
    let refused = || {
        format!(
            "{} is not the ARN of a role; one reads like qcs::cam::uin/100000000001:roleName/audit-reader",
            quoted(text)
        )
    };
    let rest = text.strip_prefix("qcs::cam::uin/").ok_or_else(refused)?;
    let (number, role) = rest.split_once(':').ok_or_else(refused)?;
    let (kind, name) = role.rsplit_once('/').ok_or_else(refused)?;
    let is_role = match kind {
        "roleName" | "role/tencentcloudServiceRoleName" => role_name(name).is_ok(),
        // An id is a number of the same size.
        "role" => uin(name).is_ok(),
        _ => false,
    };
    if is_role && uin(number).is_ok() {
        Ok(text.to_owned())
    } else {
        Err(refused())
    }
}

/// The name of a role, which is a part of ARNs and of the metadata service's paths.
pub(in crate::config) fn role_name(text: &str) -> Result<String, String> {
    named(text, 1).ok_or_else(|| {
        format!(
            "{} is not the name of a role; allowed are up to {LONGEST_NAME} letters, digits and _+=,.@-",
            quoted(text)
        )
    })
}

/// What STS takes as the name of a session.
pub(in crate::config) fn session_name(text: &str) -> Result<String, String> {
    named(text, 2).ok_or_else(|| {
        format!(
            "{} is not the name of a session; allowed are 2 to {LONGEST_NAME} letters, digits and _+=,.@-",
            quoted(text)
        )
    })
}

/// An external id. The message does not show it.
pub(in crate::config) fn external_id(text: &str) -> Result<&str, String> {
    if (2..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text);
    }
    Err(format!(
        "not an external id; allowed are 2 to {LONGEST_NAME} ASCII characters without blanks"
    ))
}

/// How long a role's key may live.
pub(in crate::config) fn role_duration(text: &str) -> Result<Duration, String> {
    let duration = duration_from(text, LEAST_ROLE_DURATION)?;
    if duration > MOST_ROLE_DURATION {
        return Err(format!(
            "{} is too long; STS gives a key for {} at most",
            quoted(text),
            spell(MOST_ROLE_DURATION)
        ));
    }
    Ok(duration)
}

/// What STS and CAM take in names.
const LONGEST_NAME: usize = 128;

fn named(text: &str, least: usize) -> Option<String> {
    let formed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    let fits = (least..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(formed);
    fits.then(|| text.to_owned())
}
