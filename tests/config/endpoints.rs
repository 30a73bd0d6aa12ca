//! Hosts with a final dot, which marks a name as absolute.

use std::collections::BTreeMap;

use cloudaudit_exporter::config::{Config, Endpoint};

fn endpoint(text: &str) -> Result<Endpoint, String> {
    let text = format!("endpoint: '{text}'\naccounts: {{prod: {{}}}}\n");
    let config = Config::parse("test.yaml", &text, &BTreeMap::new());
    let config = config.map_err(|error| error.to_string())?;
    Ok(config.accounts[0].endpoint.clone())
}

/// The exporter neither sends the dot in `Host` nor signs it.
#[test]
fn a_final_dot_is_allowed_and_is_not_part_of_the_host() {
    for (written, authority, url) in [
        (
            "cloudaudit.tencentcloudapi.com.",
            "cloudaudit.tencentcloudapi.com",
            "https://cloudaudit.tencentcloudapi.com",
        ),
        (
            "https://Proxy.Example.:8443",
            "proxy.example:8443",
            "https://proxy.example:8443",
        ),
        (
            "https://proxy.example.:443",
            "proxy.example",
            "https://proxy.example",
        ),
    ] {
        let endpoint = endpoint(written).unwrap();
        assert_eq!(endpoint.authority(), authority, "{written}");
        assert_eq!(endpoint.to_string(), url, "{written}");
    }
    let [dotted, plain] = ["cloud.example.", "cloud.example"].map(endpoint);
    assert_eq!(dotted, plain, "one endpoint, one rate limit");
}

#[test]
fn a_final_dot_is_refused_after_anything_but_a_name_with_dots() {
    for written in [
        ".",
        "..",
        "cloud.example..",
        "127.0.0.1.",
        "audit-proxy.",
        "http://localhost.",
        "[::1].",
        "https://.:443",
        "1.",
    ] {
        assert!(endpoint(written).is_err(), "{written}");
    }
}
