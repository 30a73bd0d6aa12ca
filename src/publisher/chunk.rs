//! The samples of one metric of some accounts.

use std::sync::Arc;

use bytes::Bytes;

/// Samples of one metric of some accounts, shared with the fragments that they were rendered to.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pieces: Vec<Bytes>,
    /// The same allocation in chunks with the same text in other pieces.
    text: Arc<()>,
}

impl Chunk {
    pub(super) fn of(mut pieces: Vec<Bytes>) -> Self {
        pieces.shrink_to_fit();
        Self {
            pieces,
            text: Arc::default(),
        }
    }

    /// Returns a chunk with the same text in other pieces.
    pub(super) fn with_pieces(&self, pieces: Vec<Bytes>) -> Self {
        Self {
            text: Arc::clone(&self.text),
            ..Self::of(pieces)
        }
    }

    /// Returns whether both are known to have the same text.
    pub(super) fn has_same_text(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn length(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    pub(super) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }
}
