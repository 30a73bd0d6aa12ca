//! The folders in the keys of a bucket. COS has none: a folder is the part of a key up to a slash.

use super::dates::{is_date, is_later};

/// Returns the folder of a key, with its slash.
pub(super) fn folder_of(key: &str) -> &str {
    &key[..key.rfind('/').map_or(0, |slash| slash + 1)]
}

/// Returns the parent of a folder, but never the parent of the root.
fn parent<'a>(folder: &'a str, root: &str) -> &'a str {
    let parent = folder_of(folder.strip_suffix('/').unwrap_or(folder));
    if parent.len() < root.len() {
        folder
    } else {
        parent
    }
}

/// Returns the folder that contains the folders of all other dates. The keys of later dates come later
/// in this folder if the numbers have leading zeros.
pub(super) fn scope_of<'a>(leaf: &'a str, root: &str) -> &'a str {
    let mut scope = parent(leaf, root);
    while scope.len() > root.len() && is_date(scope) {
        scope = parent(scope, root);
    }
    scope
}

/// Returns whether a key after the objects of `leaf` is in a folder that is not of a later date. In the
/// order of bytes, the folders of earlier months may come after the latest one. Both are in the same folder
/// of this length.
pub(super) fn leads_back(key: &str, leaf: &str, folder: usize) -> bool {
    let mut common = folder;
    while common < leaf.len() {
        let (child, own) = (
            child_of(key, &leaf[..common]),
            child_of(leaf, &leaf[..common]),
        );
        if child != own {
            return !is_later(child, own);
        }
        common = own.len();
    }
    false
}

/// Returns the folder in `folder` that a key is in, with its slash, or the whole key.
pub(super) fn child_of<'a>(key: &'a str, folder: &str) -> &'a str {
    let rest = key.get(folder.len()..).unwrap_or_default();
    let end = rest
        .find('/')
        .map_or(key.len(), |slash| folder.len() + slash + 1);
    &key[..end]
}
