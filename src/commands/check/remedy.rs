//! What is wrong, who lacks what, and the way out.

use crate::failure::{Failure, Reason};
use crate::fleet::{AccountFound, Asked, Trouble};
use crate::tencent::reasons::escaped;

/// The label `provider` of keys from the metadata service.
const CVM_ROLE: &str = "cvm_role";

/// One line about a question that was not answered.
pub(super) fn remedy(found: &AccountFound, trouble: &Trouble) -> String {
    let failure = &trouble.failure;
    // The API's id of the call is another each time, and whoever compares two answers is not helped
    // by that.
    let said = if failure.code == failure.reason.as_str() {
        failure.message.clone()
    } else {
        format!("{} ({}): {}", failure.reason, failure.code, failure.message)
    };
    match way_out(found, trouble) {
        Some(way_out) => format!("{way_out} [{said}]"),
        None => said,
    }
}

/// Who calls, as well as it is known.
pub(super) fn who(found: &AccountFound) -> String {
    match (&found.identity, &found.role) {
        (Some(Ok(identity)), _) if !identity.arn.is_empty() => escaped(&identity.arn),
        (_, Some(role)) => role.clone(),
        _ => of_credentials(found),
    }
}

/// Why it is not known who calls, where that is in nobody's way.
pub(super) fn not_told(found: &AccountFound, trouble: &Trouble) -> String {
    if is_denied(&trouble.failure) {
        return "not told, sts:GetCallerIdentity is not allowed; nothing else takes it".to_owned();
    }
    format!("not told: {}", remedy(found, trouble))
}

fn of_credentials(found: &AccountFound) -> String {
    format!("whoever the credentials ({}) belong to", found.provider)
}

fn way_out(found: &AccountFound, trouble: &Trouble) -> Option<String> {
    let failure = &trouble.failure;
    if is_denied(failure) {
        return denied(found, trouble.asked);
    }
    let text = match (&*failure.code, trouble.asked) {
        // The metadata service is on a machine of the cloud, and on no other.
        ("connect" | "timeout", Asked::Key) if found.provider == CVM_ROLE => format!(
            "{} cannot be reached: this machine is no CVM, or has no role; take another kind of credentials",
            trouble.at.as_ref()?
        ),
        ("connect" | "timeout" | "tls", _) => {
            let at = trouble.at.as_ref()?;
            format!("{at} cannot be reached; look at its name, the proxy and the firewall")
        }
        ("AuthFailure.SecretIdNotFound", _) => match found.known_at {
            Some(site) => format!("the other site knows this key: set site: {}", site.as_str()),
            None => "the key is deleted, disabled or mistyped, or of the other site".to_owned(),
        },
        ("AuthFailure.SignatureFailure", _) => {
            "the secret key is not that of the secret id".to_owned()
        }
        ("InvalidParameterValue", Asked::Tracks) => {
            "the API knows no such region; correct regions".to_owned()
        }
        ("UnsupportedRegion", _) => "another region is needed; correct regions".to_owned(),
        ("ResourceNotFound.RoleNotFound" | "ResourceNotFound.RoleNotExist", Asked::Role) => {
            let role = found.role.as_ref()?;
            format!("there is no {role}; create it there, or correct the ARN")
        }
        _ => return None,
    };
    Some(text)
}

/// Which action is missing, and whom.
fn denied(found: &AccountFound, asked: Asked) -> Option<String> {
    // A permission is granted to the role; the id of its session is another one each time.
    let who = match (&found.role, asked) {
        (Some(role), Asked::Tracks | Asked::Details) => role.clone(),
        _ => who(found),
    };
    let lacks = |action: &str| format!("{who} lacks {action}; check --policy prints what to allow");
    Some(match asked {
        Asked::Key => return None,
        Asked::Role => {
            let role = found.role.as_ref()?;
            let who = match &found.identity {
                Some(Ok(_)) => who,
                _ => of_credentials(found),
            };
            format!(
                "{who} lacks sts:AssumeRole on {role}, or the role does not trust it, or wants another external_id"
            )
        }
        Asked::Identity => format!("{}, or leave uin out", lacks("sts:GetCallerIdentity")),
        Asked::Tracks => lacks("cloudaudit:DescribeAuditTracks"),
        Asked::Details => lacks("cloudaudit:DescribeAuditTrack"),
        Asked::Members => lacks("organization:DescribeOrganizationMembers"),
    })
}

/// Whether CAM said no. The reason is that of the poll where it was a key that could not be had.
fn is_denied(failure: &Failure) -> bool {
    let is_address = failure.code.starts_with("Ip");
    let is_cam = failure.code.ends_with("UnauthorizedOperation");
    is_cam || (failure.reason == Reason::Unauthorized && !is_address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Site;

    fn said(code: &'static str, known_at: Option<Site>) -> String {
        let found = AccountFound {
            account: "prod".to_owned(),
            provider: "files",
            role: None,
            identity: None,
            trouble: None,
            known_at,
            regions: Vec::new(),
        };
        let trouble = Trouble {
            asked: Asked::Identity,
            at: Some("https://sts.example".to_owned()),
            failure: Failure::with_code(Reason::Unauthenticated, code, "it said so"),
        };
        remedy(&found, &trouble)
    }

    #[test]
    fn the_site_that_knows_a_key_is_what_to_set() {
        let code = "AuthFailure.SecretIdNotFound";
        let expected = "the other site knows this key: set site: china \
                        [unauthenticated (AuthFailure.SecretIdNotFound): it said so]";
        assert_eq!(said(code, Some(Site::China)), expected);
        let expected = "the key is deleted, disabled or mistyped, or of the other site \
                        [unauthenticated (AuthFailure.SecretIdNotFound): it said so]";
        assert_eq!(said(code, None), expected);
    }

    #[test]
    fn what_has_no_remedy_is_told_as_it_came() {
        let expected = "unauthenticated (AuthFailure.MFAFailure): it said so";
        assert_eq!(said("AuthFailure.MFAFailure", None), expected);
        assert_eq!(said("unauthenticated", None), "it said so");
    }
}
