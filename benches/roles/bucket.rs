//! The listings of buckets in which records arrive.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// The folders of every bucket, and the part of the last one's path that its parent lists.
const FOLDERS: [&str; 4] = ["cloudaudit/", "2026/", "11/", "28/"];

/// A delivery each five minutes, of which this many are kept.
const DELIVERY: u64 = 5 * 60;
const KEPT: u64 = 60;

/// A listing of any bucket: a folder, or the objects after the marker.
pub(super) fn listing(query: &str) -> String {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    };
    let (prefix, marker) = (value("prefix"), value("marker"));
    let level = prefix.matches('/').count();
    let child = FOLDERS.get(level).filter(|_| value("delimiter") == "/");
    let mut entries = String::new();
    if let Some(child) = child {
        let folder = format!("{prefix}{child}");
        if *folder > *marker {
            write!(
                entries,
                "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
            )
            .expect("a String takes everything");
        }
    } else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let newest = now.unwrap_or_default().as_secs() / DELIVERY;
        for at in (newest - KEPT..=newest).map(|number| number * DELIVERY) {
            let key = format!("{}{at}_audit.gz", FOLDERS.concat());
            if *key > *marker {
                let modified = jiff::Timestamp::from_second(at.try_into().unwrap_or_default());
                let modified = modified.unwrap_or_default();
                write!(
                    entries,
                    "<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><Size>70</Size></Contents>"
                )
                .expect("a String takes everything");
            }
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><EncodingType>url</EncodingType>\
         <IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    )
}
