//! Gzip that is byte for byte what Go's library writes.
//!
//! Compressed text ends up in arguments such as the user data of a machine, by a function of the language or by a
//! provider. If another library compressed it, every such machine would be replaced when its state comes from Terraform. The algorithm is that of `compress/flate` at
//! its default level, down to which of several equal choices is taken.

mod deflate;
mod huffman;

use deflate::Compressor;

/// A gzip file that is written piece by piece.
pub struct Writer {
    compressor: Compressor,
    crc: crc32fast::Hasher,
    length: u32,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty file.
    pub fn new() -> Self {
        // No name, no time, an unknown system.
        let header = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        Self { compressor: Compressor::new(header), crc: crc32fast::Hasher::new(), length: 0 }
    }

    /// Adds a piece.
    pub fn write(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.length = self.length.wrapping_add(bytes.len() as u32);
        self.compressor.write(bytes);
    }

    /// Ends what can be read so far, as a sender does before a pause.
    pub fn flush(&mut self) {
        self.compressor.flush();
    }

    /// The file.
    pub fn finish(self) -> Vec<u8> {
        let mut out = self.compressor.finish();
        out.extend(self.crc.finalize().to_le_bytes());
        out.extend(self.length.to_le_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Go's `compress/gzip`.
    #[test]
    fn as_go_writes() {
        check(b"", "010000ffff0000000000000000");
        check(b"hello", "ca48cdc9c907040000ffff86a6103605000000");
        check(&b"abcabcabcabd".repeat(9), "4a4c4a86a1145ab301010000ffff3298bdd36c000000");
    }

    /// Checksums of what Go's `compress/gzip` makes of generated text of several lengths.
    #[test]
    fn long_texts() {
        for (length, seed, want) in LONG {
            let text = generated(length, seed);
            let mut writer = Writer::new();
            writer.write(&text);
            let out = writer.finish();
            assert_eq!((out.len(), crc32fast::hash(&out)), want, "{length} bytes");
        }
    }

    const LONG: [(usize, u32, (usize, u32)); 5] = [
        (300, 1, (29, 0x58ec_7527)),
        (5_000, 2, (642, 0x770f_29da)),
        (70_000, 3, (12_017, 0xda37_0be4)),
        (200_000, 5, (45_529, 0x3ed0_2f9b)),
        (400_000, 256, (139_556, 0xe9ab_d110)),
    ];

    /// Words of a simple generator: the larger the alphabet, the less there is to compress.
    fn generated(length: usize, alphabet: u32) -> Vec<u8> {
        let mut x: u32 = 12345;
        let mut out = Vec::with_capacity(length);
        while out.len() < length {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let n = (x >> 20) % 12 + 1;
            for i in 0..n {
                out.push(((x >> 24) % alphabet + i.wrapping_mul(x >> 28) % alphabet) as u8);
            }
        }
        out.truncate(length);
        out
    }

    fn check(text: &[u8], want: &str) {
        let mut writer = Writer::new();
        writer.write(text);
        let out = writer.finish();
        assert_eq!(out[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
        let hex: String = out[10..].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, want);
    }
}
