//! Repairs nearly valid JSON, so that one broken text does not fail the whole response.
//!
//! A JSON parser rejects a response for a lone surrogate, a byte of Latin-1 or a raw control
//! character. The repair runs only after parsing has failed, so valid JSON costs nothing.

use zeroize::Zeroizing;

/// Replaces what is not a character.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Replaces what a parser rejects:
///
/// * a leading byte order mark is removed,
/// * bytes that are not UTF-8, and in texts raw control characters, lone surrogates and backslashes
///   that escape nothing, become U+FFFD,
/// * numbers that are not whole, or are too large for 64 bits, get quotes, so that their digits are
///   kept.
///
/// The result may hold secrets, so it wipes itself.
pub(super) fn repaired(body: &[u8]) -> Zeroizing<String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = &*text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' => repair_text(rest, &mut out),
            '-' | '0'..='9' => repair_number(rest, &mut out),
            other => {
                out.push(other);
                &rest[other.len_utf8()..]
            }
        };
    }
    out
}

/// Repairs the text at the beginning, quotes included, and returns the rest.
fn repair_text<'a>(text: &'a str, out: &mut String) -> &'a str {
    out.push('"');
    let mut rest = &text[1..];
    while let Some(next) = rest.chars().next() {
        match next {
            '"' => {
                out.push('"');
                return &rest[1..];
            }
            '\\' => rest = repair_escape(rest, out),
            next if next < ' ' => {
                out.push(REPLACEMENT);
                rest = &rest[1..];
            }
            _ => {
                let special = |c: char| c < ' ' || c == '"' || c == '\\';
                let end = rest.find(special).unwrap_or(rest.len());
                out.push_str(&rest[..end]);
                rest = &rest[end..];
            }
        }
    }
    rest
}

/// Repairs the escape sequence at the beginning and returns the rest.
fn repair_escape<'a>(text: &'a str, out: &mut String) -> &'a str {
    let length = match text.as_bytes().get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
        Some(b'u') => match (unit(text), text.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                out.push(REPLACEMENT);
                return &text[6..];
            }
            (Some(_), _) => 6,
            (None, _) => 0,
        },
        _ => 0,
    };
    if length == 0 {
        out.push(REPLACEMENT);
        return &text[1..];
    }
    out.push_str(&text[..length]);
    &text[length..]
}

/// Returns the number in a `\uXXXX` at the beginning.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
}

/// Repairs the number at the beginning and returns the rest.
fn repair_number<'a>(text: &'a str, out: &mut String) -> &'a str {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let length = text.bytes().take_while(|byte| is_part(byte)).count();
    let (number, rest) = text.split_at(length);
    // The parser treats `-0` as a float.
    let fits = number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
    let fits = fits && number != "-0";
    // The parser rejects what is not a JSON number.
    if fits || !is_json_number(number) {
        out.push_str(number);
    } else {
        out.extend(["\"", number, "\""]);
    }
    rest
}

fn is_json_number(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
