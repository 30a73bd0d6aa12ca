//! The text of one metric.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use enum_map::EnumMap;

use super::chunk::Chunk;
use super::gzip::{Deflated, Deflater, concat};
use super::piece_buffer::PieceBuffer;
use crate::exposition::Metric;

/// The header of a metric and the chunks of all buckets, joined. Most chunks are short, and many
/// pieces slow down a scrape.
#[derive(Debug, Default)]
pub(super) struct MetricFamily {
    /// `None` if there are no samples.
    header: Option<Arc<Chunk>>,
    chunks: Vec<Arc<Chunk>>,
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
    /// A family with these chunks, in the order of the buckets.
    pub(super) fn of(header: &Arc<Chunk>, chunks: Vec<Arc<Chunk>>) -> Self {
        let is_empty = chunks.iter().all(|chunk| chunk.is_empty());
        Self {
            header: (!is_empty).then(|| Arc::clone(header)),
            chunks,
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
        self.parts().for_each(|chunk| buffer.extend(chunk.plain()));
        let is_short = buffer.copies() <= SHORT;
        let pieces = Arc::new(buffer.finish());
        joined.in_use = Arc::downgrade(&pieces);
        joined.kept = is_short.then(|| Arc::clone(&pieces));
        pieces
    }

    pub(super) fn deflated(&self, deflater: &Deflater) -> &Deflated {
        self.deflated
            .get_or_init(|| concat(self.parts().map(|chunk| chunk.deflated(deflater))))
    }

    fn parts(&self) -> impl Iterator<Item = &Chunk> {
        let chunks = self.chunks.iter().filter(|chunk| !chunk.is_empty());
        self.header.iter().chain(chunks).map(|chunk| &**chunk)
    }
}

/// The families of the last scrape, and the versions of the buckets that they were made of.
#[derive(Debug, Default)]
pub(super) struct Families {
    pub(super) versions: Vec<u64>,
    pub(super) families: EnumMap<Metric, Arc<MetricFamily>>,
}
