//! The ARN of a role.

pub(super) fn arn(uin: &str, name: &str) -> String {
    format!("qcs::cam::uin/{uin}:roleName/{name}")
}

/// Returns the account and the name in the ARN of a role, or `None` if the text is not such an ARN.
pub(super) fn parse_arn(arn: &str) -> Option<(&str, &str)> {
    arn.strip_prefix("qcs::cam::uin/")?
        .split_once(":roleName/")
        .filter(|(uin, name)| !uin.is_empty() && !name.is_empty())
}
