//! The format JSON of the log. The fields of a track that differ are a list, as in the API, instead
//! of pairs such as `Status.from` and `Status.to`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer, format};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes an event as a line of JSON.
pub(super) struct JsonLines(Format<Json>);

impl Default for JsonLines {
    fn default() -> Self {
        Self(format().json().flatten_event(true))
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = event.metadata().fields().iter();
        if !fields.any(|field| pair_of(field.name()).is_some()) {
            return self.0.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        let line = serde_json::from_str(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{}", Value::Object(with_list(line)))
    }
}

/// Moves the pairs of a line into the list `fields`.
fn with_list(line: Map<String, Value>) -> Map<String, Value> {
    let mut fields: BTreeMap<String, [Value; 2]> = BTreeMap::new();
    let mut rest = Map::new();
    for (key, value) in line {
        match pair_of(&key) {
            Some((field, side)) => {
                let pair = fields.entry(field.to_owned());
                pair.or_insert_with(|| ["", ""].map(Value::from))[side] = value;
            }
            None => {
                rest.insert(key, value);
            }
        }
    }
    let fields = fields.into_iter();
    let fields: Value = fields
        .map(|(field, [from, to])| json!({"field": field, "from": from, "to": to}))
        .collect();
    rest.insert("fields".to_owned(), fields);
    rest
}

/// Returns the field of a track that a name of a pair stands for, and 0 for its old value or 1 for its
/// new value.
fn pair_of(name: &str) -> Option<(&str, usize)> {
    let old = name.strip_suffix(".from").map(|field| (field, 0));
    old.or_else(|| name.strip_suffix(".to").map(|field| (field, 1)))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;
    use tracing::warn;
    use tracing_subscriber::fmt::format::JsonFields;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::registry;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line(log: impl FnOnce()) -> Value {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(JsonLines::default())
            .fmt_fields(JsonFields::new())
            .with_writer(move || writer.clone());
        with_default(registry().with(layer), log);
        let bytes = lines.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        let mut line: Value = serde_json::from_str(&text).unwrap();
        line.as_object_mut().unwrap().remove("timestamp").unwrap();
        line.as_object_mut().unwrap().remove("target").unwrap();
        line
    }

    #[test]
    fn the_fields_that_differ_are_a_list() {
        let changed = line(|| {
            warn!(
                account = "a",
                track_id = 7,
                "Status.from" = "enabled",
                "Status.to" = "disabled",
                "Name.from" = "one \"two\"",
                "Name.to" = None::<String>,
                "EventNames.from" = None::<String>,
                "track disabled"
            );
        });
        let expected = json!({
            "level": "WARN", "message": "track disabled", "account": "a", "track_id": 7,
            "fields": [
                {"field": "Name", "from": "one \"two\"", "to": ""},
                {"field": "Status", "from": "enabled", "to": "disabled"},
            ],
        });
        assert_eq!(changed, expected);
        let other = line(|| warn!(account = "a", "target is failing"));
        let expected = json!({"level": "WARN", "message": "target is failing", "account": "a"});
        assert_eq!(other, expected);
    }
}
