//! All that is said of one metric.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::chunk::Chunk;
use super::gzip::{Deflated, concat};
use super::joint::Joint;

/// The header of a metric and the chunks of all buckets, for as long as they are the same ones. Most
/// chunks are short, and a scrape is the slower the more pieces it has.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// None where there are no samples.
    header: Option<Arc<Chunk>>,
    chunks: Vec<Arc<Chunk>>,
    plain: OnceLock<Vec<Bytes>>,
    deflated: OnceLock<Deflated>,
}

impl Row {
    /// A row of these chunks, in the order of the buckets.
    pub(super) fn of(header: &Arc<Chunk>, chunks: Vec<Arc<Chunk>>) -> Self {
        let is_empty = chunks.iter().all(|chunk| chunk.is_empty());
        Self {
            header: (!is_empty).then(|| Arc::clone(header)),
            chunks,
            plain: OnceLock::new(),
            deflated: OnceLock::new(),
        }
    }

    /// Whether it is of these.
    pub(super) fn is_of<'a>(&self, chunks: impl ExactSizeIterator<Item = &'a Arc<Chunk>>) -> bool {
        chunks.len() == self.chunks.len()
            && chunks
                .zip(&self.chunks)
                .all(|(one, other)| Arc::ptr_eq(one, other))
    }

    pub(super) fn plain(&self) -> &[Bytes] {
        self.plain.get_or_init(|| {
            let mut joint = Joint::default();
            self.said().for_each(|chunk| joint.extend(chunk.plain()));
            joint.finish()
        })
    }

    pub(super) fn deflated(&self) -> &Deflated {
        self.deflated
            .get_or_init(|| concat(self.said().map(Chunk::deflated)))
    }

    fn said(&self) -> impl Iterator<Item = &Chunk> {
        let chunks = self.chunks.iter().filter(|chunk| !chunk.is_empty());
        self.header.iter().chain(chunks).map(|chunk| &**chunk)
    }
}
