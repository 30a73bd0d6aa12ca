//! Turns bytes into choices.

/// The length of a text that must be truncated.
const LONG_CHARS: usize = 300;

/// Reads bytes as the choices of a target. After the last byte, every choice is the first and every
/// text is empty, so every input is valid and a shorter input is simpler.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has not been read.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    /// One of `0..end`.
    pub(super) fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    pub(super) fn number(&mut self) -> u64 {
        let mut number = [0; 8];
        let bytes = self.bytes(8);
        number[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(number)
    }

    /// Any text; one in four is longer than a label may be.
    pub(super) fn text(&mut self) -> String {
        let length = self.byte();
        let bytes = self.bytes(usize::from(length % 64));
        let text = String::from_utf8_lossy(bytes).into_owned();
        if length < 192 || text.is_empty() {
            return text;
        }
        text.chars().cycle().take(LONG_CHARS).collect()
    }

    pub(super) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}
