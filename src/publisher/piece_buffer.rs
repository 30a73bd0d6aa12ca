//! Joins text into few pieces without copying much of it.

use bytes::Bytes;

/// Concatenates texts. Short ones are copied, because many pieces slow down a scrape; long ones are
/// shared.
#[derive(Debug, Default)]
pub(super) struct PieceBuffer {
    pieces: Vec<Bytes>,
    copied: Vec<u8>,
    /// The number of copied bytes.
    copies: usize,
}

/// A text is long from this many bytes on: the samples of some fifty tracks.
const LONG: usize = 8 * 1024;

impl PieceBuffer {
    /// Appends texts.
    pub(super) fn extend<'a>(&mut self, texts: impl IntoIterator<Item = &'a Bytes>) {
        for text in texts {
            if text.len() < LONG {
                self.copied.extend_from_slice(text);
                self.copies += text.len();
            } else {
                self.end_copy();
                self.pieces.push(text.clone());
            }
        }
    }

    /// Returns the number of copied bytes.
    pub(super) fn copies(&self) -> usize {
        self.copies
    }

    /// Returns the pieces, none of which is empty.
    pub(super) fn finish(mut self) -> Vec<Bytes> {
        self.end_copy();
        self.pieces
    }

    fn end_copy(&mut self) {
        if !self.copied.is_empty() {
            let copied = std::mem::take(&mut self.copied);
            self.pieces.push(copied.into_boxed_slice().into());
        }
    }
}
