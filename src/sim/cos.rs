//! Cloud Object Storage: lists buckets. It has its own signature and answers XML.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tokio::time::Instant;

use crate::sim::bucket::{BucketState, Entry, Query};
use crate::sim::calls::Call;
use crate::sim::cos_verify::CosAuthorization;
use crate::sim::keys::Key;
use crate::sim::refusal::Refusal;
use crate::sim::reply::Answer;
use crate::sim::state::State;
use crate::sim::storage::place;
use crate::sim::verify::header;

/// The end of the host of every bucket.
const HOST_SUFFIX: &str = ".myqcloud.com";

/// The most entries of a page.
const MAX_KEYS: usize = 1_000;

/// The calls of one principal in a second.
const RATE_LIMIT: usize = 100;

/// Returns whether the request goes to a bucket.
pub(super) fn is_cos_request(request: &Request<Bytes>) -> bool {
    header(request, "host").is_some_and(|host| host.ends_with(HOST_SUFFIX))
}

/// Handles a request. Returns its entry for the call log, and the response.
pub(super) fn handle(
    state: &mut State,
    request: &Request<Bytes>,
    now: SystemTime,
) -> (Call, Answer) {
    let host = header(request, "host").unwrap_or_default();
    let (bucket, region) = split_host(host).unwrap_or_default();
    let authorization = header(request, "authorization").and_then(CosAuthorization::parse);
    let claims = authorization.as_ref();
    let secret_id = claims.map_or("", |it| it.secret_id);
    let mut call = Call {
        at: now,
        arrived: Instant::now(),
        secret_id: secret_id.to_owned(),
        signature: claims.map_or("", |it| it.signature).to_owned(),
        uin: state.keys.get(secret_id).map(|key| key.uin.clone()),
        host: host.to_owned(),
        action: action(request).to_owned(),
        region: region.to_owned(),
        page: None,
        role: None,
        refused: None,
        fault: None,
    };
    let verdict = decide(
        state,
        request,
        authorization.as_ref(),
        (bucket, region),
        &call,
    );
    let refusal = verdict.as_ref().err();
    call.refused = refusal.map(|refusal| refusal.code.to_string());
    (call, Answer::Cos(verdict))
}

/// Returns the complete name of the bucket, and the region.
fn split_host(host: &str) -> Option<(&str, &str)> {
    host.strip_suffix(HOST_SUFFIX)?.split_once(".cos.")
}

fn action(request: &Request<Bytes>) -> &'static str {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => "GetBucket",
        (&Method::HEAD, "/") => "HeadBucket",
        (&Method::GET, _) => "GetObject",
        _ => "OtherCosRequest",
    }
}

fn decide(
    state: &mut State,
    request: &Request<Bytes>,
    authorization: Option<&CosAuthorization>,
    (name, region): (&str, &str),
    call: &Call,
) -> Result<String, Refusal> {
    let denied = || Refusal::new("AccessDenied", "Access Denied.");
    let authorization = authorization.ok_or_else(denied)?;
    let key = state.keys.get(authorization.secret_id).cloned();
    let key = key.ok_or_else(|| {
        Refusal::new(
            "InvalidAccessKeyId",
            "The Access Key Id you provided does not exist.",
        )
    })?;
    let unix = call
        .at
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    if !authorization.is_valid_at(unix) {
        return Err(Refusal::new("AccessDenied", "Request has expired"));
    }
    if !authorization.is_by(&key.identity.secret_key, request) {
        let message = "The Signature you specified is invalid.";
        return Err(Refusal::new("SignatureDoesNotMatch", message));
    }
    check_token(&key, header(request, "x-cos-security-token"), call.at)?;
    let rate = state
        .calls
        .arrive(&call.action, &key.principal(), call.arrived);
    if rate > RATE_LIMIT {
        return Err(Refusal::new("SlowDown", "Reduce your request rate."));
    }
    let Some(bucket) = state.storage.buckets.get(&place(region, name)) else {
        let message = "The specified bucket does not exist.";
        return Err(Refusal::new("NoSuchBucket", message));
    };
    // Only listings are allowed: a client that reads content fails.
    let is_allowed = call.action == "GetBucket" && bucket.owner == key.uin;
    let is_denied =
        key.identity.denials.code("cos:GetBucket").is_some() || role_denies(state, &key);
    if !is_allowed || is_denied {
        return Err(denied());
    }
    list(
        bucket,
        name,
        request.uri().query().unwrap_or_default(),
        call.at,
    )
}

