//! Joining text: in few pieces, and in memory once.

use bytes::Bytes;

/// Text behind text. Short ones are copied, for a scrape is the slower the more pieces it has; long
/// ones stay where they are.
#[derive(Debug, Default)]
pub(super) struct PieceBuffer {
    pieces: Vec<Bytes>,
    copied: Vec<u8>,
    /// Bytes that were copied so far.
    copies: usize,
}

/// A text of so many bytes and more is long: of samples, those of some fifty tracks.
const LONG: usize = 8 * 1024;

impl PieceBuffer {
    /// Puts texts behind those before.
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

    /// How many bytes were copied.
    pub(super) fn copies(&self) -> usize {
        self.copies
    }

    /// The whole, in pieces none of which is empty.
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
