//! Frames of HTTP/2, written by hand (RFC 9113, section 4.1).

/// What a client sends first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

/// The flag of `HEADERS` and `DATA`.
pub const END_STREAM: u8 = 1;
/// The flag of `HEADERS` and `CONTINUATION`.
pub const END_HEADERS: u8 = 4;
/// The flag of `PING` and `SETTINGS`.
pub const ACK: u8 = 1;

/// The error code for a request that the client gives up.
pub const CANCEL: u32 = 8;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `GET`, `https` and this path, by HPACK's static table (RFC 7541, appendix A).
pub fn get(stream: u32, path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x01, 4];
    block.extend(b"here");
    block.extend([0x04, u8::try_from(path.len()).unwrap()]);
    block.extend(path.as_bytes());
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block)
}

/// `SETTINGS_INITIAL_WINDOW_SIZE`.
pub fn window(bytes: u32) -> Vec<u8> {
    let mut setting = vec![0, 4];
    setting.extend(bytes.to_be_bytes());
    frame(SETTINGS, 0, 0, &setting)
}
