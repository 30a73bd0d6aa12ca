//! Types that write escaped HTML.

use std::fmt;
use std::time::{Duration, SystemTime};

/// A value whose `Display` is HTML. Texts from outside are wrapped in [`Text`], so they cannot reach a
/// page unescaped.
pub(super) trait Html: fmt::Display {}

/// A name or message from outside, isolated so that right-to-left text does not reorder the text
/// around it.
pub(super) struct Isolated<'a>(pub(super) &'a str);

impl Html for Isolated<'_> {}

impl fmt::Display for Isolated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<bdi>{}</bdi>", Text(self.0))
    }
}

/// Any text, escaped for content and for quoted attributes.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Html for Text<'_> {}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// A number.
pub(super) struct Number(pub(super) u64);

impl Html for Number {}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One word on a colored background. The word alone carries the meaning.
pub(super) struct Badge {
    pub(super) color: BadgeColor,
    pub(super) word: &'static str,
}

/// The meaning of a badge's color.
#[derive(Clone, Copy)]
pub(super) enum BadgeColor {
    Good,
    Bad,
    Unsure,
}

impl Html for Badge {}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.color {
            BadgeColor::Good => "good",
            BadgeColor::Bad => "bad",
            BadgeColor::Unsure => "unsure",
        };
        write!(
            f,
            r#"<span class="badge {class}">{}</span>"#,
            Text(self.word)
        )
    }
}

/// A time, as its age and in UTC, or a dash if there is no time.
pub(super) struct Timestamp {
    pub(super) at: Option<SystemTime>,
    pub(super) now: SystemTime,
}

impl Html for Timestamp {}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.at else {
            return f.write_str("–");
        };
        match self.now.duration_since(at) {
            Ok(age) => write!(f, "{} ago", Age(age))?,
            Err(ahead) => write!(f, "in {}", Age(ahead.duration()))?,
        }
        write!(f, r#" <span class="utc">{}</span>"#, Utc(at))
    }
}

/// A date and time in UTC.
pub(super) struct Utc(pub(super) SystemTime);

impl Html for Utc {}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::try_from(self.0) {
            Ok(time) => write!(
                f,
                r#"<time datetime="{}">{}</time>"#,
                time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                time.strftime("%Y-%m-%d %H:%M:%S UTC"),
            ),
            Err(_) => f.write_str("beyond the calendar"),
        }
    }
}

/// A duration in its largest fitting unit.
pub(super) struct Age(pub(super) Duration);

impl Html for Age {}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..120 => write!(f, "{seconds} s"),
            120..7200 => write!(f, "{} min", seconds / 60),
            7200..172_800 => write!(f, "{} h", seconds / 3600),
            _ => write!(f, "{} days", seconds / 86400),
        }
    }
}

/// Returns a number with its noun in singular or plural.
pub(super) fn pluralize(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
