//! Parts of credentials and roles. An error shows a text only if it cannot be a secret.

use serde_json::{Value as Json, json};

use super::super::secret::Secret;
use super::super::value_types::Leaf;
use super::pattern::pattern_types;

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

pattern_types! {
    /// The name of an environment variable. Private: the secret itself may be here by mistake.
    private VariableName -> String = "string" "^[A-Za-z_][A-Za-z0-9_]*$" up to 256
        else "not the name of an environment variable; allowed are letters, digits and _, no digit first, not the secret itself";

    /// The name of a section in a profile file.
    private ProfileName -> String = ["string", "number", "boolean"] r"^[!-Z\\^-~]{1,128}$"
        else "not the name of a profile; allowed are up to 128 ASCII characters without whitespace and brackets";

    /// `qcs::cam::uin/100000000001:roleName/audit-reader`, and the two other forms of a role's ARN.
    public RoleArn -> String = "string" r"^qcs::cam::uin/[0-9]{1,20}:(roleName/[A-Za-z0-9_+=,.@-]{1,128}|role/[0-9]{1,20}|role/tencentcloudServiceRoleName/[A-Za-z0-9_+=,.@-]{1,128})$"
        else "not the ARN of a role; write it like qcs::cam::uin/100000000001:roleName/audit-reader";

    /// The name of a role, which is a part of ARNs and of the metadata service's paths.
    public RoleName -> String = ["string", "number", "boolean"] "^[A-Za-z0-9_+=,.@-]{1,128}$"
        else "not the name of a role; allowed are up to 128 letters, digits and _+=,.@-";

    /// The name of a session, as STS accepts it.
    public SessionName -> String = ["string", "number", "boolean"] "^[A-Za-z0-9_+=,.@-]{2,128}$"
        else "not the name of a session; allowed are 2 to 128 letters, digits and _+=,.@-"
        limits "2 to 128 letters, digits and `_+=,.@-`.";

    /// An external id, which is kept like a secret.
    private ExternalId -> Secret = ["string", "number", "boolean"] "^[!-~]{2,128}$"
        else "not an external id; allowed are 2 to 128 ASCII characters without whitespace"
        limits "2 to 128 ASCII characters without whitespace.";
}
