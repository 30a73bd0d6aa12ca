//! Checks every golden file with promtool and the parser of the official Python client.

use std::path::Path;

use crate::support::judges::{promtool, python_client};
use crate::support::text_format::parse;

#[tokio::test]
async fn promtool_and_the_python_client_accept_every_golden_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "prom") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let ours: usize = parse(&text).iter().map(|it| it.samples.len()).sum();
        assert_eq!(promtool(&text).await, Ok(()), "{}", path.display());
        assert_eq!(python_client(&text).await, Ok(ours), "{}", path.display());
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
}
