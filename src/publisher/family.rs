//! The text of one metric.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use bytes::Bytes;

use super::chunk::Chunk;
use super::gzip::{Deflated, Deflater, Effort, concat};
use super::piece_buffer::PieceBuffer;
use super::segment::Segment;

/// The header of a metric and the chunks of all buckets, joined. Most chunks are short, and many
/// pieces slow down a scrape.
#[derive(Debug, Default)]
pub(super) struct MetricFamily {
    /// The chunks of all buckets, without the header.
    chunks: Vec<Arc<Chunk>>,
    /// The header and the chunks that are not empty. No segments if there are no samples.
    segments: Vec<Segment>,
    plain: Mutex<Joined>,
    deflated: OnceLock<Deflated>,
}

/// The plain text, kept while a response uses it, so that many slow clients share one copy. A short
/// text is kept as long as the family. Prometheus requests the compressed text.
#[derive(Debug, Default)]
struct Joined {
    in_use: Weak<Vec<Bytes>>,
    kept: Option<Arc<Vec<Bytes>>>,
}

/// A text is short if at most this many bytes of it were copied.
const SHORT: usize = 128 * 1024;

/// Returns how many bytes of samples are compressed together. Longer texts compress better, but a change
/// of one account compresses its segment again.
const fn segment_length(effort: Effort) -> usize {
    match effort {
        Effort::Fast => 16 * 1024,
        Effort::Dense => 128 * 1024,
    }
}

/// One piece of a plain text, which keeps the whole text in memory.
struct Piece {
    of: Arc<Vec<Bytes>>,
    index: usize,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.of[self.index]
    }
}

impl MetricFamily {
    /// A family with these chunks, in the order of the buckets. `before` is the family that it
    /// replaces.
    pub(super) fn of(
        header: &Arc<Chunk>,
        chunks: Vec<Arc<Chunk>>,
        effort: Effort,
        before: &Self,
    ) -> Self {
        let samples: usize = chunks.iter().map(|chunk| chunk.length()).sum();
        // A power of two, so that it seldom changes.
        let chunks_per_segment = chunks.len() * segment_length(effort) / samples.max(1);
        let chunks_per_segment = chunks_per_segment.next_power_of_two();
        let mut segments = Vec::new();
        if samples > 0 {
            for (index, chunks) in chunks.chunks(chunks_per_segment).enumerate() {
                let chunks = chunks.iter().filter(|chunk| !chunk.is_empty());
                let header = Some(header).filter(|_| index == 0);
                let chunks = header.into_iter().chain(chunks).cloned().collect();
                segments.push(Segment::after(before.segments.get(index), chunks, effort));
            }
        }
        Self {
            chunks,
            segments,
            plain: Mutex::default(),
            deflated: OnceLock::new(),
        }
    }

    /// Returns whether it has these chunks.
    pub(super) fn is_of<'a>(&self, chunks: impl ExactSizeIterator<Item = &'a Arc<Chunk>>) -> bool {
        chunks.len() == self.chunks.len()
            && chunks
                .zip(&self.chunks)
                .all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// Returns the text in pieces.
    pub(super) fn plain(&self) -> impl Iterator<Item = Bytes> + use<> {
        let pieces = self.joined();
        (0..pieces.len()).map(move |index| {
            let of = Arc::clone(&pieces);
            Bytes::from_owner(Piece { of, index })
        })
    }

    fn joined(&self) -> Arc<Vec<Bytes>> {
        // It is changed by assignments, so a poisoned lock is consistent.
        let mut joined = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pieces) = joined.in_use.upgrade() {
            return pieces;
        }
        let mut buffer = PieceBuffer::default();
        let chunks = self.segments.iter().flat_map(Segment::chunks);
        chunks.for_each(|chunk| buffer.extend(chunk.pieces()));
        let is_short = buffer.copies() <= SHORT;
        let pieces = Arc::new(buffer.finish());
        joined.in_use = Arc::downgrade(&pieces);
        joined.kept = is_short.then(|| Arc::clone(&pieces));
        pieces
    }

    pub(super) fn deflated(&self, deflater: &Deflater) -> &Deflated {
        let segments = self.segments.iter();
        self.deflated
            .get_or_init(|| concat(segments.map(|segment| segment.deflated(deflater))))
    }

    pub(super) fn is_deflated(&self) -> bool {
        self.deflated.get().is_some()
    }
}
