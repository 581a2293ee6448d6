//! Gzip with the header and the block structure that Terraform's output has.

use flate2::{Compress, Compression, Crc, FlushCompress};

/// No name, no time, an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty stored block that is not the last: what a flush writes.
const FLUSH: [u8; 5] = [0, 0, 0, 0xff, 0xff];
/// An empty stored block that is the last.
const LAST: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// The bytes compressed, flushed and closed.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    if bytes.is_empty() {
        out.extend(FLUSH);
    } else {
        out.extend(deflate(bytes));
    }
    out.extend(LAST);
    let mut crc = Crc::new();
    crc.update(bytes);
    out.extend(crc.sum().to_le_bytes());
    out.extend(crc.amount().to_le_bytes());
    out
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut state = Compress::new(Compression::new(6), false);
    let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
    loop {
        let done = usize::try_from(state.total_in()).unwrap_or(bytes.len()).min(bytes.len());
        let before = out.len();
        // Deflating into a growing buffer has no way to fail.
        if state.compress_vec(&bytes[done..], &mut out, FlushCompress::Sync).is_err() {
            return out;
        }
        if out.len() < out.capacity() || out.len() == before && done == bytes.len() {
            return out;
        }
        out.reserve(out.len() + 64);
    }
}
