//! Failure messages never contain secrets that a server echoes, in any encoding.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cloudaudit_exporter::failure::Failure;
use cloudaudit_exporter::snapshot::Listing;
use cloudaudit_exporter::tencent::credentials::FixedProvider;
use cloudaudit_exporter::tencent::{Client, ClientParts};

use crate::support::recorded::{credential, header, list};
use crate::support::scripted::{self, answer, options};

const ID: &str = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE";
const KEY: &str = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE";
const TOKEN: &str = "kJ8/9f+Qz/12ab+34CD/ef56+gh78IJ90klMN12opQR34stUV56wxYZ==";

/// Polls a server that responds with `body`, in which each `¤` stands for the signature.
async fn polled(body: String) -> Result<Arc<Listing>, Failure> {
    let transport = scripted::scripted(move |_, _, request| {
        let authorization = header(request, "authorization");
        let signature = authorization.rsplit('=').next().unwrap();
        answer(body.replace('¤', signature))
    });
    let provider = Arc::new(FixedProvider::new(credential(ID, KEY, Some(TOKEN))));
    let parts = ClientParts {
        provider,
        ..scripted::parts(transport)
    };
    let client = Client::new(parts, options(50));
    list(&client, Duration::ZERO).await.0
}

/// Returns the failure message for an API error whose JSON text is `message`.
async fn failure_message(message: &str) -> String {
    let body = format!(
        r#"{{"Response":{{"Error":{{"Code":"AuthFailure.TokenFailure","Message":"{message}"}},"RequestId":"r"}}}}"#
    );
    let failure = polled(body).await.unwrap_err();
    assert_eq!(
        failure.code, "AuthFailure.TokenFailure",
        "classified despite the redaction"
    );
    failure.message
}

