//! One gzip member from chunks that were deflated at different times.
//!
//! A raw deflate stream that is flushed ends on a byte boundary, so flushed streams can be
//! concatenated, and their checksums can be combined. The result is one member, because some clients
//! stop at the end of the first (RFC 1952, RFC 1951).

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use crc32fast::Hasher;
use enum_map::{Enum, EnumMap};
use flate2::{Compress, Compression, FlushCompress};

use super::piece_buffer::PieceBuffer;

/// Magic, deflate, no flags, no time, no hints, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A last block, empty, with fixed codes.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// A flushed piece of a deflate stream, with its part of the trailer.
#[derive(Clone, Debug)]
pub(super) struct Deflated {
    pieces: Vec<Bytes>,
    checksum: Hasher,
    plain_length: usize,
}

/// How well a text is compressed.
#[derive(Clone, Copy, Debug, Default, Enum)]
pub(super) enum Effort {
    /// For a text that most scrapes find changed. A quarter of the time of [`Self::Dense`].
    #[default]
    Fast,
    /// For a text that is the same for most scrapes.
    Dense,
}

impl Effort {
    fn level(self) -> Compression {
        Compression::new(match self {
            Self::Fast => 2,
            Self::Dense => 4,
        })
    }
}

/// Compresses one piece after the other. The tables are larger than most pieces, so all pieces share
/// them.
#[derive(Debug)]
pub(super) struct Deflater(EnumMap<Effort, Mutex<Compress>>);

impl Deflater {
    pub(super) fn new() -> Self {
        let stream = |effort: Effort| Mutex::new(Compress::new(effort.level(), false));
        Self(EnumMap::from_fn(stream))
    }

    /// Compresses the concatenation of `pieces`.
    pub(super) fn deflate(&self, effort: Effort, pieces: &[Bytes]) -> Deflated {
        let plain_length: usize = pieces.iter().map(Bytes::len).sum();
        let mut checksum = Hasher::new();
        let mut bytes = Vec::with_capacity(plain_length / 8 + 64);
        let stream = self.0[effort].lock();
        let mut stream = stream.unwrap_or_else(PoisonError::into_inner);
        // A panic may have interrupted the previous piece.
        stream.reset();
        for piece in pieces {
            checksum.update(piece);
            run(&mut stream, piece, &mut bytes, FlushCompress::None);
        }
        run(&mut stream, &[], &mut bytes, FlushCompress::Full);
        drop(stream);
        bytes.shrink_to_fit();
        Deflated {
            pieces: vec![bytes.into()],
            checksum,
            plain_length,
        }
    }
}

/// Runs the stream until it has consumed `plain` and produced all output.
fn run(stream: &mut Compress, plain: &[u8], bytes: &mut Vec<u8>, flush: FlushCompress) {
    let before = stream.total_in();
    loop {
        let taken = usize::try_from(stream.total_in() - before).expect("it is within the slice");
        stream
            .compress_vec(&plain[taken..], bytes, flush)
            .expect("deflating has no invalid input");
        let taken = usize::try_from(stream.total_in() - before).expect("it is within the slice");
        // There may be more output exactly if the buffer is full.
        if taken == plain.len() && bytes.len() < bytes.capacity() {
            break;
        }
        bytes.reserve(bytes.capacity().max(64));
    }
}

/// Concatenates compressed pieces.
pub(super) fn concat<'a>(parts: impl IntoIterator<Item = &'a Deflated>) -> Deflated {
    let (mut buffer, mut checksum, mut plain_length) = (PieceBuffer::default(), Hasher::new(), 0);
    for part in parts {
        buffer.extend(&part.pieces);
        checksum.combine(&part.checksum);
        plain_length += part.plain_length;
    }
    Deflated {
        pieces: buffer.finish(),
        checksum,
        plain_length,
    }
}

/// Returns a complete gzip member.
pub(super) fn member(deflated: Deflated) -> Vec<Bytes> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the format stores it modulo 2^32"
    )]
    let length = deflated.plain_length as u32;
    let mut end = Vec::from(LAST_BLOCK);
    end.extend(deflated.checksum.finalize().to_le_bytes());
    end.extend(length.to_le_bytes());
    let mut pieces = vec![Bytes::from_static(&HEADER)];
    pieces.extend(deflated.pieces);
    pieces.push(end.into());
    pieces
}
