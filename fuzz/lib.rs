//! The targets, with the parser and the scripted cloud of the tests that they use.

pub use targets::{answer, bucket, configuration, events, exposition, request, state, walk};

#[path = "../tests/support"]
mod support {
    pub(crate) mod scripted;
    pub(crate) mod text_format;
}
mod targets;
