//! Removes the secrets of a request from the texts of its response: a gateway that quotes the request
//! in an error would otherwise put the signature and the token into the log.
//!
//! A server can write a secret in many ways: escaped for JSON, a URL or HTML, in another case, with
//! line breaks, in base64. So the search also covers the text with all of that undone.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::{Request, header};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::credential::Credential;
use crate::escape::is_invisible;

/// Parts of a secret from this length on, in bytes, are redacted too. A shorter secret is redacted
/// only as a whole and in its own case, because a text such as `Role` is in many messages.
const MIN_PART: usize = 16;

/// How much of a message is searched and kept, in bytes: more than is ever shown.
const MAX_SCANNED: usize = 4 * 1024;

/// How often a text is searched: unchanged, and after each layer of escapes.
const MAX_LAYERS: usize = 4;

/// Longer than the longest name of a track, in bytes, and shorter than a secret id in base64.
const MAX_PLAIN_NAME: usize = 48;

/// Replaces a secret.
const MASK: &str = "***";

/// The secrets of one request. They wipe themselves.
#[derive(Default)]
pub(super) struct Redactor {
    secrets: Vec<Zeroizing<String>>,
    /// The length of the shortest long secret, in bytes; 0 if there is none.
    shortest: usize,
}

impl Redactor {
    /// Collects the secrets of a request: from its credential, its headers and its body.
    pub(super) fn for_request(
        credential: Option<&Credential>,
        secrets: &[&str],
        request: &Request<Bytes>,
    ) -> Self {
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        let authorization = header(header::AUTHORIZATION.as_str());
        let signature = authorization.and_then(|value| value.rsplit('=').next());
        let secret_id = credential.map(Credential::secret_id);
        // The key is not sent, so only one of the length of a real key is searched.
        let key = credential.map(|credential| credential.secret_key().expose_secret());
        let key = key.filter(|key| is_long(key));
        let tokens = [header("x-tc-token"), header("x-cos-security-token")];
        let parts = [secret_id, key, signature].into_iter().chain(tokens);
        let parts = parts.flatten().chain(secrets.iter().copied());
        let parts = parts.filter(|part| !part.is_empty());
        let secrets: Vec<Zeroizing<String>> = parts.map(|part| part.to_owned().into()).collect();
        let long = secrets.iter().filter(|secret| is_long(secret));
        let shortest = long.map(|secret| secret.len()).min().unwrap_or_default();
        Self { secrets, shortest }
    }

    /// Redacts a message of the API, and cuts off what is too long to be shown.
    pub(super) fn redact<'a>(&self, message: &'a str) -> Cow<'a, str> {
        let message = &message[..message.floor_char_boundary(MAX_SCANNED)];
        redact_all(message, &self.secrets, 1)
    }

    /// Redacts a name. It searches only long secrets, and only in a name that can hold one, so most
    /// names cost next to nothing.
    pub(super) fn redact_name(&self, name: String) -> String {
        if self.shortest == 0 || name.len() < self.shortest || !self.may_hold_secret(&name) {
            return name;
        }
        match redact_all(&name, &self.secrets, MIN_PART) {
            Cow::Borrowed(_) => name,
            Cow::Owned(hidden) => hidden,
        }
    }

    /// Returns whether a name needs the complete search: it holds a secret in any case, has escapes,
    /// or is longer than names usually are.
    fn may_hold_secret(&self, name: &str) -> bool {
        let is_in = |secret: &Zeroizing<String>| {
            let mut places = name.as_bytes().windows(secret.len());
            is_long(secret) && places.any(|place| place.eq_ignore_ascii_case(secret.as_bytes()))
        };
        name.len() >= MAX_PLAIN_NAME
            || name.contains(['%', '\\', '&'])
            || self.secrets.iter().any(is_in)
    }
}

fn is_long(secret: &str) -> bool {
    secret.len() >= MIN_PART
}

/// Redacts the secrets that have at least the length `shortest`.
fn redact_all<'a>(text: &'a str, secrets: &[Zeroizing<String>], shortest: usize) -> Cow<'a, str> {
    let mut hidden = Vec::new();
    let mut layer = Some(Layer::of(text));
    for _ in 0..MAX_LAYERS {
        let Some(seen) = layer else { break };
        for secret in secrets.iter().filter(|secret| secret.len() >= shortest) {
            seen.find(secret, &mut hidden);
        }
        layer = seen.unescaped();
    }
    masked(text, hidden)
}

/// Replaces each range with the mask. No range splits a character.
fn masked(text: &str, mut hidden: Vec<Range<usize>>) -> Cow<'_, str> {
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    hidden.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut shown_to = 0;
    for range in hidden {
        // Adjacent and overlapping ranges get one mask.
        if range.start > shown_to || out.is_empty() {
            out.push_str(&text[shown_to..range.start]);
            out.push_str(MASK);
        }
        shown_to = shown_to.max(range.end);
    }
    out.push_str(&text[shown_to..]);
    Cow::Owned(out)
}

