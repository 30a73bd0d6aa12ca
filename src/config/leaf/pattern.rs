//! The macro that states the form of a text once, for the parser and for the schema.

/// Defines types of text with a pattern. `public` and `private` state whether an error shows the
/// text. The least number precedes the pattern. A length limit that the pattern does not contain
/// follows it. A sentence for the reference follows the message.
macro_rules! pattern_types {
    (@shows public) => { true };
    (@shows private) => { false };
    ($(
        $(#[$about:meta])*
        $visibility:ident $name:ident -> $value:ty = $types:tt $(from $least:literal)? $pattern:literal $(up to $longest:literal)?
            else $message:literal $(limits $limits:literal)?;
    )*) => {$(
        $(#[$about])*
        pub(in crate::config) struct $name;

        impl crate::config::value_types::Leaf for $name {
            type Value = $value;

            const PUBLIC: bool = pattern_types!(@shows $visibility);

            fn parse(text: &str) -> Result<$value, String> {
                static PATTERN: std::sync::LazyLock<regex_lite::Regex> =
                    std::sync::LazyLock::new(|| {
                        regex_lite::Regex::new($pattern).expect("the pattern is valid")
                    });
                let is_short = true $(&& text.len() <= $longest)?;
                if is_short && PATTERN.is_match(text) {
                    return Ok(text.into());
                }
                Err(if Self::PUBLIC {
                    format!("{} is {}", crate::config::text::quoted(text), $message)
                } else {
                    $message.to_owned()
                })
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({
                    "type": $types,
                    "pattern": $pattern,
                    $("minimum": $least,)?
                    $("maxLength": $longest,)?
                    $(crate::config::definitions::LIMITS: $limits,)?
                })
            }
        }
    )*};
}

pub(super) use pattern_types;
