//! Describes a failed request of `check --online`, with a remedy.

use crate::escape::escaped;
use crate::failure::{Failure, Reason};
use crate::probe::{AccountFindings, ProbeError, ProbeStep};

/// The value of the label `provider` for keys from the metadata service.
const CVM_ROLE: &str = "cvm_role";

/// Returns one line about a failed request.
pub(super) fn remedy(found: &AccountFindings, error: &ProbeError) -> String {
    let failure = &error.failure;
    // Without the `RequestId`, so that two runs have the same output.
    let said = if failure.code == failure.reason.as_str() {
        failure.message.clone()
    } else {
        format!("{} ({}): {}", failure.reason, failure.code, failure.message)
    };
    match way_out(found, error) {
        Some(way_out) => format!("{way_out} [{said}]"),
        None => said,
    }
}

/// Returns the caller's ARN, or the closest description.
pub(super) fn who(found: &AccountFindings) -> String {
    match (&found.identity, &found.role) {
        (Some(Ok(identity)), _) if !identity.arn.is_empty() => escaped(&identity.arn),
        (_, Some(role)) => role.clone(),
        _ => of_credentials(found),
    }
}

/// Says why the caller is unknown. Without `uin`, the exporter polls without `sts:GetCallerIdentity`.
pub(super) fn identity_unknown(found: &AccountFindings, error: &ProbeError) -> String {
    if is_denied(&error.failure) {
        return "identity unknown: sts:GetCallerIdentity is denied; polls need it only if uin is configured"
            .to_owned();
    }
    format!("identity unknown: {}", remedy(found, error))
}

fn of_credentials(found: &AccountFindings) -> String {
    format!("the owner of the credentials ({})", found.provider)
}

fn way_out(found: &AccountFindings, error: &ProbeError) -> Option<String> {
    let failure = &error.failure;
    if is_denied(failure) {
        return denied(found, error.step);
    }
    let text = match (&*failure.code, error.step) {
        // Only a CVM instance has a metadata service.
        ("connect" | "timeout", ProbeStep::Key) if found.provider == CVM_ROLE => format!(
            "cannot reach {}: this machine is not a CVM instance, or has no role; use other credentials",
            error.at.as_ref()?
        ),
        ("connect" | "timeout" | "tls", _) => {
            let at = error.at.as_ref()?;
            format!("cannot reach {at}; check the host name, the proxy and the firewall")
        }
        ("AuthFailure.SecretIdNotFound", _) => match found.known_at_site {
            Some(site) => format!(
                "the key belongs to the other site; set site: {}",
                site.as_str()
            ),
            None => {
                "the key is deleted, disabled, mistyped, or belongs to the other site".to_owned()
            }
        },
        ("AuthFailure.SignatureFailure", _) => {
            "the secret key does not belong to the secret id".to_owned()
        }
        ("InvalidParameterValue", ProbeStep::Tracks) => {
            "unknown region; correct regions".to_owned()
        }
        ("UnsupportedRegion", ProbeStep::Tracks | ProbeStep::Details | ProbeStep::Events) => {
            "CloudAudit is not offered in this region; correct regions".to_owned()
        }
        ("UnsupportedRegion", ProbeStep::LogTopic) => no_storage_in_region("CLS"),
        ("UnsupportedRegion", ProbeStep::KafkaTopic) => no_storage_in_region("CKafka"),
        ("ResourceNotFound.RoleNotFound" | "ResourceNotFound.RoleNotExist", ProbeStep::Role) => {
            let role = found.role.as_ref()?;
            format!("{role} does not exist; create it, or correct the ARN")
        }
        _ => return None,
    };
    Some(text)
}

fn no_storage_in_region(service: &str) -> String {
    format!("{service} is not offered in the StorageRegion of the track; correct the track")
}

/// Returns whether every request of the step uses the keys of the role, if a role is configured.
fn is_of_role(step: ProbeStep) -> bool {
    !matches!(
        step,
        ProbeStep::Key | ProbeStep::Role | ProbeStep::Identity | ProbeStep::Members
    )
}

