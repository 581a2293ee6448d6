//! Writing blocks: the shortest of stored bytes, fixed codes and codes of the block's own.

use std::sync::LazyLock;

/// A byte, or a repetition of bytes further back.
#[derive(Clone, Copy)]
pub(super) enum Token {
    Literal(u8),
    Match { length: usize, offset: usize },
}

const END: usize = 256;
const LENGTHS: usize = 257;
const LITERALS: usize = 286;
const OFFSETS: usize = 30;
const CODE_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LENGTH_BASE: [usize; 29] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 255];

/// The extra bits of a code for lengths.
fn length_extra(code: usize) -> usize {
    if code < 8 || code == 28 { 0 } else { code / 4 - 1 }
}

fn length_code(length: usize) -> usize {
    LENGTH_BASE.partition_point(|base| *base <= length - 3) - 1
}

fn offset_extra(code: usize) -> usize {
    (code / 2).saturating_sub(1)
}

fn offset_base(code: usize) -> usize {
    if code < 2 { code } else { (2 + code % 2) << offset_extra(code) }
}

fn offset_code(offset: usize) -> usize {
    (1..OFFSETS).take_while(|c| offset_base(*c) < offset).last().unwrap_or(0)
}

/// The bits and the number of bits of one symbol; none when it does not occur.
#[derive(Clone, Copy, Default)]
struct Code {
    bits: u16,
    length: u8,
}

impl Code {
    fn new(bits: u16, length: u8) -> Self {
        // Codes are sent with their highest bit first, in a stream of lowest bits first.
        Self { bits: bits.reverse_bits() >> (16 - u32::from(length)), length }
    }
}

static FIXED_LITERALS: LazyLock<Vec<Code>> = LazyLock::new(|| {
    let code = |symbol: u16| match symbol {
        0..144 => Code::new(symbol + 48, 8),
        144..256 => Code::new(symbol + 400 - 144, 9),
        256..280 => Code::new(symbol - 256, 7),
        _ => Code::new(symbol + 192 - 280, 8),
    };
    (0..LITERALS as u16).map(code).collect()
});
static FIXED_OFFSETS: LazyLock<Vec<Code>> = LazyLock::new(|| (0..OFFSETS as u16).map(|s| Code::new(s, 5)).collect());

fn size(codes: &[Code], counts: &[usize]) -> usize {
    codes.iter().zip(counts).map(|(c, n)| usize::from(c.length) * n).sum()
}

/// Bits into bytes.
pub(super) struct BitWriter {
    out: Vec<u8>,
    bits: u64,
    count: usize,
}

impl BitWriter {
    /// A writer that writes after what is there.
    pub fn new(out: Vec<u8>) -> Self {
        Self { out, bits: 0, count: 0 }
    }

    /// The bytes, the last filled up with zero bits.
    pub fn finish(mut self) -> Vec<u8> {
        self.align();
        self.out
    }

    fn put(&mut self, bits: usize, count: usize) {
        self.bits |= (bits as u64) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
    }

    fn align(&mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
    }

    fn code(&mut self, code: Code) {
        self.put(usize::from(code.bits), usize::from(code.length));
    }

    /// The beginning of a block of stored bytes.
    pub fn stored_header(&mut self, length: u16, last: bool) {
        self.put(usize::from(last), 3);
        self.align();
        self.put(usize::from(length), 16);
        self.put(usize::from(!length), 16);
    }

    /// A block that is not the last. `input` is what the tokens stand for, if it is still known.
    pub fn block(&mut self, tokens: &[Token], input: Option<&[u8]>) {
        let (literals, offsets) = count_symbols(tokens);
        let own = (generate(&literals, 15), generate(&offsets, 15));
        let kinds = (used(&literals), used(&offsets));
        let lengths: Vec<u8> = own.0[..kinds.0].iter().chain(&own.1[..kinds.1]).map(|c| c.length).collect();
        let runs = run_lengths(&lengths);
        let mut run_counts = [0usize; 19];
        runs.iter().for_each(|r| run_counts[r.symbol] += 1);
        let run_codes = generate(&run_counts, 7);
        let sent = (5..=19).rev().find(|n| run_counts[CODE_ORDER[n - 1]] > 0).unwrap_or(4);

        let header = 17 + 3 * sent + size(&run_codes, &run_counts) + runs.iter().map(|r| r.extra).sum::<usize>();
        let stored = input.filter(|i| i.len() <= usize::from(u16::MAX));
        // Extra bits count only where storing is an option, as they are the same for both kinds of codes.
        let extra = if stored.is_some() { extra_bits(&literals, &offsets) } else { 0 };
        let own_size = header + size(&own.0, &literals) + size(&own.1, &offsets) + extra;
        let fixed_size = 3 + size(&FIXED_LITERALS, &literals) + size(&FIXED_OFFSETS, &offsets) + extra;

        if let Some(input) = stored
            && (input.len() + 5) * 8 < own_size.min(fixed_size)
        {
            self.stored_header(input.len() as u16, false);
            self.out.extend_from_slice(input);
        } else if own_size < fixed_size {
            self.put(4, 3);
            self.put(kinds.0 - 257, 5);
            self.put(kinds.1 - 1, 5);
            self.put(sent - 4, 4);
            CODE_ORDER[..sent].iter().for_each(|s| self.put(usize::from(run_codes[*s].length), 3));
            for run in runs {
                self.code(run_codes[run.symbol]);
                self.put(run.value, run.extra);
            }
            self.tokens(tokens, &own.0, &own.1);
        } else {
            self.put(2, 3);
            self.tokens(tokens, &FIXED_LITERALS, &FIXED_OFFSETS);
        }
    }

