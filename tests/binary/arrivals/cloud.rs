//! A cloud of this test alone: accounts by their keys, tracks, buckets and operation records in literal
//! JSON and XML.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;

use crate::support::literal::{IDENTITY, LiteralCloud, error, fill, secret_id};

const TRACK: &str = r#"{"TrackId":{id},"Name":"{name}","ActionType":"*","ResourceType":"*","Status":1,"EventNames":["*"],
 "CreateTime":"2026-01-05 09:12:44","Storage":{"StorageType":"{type}","StorageRegion":"ap-singapore","StorageName":"{storage}",
 "StoragePrefix":"audit","StorageAccountId":"","StorageAppId":"1250000001"}}"#;

/// A read of another program, which a track over everything delivers.
const EVENT: &str = r#"{"EventId":"r-1","RequestID":"r-1","EventName":"DescribeInstances","EventTime":"{time}","Username":"alice",
 "Resources":{"ResourceType":"cvm","ResourceName":""},"ErrorCode":0,"CloudAuditEvent":"not JSON"}"#;

const LISTING: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult><Name>{bucket}</Name><EncodingType>url</EncodingType><MaxKeys>{most}</MaxKeys>
<IsTruncated>{truncated}</IsTruncated><NextMarker>{next}</NextMarker>{entries}</ListBucketResult>"#;

const OBJECT: &str = r"<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>&quot;1&quot;</ETag><Size>70</Size>
<Owner><ID>1250000001</ID></Owner><StorageClass>STANDARD</StorageClass></Contents>";

const ERROR: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>{code}</Message><RequestId>r-cos</RequestId></Error>"#;

/// The most entries of a page, so that listings have several.
const MAX_ENTRIES: usize = 3;

/// What an account has.
#[derive(Default)]
pub struct Account {
    /// `StorageType` and `StorageName` of each track.
    pub tracks: Vec<(&'static str, &'static str)>,
    /// The time of each object, by key, by the name of its bucket.
    pub buckets: BTreeMap<&'static str, BTreeMap<&'static str, SystemTime>>,
    /// The operation that is recorded.
    pub operation: Option<SystemTime>,
    /// The key may not list buckets.
    pub is_denied: bool,
}

/// By secret id.
pub type Accounts = BTreeMap<&'static str, Account>;

/// The cloud behind a socket.
pub type Cloud = LiteralCloud<Accounts>;

pub async fn start(accounts: Accounts) -> Cloud {
    let cloud = Cloud::start(accounts, |accounts, request| {
        let account = &accounts[secret_id(request)];
        match request.headers().get("x-tc-action") {
            Some(action) => api(account, action.to_str().unwrap()),
            None => account.list(request),
        }
    });
    cloud.await
}

/// Answers a request of the API.
fn api(account: &Account, action: &str) -> Response<Bytes> {
    let answer = match action {
        "DescribeAuditTracks" => account.tracks(),
        "DescribeEvents" => account.events(),
        "DescribeTopics" => r#"{"Topics":[],"TotalCount":0,"RequestId":"r-topics"}"#.to_owned(),
        "DescribeLogHistogram" => error("ResourceNotFound.TopicNotExist", "no such topic"),
        "GetCallerIdentity" => IDENTITY.to_owned(),
        _ => error("InvalidAction", action),
    };
    Response::new(format!(r#"{{"Response":{answer}}}"#).into())
}

impl Account {
    fn tracks(&self) -> String {
        let tracks = self.tracks.iter().enumerate();
        let tracks = tracks.map(|(number, (kind, storage))| {
            let (id, name) = ((number + 1).to_string(), format!("track-{}", number + 1));
            let values = [("id", &*id), ("name", &*name), ("type", *kind)];
            fill(TRACK, &[&values[..], &[("storage", *storage)]].concat())
        });
        let tracks: Vec<String> = tracks.collect();
        let (count, tracks) = (tracks.len(), tracks.join(","));
        format!(r#"{{"Tracks":[{tracks}],"TotalCount":{count},"RequestId":"r-list"}}"#)
    }

    fn events(&self) -> String {
        let Some(at) = self.operation else {
            return error("UnauthorizedOperation", "there is no reason to ask");
        };
        let event = fill(EVENT, &[("time", &seconds(at).to_string())]);
        format!(r#"{{"Events":[{event}],"ListOver":true,"RequestId":"r-events"}}"#)
    }

    /// Answers a GET Bucket.
    fn list(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let host = request.headers()["host"].to_str().unwrap();
        let bucket = host.strip_suffix("-1250000001.cos.ap-singapore.myqcloud.com");
        let objects = bucket.and_then(|bucket| self.buckets.get(bucket));
        let (status, body) = match objects {
            _ if self.is_denied => (
                StatusCode::FORBIDDEN,
                fill(ERROR, &[("code", "AccessDenied")]),
            ),
            None => (
                StatusCode::NOT_FOUND,
                fill(ERROR, &[("code", "NoSuchBucket")]),
            ),
            Some(objects) => {
                let query = request.uri().query().unwrap_or_default();
                (StatusCode::OK, listing(host, objects, query))
            }
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        response
    }
}

/// Lists what follows the marker: objects, or with a delimiter the folders that they are in.
fn listing(host: &str, objects: &BTreeMap<&str, SystemTime>, query: &str) -> String {
    let query: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let value = |name: &str| query.get(name).map_or("", String::as_str);
    let (prefix, marker) = (value("prefix"), value("marker"));
    let most: usize = value("max-keys").parse().unwrap();
    let most = most.min(MAX_ENTRIES);
    let mut entries = BTreeMap::new();
    for (key, at) in objects {
        let Some(rest) = key.strip_prefix(prefix) else {
            continue;
        };
        let entry = match rest.find('/') {
            Some(slash) if value("delimiter") == "/" => {
                let folder = &key[..=prefix.len() + slash];
                let xml = format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
                (folder, xml)
            }
            _ => {
                let modified = Timestamp::try_from(*at).unwrap();
                let modified = modified.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
                (*key, fill(OBJECT, &[("key", key), ("modified", &modified)]))
            }
        };
        entries.extend((entry.0 > marker).then_some(entry));
    }
    let is_truncated = entries.len() > most;
    let page: Vec<(&str, String)> = entries.into_iter().take(most).collect();
    let next = page.last().map_or("", |(name, _)| *name);
    let xml: Vec<&str> = page.iter().map(|(_, xml)| &**xml).collect();
    fill(
        LISTING,
        &[
            ("bucket", host.split('.').next().unwrap_or(host)),
            ("most", &most.to_string()),
            ("truncated", &is_truncated.to_string()),
            ("next", if is_truncated { next } else { "" }),
            ("entries", &xml.concat()),
        ],
    )
}

/// A time so many minutes ago, in whole seconds as COS has them.
pub fn minutes_ago(minutes: u64) -> SystemTime {
    let ago = SystemTime::now() - Duration::from_mins(minutes);
    UNIX_EPOCH + Duration::from_secs(seconds(ago))
}

pub fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}
