//! Text that is deflated at most once.

use std::sync::OnceLock;

use bytes::Bytes;

use super::gzip::{Deflated, deflate};

/// A piece of the exposition.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    plain: Bytes,
    deflated: OnceLock<Deflated>,
}

impl Chunk {
    pub(super) fn new(plain: String) -> Self {
        Self {
            plain: plain.into(),
            deflated: OnceLock::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    pub(super) fn plain(&self) -> Bytes {
        self.plain.clone()
    }

    pub(super) fn deflated(&self) -> &Deflated {
        self.deflated.get_or_init(|| deflate(&self.plain))
    }
}
