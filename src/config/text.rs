//! Text that a message quotes.

/// Quotes a value on one line, and truncates a long value.
pub(super) fn quoted(value: &str) -> String {
    const MAX_SHOWN: usize = 60;
    match value.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}
