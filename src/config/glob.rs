//! `*` and `?`, for names.

/// A pattern for a whole text: `*` is any number of characters, `?` is one, the rest is itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl From<&str> for Glob {
    fn from(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }
}

impl Glob {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for more than itself.
    pub(super) fn is_wild(&self) -> bool {
        self.0.contains(['*', '?'])
    }

    /// Whether the whole text fits. A text of n characters takes at most n times the pattern's
    /// length.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text): (Vec<char>, Vec<char>) =
            (self.0.chars().collect(), text.chars().collect());
        let (mut at, mut read) = (0, 0);
        // The last star, and up to where it swallows the text: only its share can be wrong.
        let mut star: Option<(usize, usize)> = None;
        while read < text.len() {
            match (pattern.get(at), star) {
                (Some('*'), _) => {
                    star = Some((at, read));
                    at += 1;
                }
                (Some(c), _) if *c == '?' || *c == text[read] => {
                    at += 1;
                    read += 1;
                }
                (_, Some((place, swallowed))) => {
                    star = Some((place, swallowed + 1));
                    at = place + 1;
                    read = swallowed + 1;
                }
                (_, None) => return false,
            }
        }
        pattern[at..].iter().all(|c| *c == '*')
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