fn each(secret: &str, spell: impl Fn(char) -> String) -> String {
    secret.chars().map(spell).collect()
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_redacted_in_every_encoding() {
    for secret in [ID, KEY, TOKEN] {
        let middle = secret.len() / 2;
        let (first, second) = secret.split_at(middle);
        for (how, spelled) in [
            ("plain", secret.to_owned()),
            ("slash", secret.replace('/', r"\/")),
            (
                "plus",
                secret.replace('+', r"\u002B").replace('/', r"\u002f"),
            ),
            ("units", each(secret, |c| format!(r"\u{:04X}", c as u32))),
            (
                "units twice",
                each(secret, |c| format!(r"\\u{:04x}", c as u32)),
            ),
            ("backslashes", secret.replace('/', r"\\/")),
            ("Rust", each(secret, |c| format!(r"\\u{{{:x}}}", c as u32))),
            ("bytes", each(secret, |c| format!(r"\\x{:02x}", c as u32))),
            (
                "URL",
                secret
                    .replace('/', "%2F")
                    .replace('+', "%2b")
                    .replace('=', "%3D"),
            ),
            (
                "URL twice",
                secret.replace('/', "%252F").replace('+', "%252b"),
            ),
            ("whole URL", each(secret, |c| format!("%{:02x}", c as u32))),
            ("HTML", each(secret, |c| format!("&#{};", c as u32))),
            ("HTML, x", each(secret, |c| format!("&#x{:x};", c as u32))),
            ("upper case", secret.to_uppercase()),
            ("lower case", secret.to_lowercase()),
            ("two lines", format!(r"{first}\r\n  {second}")),
            ("a raw line", format!("{first}\n{second}")),
            ("zero width", format!("{first}\u{200b}{second}")),
            ("bidi", format!("{first}\u{202e}{second}")),
            ("base64", STANDARD.encode(secret)),
            ("base64 inside", STANDARD.encode(format!("x:{secret}:y"))),
            (
                "base64 of a URL",
                URL_SAFE_NO_PAD.encode(format!("{secret}y")),
            ),
            ("hex", base16ct::upper::encode_string(secret.as_bytes())),
            ("the first half", first.to_owned()),
            ("the second half", second.to_owned()),
        ] {
            let message = failure_message(&format!("before ({spelled}) after")).await;
            let inside = message
                .strip_prefix("before (")
                .and_then(|rest| rest.strip_suffix(") after"));
            let inside = inside.unwrap_or_else(|| panic!("{how}: {message}"));
            // A few characters of the base64 around the secret, and of padding, may be left.
            let left = inside.replacen("***", "", 1);
            assert!(inside.contains("***"), "{how}: {message}");
            assert!(left.len() <= 12, "{how} of {secret}: {message}");
        }
    }
    let signature = failure_message("the signature ¤ is wrong").await;
    assert_eq!(signature, "the signature *** is wrong");
}

/// The message is decoded and redacted before it is truncated.
#[tokio::test(start_paused = true)]
async fn a_secret_at_the_truncation_limit_is_redacted() {
    for before in [470, 490, 499, 500, 1_000, 4_090] {
        let message = failure_message(&format!("{}{TOKEN}", "x".repeat(before))).await;
        assert!(!message.contains(&TOKEN[..16]), "{before}: {message}");
        assert!(message.starts_with("xxxx"), "{message}");
    }
    let many = failure_message(&TOKEN.repeat(1_000)).await;
    assert_eq!(many, "***");
}

#[tokio::test(start_paused = true)]
async fn secrets_are_redacted_in_request_ids_codes_and_names() {
    let body = |code: &str, request_id: &str| {
        format!(
            r#"{{"Response":{{"Error":{{"Code":"{code}","Message":"no"}},"RequestId":"{request_id}"}}}}"#
        )
    };
    let failure = polled(body("InternalError", &format!("r-{ID}")))
        .await
        .unwrap_err();
    assert_eq!(failure.request_id.as_deref(), Some("r-***"));
    let failure = polled(body(&format!("Novel.{KEY}"), "r"))
        .await
        .unwrap_err();
    assert_eq!(
        (&*failure.code, &*failure.message),
        ("other", "Novel.***: no")
    );
    let failure = polled(format!(r#"{{"Response":{{"RequestId":"{ID}"}}}}"#)).await;
    assert_eq!(failure.unwrap_err().request_id.as_deref(), Some("***"));

    let escaped = TOKEN.replace('+', r"\u002B");
    let listing = polled(format!(
        r#"{{"Response":{{"TotalCount":1,"Tracks":[{{"TrackId":7,"Name":"of {escaped}",
        "Storage":{{"StorageName":"{ID}","StoragePrefix":"audit-logs-of-the-whole-organization"}}}}]}}}}"#
    ));
    let listing = listing.await.unwrap();
    let track = &listing.tracks[0];
    assert_eq!((&*track.name, &*track.storage.name), ("of ***", "***"));
    assert_eq!(track.storage.prefix, "audit-logs-of-the-whole-organization");

    for (name, shown) in [
        (ID.to_lowercase(), "***"),
        (ID.replace('A', "%41"), "***"),
        (format!("of {}", STANDARD.encode(ID)), "of ***"),
        (ID[..ID.len() - 1].to_owned(), &ID[..ID.len() - 1]),
    ] {
        let listing = polled(format!(
            r#"{{"Response":{{"TotalCount":1,"Tracks":[{{"TrackId":7,"Name":"{name}"}}]}}}}"#
        ));
        let listing = listing.await.unwrap();
        assert_eq!(listing.tracks[0].name, shown, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_response_is_not_quoted() {
    for body in [
        format!("<html>{TOKEN} {ID}</html>"),
        format!(r#"{{"Response":{{"TotalCount":"{TOKEN}"}}}}"#),
        format!(r#"{{"Response":{{"TotalCount":0,"{TOKEN}":1,"Tracks":"{ID}"}}}}"#),
        format!(r#"{{"{TOKEN}":"{ID}"}}"#),
        format!(r#""{TOKEN}""#),
    ] {
        let failure = polled(body.clone()).await.unwrap_err().to_string();
        for secret in [ID, TOKEN] {
            assert!(!failure.contains(&secret[..16]), "{body}: {failure}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invisible_characters_are_escaped() {
    let message = failure_message(
        "a\u{202e}b\u{200b}c\u{2066}d\u{ad}e\u{feff}f\u{e0041}g\u{3164}h\u{fe0f}i\u{85}j",
    )
    .await;
    assert_eq!(
        message,
        r"a\u{202e}b\u{200b}c\u{2066}d\u{ad}e\u{feff}f\u{e0041}g\u{3164}h\u{fe0f}i\u{85}j"
    );
    let plain = "支付 e\u{301} ไทยที่ 😀 ñ — «ok»";
    assert_eq!(failure_message(plain).await, plain);
}
