//! Types that write escaped HTML.

use std::borrow::Cow;
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

/// A text that the page itself composed, escaped.
pub(super) struct Composed(pub(super) String);

impl Html for Composed {}

impl fmt::Display for Composed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text(&self.0).fmt(f)
    }
}

/// A message from outside. Failures have their line breaks escaped as `\\n`; it breaks there.
pub(super) struct Message<'a>(pub(super) Cow<'a, str>);

impl Html for Message<'_> {}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi>")?;
        let lines = self.0.split("\\n").flat_map(str::lines);
        for (number, line) in lines.filter(|line| !line.trim().is_empty()).enumerate() {
            let br = if number > 0 { "<br>" } else { "" };
            write!(f, "{br}{}", Text(line))?;
        }
        f.write_str("</bdi>")
    }
}

/// Several values in one cell, each on a line of its own.
pub(super) struct Lines<T>(pub(super) Vec<T>);

impl<T: Html> Html for Lines<T> {}

impl<T: Html> fmt::Display for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.0 {
            write!(f, "<div>{line}</div>")?;
        }
        Ok(())
    }
}

/// The names of regions, which do not break at their hyphens.
pub(super) struct Regions<'a>(pub(super) Vec<&'a str>);

impl Html for Regions<'_> {}

impl fmt::Display for Regions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, region) in self.0.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}<span class=\"region\">{}</span>", Text(region))?;
        }
        Ok(())
    }
}

/// The name of an account, as a link that narrows the page to it.
pub(super) struct Account<'a>(pub(super) &'a str);

impl Html for Account<'_> {}

impl fmt::Display for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = form_urlencoded::byte_serialize(self.0.as_bytes()).collect::<String>();
        write!(f, "<a href=\"./?account={query}\">{}</a>", Isolated(self.0))
    }
}

/// The name of a track with its id. An operation record may lack both.
pub(super) struct TrackName<'a>(pub(super) &'a str, pub(super) u64);

impl Html for TrackName<'_> {}

impl fmt::Display for TrackName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self("", 0) => f.write_str("not known"),
            Self(name, 0) => write!(f, "{}", Isolated(name)),
            Self(name, id) => write!(f, "{} <span class=\"soft\">{id}</span>", Isolated(name)),
        }
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

/// The meaning of a color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadgeColor {
    Good,
    Bad,
    Unsure,
    Plain,
}

impl BadgeColor {
    /// Returns the class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Unsure => "unsure",
            Self::Plain => "plain",
        }
    }
}

impl Html for Badge {}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<span class="badge {}">{}</span>"#,
            self.color.class(),
            Text(self.word)
        )
    }
}

/// A time, as its age and in UTC.
pub(super) struct Timestamp {
    pub(super) at: Option<SystemTime>,
    pub(super) now: SystemTime,
}

impl Html for Timestamp {}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.at else {
            return f.write_str("not known");
        };
        match self.now.duration_since(at) {
            Ok(age) => write!(f, "{} ago", Age(age))?,
            Err(ahead) => write!(f, "in {}", Age(ahead.duration()))?,
        }
        write!(f, r#" <span class="soft">{}</span>"#, Utc(at))
    }
}

/// A date and time in UTC. A line can break only between the two.
pub(super) struct Utc(pub(super) SystemTime);

impl Html for Utc {}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::try_from(self.0) {
            Ok(time) => write!(
                f,
                r#"<time datetime="{}"><span>{}</span> <span>{}</span></time>"#,
                time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                time.strftime("%Y-%m-%d"),
                time.strftime("%H:%M:%S UTC"),
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
