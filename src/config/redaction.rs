//! Which keys an error may show: a key can be a secret that was typed in the wrong place.

/// Returns whether an error may show `key`, which is below the keys `before`.
///
/// Below `credentials` and `assume_role` it shows only what could be one of their keys. Elsewhere
/// it hides what looks like a secret: YAML reads `secret_id:AKID…`, written without the space, as a
/// key, and the second line of a secret too.
pub(super) fn may_show(before: &[&String], key: &str) -> bool {
    const LONGEST: usize = 64;
    /// Every key below `credentials` is shorter, and every secret is longer.
    const LONGEST_IN_CREDENTIALS: usize = 20;
    let in_credentials = (before.iter()).any(|key| *key == "credentials" || *key == "assume_role");
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    let has = |kind: fn(&char) -> bool| key.chars().any(|c| kind(&c));
    let looks_like_a_secret = has(char::is_ascii_uppercase) && has(char::is_ascii_digit);
    key.len() <= LONGEST
        && !key.contains(':')
        && !looks_like_a_secret
        && (!in_credentials || (key.len() <= LONGEST_IN_CREDENTIALS && key.chars().all(plain)))
}
