//! Text that is deflated at most once.

use std::sync::OnceLock;

use bytes::Bytes;

use super::gzip::{Deflated, deflate};
use crate::exposition::Fragment;

/// A part of the exposition.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pieces: Vec<Bytes>,
    deflated: OnceLock<Deflated>,
}

impl Chunk {
    pub(super) fn new(plain: String) -> Self {
        Self {
            pieces: vec![plain.into()],
            deflated: OnceLock::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn plain(&self) -> impl Iterator<Item = Bytes> {
        self.pieces.iter().cloned()
    }

    pub(super) fn deflated(&self) -> &Deflated {
        self.deflated.get_or_init(|| deflate(&self.pieces))
    }
}

/// Joins samples to a chunk: few are copied, for a scrape is the slower the more pieces it has; many
/// stay where they are, so that they are in memory once.
#[derive(Debug, Default)]
pub(super) struct Joint {
    pieces: Vec<Bytes>,
    copied: Vec<u8>,
}

/// Samples of this many bytes and more are many: the text of some fifty tracks.
const MANY: usize = 8 * 1024;

impl Joint {
    /// Puts samples of the fragment behind those before.
    pub(super) fn push(&mut self, fragment: &Fragment, samples: &[u8]) {
        if samples.len() < MANY {
            self.copied.extend_from_slice(samples);
        } else {
            self.end_copy();
            self.pieces.push(fragment.share(samples));
        }
    }

    pub(super) fn finish(mut self) -> Chunk {
        self.end_copy();
        Chunk {
            pieces: self.pieces,
            deflated: OnceLock::new(),
        }
    }

    fn end_copy(&mut self) {
        if !self.copied.is_empty() {
            let copied = std::mem::take(&mut self.copied);
            self.pieces.push(copied.into_boxed_slice().into());
        }
    }
}
