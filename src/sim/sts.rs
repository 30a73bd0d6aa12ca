//! The actions of STS: the caller's identity, and temporary keys of roles.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::sim::action::{Action, ActionContext, Caller, Handler};
use crate::sim::arn::{arn, parse_arn};
use crate::sim::keys::{Key, Session};
use crate::sim::parameters::Parameters;
use crate::sim::refusal::Refusal;
use crate::sim::role::Role;

/// The actions of STS that the simulator has. `AssumeRole` has a far higher rate limit than others.
pub(super) static ACTIONS: [Action; 3] = [
    Action {
        rate_limit: Some(600),
        ..action("AssumeRole", Handler::Signed(assume_role))
    },
    action(
        "AssumeRoleWithWebIdentity",
        Handler::Unsigned(assume_role_with_web_identity),
    ),
    action("GetCallerIdentity", Handler::Signed(get_caller_identity)),
];

const fn action(name: &'static str, handler: Handler) -> Action {
    Action {
        service: "sts",
        name,
        version: "2018-08-13",
        needs_region: false,
        rate_limit: None,
        handler,
    }
}

fn assume_role(
    context: &mut ActionContext,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Value, Refusal> {
    let request = AssumeRoleRequest::take(&mut parameters)?;
    let external_id = parameters.take_optional_text("ExternalId")?;
    parameters.ignore([
        "Policy",
        "Tags",
        "SourceIdentity",
        "SerialNumber",
        "TokenCode",
    ]);
    parameters.finish()?;

    let caller = &caller.key.uin;
    if !request
        .role(context)?
        .trusts(caller, external_id.as_deref())
    {
        return Err(not_trusted("AssumeRole", &request.arn()));
    }
    Ok(response(&request.grant(context, caller)))
}

fn assume_role_with_web_identity(
    context: &mut ActionContext,
    mut parameters: Parameters,
) -> Result<Value, Refusal> {
    let request = AssumeRoleRequest::take(&mut parameters)?;
    let provider_id = parameters.take_text("ProviderId")?;
    let token = parameters.take_text("WebIdentityToken")?;
    parameters.finish()?;

    match request.role(context)?.token_of(&provider_id) {
        None => Err(not_trusted("AssumeRoleWithWebIdentity", &request.arn())),
        Some(valid) if valid == token => Ok(response(&request.grant(context, &request.uin))),
        Some(_) => Err(Refusal::new(
            "InvalidParameter.WebIdentityTokenError",
            "The web identity token is wrong or has expired.",
        )),
    }
}

/// The parameters that both ways to assume a role share.
struct AssumeRoleRequest {
    uin: String,
    name: String,
    session: String,
    duration: Duration,
}

/// The lifetime of a key if the request has no `DurationSeconds`.
const DEFAULT_SECONDS: u64 = 2 * 60 * 60;

const MAX_SECONDS: u64 = 12 * 60 * 60;

impl AssumeRoleRequest {
    fn take(parameters: &mut Parameters) -> Result<Self, Refusal> {
        let arn = parameters.take_text("RoleArn")?;
        let session = parameters.take_text("RoleSessionName")?;
        let seconds = parameters.take_optional_integer("DurationSeconds")?;
        let (uin, name) = parse_arn(&arn).ok_or_else(|| wrong("RoleArn"))?;
        if !is_session_name(&session) {
            return Err(wrong("RoleSessionName"));
        }
        let seconds = seconds.unwrap_or(DEFAULT_SECONDS);
        if seconds > MAX_SECONDS {
            return Err(Refusal::new(
                "InvalidParameter.OverTimeError",
                format!("The duration must not be longer than {MAX_SECONDS} seconds."),
            ));
        }
        if seconds == 0 {
            return Err(wrong("DurationSeconds"));
        }
        Ok(Self {
            uin: uin.to_owned(),
            name: name.to_owned(),
            session,
            duration: Duration::from_secs(seconds),
        })
    }

    fn arn(&self) -> String {
        arn(&self.uin, &self.name)
    }

    fn role<'a>(&self, context: &'a ActionContext) -> Result<&'a Role, Refusal> {
        let account = context.accounts.get(&self.uin);
        let role = account.and_then(|account| account.roles.get(&self.name));
        role.ok_or_else(|| {
            Refusal::new(
                "ResourceNotFound.RoleNotFound",
                format!("The role `{}` does not exist.", self.arn()),
            )
        })
    }

    fn grant(&self, context: &mut ActionContext, requested_by: &str) -> Key {
        let session = Session {
            role: self.name.clone(),
            name: self.session.clone(),
            requested_by: requested_by.to_owned(),
        };
        issue(context, &self.uin, session, self.duration)
    }
}