    fn tokens(&mut self, tokens: &[Token], literals: &[Code], offsets: &[Code]) {
        for token in tokens {
            match *token {
                Token::Literal(byte) => self.code(literals[usize::from(byte)]),
                Token::Match { length, offset } => {
                    let code = length_code(length);
                    self.code(literals[LENGTHS + code]);
                    self.put(length - 3 - LENGTH_BASE[code], length_extra(code));
                    let code = offset_code(offset);
                    self.code(offsets[code]);
                    self.put(offset - 1 - offset_base(code), offset_extra(code));
                }
            }
        }
        self.code(literals[END]);
    }
}

fn count_symbols(tokens: &[Token]) -> (Vec<usize>, Vec<usize>) {
    let (mut literals, mut offsets) = (vec![0; LITERALS], vec![0; OFFSETS]);
    literals[END] = 1;
    for token in tokens {
        match *token {
            Token::Literal(byte) => literals[usize::from(byte)] += 1,
            Token::Match { length, offset } => {
                literals[LENGTHS + length_code(length)] += 1;
                offsets[offset_code(offset)] += 1;
            }
        }
    }
    if offsets.iter().all(|n| *n == 0) {
        // A decoder wants one code for offsets at least.
        offsets[0] = 1;
    }
    (literals, offsets)
}

fn extra_bits(literals: &[usize], offsets: &[usize]) -> usize {
    let lengths = literals[LENGTHS..].iter().enumerate().map(|(code, n)| n * length_extra(code));
    lengths.sum::<usize>() + offsets.iter().enumerate().map(|(code, n)| n * offset_extra(code)).sum::<usize>()
}

fn used(counts: &[usize]) -> usize {
    counts.iter().rposition(|n| *n > 0).map_or(0, |i| i + 1)
}

/// One symbol of the list of code lengths, with its extra bits.
struct Run {
    symbol: usize,
    value: usize,
    extra: usize,
}

fn run_lengths(lengths: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    for same in lengths.chunk_by(|a, b| a == b) {
        let symbol = usize::from(same[0]);
        let single = Run { symbol, value: 0, extra: 0 };
        let mut count = same.len();
        if symbol == 0 {
            while count >= 11 {
                let n = count.min(138);
                runs.push(Run { symbol: 18, value: n - 11, extra: 7 });
                count -= n;
            }
            if count >= 3 {
                runs.push(Run { symbol: 17, value: count - 3, extra: 3 });
                count = 0;
            }
        } else {
            runs.push(single);
            count -= 1;
            while count >= 3 {
                let n = count.min(6);
                runs.push(Run { symbol: 16, value: n - 3, extra: 2 });
                count -= n;
            }
        }
        runs.extend((0..count).map(|_| Run { symbol, value: 0, extra: 0 }));
    }
    runs
}

/// Codes for symbols that occur so often, none longer than `most` bits.
fn generate(counts: &[usize], most: usize) -> Vec<Code> {
    let mut codes = vec![Code::default(); counts.len()];
    let mut list: Vec<(usize, usize)> = counts.iter().copied().enumerate().filter(|(_, n)| *n > 0).collect();
    if list.len() <= 2 {
        for (bits, (symbol, _)) in (0u16..).zip(list) {
            codes[symbol] = Code { bits, length: 1 };
        }
        return codes;
    }
    list.sort_by_key(|(symbol, n)| (*n, *symbol));
    let mut code = 0u16;
    for (length, n) in (1u8..).zip(bit_counts(&list, most)) {
        code <<= 1;
        let mut chunk = list.split_off(list.len() - n);
        chunk.sort_unstable();
        for (symbol, _) in chunk {
            codes[symbol] = Code::new(code, length);
            code += 1;
        }
    }
    codes
}

/// One level of the package-merge algorithm.
#[derive(Clone, Copy, Default)]
struct Level {
    last: usize,
    next_leaf: usize,
    next_pair: usize,
    needed: usize,
}

/// How many symbols get a code of one bit, of two bits and so on. The list is sorted by frequency.
fn bit_counts(list: &[(usize, usize)], most: usize) -> Vec<usize> {
    const NEVER: usize = usize::MAX;
    let n = list.len();
    let frequency = |i: usize| list.get(i).map_or(NEVER, |(_, f)| *f);
    let most = most.min(n - 1);
    let first = Level { last: frequency(1), next_leaf: frequency(2), next_pair: frequency(0) + frequency(1), needed: 0 };
    let mut levels = [first; 17];
    levels[1].next_pair = NEVER;
    levels[most].needed = 2 * n - 4;
    let mut leaves = [[0usize; 16]; 16];
    for (level, counts) in leaves.iter_mut().enumerate().skip(1) {
        counts[level] = 2;
    }
    let mut level = most;
    loop {
        let l = levels[level];
        if l.next_pair == NEVER && l.next_leaf == NEVER {
            levels[level].needed = 0;
            levels[level + 1].next_pair = NEVER;
            level += 1;
            continue;
        }
        if l.next_leaf < l.next_pair {
            let count = leaves[level][level] + 1;
            levels[level].last = l.next_leaf;
            leaves[level][level] = count;
            levels[level].next_leaf = frequency(count);
        } else {
            levels[level].last = l.next_pair;
            let below = leaves[level - 1];
            leaves[level][..level].copy_from_slice(&below[..level]);
            levels[level - 1].needed = 2;
        }
        levels[level].needed -= 1;
        if levels[level].needed > 0 {
            while levels[level - 1].needed > 0 {
                level -= 1;
            }
        } else if level == most {
            break;
        } else {
            levels[level + 1].next_pair = l.last.saturating_add(levels[level].last);
            level += 1;
        }
    }
    let counts = leaves[most];
    (1..=most).rev().map(|level| counts[level] - counts[level - 1]).collect()
}
