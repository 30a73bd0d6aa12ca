//! `Accept-Encoding` (RFC 9110, section 12.5.3).

use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;

/// Returns whether a response should be sent gzipped.
///
/// Gzip is used if the client accepts it and does not prefer the plain form. A client that forbids
/// both gets the plain form, because data is worth more to a scraper than a 406.
pub(super) fn prefers_gzip(headers: &HeaderMap) -> bool {
    let mut named = Weights::default();
    for value in headers.get_all(ACCEPT_ENCODING) {
        // A value that is not text names no known coding.
        let Ok(value) = value.to_str() else { continue };
        value.split(',').for_each(|element| named.take(element));
    }
    let gzip = named.gzip.or(named.any).unwrap_or(0);
    // If the client does not name it, the plain form is acceptable but not preferred.
    let identity = named.identity.or(named.any).unwrap_or(0);
    gzip > 0 && gzip >= identity
}

/// The weights of the known codings, in thousandths. `None` if the client does not name the coding.
#[derive(Default)]
struct Weights {
    gzip: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Weights {
    /// Reads one element of the list. A malformed element is ignored.
    fn take(&mut self, element: &str) {
        let (coding, parameter) = match element.split_once(';') {
            Some((coding, parameter)) => (coding, Some(parameter)),
            None => (element, None),
        };
        let Some(weight) = parameter.map_or(Some(1000), weight) else {
            return;
        };
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => self.gzip = Some(weight),
            "identity" => self.identity = Some(weight),
            "*" => self.any = Some(weight),
            _ => {}
        }
    }
}

/// `q=0.123` in thousandths: `0` or `1`, and at most three decimals.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.trim().split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, decimals) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{decimals:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_negotiated() {
        let cases: [(&[&str], bool); 29] = [
            (&[], false),
            (&[""], false),
            (&["gzip"], true),
            (&["x-gzip"], true),
            (&["GZip"], true),
            (&["deflate, gzip;q=1.0, *;q=0.5"], true),
            (&["deflate", "gzip"], true),
            (&["deflate"], false),
            (&["gzipped"], false),
            (&["gzip;q=0"], false),
            (&["gzip; q=0.000"], false),
            (&["gzip;Q=0"], false),
            (&["gzip;q=0.001"], true),
            (&["gzip ; q = 0.5"], true),
            (&["gzip;q=1.000"], true),
            (&["gzip;q=1.001"], false),
            (&["gzip;q=2"], false),
            (&["gzip;q=0.1234"], false),
            (&["gzip;q=-1"], false),
            (&["gzip;q=0.+1"], false),
            (&["gzip;q"], false),
            (&["*"], true),
            (&["*;q=0"], false),
            (&["*, gzip;q=0"], false),
            (&["gzip, *;q=0"], true),
            (&["identity;q=0"], false),
            (&["identity;q=0, gzip;q=0.1"], true),
            (&["identity, gzip;q=0.5"], false),
            (&["identity;q=0.5, gzip;q=0.5"], true),
        ];
        for (lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(ACCEPT_ENCODING, line.parse().unwrap());
            }
            assert_eq!(prefers_gzip(&headers), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_passed_over() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT_ENCODING, b"\xff"[..].try_into().unwrap());
        headers.append(ACCEPT_ENCODING, "gzip".parse().unwrap());
        assert!(prefers_gzip(&headers));
    }
}
