//! The format of a log line: the same keys in logfmt and in JSON, `ts`, `level`, `target` and `msg`,
//! then the fields of the event. In JSON, the pairs of a changed track, such as `Status.from` and
//! `Status.to`, are the list `fields`, as in the API.

use std::fmt::{self, Debug, Write};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt as lines};

use crate::cli::LogFormat;
use crate::escape::{visible, visible_json};

/// The name that `tracing` gives the text of an event.
const MESSAGE: &str = "message";

/// Returns a layer that writes each event as a line to `writer`.
pub(super) fn layer<S>(
    format: LogFormat,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> impl Layer<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    lines::layer()
        .event_format(LineFormat(format))
        .with_writer(writer)
}

struct LineFormat(LogFormat);

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut now = String::new();
        SystemTime.format_time(&mut Writer::new(&mut now))?;
        let metadata = event.metadata();
        let mut line = Line {
            format: self.0,
            text: String::new(),
            pairs: Vec::new(),
        };
        line.entry("ts", &now);
        line.entry("level", level(*metadata.level()));
        line.entry("target", metadata.target());
        // The message is the first field of each event.
        event.record(&mut line);
        line.list_pairs();
        match self.0 {
            LogFormat::Logfmt => writeln!(writer, "{}", line.text),
            LogFormat::Json => writeln!(writer, "{{{}}}", line.text),
        }
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// A line while it is written.
struct Line {
    format: LogFormat,
    text: String,
    /// Fields of a track that differ, with their old and new values, for JSON.
    pairs: Vec<(&'static str, [String; 2])>,
}

impl Line {
    /// Adds a key with a text.
    fn entry(&mut self, key: &str, value: &str) {
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '=' | '"');
        match self.format {
            LogFormat::Logfmt if !value.is_empty() && value.chars().all(is_plain) => {
                self.bare(key, visible(value));
            }
            // The quotes escape some invisible characters, `visible` the others.
            LogFormat::Logfmt => self.bare(key, visible(&format!("{value:?}"))),
            LogFormat::Json => self.json(key, &serde_json::Value::from(value)),
        }
    }

    fn json(&mut self, key: &str, value: &serde_json::Value) {
        self.bare(key, visible_json(&value.to_string()));
    }

    /// Adds the pairs as the list `fields`.
    fn list_pairs(&mut self) {
        if !self.pairs.is_empty() {
            let pairs = self.pairs.iter();
            let fields: serde_json::Value = pairs
                .map(|(field, [from, to])| json!({"field": field, "from": from, "to": to}))
                .collect();
            self.json("fields", &fields);
        }
    }

    /// Keeps the value of a pair for the list. Returns whether `key` is one side of a pair.
    fn keep_pair(&mut self, key: &'static str, value: &str) -> bool {
        let pair = pair_of(key).filter(|_| matches!(self.format, LogFormat::Json));
        let Some((name, side)) = pair else {
            return false;
        };
        let known = self.pairs.iter().position(|(field, _)| *field == name);
        let place = known.unwrap_or_else(|| {
            self.pairs.push((name, Default::default()));
            self.pairs.len() - 1
        });
        value.clone_into(&mut self.pairs[place].1[side]);
        true
    }

    /// Adds a key with a value that needs no quotes, or has them.
    fn bare(&mut self, key: &str, value: impl fmt::Display) {
        let key = if key == MESSAGE { "msg" } else { key };
        let is_first = self.text.is_empty();
        // Writing to a String cannot fail.
        let _ = match (self.format, is_first) {
            (LogFormat::Logfmt, true) => write!(self.text, "{key}={value}"),
            (LogFormat::Logfmt, false) => write!(self.text, " {key}={value}"),
            (LogFormat::Json, true) => write!(self.text, "\"{key}\":{value}"),
            (LogFormat::Json, false) => write!(self.text, ",\"{key}\":{value}"),
        };
    }
}

