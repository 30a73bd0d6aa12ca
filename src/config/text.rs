//! Text that a message quotes.

/// Quotes a value on one line, and truncates a long value.
pub(super) fn quoted(value: &str) -> String {
    const MAX_SHOWN: usize = 60;
    match value.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}

/// Escapes line breaks and control characters.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}
