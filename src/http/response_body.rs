//! A response's body.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// A body in pieces. They are shared with the publisher and sent without copying.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: vec::IntoIter<Bytes>,
    left: u64,
}

impl Pieces {
    /// Returns the number of bytes that are still to be sent.
    pub(super) fn left(&self) -> u64 {
        self.left
    }
}

impl From<Vec<Bytes>> for Pieces {
    fn from(mut pieces: Vec<Bytes>) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self {
            pieces: pieces.into_iter(),
            left,
        }
    }
}

impl From<String> for Pieces {
    fn from(text: String) -> Self {
        Self::from(vec![Bytes::from(text)])
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.next();
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
