//! Escapes texts of the API, so that a log line shows every character.

use std::borrow::Cow;

/// The longest message that is kept, in characters: enough for every documented one.
const MAX_MESSAGE_CHARS: usize = 500;

/// Characters besides control characters that are invisible, reorder the text around them or end a
/// line: Unicode's formats, fillers, joiners and selectors.
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
        push_visible(character, &mut line);
    }
    line
}

/// Escapes the invisible characters of a text of any length.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        push_visible(character, &mut out);
    }
    Cow::Owned(out)
}

fn push_visible(character: char, out: &mut String) {
    if is_hidden(character) {
        out.extend(character.escape_default());
    } else {
        out.push(character);
    }
}

fn is_hidden(character: char) -> bool {
    character.is_control() || is_invisible(character)
}

/// Whether a character is invisible or changes the text around it.
pub(super) fn is_invisible(character: char) -> bool {
    let mut ranges = INVISIBLE.iter();
    !character.is_ascii() && ranges.any(|(first, last)| (*first..=*last).contains(&character))
}