/// Issues a key. It expires at a whole second, exactly at the time that the response states.
pub(super) fn issue(
    context: &mut ActionContext,
    uin: &str,
    session: Session,
    duration: Duration,
) -> Key {
    let life = duration.min(context.settings.max_role_duration).as_secs();
    let expires = UNIX_EPOCH + Duration::from_secs(unix_seconds(context.now) + life);
    context.keys.issue(uin, session, expires, context.now)
}

fn is_session_name(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    (2..=128).contains(&text.len()) && text.chars().all(is_allowed)
}

fn wrong(name: &str) -> Refusal {
    let message = format!("The value of parameter `{name}` is not valid.");
    Refusal::new("InvalidParameter.ParamError", message)
}

fn not_trusted(action: &str, arn: &str) -> Refusal {
    let message = format!(
        "you are not authorized to perform operation (sts:{action})\n\
         resource ({arn}) has no permission\n"
    );
    Refusal::new("UnauthorizedOperation", message)
}

fn response(key: &Key) -> Value {
    let mut fields = credentials(key);
    json!({
        "ExpiredTime": fields["ExpiredTime"].take(),
        "Expiration": fields["Expiration"].take(),
        "Credentials": {
            "Token": fields["Token"].take(),
            "TmpSecretId": fields["TmpSecretId"].take(),
            "TmpSecretKey": fields["TmpSecretKey"].take(),
        },
    })
}

/// Returns the API's fields of a temporary key, in one flat object.
pub(super) fn credentials(key: &Key) -> Value {
    let temporary = key.identity.temporary.as_ref();
    let expires = key.expires().unwrap_or(UNIX_EPOCH);
    json!({
        "TmpSecretId": key.identity.secret_id,
        "TmpSecretKey": key.identity.secret_key,
        "Token": temporary.map(|temporary| &temporary.token),
        "ExpiredTime": unix_seconds(expires),
        "Expiration": jiff::Timestamp::try_from(expires).ok().map(|end| end.to_string()),
    })
}

/// Returns the Unix time, or 0 for times before 1970.
fn unix_seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A permanent key belongs to a user, who has a number of its own. For a role's key, the response
/// names the role's account and the account that requested the key.
fn get_caller_identity(
    _: &mut ActionContext,
    caller: &Caller,
    parameters: Parameters,
) -> Result<Value, Refusal> {
    parameters.finish()?;
    let Key {
        uin,
        session,
        identity,
    } = caller.key;
    Ok(match session {
        None => {
            let user = number(&identity.secret_id, 200_000_000_000, 100_000_000_000).to_string();
            json!({
                "Type": "CAMUser",
                "Arn": format!("qcs::cam::uin/{uin}:uin/{user}"),
                "AccountId": uin,
                "UserId": user,
                "PrincipalId": user,
            })
        }
        Some(Session {
            role,
            name,
            requested_by,
        }) => {
            let role_id = number(
                &format!("{uin} {role}"),
                4_611_686_018_000_000_000,
                1_000_000_000,
            );
            json!({
                "Type": "CAMRole",
                "Arn": format!("qcs::sts:{uin}:assumed-role/{role_id}"),
                "AccountId": uin,
                "UserId": format!("{role_id}:{name}"),
                "PrincipalId": requested_by,
            })
        }
    })
}

/// Derives a number from a name, the same in every run.
fn number(name: &str, first: u64, many: u64) -> u64 {
    let digest = Sha256::digest(name);
    let part = digest.iter().take(8);
    first + part.fold(0_u64, |all, byte| all << 8 | u64::from(*byte)) % many
}
