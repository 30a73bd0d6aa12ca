//! Text that is compressed at most once.

use std::sync::OnceLock;

use bytes::Bytes;

use super::gzip::{Deflated, Deflater};
use super::piece_buffer::PieceBuffer;

/// Samples of one metric of some accounts, shared with the fragments that they were rendered to.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pieces: Vec<Bytes>,
    deflated: OnceLock<Deflated>,
}

impl Chunk {
    pub(super) fn of(mut pieces: Vec<Bytes>) -> Self {
        pieces.shrink_to_fit();
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

    pub(super) fn deflated(&self, deflater: &Deflater) -> &Deflated {
        self.deflated.get_or_init(|| {
            let mut buffer = PieceBuffer::default();
            buffer.extend(&self.pieces);
            deflater.deflate(&buffer.finish())
        })
    }
}
