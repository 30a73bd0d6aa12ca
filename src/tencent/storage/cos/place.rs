//! Where the newest object of a bucket is.

use crate::snapshot::CheckCursor;

/// The longest key that a cursor keeps, in bytes. COS allows 850.
const MAX_CURSOR_BYTES: usize = 1_024;

/// The place of the newest object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) leaf: String,
    pub(super) marker: String,
    pub(super) modified: i64,
}

impl Place {
    /// Returns the place of a cursor, if it is below this prefix.
    pub(super) fn from_cursor(cursor: &CheckCursor, root: &str) -> Option<Self> {
        let CheckCursor::Bucket {
            leaf,
            marker,
            newest_unix_seconds,
        } = cursor
        else {
            return None;
        };
        let is_folder = leaf.is_empty() || leaf.ends_with('/');
        let fits = is_folder && leaf.starts_with(root) && marker.starts_with(&**leaf);
        (fits && marker.len() <= MAX_CURSOR_BYTES).then(|| Self {
            leaf: leaf.clone(),
            marker: marker.clone(),
            modified: *newest_unix_seconds,
        })
    }

    /// Returns the cursor of a place.
    pub(super) fn into_cursor(self) -> CheckCursor {
        CheckCursor::Bucket {
            leaf: self.leaf,
            marker: self.marker,
            newest_unix_seconds: self.modified,
        }
    }
}
