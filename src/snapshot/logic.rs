//! Logic with three values: `None` is a truth that is not known.

/// Returns whether all of these are true. One that is false decides, even if others are not known.
pub fn all_of(facts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    any_of(facts.into_iter().map(|fact| fact.map(|fact| !fact))).map(|any| !any)
}

/// Returns whether any of these is true. One that is true decides, even if others are not known.
pub fn any_of(facts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_known = true;
    for fact in facts {
        match fact {
            Some(true) => return Some(true),
            Some(false) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(false)
}
