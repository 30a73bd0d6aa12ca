//! The sources of the default chain, and its messages for sources without a key.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

use std::collections::BTreeMap;

use cloudaudit_exporter::tencent::credentials::{ChainSource, detect};

fn detect_in(home: &str) -> (ChainSource, String) {
    let environment = BTreeMap::from([("HOME".to_owned(), home.to_owned())]);
    let (found, not) = detect(&environment);
    (found, not.join("; "))
}

#[test]
fn a_home_that_is_not_a_directory_has_no_profile() {
    let (found, not) = detect_in("/dev/null");
    assert_eq!(found, ChainSource::CvmRole);
    assert!(!not.contains("tccli"), "{not}");
}

#[test]
fn a_tccli_file_alone_is_mentioned_but_not_read() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".tccli");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("default.credential"), "{}").unwrap();
    let (found, not) = detect_in(home.path().to_str().unwrap());
    assert_eq!(found, ChainSource::CvmRole);
    assert!(
        not.contains("default.credential of tccli is not read"),
        "{not}"
    );
    assert!(
        not.contains("[default] in ~/.tencentcloud/credentials"),
        "{not}"
    );
}
