//! Finds the ends of request heads in the bytes that arrive.

/// Counts request heads in a stream of bytes.
///
/// Hyper reads ahead and does not report how far it has parsed. So after a response it is unknown
/// whether its buffer is empty (the connection is idle) or holds the beginning of the next request
/// (the headers have a deadline). A head ends at its first empty line, and empty lines before a head
/// are ignored (RFC 9112, section 2.2). The scanner cannot recognize bodies, so a connection is
/// closed after a request with a body.
#[derive(Debug, Default)]
pub(super) struct RequestHeadScanner {
    in_head: bool,
    line_has_text: bool,
}

impl RequestHeadScanner {
    /// Scans the next bytes and returns the number of heads that ended in them.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> u64 {
        let mut ended = 0;
        for &byte in bytes {
            match byte {
                b'\n' => {
                    if self.in_head && !self.line_has_text {
                        self.in_head = false;
                        ended += 1;
                    }
                    self.line_has_text = false;
                }
                b'\r' => {}
                _ => {
                    self.in_head = true;
                    self.line_has_text = true;
                }
            }
        }
        ended
    }

    /// Returns whether a head has begun and not ended.
    pub(super) fn in_head(&self) -> bool {
        self.in_head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_found_wherever_the_bytes_are_cut() {
        let stream = b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.0\n\nGE";
        for cut in 0..stream.len() {
            let mut scanner = RequestHeadScanner::default();
            let ended = scanner.scan(&stream[..cut]) + scanner.scan(&stream[cut..]);
            assert_eq!((ended, scanner.in_head()), (2, true), "cut at {cut}");
        }
    }

    #[test]
    fn blank_lines_begin_nothing() {
        let mut scanner = RequestHeadScanner::default();
        assert_eq!(scanner.scan(b"\r\n\n\r\n"), 0);
        assert!(!scanner.in_head());
    }
}
