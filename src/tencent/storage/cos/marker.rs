//! Where the next listing of a folder begins.

use super::listing::Object;

/// Objects that arrive at about the same time need not be in the order of their names. The next listing
/// returns all objects that are younger than this, in seconds.
const OVERLAP: i64 = 15 * 60;

/// Returns a key before all objects that are about as new as the newest one. `objects` are the last
/// objects of a folder, in the order of their keys, and `start` is a key before them. If the names
/// have another order than the times, returns `folder`, so that the next listing sees all objects.
pub(super) fn next_marker(folder: &str, start: &str, objects: &[&Object]) -> String {
    let newest = objects.iter().map(|object| object.modified).max();
    let is_recent = |object: &&Object| newest.is_some_and(|it| object.modified > it - OVERLAP);
    let first = objects.iter().position(is_recent).unwrap_or(objects.len());
    let (before, after) = objects.split_at(first);
    if !after.iter().all(is_recent) {
        return folder.to_owned();
    }
    before.last().map_or(start, |object| &object.key).to_owned()
}