impl Visit for Line {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no number for infinity.
        self.bare(field.name(), serde_json::Value::from(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.keep_pair(field.name(), value) {
            self.entry(field.name(), value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.entry(field.name(), &format!("{value:?}"));
    }
}

/// Returns the field of a track that a key stands for, and 0 for its old value or 1 for its new value.
fn pair_of(key: &'static str) -> Option<(&'static str, usize)> {
    let old = key.strip_suffix(".from").map(|field| (field, 0));
    old.or_else(|| key.strip_suffix(".to").map(|field| (field, 1)))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;
    use tracing::{debug, info, warn};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::registry;

    use super::*;

    /// Collects what is written.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Returns the lines that `log` writes.
    fn lines_of(format: LogFormat, log: impl FnOnce()) -> Vec<String> {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = registry().with(layer(format, move || writer.clone()));
        with_default(subscriber, log);
        let bytes = sink.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn events() {
        info!(account = "prod", tracks = 2, up = true, "target is healthy");
        let failure = Some("a \"quoted\"\nline");
        warn!(
            failure,
            nothing = Option::<&str>::None,
            empty = "",
            key = "a=b"
        );
        debug!("{} of {}", 1, 2);
    }

    #[test]
    fn logfmt_has_the_keys_of_prometheus() {
        let lines = lines_of(LogFormat::Logfmt, events);
        let target = module_path!();
        let expected = [
            format!(
                "level=info target={target} msg=\"target is healthy\" account=prod tracks=2 up=true"
            ),
            format!(
                r#"level=warn target={target} failure="a \"quoted\"\nline" empty="" key="a=b""#
            ),
            format!("level=debug target={target} msg=\"1 of 2\""),
        ];
        for (line, expected) in lines.iter().zip(&expected) {
            let (ts, rest) = line.split_once(' ').unwrap();
            assert_eq!(rest, expected);
            let at = ts.strip_prefix("ts=").unwrap();
            assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
        }
        assert_eq!(lines.len(), expected.len());
    }

    #[test]
    fn json_has_the_same_keys() {
        let lines = lines_of(LogFormat::Json, events);
        let target = module_path!();
        let expected = [
            json!({"level": "info", "target": target, "msg": "target is healthy", "account": "prod", "tracks": 2, "up": true}),
            json!({"level": "warn", "target": target, "failure": "a \"quoted\"\nline", "empty": "", "key": "a=b"}),
            json!({"level": "debug", "target": target, "msg": "1 of 2"}),
        ];
        for (line, expected) in lines.iter().zip(&expected) {
            assert!(line.starts_with("{\"ts\":\""), "{line}");
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line.as_object_mut().unwrap().remove("ts").is_some());
            assert_eq!(line, *expected);
        }
        assert_eq!(lines.len(), expected.len());
    }

    fn a_change() {
        warn!(
            account = "a",
            "Status.from" = "enabled",
            "Status.to" = "disabled",
            "Name.from" = "one \"two\"",
            "Name.to" = None::<&str>,
            "EventNames.from" = None::<&str>,
            "track disabled"
        );
    }

    #[test]
    fn fields_that_differ_are_a_list_in_json() {
        let lines = lines_of(LogFormat::Json, a_change);
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        let expected = json!([
            {"field": "Status", "from": "enabled", "to": "disabled"},
            {"field": "Name", "from": "one \"two\"", "to": ""},
        ]);
        assert_eq!(line["fields"], expected);
        assert_eq!(line.get("Status.from"), None);
    }

    #[test]
    fn fields_that_differ_are_pairs_in_logfmt() {
        let lines = lines_of(LogFormat::Logfmt, a_change);
        let expected =
            r#" account=a Status.from=enabled Status.to=disabled Name.from="one \"two\"""#;
        assert!(lines[0].ends_with(expected), "{}", lines[0]);
    }

    #[test]
    fn invisible_characters_are_escaped() {
        let file = "\u{202e}lmay.\u{200b}\u{9b}31m\u{3164}";
        for format in [LogFormat::Logfmt, LogFormat::Json] {
            for value in [file.to_owned(), format!("a file {file}\n")] {
                let lines = lines_of(
                    format,
                    || warn!(path = value, error = %value, "Name.from" = value, "of {value}"),
                );
                assert_eq!(lines.len(), 1, "{lines:?}");
                let hidden = |c: char| c.is_control() || "\u{202e}\u{200b}\u{3164}".contains(c);
                assert!(!lines[0].contains(hidden), "{format:?}: {:?}", lines[0]);
                assert_eq!(lines[0].matches("202e").count(), 4, "{:?}", lines[0]);
                if matches!(format, LogFormat::Json) {
                    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
                    assert_eq!(line["path"], value);
                    assert_eq!(line["fields"][0]["from"], value);
                } else {
                    let shown = r"\u{202e}lmay.\u{200b}\u{9b}31m\u{3164}";
                    let is_shown_once = !lines[0].contains(r"\\u");
                    assert!(lines[0].contains(shown) && is_shown_once, "{}", lines[0]);
                }
            }
        }
    }
}
