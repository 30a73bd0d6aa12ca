//! Escapes texts from outside, so that a message shows every character.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

/// The longest message that is kept, in characters: enough for every documented one.
const MAX_MESSAGE_CHARS: usize = 500;

/// Characters that are invisible, reorder the text around them or end a line, without the control
/// characters: Unicode's formats, fillers, joiners and selectors.
const INVISIBLE: [(char, char); 22] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
    ('\u{f0000}', '\u{fffff}'),
    ('\u{100000}', '\u{10ffff}'),
];

/// Returns the message as one line of bounded length. Line breaks and invisible characters become
/// escapes, so that no text can hide or reorder another.
pub fn escaped(message: &str) -> String {
    let mut line = String::with_capacity(message.len().min(MAX_MESSAGE_CHARS));
    for (count, character) in message.trim().chars().enumerate() {
        if count == MAX_MESSAGE_CHARS {
            line.push('…');
            break;
        }
        push_escaped(character, is_hidden(character), &mut line);
    }
    line
}

/// Escapes the invisible characters of a text of any length.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped_where(text, is_hidden)
}

/// Returns a path for a message, on one line.
pub fn visible_path(path: &Path) -> String {
    visible(&path.to_string_lossy()).into_owned()
}

/// Escapes the invisible characters of a text of several lines, except line feeds. Values in it are
/// escaped by [`visible`] first, or they could forge a line.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped_where(text, |c| c != '\n' && is_hidden(c))
}

/// Escapes the invisible characters in a JSON document, whose value stays the same.
pub fn visible_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character < ' ' || !is_hidden(character) {
            out.push(character);
            continue;
        }
        // Such a character is inside a text.
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

fn escaped_where(text: &str, hides: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        push_escaped(character, hides(character), &mut out);
    }
    Cow::Owned(out)
}

fn push_escaped(character: char, is_hidden: bool, out: &mut String) {
    if is_hidden {
        out.extend(character.escape_default());
    } else {
        out.push(character);
    }
}

fn is_hidden(character: char) -> bool {
    character.is_control() || is_invisible(character)
}

/// Returns whether a character is invisible or changes the text around it.
pub(crate) fn is_invisible(character: char) -> bool {
    let mut ranges = INVISIBLE.iter();
    !character.is_ascii() && ranges.any(|(first, last)| (*first..=*last).contains(&character))
}
