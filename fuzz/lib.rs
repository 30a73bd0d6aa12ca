//! The targets, with the readers and the scripted cloud of the tests that they use.

pub use targets::{answer, configuration, exposition, request, state, walk};

mod support {
    #[path = "../../tests/support/scripted.rs"]
    pub(crate) mod scripted;
    #[path = "../../tests/support/text_format.rs"]
    pub(crate) mod text_format;
}
mod targets;
