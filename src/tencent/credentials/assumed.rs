//! Keys of a role that is assumed with other keys.

use std::sync::Arc;

use super::{Fetched, Source, none_to_be_had};
use crate::tencent::sts::{Role, Sts};

/// A role, assumed with the keys that the caller of STS has.
pub struct AssumedRole {
    /// The role.
    pub role: Role,
    /// STS, with the keys that may assume it.
    pub sts: Arc<Sts>,
}

impl Source for AssumedRole {
    fn name(&self) -> &'static str {
        "assume_role"
    }

    fn identity(&self) -> String {
        self.role.arn.clone()
    }

    fn fetch(&self) -> Fetched<'_> {
        Box::pin(async {
            let key = self.sts.assume_role(&self.role).await;
            key.map_err(|failure| {
                none_to_be_had(&format!("cannot assume {}", self.role.arn), failure)
            })
        })
    }
}
