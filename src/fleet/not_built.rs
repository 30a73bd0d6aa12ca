//! The kinds of credentials that the configuration knows and nothing provides yet.

use crate::failure::{Failure, Reason};
use crate::tencent::credentials::{Provided, Provider};

/// Never gives a credential.
pub(super) struct NotBuilt(pub(super) &'static str);

impl Provider for NotBuilt {
    fn name(&self) -> &'static str {
        self.0
    }

    fn identity(&self) -> Option<String> {
        None
    }

    fn credential(&self) -> Provided<'_> {
        let failure = Failure::new(Reason::Credentials, "not built yet");
        Box::pin(std::future::ready(Err(failure)))
    }
}
