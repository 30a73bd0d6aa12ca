//! One gzip member from chunks that were deflated at different times.
//!
//! A raw deflate stream that is flushed ends on a byte boundary, so flushed streams can stand one
//! behind the other; and the checksum of a whole can be combined from those of its parts. The result
//! is one member, because some clients stop at the end of the first (RFC 1952, RFC 1951).

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

use super::joint::Joint;

/// Magic, deflate, no flags, no time, no hints, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A last block, empty, with fixed codes.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// A flushed piece of a deflate stream, with what the member's trailer needs to know of it.
#[derive(Clone, Debug)]
pub(super) struct Deflated {
    pieces: Vec<Bytes>,
    checksum: Hasher,
    plain_length: usize,
}

/// Deflates what `pieces` are together into a piece that stands by itself.
pub(super) fn deflate(pieces: &[Bytes]) -> Deflated {
    let plain_length: usize = pieces.iter().map(Bytes::len).sum();
    let mut checksum = Hasher::new();
    // Level 1 costs a quarter of the default's time and on label-heavy text little more room.
    let mut stream = Compress::new(Compression::fast(), false);
    let mut bytes = Vec::with_capacity(plain_length / 8 + 64);
    for piece in pieces {
        checksum.update(piece);
        run(&mut stream, piece, &mut bytes, FlushCompress::None);
    }
    run(&mut stream, &[], &mut bytes, FlushCompress::Full);
    bytes.shrink_to_fit();
    Deflated {
        pieces: vec![bytes.into()],
        checksum,
        plain_length,
    }
}

/// Runs the stream until it has taken all of `plain` and given all that is due.
fn run(stream: &mut Compress, plain: &[u8], bytes: &mut Vec<u8>, flush: FlushCompress) {
    let before = stream.total_in();
    loop {
        let taken = usize::try_from(stream.total_in() - before).expect("it is within the slice");
        stream
            .compress_vec(&plain[taken..], bytes, flush)
            .expect("deflating has no invalid input");
        let taken = usize::try_from(stream.total_in() - before).expect("it is within the slice");
        // There may be more to give exactly when the room is used up.
        if taken == plain.len() && bytes.len() < bytes.capacity() {
            break;
        }
        bytes.reserve(bytes.capacity().max(64));
    }
}

/// What stands one behind the other, as one.
pub(super) fn concat<'a>(parts: impl IntoIterator<Item = &'a Deflated>) -> Deflated {
    let (mut joint, mut checksum, mut plain_length) = (Joint::default(), Hasher::new(), 0);
    for part in parts {
        joint.extend(&part.pieces);
        checksum.combine(&part.checksum);
        plain_length += part.plain_length;
    }
    Deflated {
        pieces: joint.finish(),
        checksum,
        plain_length,
    }
}

/// A whole member.
pub(super) fn member(deflated: Deflated) -> Vec<Bytes> {
    // The length is modulo 2^32 by the format.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the format wants it modulo 2^32"
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
