//! The text of the metrics in a registry.

use bytes::Bytes;
use prometheus::{Registry, TextEncoder};

/// Returns the exposition of a registry, empty without series.
pub(super) fn rendered(registry: &Registry) -> Bytes {
    TextEncoder::new()
        .encode_to_string(&registry.gather())
        .expect("gathered families are never empty")
        .into()
}
