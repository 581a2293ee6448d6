//! Finding repetitions: lazy matching over a window with chains of hashes.

use super::huffman::{BitWriter, Token};

const WINDOW: usize = 1 << 15;
const MASK: usize = WINDOW - 1;
const LEAST: usize = 4;
const MOST: usize = 258;
const BLOCK: usize = 1 << 14;
const HASH_BITS: u32 = 17;

/// A match of this length makes the search for a better one shorter.
const GOOD: usize = 8;
/// A match of this length is not waited with.
const LAZY: usize = 16;
/// A match of this length ends a search.
const NICE: usize = 128;
/// How many candidates are looked at.
const CHAIN: usize = 128;

/// The compressor. Positions are those in the window, which moves on by half when it is full.
pub(super) struct Compressor {
    out: BitWriter,
    window: Vec<u8>,
    end: usize,
    index: usize,
    /// Where the tokens begin, unless the window has moved past that.
    block_start: Option<usize>,
    tokens: Vec<Token>,
    byte_available: bool,
    length: usize,
    offset: usize,
    last_insert: usize,
    chain_head: i64,
    hash_head: Vec<u32>,
    hash_prev: Vec<u32>,
    hash_offset: i64,
}

impl Compressor {
    /// A compressor that writes after what is there.
    pub fn new(out: Vec<u8>) -> Self {
        Self {
            out: BitWriter::new(out),
            window: vec![0; 2 * WINDOW],
            end: 0,
            index: 0,
            block_start: Some(0),
            tokens: Vec::with_capacity(BLOCK + 1),
            byte_available: false,
            length: LEAST - 1,
            offset: 0,
            last_insert: 0,
            chain_head: -1,
            hash_head: vec![0; 1 << HASH_BITS],
            hash_prev: vec![0; WINDOW],
            hash_offset: 1,
        }
    }

    /// Adds bytes.
    pub fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            self.deflate(false);
            bytes = &bytes[self.fill(bytes)..];
        }
    }

    /// Ends the block, with an empty one after it.
    pub fn flush(&mut self) {
        self.deflate(true);
        self.out.stored_header(0, false);
    }

    /// All that was written.
    pub fn finish(mut self) -> Vec<u8> {
        self.deflate(true);
        self.out.stored_header(0, true);
        self.out.finish()
    }

    fn fill(&mut self, bytes: &[u8]) -> usize {
        if self.index >= 2 * WINDOW - (LEAST + MOST) {
            self.window.copy_within(WINDOW.., 0);
            self.index -= WINDOW;
            self.end -= WINDOW;
            self.block_start = self.block_start.and_then(|s| s.checked_sub(WINDOW));
            self.hash_offset += WINDOW as i64;
            self.rebase();
        }
        let n = bytes.len().min(self.window.len() - self.end);
        self.window[self.end..self.end + n].copy_from_slice(&bytes[..n]);
        self.end += n;
        n
    }

    /// Keeps stored positions small.
    fn rebase(&mut self) {
        if self.hash_offset <= 1 << 24 {
            return;
        }
        let delta = self.hash_offset - 1;
        self.hash_offset -= delta;
        self.chain_head -= delta;
        let delta = delta as u32;
        for v in self.hash_prev.iter_mut().chain(&mut self.hash_head) {
            *v = v.saturating_sub(delta);
        }
    }

    fn deflate(&mut self, last: bool) {
        if self.end - self.index < LEAST + MOST && !last {
            return;
        }
        self.last_insert = self.end.saturating_sub(LEAST - 1);
        loop {
            let lookahead = self.end - self.index;
            if lookahead < LEAST + MOST && !last {
                return;
            }
            if lookahead == 0 {
                return self.end_of_input();
            }
            if self.index < self.last_insert {
                self.chain_head = i64::from(self.insert(self.index));
            }
            self.step(lookahead);
        }
    }

    fn end_of_input(&mut self) {
        if self.byte_available {
            self.tokens.push(Token::Literal(self.window[self.index - 1]));
            self.byte_available = false;
        }
        if !self.tokens.is_empty() {
            self.write_block(self.index);
        }
    }

    /// Looks for a match at the index, and takes it, the match before it or a byte.
    fn step(&mut self, lookahead: usize) {
        let (previous, previous_offset) = (self.length, self.offset);
        (self.length, self.offset) = (LEAST - 1, 0);
        let least = self.index.saturating_sub(WINDOW) as i64;
        let head = self.chain_head - self.hash_offset;
        if head >= least
            && lookahead > previous
            && previous < LAZY
            && let Some((length, offset)) = self.find_match(head as usize, lookahead)
        {
            (self.length, self.offset) = (length, offset);
        }
        if previous >= LEAST && self.length <= previous {
            self.tokens.push(Token::Match { length: previous, offset: previous_offset });
            let next = self.index + previous - 1;
            for index in self.index + 1..next {
                if index < self.last_insert {
                    self.insert(index);
                }
            }
            self.index = next;
            self.byte_available = false;
            self.length = LEAST - 1;
            if self.tokens.len() == BLOCK {
                self.write_block(self.index);
            }
            return;
        }
        if self.byte_available {
            let at = self.index - 1;
            self.tokens.push(Token::Literal(self.window[at]));
            if self.tokens.len() == BLOCK {
                self.write_block(at + 1);
            }
        }
        self.index += 1;
        self.byte_available = true;
    }

    /// Notes a position under the hash of the bytes there, and gives the position noted before.
    fn insert(&mut self, index: usize) -> u32 {
        let w = &self.window[index..index + LEAST];
        let hash = u32::from_be_bytes([w[0], w[1], w[2], w[3]]).wrapping_mul(0x1e35_a7bd) >> (32 - HASH_BITS);
        let at = (index as i64 + self.hash_offset) as u32;
        let before = std::mem::replace(&mut self.hash_head[hash as usize], at);
        self.hash_prev[index & MASK] = before;
        before
    }

    fn find_match(&self, head: usize, lookahead: usize) -> Option<(usize, usize)> {
        let pos = self.index;
        let look = lookahead.min(MOST);
        let win = &self.window[..pos + look];
        let nice = look.min(NICE);
        let mut length = LEAST - 1;
        let tries = if length >= GOOD { CHAIN >> 2 } else { CHAIN };
        let least = pos as i64 - WINDOW as i64;
        let mut found = None;
        let mut i = head;
        for _ in 0..tries {
            if win[pos + length] == win[i + length] {
                let n = win[i..].iter().zip(&win[pos..]).take_while(|(a, b)| a == b).count();
                if n > length && (n > LEAST || pos - i <= 4096) {
                    length = n;
                    found = Some((n, pos - i));
                    if n >= nice {
                        break;
                    }
                }
            }
            if i as i64 == least {
                break;
            }
            let before = i64::from(self.hash_prev[i & MASK]) - self.hash_offset;
            if before < least || before < 0 {
                break;
            }
            i = before as usize;
        }
        found
    }

    fn write_block(&mut self, index: usize) {
        if index > 0 {
            let input = self.block_start.filter(|s| *s <= index).map(|s| &self.window[s..index]);
            self.out.block(&self.tokens, input);
            self.block_start = Some(index);
        }
        self.tokens.clear();
    }
}
