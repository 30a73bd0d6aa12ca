//! A page in a real browser.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::parts::part;

/// Runs these steps in a browser and returns what it sees. Fails if the browser reports an error.
pub fn looked(steps: &Value) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/look.mjs");
    let packages = part("browser");
    let output = Command::new("node")
        .arg(script)
        .arg(packages.parent().unwrap())
        .arg("/usr/bin/chromium")
        .arg(steps.to_string())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["complaints"], json!([]), "the browser complains");
    seen["seen"].as_array().unwrap().clone()
}