/// Returns which principal lacks which action.
fn denied(found: &AccountFindings, step: ProbeStep) -> Option<String> {
    // Names the role and not its session: permissions belong to the role, and each session has
    // another id.
    let who = match (&found.role, step) {
        (Some(role), step) if is_of_role(step) => role.clone(),
        _ => who(found),
    };
    let lacks = |action: &str| format!("{who} lacks {action}; check --policy prints what to allow");
    Some(match step {
        ProbeStep::Key => return None,
        ProbeStep::Role => {
            let role = found.role.as_ref()?;
            let who = match &found.identity {
                Some(Ok(_)) => who,
                _ => of_credentials(found),
            };
            format!(
                "{who} lacks sts:AssumeRole on {role}, or the role does not trust this identity, or requires another external_id"
            )
        }
        ProbeStep::Identity => format!("{}, or remove uin", lacks("sts:GetCallerIdentity")),
        ProbeStep::Tracks => lacks("cloudaudit:DescribeAuditTracks"),
        ProbeStep::Details => lacks("cloudaudit:DescribeAuditTrack"),
        ProbeStep::Events => lacks("cloudaudit:DescribeEvents"),
        ProbeStep::Bucket => lacks("cos:GetBucket on the prefix"),
        ProbeStep::LogTopic => lacks("cls:DescribeTopics or cls:DescribeLogHistogram"),
        ProbeStep::KafkaTopic => lacks("ckafka:DescribeTopicAttributes"),
        ProbeStep::Members => lacks("organization:DescribeOrganizationMembers"),
    })
}

/// Returns whether CAM denied the request. If a key could not be obtained, the reason is
/// `credentials`, so the code decides.
fn is_denied(failure: &Failure) -> bool {
    let is_address = failure.code.starts_with("Ip");
    let is_cam = failure.code.ends_with("UnauthorizedOperation");
    is_cam || (failure.reason == Reason::Unauthorized && !is_address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Site;

    fn said(code: &'static str, known_at_site: Option<Site>) -> String {
        said_at(ProbeStep::Identity, code, known_at_site)
    }

    fn said_at(step: ProbeStep, code: &'static str, known_at_site: Option<Site>) -> String {
        let found = AccountFindings {
            account: "prod".to_owned(),
            provider: "files",
            role: None,
            identity: None,
            error: None,
            known_at_site,
            regions: Vec::new(),
            storage: Vec::new(),
            unchecked_storage: 0,
            expected: Vec::new(),
        };
        let error = ProbeError {
            step,
            at: Some("https://sts.example".to_owned()),
            failure: Failure::with_code(Reason::Unauthenticated, code, "it said so"),
        };
        remedy(&found, &error)
    }

    #[test]
    fn the_site_that_knows_a_key_is_what_to_set() {
        let code = "AuthFailure.SecretIdNotFound";
        let expected = "the key belongs to the other site; set site: china \
                        [unauthenticated (AuthFailure.SecretIdNotFound): it said so]";
        assert_eq!(said(code, Some(Site::China)), expected);
        let expected = "the key is deleted, disabled, mistyped, or belongs to the other site \
                        [unauthenticated (AuthFailure.SecretIdNotFound): it said so]";
        assert_eq!(said(code, None), expected);
    }

    #[test]
    fn a_region_without_a_service_is_corrected_where_it_is_set() {
        let code = "UnsupportedRegion";
        for (step, expected) in [
            (
                ProbeStep::Tracks,
                "CloudAudit is not offered in this region; correct regions",
            ),
            (
                ProbeStep::Events,
                "CloudAudit is not offered in this region; correct regions",
            ),
            (
                ProbeStep::LogTopic,
                "CLS is not offered in the StorageRegion of the track; correct the track",
            ),
            (
                ProbeStep::KafkaTopic,
                "CKafka is not offered in the StorageRegion of the track; correct the track",
            ),
        ] {
            let expected = format!("{expected} [unauthenticated ({code}): it said so]");
            assert_eq!(said_at(step, code, None), expected);
        }
        let expected = "unauthenticated (UnsupportedRegion): it said so";
        assert_eq!(said(code, None), expected);
    }

    #[test]
    fn a_failure_without_a_remedy_is_shown_as_it_is() {
        let expected = "unauthenticated (AuthFailure.MFAFailure): it said so";
        assert_eq!(said("AuthFailure.MFAFailure", None), expected);
        assert_eq!(said("unauthenticated", None), "it said so");
    }
}