fn role_denies(state: &State, key: &Key) -> bool {
    let role = key.session.as_ref().and_then(|session| {
        let account = state.accounts.get(&key.uin)?;
        account.roles.get(&session.role)
    });
    role.is_some_and(|role| role.denials.code("cos:GetBucket").is_some())
}

fn check_token(key: &Key, given: Option<&str>, now: SystemTime) -> Result<(), Refusal> {
    let is_right = match &key.identity.temporary {
        Some(temporary) => given == Some(&temporary.token) && now < temporary.expires,
        None => given.is_none(),
    };
    let message = "The provided token has expired or is not valid.";
    is_right
        .then_some(())
        .ok_or_else(|| Refusal::new("ExpiredToken", message))
}

fn list(bucket: &BucketState, name: &str, query: &str, now: SystemTime) -> Result<String, Refusal> {
    let value = |wanted: &str| {
        let pairs = query.split('&');
        let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let found = pairs.find(|(name, _)| *name == wanted);
        // Clients may write a blank as a plus sign.
        let value = found.map(|(_, value)| value.replace('+', " "));
        let value = value.unwrap_or_default();
        percent_decode_str(&value).decode_utf8_lossy().into_owned()
    };
    let max_keys = match &*value("max-keys") {
        "" => MAX_KEYS,
        text => text.parse().map_err(|_| {
            Refusal::new(
                "InvalidArgument",
                "The max-keys you specified is not a number.",
            )
        })?,
    };
    let query = Query {
        prefix: value("prefix"),
        delimiter: value("delimiter"),
        marker: value("marker"),
        max_keys: max_keys.min(MAX_KEYS),
    };
    let is_encoded = value("encoding-type") == "url";
    let (entries, is_truncated) = bucket.list(&query, now);
    Ok(xml(name, &query, is_encoded, &entries, is_truncated))
}

fn xml(
    name: &str,
    query: &Query,
    is_encoded: bool,
    entries: &[Entry],
    is_truncated: bool,
) -> String {
    let text = |text: &str| {
        if is_encoded {
            utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
        } else {
            escape(text)
        }
    };
    let mut xml = String::from("<?xml version='1.0' encoding='utf-8' ?>\n<ListBucketResult>\n");
    let mut add = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(xml, "\t<{name}>{value}</{name}>");
    };
    add("Name", name);
    if is_encoded {
        add("EncodingType", "url");
    }
    add("Prefix", &text(&query.prefix));
    add("Marker", &text(&query.marker));
    add("MaxKeys", &query.max_keys.to_string());
    add("Delimiter", &text(&query.delimiter));
    add("IsTruncated", if is_truncated { "true" } else { "false" });
    let last = entries.last().map(|entry| match entry {
        Entry::Object(key, _) => key,
        Entry::CommonPrefix(prefix) => prefix,
    });
    if let Some(last) = last.filter(|_| is_truncated) {
        add("NextMarker", &text(last));
    }
    for entry in entries {
        match entry {
            Entry::CommonPrefix(prefix) => {
                add(
                    "CommonPrefixes",
                    &format!("<Prefix>{}</Prefix>", text(prefix)),
                );
            }
            Entry::Object(key, at) => {
                let at = jiff::Timestamp::try_from(*at).unwrap_or_default();
                let at = at.strftime("%Y-%m-%dT%H:%M:%S.000Z");
                let owner = "<Owner><ID>1250000000</ID></Owner>";
                add(
                    "Contents",
                    &format!(
                        "<Key>{}</Key><LastModified>{at}</LastModified><ETag>&quot;0&quot;</ETag>\
                         <Size>512</Size>{owner}<StorageClass>STANDARD</StorageClass>",
                        text(key)
                    ),
                );
            }
        }
    }
    xml.push_str("</ListBucketResult>\n");
    xml
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
