//! A response of the API, or a forged response.

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{Status, Track};
use cloudaudit_exporter::tencent::MAX_TEXT_BYTES;
use cloudaudit_exporter::tencent::wire::{Page, WireError, parse_page};
use jiff::tz::Offset;
use serde_json::Value;

/// Five hundred characters of the API, each with the longest escape, and an ellipsis.
const LONGEST_MESSAGE: usize = 500 * r"\u{2028}".len() + 1;

/// 2000-01-01 00:00 at UTC+8: what is created before is a zero value in disguise.
const EARLIEST: i64 = 946_656_000;

/// A page has the content of the response, and a failure is safe to print.
pub fn answer(input: &[u8]) {
    match parse_page(input, Offset::constant(8)) {
        Ok(page) => says_what_was_answered(&page, input),
        Err(WireError::NotJson(failure)) => {
            assert_eq!(failure.reason, Reason::Malformed);
            can_be_shown(&failure);
        }
        Err(WireError::Api(failure)) => can_be_shown(&failure),
    }
}

fn says_what_was_answered(page: &Page, input: &[u8]) {
    // The generic reader also refuses ignored fields, for example if they are nested too deeply.
    let Ok(value) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let response = &value["Response"];
    assert_eq!(whole(&response["TotalCount"]), Some(page.total));
    assert!(response["Error"].is_null(), "an error is no page");
    let none = Vec::new();
    let tracks = response["Tracks"].as_array().unwrap_or(&none);
    assert_eq!(tracks.len(), page.tracks.len());
    for (said, track) in tracks.iter().zip(&page.tracks) {
        is_what_was_said(track, said);
    }
}

fn is_what_was_said(track: &Track, said: &Value) {
    assert_eq!(whole(&said["TrackId"]), Some(track.id));
    let none = Value::Null;
    let storage = Some(&said["Storage"]).filter(|storage| storage.is_object());
    let (storage, target) = (storage.unwrap_or(&none), &track.storage);
    for (said, taken) in [
        (&said["Name"], &track.name),
        (&said["ActionType"], &track.action_type),
        (&said["ResourceType"], &track.resource_type),
        (&storage["StorageType"], &target.kind),
        (&storage["StorageRegion"], &target.region),
        (&storage["StorageName"], &target.name),
        (&storage["StoragePrefix"], &target.prefix),
        (&storage["StorageAccountId"], &target.account),
    ] {
        match said {
            // The generic reader has lost how a float was written.
            Value::Number(number) if number.is_f64() => assert!(!taken.is_empty()),
            Value::Number(number) => assert_eq!(*taken, number.to_string()),
            said => is_taken(taken, said.as_str().unwrap_or_default()),
        }
    }
    let status = match whole(&said["Status"]) {
        Some(0) => Status::Disabled,
        Some(1) => Status::Enabled,
        _ => Status::Unknown,
    };
    assert_eq!(status, track.status);
    assert!(track.created.is_none_or(|created| created >= EARLIEST));
}

/// A whole number, which may be text and may have an empty fraction.
fn whole(said: &Value) -> Option<u64> {
    let text = match said {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let is_finite =
        |text: &&String| !text.contains(|c: char| c.is_alphabetic() && !"eE".contains(c));
    let number: f64 = Some(&text).filter(is_finite)?.parse().ok()?;
    // Beyond, a float may stand for several numbers.
    let exact = 0.0..9_007_199_254_740_992.0;
    (number.fract() == 0.0 && exact.contains(&number))
        .then(|| format!("{number:.0}").parse().ok())?
}

/// The text verbatim, or its beginning with a mark instead of the rest if it is long.
fn is_taken(taken: &str, said: &str) {
    if said.len() <= MAX_TEXT_BYTES {
        assert_eq!(taken, said);
    } else {
        assert!(taken.len() <= MAX_TEXT_BYTES, "{taken}");
        assert!(said.starts_with(&taken[..MAX_TEXT_BYTES / 2]), "{taken}");
    }
}

/// The message is one line of bounded length, and the code is from a bounded set.
fn can_be_shown(failure: &Failure) {
    let message = failure.to_string();
    assert!(!message.contains(is_line_break_or_control), "{message:?}");
    assert!(failure.message.chars().count() <= LONGEST_MESSAGE);
    let request_id = failure.request_id.as_deref().unwrap_or_default();
    assert!(request_id.chars().count() <= LONGEST_MESSAGE);
    // Every documented code begins with a capital letter and is a word or two.
    let is_documented = |code: &str| {
        code.len() <= 64
            && code.starts_with(|first: char| first.is_ascii_uppercase())
            && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
    };
    let code = &*failure.code;
    assert!(
        ["malformed", "other"].contains(&code) || is_documented(code),
        "{code:?}"
    );
    assert!(
        ![Reason::Credentials, Reason::Incomplete].contains(&failure.reason),
        "not a page's to say"
    );
}

fn is_line_break_or_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}' | '\u{2028}'..='\u{202e}' | '\u{feff}')
}
