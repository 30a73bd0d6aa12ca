//! What others think of every state: promtool, and the parser of the official Python client.

use std::path::Path;

use crate::support::judges::{promtool, python_client};
use crate::support::text_format::parse;

#[tokio::test]
async fn others_read_every_golden_file_as_we_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut judged = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "prom") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let ours: usize = parse(&text).iter().map(|it| it.samples.len()).sum();
        assert_eq!(promtool(&text).await, Ok(()), "{}", path.display());
        assert_eq!(python_client(&text).await, Ok(ours), "{}", path.display());
        judged += 1;
    }
    assert!(judged >= 10, "{judged}");
}