/// A text after some escapes were undone. Each character keeps its range in the original text.
#[derive(Default)]
struct Layer {
    characters: Vec<char>,
    from: Vec<Range<usize>>,
}

impl Layer {
    fn of(text: &str) -> Self {
        let mut layer = Self::default();
        for (start, character) in text.char_indices() {
            layer.push(character, start..start + character.len_utf8());
        }
        layer
    }

    fn push(&mut self, character: char, from: Range<usize>) {
        self.characters.push(character);
        self.from.push(from);
    }

    /// Finds a secret. A long one is also found folded, in parts, in hexadecimal and in base64.
    fn find(&self, secret: &str, hidden: &mut Vec<Range<usize>>) {
        if !is_long(secret) {
            let secret: Vec<char> = secret.chars().collect();
            return self.find_parts(&secret, secret.len(), hidden);
        }
        let folded = self.folded();
        for form in forms(secret) {
            let form: Zeroizing<Vec<char>> =
                form.chars().filter_map(fold).collect::<Vec<_>>().into();
            folded.find_parts(&form, MIN_PART, hidden);
        }
    }

    /// Finds every part of a secret with this length.
    fn find_parts(&self, secret: &[char], length: usize, hidden: &mut Vec<Range<usize>>) {
        let parts: HashSet<&[char]> = secret.windows(length).collect();
        for (start, part) in self.characters.windows(length).enumerate() {
            if parts.contains(part) {
                hidden.push(self.from[start].start..self.from[start + length - 1].end);
            }
        }
    }

    /// Applies [`fold`] to each character.
    fn folded(&self) -> Self {
        let mut out = Self::default();
        for (character, from) in self.characters.iter().zip(&self.from) {
            if let Some(character) = fold(*character) {
                out.push(character, from.clone());
            }
        }
        out
    }

    /// Undoes one layer of escapes. `None` if there are none.
    fn unescaped(&self) -> Option<Self> {
        let mut out = Self::default();
        let mut at = 0;
        while at < self.characters.len() {
            let (character, length) =
                escape_at(&self.characters[at..]).unwrap_or((self.characters[at], 1));
            out.push(
                character,
                self.from[at].start..self.from[at + length - 1].end,
            );
            at += length;
        }
        (out.characters.len() < self.characters.len()).then_some(out)
    }
}

/// Returns the encodings of a secret that are not escapes.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let mut forms = vec![
        Zeroizing::new(secret.to_owned()),
        Zeroizing::new(base16ct::lower::encode_string(secret.as_bytes())),
    ];
    // In base64 a text has three forms, depending on the number of bytes before it.
    for before in 0..3 {
        let text = Zeroizing::new([&vec![0; before][..], secret.as_bytes()].concat());
        let whole = Zeroizing::new(STANDARD_NO_PAD.encode(&*text));
        // The first characters hold bits of those bytes; the last one may hold bits of what follows.
        let is_mixed = !text.len().is_multiple_of(3);
        let own = &whole[(before * 4).div_ceil(3)..whole.len() - usize::from(is_mixed)];
        forms.push(Zeroizing::new(own.to_owned()));
    }
    forms
}

/// Maps a character to one case and one base64 alphabet. `None` for a separator.
fn fold(character: char) -> Option<char> {
    match character {
        '-' => Some('+'),
        '_' => Some('/'),
        '"' | '\'' | '\\' => None,
        c if c.is_whitespace() || c.is_control() || is_invisible(c) => None,
        c => Some(c.to_ascii_lowercase()),
    }
}

/// Returns the character of the escape at the beginning and the length of the escape.
fn escape_at(text: &[char]) -> Option<(char, usize)> {
    match text {
        ['%', a, b, ..] => Some((hex(&[*a, *b])?, 3)),
        ['\\', 'u', '{', rest @ ..] => {
            let length = rest.iter().take(7).position(|c| *c == '}')?;
            Some((hex(&rest[..length])?, length + 4))
        }
        ['\\', 'u', a, b, c, d, ..] => Some((hex(&[*a, *b, *c, *d])?, 6)),
        ['\\', 'x', a, b, ..] => Some((hex(&[*a, *b])?, 4)),
        ['\\', 'n' | 'r' | 't', ..] => Some(('\n', 2)),
        ['\\', escaped, ..] => Some((*escaped, 2)),
        ['&', rest @ ..] => {
            let length = rest.iter().take(10).position(|c| *c == ';')?;
            Some((entity(&rest[..length])?, length + 2))
        }
        _ => None,
    }
}

/// Returns the character of an HTML entity, given without its `&` and `;`.
fn entity(name: &[char]) -> Option<char> {
    match name {
        ['#', 'x' | 'X', digits @ ..] => hex(digits),
        ['#', digits @ ..] => {
            let digits: String = digits.iter().collect();
            char::from_u32(digits.parse().ok()?)
        }
        name => match &*name.iter().collect::<String>() {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            _ => None,
        },
    }
}

fn hex(digits: &[char]) -> Option<char> {
    let digits: String = digits.iter().collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}
