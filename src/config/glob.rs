//! Patterns with `*` and `?`.

use std::fmt;

use serde::{Serialize, Serializer};
use wildmatch::WildMatch;

/// A pattern for a whole text: `*` is any text, `?` one character, everything else is itself.
#[derive(Clone)]
pub struct Glob {
    text: String,
    pattern: WildMatch,
}

impl From<&str> for Glob {
    fn from(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            pattern: WildMatch::new(text),
        }
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Glob").field(&self.text).finish()
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Glob {}

impl Glob {
    /// Returns the pattern as the configuration spells it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether the pattern can match more than itself.
    pub(super) fn is_wild(&self) -> bool {
        self.text.contains(['*', '?'])
    }

    /// Returns whether the pattern matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.pattern.matches(text)
    }
}

impl Serialize for Glob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn stars_and_question_marks_fit_a_whole_text() {
        let fits = [
            ("*", ""),
            ("", ""),
            ("prod-*", "prod-"),
            ("prod-*", "prod-eu"),
            ("*-prod", "a-prod-prod"),
            ("?云", "支云"),
            ("a*b*c", "a-b-b-c"),
            ("**", "anything"),
            ("[a]", "[a]"),
        ];
        for (pattern, text) in fits {
            assert!(Glob::from(pattern).matches(text), "{pattern} {text}");
        }
        let unfit = [
            ("", "a"),
            ("?", ""),
            ("?", "ab"),
            ("prod-*", "preprod-eu"),
            ("*-prod", "a-prod-"),
            ("a*b*c", "a-c-b"),
            ("[a]", "a"),
            ("PROD", "prod"),
        ];
        for (pattern, text) in unfit {
            assert!(!Glob::from(pattern).matches(text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(500) + "b";
        assert!(!Glob::from(pattern.as_str()).matches(&"a".repeat(5000)));
    }
}
