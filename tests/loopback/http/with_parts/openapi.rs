//! The JSON answers and `docs/openapi.json`, compared by a judge of schemas that `make parts` installs.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::super::api::{json_of, server};
use super::super::changes;
use super::super::deliveries;
use crate::support::parts::part;

/// Each answer, and each object in it, has the keys that the description promises and no other.
#[tokio::test]
async fn the_answers_are_as_described() {
    let server = server().await;
    let of_changes = changes::server().await;
    let deliveries = deliveries::server().await;
    let description: Value =
        serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
    for (path, query, status) in [
        ("/api/v1/targets", "", "200"),
        ("/api/v1/targets", "?sort=sideways", "400"),
        ("/api/v1/tracks", "", "200"),
        ("/api/v1/tracks", "?page=none", "400"),
        ("/api/v1/changes", "", "200"),
        ("/api/v1/changes", "?change=none", "400"),
        ("/api/v1/delivery", "", "200"),
        ("/api/v1/delivery", "?state=up", "400"),
    ] {
        let server = match path {
            "/api/v1/changes" => &of_changes,
            "/api/v1/delivery" => &deliveries,
            _ => &server,
        };
        let answer = json_of(&server.get(&format!("{path}{query}")).await);
        let responses = &description["paths"][path]["get"]["responses"];
        let mut schema = responses[status]["content"]["application/json"]["schema"].clone();
        assert!(schema.is_object(), "{path} {status} is not described");
        schema["components"] = description["components"].clone();
        let fault = judge(&json!({"schema": schema, "instance": answer}));
        assert_eq!(fault, "", "{path}{query}");
        let mut spoilt = answer.clone();
        spoilt["more"] = json!(1);
        assert_ne!(judge(&json!({"schema": schema, "instance": spoilt})), "");
    }
    // Every parameter that is described is taken, and the other way round.
    for (path, count) in [
        ("/api/v1/targets", 7),
        ("/api/v1/tracks", 10),
        ("/api/v1/changes", 8),
        ("/api/v1/delivery", 7),
    ] {
        let parameters = &description["paths"][path]["get"]["parameters"];
        let parameters = parameters.as_array().unwrap();
        for parameter in parameters {
            let name = parameter["$ref"].as_str().unwrap();
            let name = name.rsplit('/').next().unwrap();
            let described = &description["components"]["parameters"][name];
            let name = name.trim_start_matches("delivery_");
            assert_eq!(described["name"], name);
            let example = described["example"]
                .as_str()
                .map_or_else(|| described["example"].to_string(), str::to_owned);
            let reply = server.get(&format!("{path}?{name}={example}")).await;
            assert_eq!(reply.status, 200, "{name}");
        }
        assert_eq!(parameters.len(), count, "{path}");
    }
}

/// What a judge of JSON schemas has against it.
fn judge(case: &Value) -> String {
    const JUDGE: &str = "import json, sys, jsonschema\ncase = json.load(sys.stdin)\n\
        errors = jsonschema.Draft202012Validator(case['schema']).iter_errors(case['instance'])\n\
        print('; '.join(e.json_path + ': ' + e.message for e in errors), end='')";
    let mut python = Command::new(part("python"))
        .args(["-c", JUDGE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = case.to_string();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
