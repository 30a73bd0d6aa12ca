//! Text that is compressed at most once.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::chunk::Chunk;
use super::gzip::{Deflated, Deflater, Effort};
use super::piece_buffer::PieceBuffer;

/// Some chunks of a metric that are compressed together, because a short text compresses badly.
#[derive(Debug)]
pub(super) struct Segment {
    chunks: Vec<Arc<Chunk>>,
    effort: Effort,
    deflated: OnceLock<Deflated>,
}

impl Segment {
    pub(super) fn of(chunks: Vec<Arc<Chunk>>, effort: Effort) -> Self {
        Self {
            chunks,
            effort,
            deflated: OnceLock::new(),
        }
    }

    /// Returns a segment of these chunks. If it has the text of `before`, it is not compressed again.
    pub(super) fn after(before: Option<&Self>, chunks: Vec<Arc<Chunk>>, effort: Effort) -> Self {
        let before = before.filter(|before| before.has_text_of(&chunks));
        let deflated = before.map(|before| before.deflated.clone());
        Self {
            deflated: deflated.unwrap_or_default(),
            ..Self::of(chunks, effort)
        }
    }

    /// Returns whether this is its text, in one piece.
    pub(super) fn is_of(&self, text: &Bytes) -> bool {
        matches!(&self.chunks[..], [chunk] if chunk.pieces() == [text])
    }

    pub(super) fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    pub(super) fn deflated(&self, deflater: &Deflater) -> &Deflated {
        self.deflated.get_or_init(|| {
            let mut buffer = PieceBuffer::default();
            let pieces = self.chunks.iter().flat_map(|chunk| chunk.pieces());
            buffer.extend(pieces);
            deflater.deflate(self.effort, &buffer.finish())
        })
    }

    fn has_text_of(&self, chunks: &[Arc<Chunk>]) -> bool {
        let mut pairs = self.chunks.iter().zip(chunks);
        self.chunks.len() == chunks.len() && pairs.all(|(one, other)| one.has_same_text(other))
    }
}
