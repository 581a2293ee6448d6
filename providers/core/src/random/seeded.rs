//! The generator behind the argument `seed`: that of Go's `math/rand`, so that a seed gives what it gives in Terraform.

/// The generator's initial state, one number a line, as computed by its authors (Plan 9; BSD licence of Go).
const COOKED: &str = include_str!("cooked.txt");
const LENGTH: usize = 607;
const TAP: usize = 273;
const MOST: i64 = (1 << 31) - 1;

/// An additive lagged Fibonacci generator.
pub(super) struct Seeded {
    state: Vec<u64>,
    tap: usize,
    feed: usize,
}

impl Seeded {
    /// A generator seeded with text; empty text stands for a random seed.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(seed: &str) -> secstack_sdk::Result<Self> {
        if seed.is_empty() {
            return super::random_u64().map(|n| Self::from_number(n.cast_signed()));
        }
        Ok(Self::from_number(crc64(seed.as_bytes()).cast_signed()))
    }

    fn from_number(seed: i64) -> Self {
        let seed = match seed % MOST {
            0 => 89_482_311,
            n if n < 0 => n + MOST,
            n => n,
        };
        let mut x = seed;
        let mut step = || {
            let next = 48271 * (x % 44488) - 3399 * (x / 44488);
            x = if next < 0 { next + MOST } else { next };
            x.cast_unsigned()
        };
        for _ in 0..20 {
            step();
        }
        let state = COOKED.lines().filter_map(|l| l.parse::<i64>().ok()).map(|cooked| {
            let (a, b, c) = (step(), step(), step());
            (a << 40) ^ (b << 20) ^ c ^ cooked.cast_unsigned()
        });
        Self { state: state.collect(), tap: 0, feed: LENGTH - TAP }
    }

    fn next(&mut self) -> i64 {
        self.tap = (self.tap + LENGTH - 1) % LENGTH;
        self.feed = (self.feed + LENGTH - 1) % LENGTH;
        let x = self.state[self.feed].wrapping_add(self.state[self.tap]);
        self.state[self.feed] = x;
        (x & (u64::MAX >> 1)).cast_signed()
    }

    /// A number from zero up to, but not including, `n`, which must be positive.
    pub fn below(&mut self, n: i64) -> i64 {
        if n > MOST {
            return self.draw(n, 63);
        }
        self.draw(n, 31)
    }

    fn draw(&mut self, n: i64, bits: u32) -> i64 {
        let mut take = || self.next() >> (63 - bits);
        if n & (n - 1) == 0 {
            return take() & (n - 1);
        }
        let range = 1u64 << bits;
        let most = (range - 1 - range % n.cast_unsigned()).cast_signed();
        loop {
            let v = take();
            if v <= most {
                return v % n;
            }
        }
    }

    /// The numbers below `n` in random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = Vec::with_capacity(n);
        for (i, bound) in (0..n).zip(1i64..) {
            let j = usize::try_from(self.below(bound)).unwrap_or(0);
            order.push(i);
            order[i] = order[j];
            order[j] = i;
        }
        order
    }
}

/// The checksum CRC-64 of ISO 3309.
fn crc64(bytes: &[u8]) -> u64 {
    !bytes.iter().fold(u64::MAX, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0xd800_0000_0000_0000 } else { c >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_go() {
        let mut one = Seeded::from_number(1);
        let drawn: Vec<i64> = (0..5).map(|_| one.below(100)).collect();
        assert_eq!(drawn, [81, 87, 47, 59, 81]);
        assert_eq!(Seeded::from_number(1).permutation(5), [0, 4, 2, 3, 1]);
        assert_eq!(crc64(b"123456789"), 0xb909_56c7_75a4_1001);
    }
}
