//! Samples in the text format, by metric.

use std::fmt::Write;
use std::ops::Range;

use bytes::Bytes;

use super::metric::Metric;

/// The longest label value from the API, in characters. No documented field is longer.
const MAX_LABEL_CHARS: usize = 256;

/// Rendered samples. The samples of a metric are one piece; the pieces are in the order of
/// [`Metric::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fragment {
    text: Bytes,
    pieces: Box<[(Metric, Range<usize>)]>,
}

impl Fragment {
    /// Returns the metrics that have samples, with their samples.
    pub fn pieces(&self) -> impl Iterator<Item = (Metric, &[u8])> {
        self.pieces
            .iter()
            .map(|(metric, range)| (*metric, &self.text[range.clone()]))
    }

    /// Returns the samples of one metric. `None` if it has none.
    pub fn of(&self, metric: Metric) -> Option<&[u8]> {
        let found = self.pieces.binary_search_by_key(&metric, |piece| piece.0);
        let (_, range) = &self.pieces[found.ok()?];
        Some(&self.text[range.clone()])
    }

    /// Returns some of its samples without a copy. They keep the text of the whole fragment in
    /// memory.
    ///
    /// # Panics
    ///
    /// If they are samples of another fragment.
    pub fn share(&self, samples: &[u8]) -> Bytes {
        self.text.slice_ref(samples)
    }
}

/// Writes a fragment, metric by metric.
#[derive(Debug)]
pub struct FragmentWriter<'a> {
    /// The first labels of every sample, rendered and without braces.
    common_labels: &'a str,
    text: String,
    pieces: Vec<(Metric, Range<usize>)>,
}

/// The initial capacity, in bytes. Most fragments are smaller.
const FIRST_ROOM: usize = 4 * 1024;

impl<'a> FragmentWriter<'a> {
    /// Creates a writer whose samples begin with `common_labels`, which `labels` renders.
    pub fn new(common_labels: &'a str) -> Self {
        Self {
            common_labels,
            text: String::with_capacity(FIRST_ROOM),
            pieces: Vec::new(),
        }
    }

    /// Writes one sample. The samples of a metric must follow each other, and the metrics must be in
    /// order.
    pub fn sample(&mut self, metric: Metric, more_labels: &[(&str, &str)], value: f64) {
        self.write(metric, more_labels, MAX_LABEL_CHARS, value);
    }

    /// Writes one sample whose labels are not cut: otherwise two names that differ only at the end
    /// would become one series. The labels come from the configuration, or the client has limited them.
    pub fn sample_as_configured(
        &mut self,
        metric: Metric,
        more_labels: &[(&str, &str)],
        value: f64,
    ) {
        self.write(metric, more_labels, usize::MAX, value);
    }

    /// Returns the fragment.
    pub fn finish(self) -> Fragment {
        Fragment {
            // A copy of exactly this length fills a gap of the heap; a buffer that is cut leaves one.
            text: Bytes::copy_from_slice(self.text.as_bytes()),
            pieces: self.pieces.into_boxed_slice(),
        }
    }

    fn write(
        &mut self,
        metric: Metric,
        more_labels: &[(&str, &str)],
        max_label_chars: usize,
        value: f64,
    ) {
        debug_assert!(
            more_labels
                .iter()
                .map(|(name, _)| *name)
                .eq(metric.labels().iter().copied()),
            "the labels of {metric:?}"
        );
        let start = self.text.len();
        self.text.push_str(metric.name());
        self.text.push('{');
        self.text.push_str(self.common_labels);
        for (name, value) in more_labels {
            if !self.text.ends_with('{') {
                self.text.push(',');
            }
            push_label(&mut self.text, name, cut(value, max_label_chars));
        }
        self.text.push_str("} ");
        push_value(&mut self.text, value);
        self.text.push('\n');
        match self.pieces.last_mut() {
            Some((last, range)) if *last == metric => range.end = self.text.len(),
            last => {
                debug_assert!(
                    last.is_none_or(|(last, _)| *last < metric),
                    "metrics in order"
                );
                self.pieces.push((metric, start..self.text.len()));
            }
        }
    }
}

/// Returns the value of a sample that is true or false.
pub(super) fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// Renders labels without braces. They come from the configuration and are not cut.
pub(super) fn labels<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push(',');
        }
        push_label(&mut text, name, value);
    }
    text
}

/// Returns the first `max` characters.
fn cut(value: &str, max: usize) -> &str {
    // A text has no more characters than bytes.
    if value.len() <= max {
        return value;
    }
    match value.char_indices().nth(max) {
        Some((end, _)) => &value[..end],
        None => value,
    }
}

fn push_value(text: &mut String, value: f64) {
    let written = if value.fract() == 0.0 && value.abs() < MAX_EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and fits")]
        let whole = value as i64;
        // Most values are whole numbers, which are formatted faster as integers.
        write!(text, "{whole}")
    } else {
        // Rust writes the fewest digits that parse to the same value, without an exponent.
        write!(text, "{value}")
    };
    written.expect("a String takes every text");
}

/// Below 2^53 every whole number is a distinct double.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

fn push_label(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str("=\"");
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '"', '\n']) {
        let (plain, escaped) = rest.split_at(at);
        text.push_str(plain);
        text.push_str(match escaped.as_bytes()[0] {
            b'\n' => "\\n",
            b'"' => "\\\"",
            _ => "\\\\",
        });
        rest = &escaped[1..];
    }
    text.push_str(rest);
    text.push('"');
}
