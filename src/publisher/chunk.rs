//! Text that is deflated at most once.

use std::sync::OnceLock;

use bytes::Bytes;

use super::gzip::{Deflated, deflate};

/// A part of the exposition.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pieces: Vec<Bytes>,
    deflated: OnceLock<Deflated>,
}

impl Chunk {
    pub(super) fn of(pieces: Vec<Bytes>) -> Self {
        Self {
            pieces,
            deflated: OnceLock::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn plain(&self) -> &[Bytes] {
        &self.pieces
    }

    pub(super) fn deflated(&self) -> &Deflated {
        self.deflated.get_or_init(|| deflate(&self.pieces))
    }
}
