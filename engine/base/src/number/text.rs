//! Decimal text to numbers and back, as Go's `big.Float` does it.

use dashu_base::BitTest;
use dashu_int::UBig;

use super::float::Float;

/// Exponents of ten beyond this are no number. See the limit on powers of two in `float`.
const MAX_DECIMAL_EXPONENT: i64 = 1 << 20;

/// A number as it is written: `mantissa * 10^ten * 2^two`.
pub(super) struct Written {
    pub negative: bool,
    pub mantissa: UBig,
    pub ten: i64,
    pub two: i64,
}

/// Reads `[+-] digits [. digits] [(e|p) [+-] digits]`, where either side of the point may be
/// empty. A `p` stands for a power of two.
pub(super) fn read(s: &str) -> Option<Written> {
    let (negative, s) = match s.as_bytes().first()? {
        b'-' => (true, &s[1..]),
        b'+' => (false, &s[1..]),
        _ => (false, s),
    };
    let (mantissa, exponent, binary) = match s.find(['e', 'E', 'p', 'P']) {
        Some(at) => (&s[..at], read_exponent(&s[at + 1..])?, s[at..].starts_with(['p', 'P'])),
        None => (s, 0, false),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mantissa = UBig::from_str_radix(&digits, 10).ok()?;
    let ten = if binary { 0 } else { exponent } - i64::try_from(fraction.len()).ok()?;
    let two = if binary { exponent } else { 0 };
    let small = |n: i64| n.abs() <= MAX_DECIMAL_EXPONENT;
    (mantissa.is_zero() || small(ten) && small(two)).then_some(Written { negative, mantissa, ten, two })
}

fn read_exponent(s: &str) -> Option<i64> {
    let digits = s.strip_prefix(['+', '-']).unwrap_or(s);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    s.parse().ok()
}

/// Reads digits of a radix from 2 to 62: `0-9a-zA-Z`, where case matters only above 36.
pub(super) fn read_integer(s: &str, radix: u32) -> Option<(bool, UBig)> {
    let (negative, digits) = match s.as_bytes().first()? {
        b'-' => (true, &s[1..]),
        b'+' => (false, &s[1..]),
        _ => (false, s),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    if radix <= 36 {
        return Some((negative, UBig::from_str_radix(digits, radix).ok()?));
    }
    let value = digits.bytes().try_fold(UBig::ZERO, |sum, b| {
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'a'..=b'z' => b - b'a' + 10,
            _ => b - b'A' + 36,
        };
        (u32::from(digit) < radix).then(|| sum * radix + digit)
    })?;
    Some((negative, value))
}

/// `0.digits * 10^point`, without trailing zeros. No digits means zero.
pub(super) struct Decimal {
    pub digits: Vec<u8>,
    pub point: i64,
}

impl Decimal {
    /// Exactly `mant * 2^exp`.
    pub(super) fn exact(mant: &UBig, exp: i64) -> Self {
        let (scaled, shift) = match exp {
            0.. => (mant << exp.unsigned_abs() as usize, 0),
            _ => (mant * power_of_five(exp.unsigned_abs()), exp),
        };
        let mut digits = if scaled.is_zero() { Vec::new() } else { scaled.to_string().into_bytes() };
        let point = digits.len() as i64 + shift;
        trim(&mut digits);
        Decimal { digits, point }
    }

    /// The shortest decimal that rounds to `f` at a precision of `prec` bits.
    pub(super) fn shortest(f: &Float, prec: u32) -> Self {
        let mut out = Decimal::exact(&f.mant, f.exp);
        let wanted = prec as usize + 1;
        let Some(shift) = wanted.checked_sub(f.mant.bit_len()).filter(|_| !f.is_zero()) else {
            return out;
        };
        // The last bit of `twice` is half a unit in the last place.
        let twice = &f.mant << shift;
        let exp = f.exp - shift as i64;
        let inclusive = !twice.bit(1);
        let lower = Decimal::exact(&(&twice - 1u8), exp);
        let upper = Decimal::exact(&(&twice + 1u8), exp);
        for i in 0..out.digits.len() {
            let (low, digit, high) = (lower.at(i), out.at(i), upper.at(i));
            let down = low != digit || inclusive && i + 1 == lower.digits.len();
            let up = digit != high && (inclusive || digit + 1 < high || i + 1 < upper.digits.len());
            match (down, up) {
                (true, true) => out.round(i + 1),
                (true, false) => out.round_down(i + 1),
                (false, true) => out.round_up(i + 1),
                (false, false) => continue,
            }
            break;
        }
        out
    }

    fn at(&self, i: usize) -> u8 {
        self.digits.get(i).copied().unwrap_or(b'0')
    }

    /// Rounds to `n` digits, ties to even.
    pub(super) fn round(&mut self, n: usize) {
        let Some(&next) = self.digits.get(n) else { return };
        let tie = next == b'5' && n + 1 == self.digits.len();
        let odd = n > 0 && (self.digits[n - 1] - b'0') % 2 == 1;
        if next > b'5' || next == b'5' && (!tie || odd) { self.round_up(n) } else { self.round_down(n) }
    }

    fn round_down(&mut self, n: usize) {
        self.digits.truncate(n);
        trim(&mut self.digits);
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    fn round_up(&mut self, n: usize) {
        if n >= self.digits.len() {
            return;
        }
        self.digits.truncate(n);
        while self.digits.last() == Some(&b'9') {
            self.digits.pop();
        }
        match self.digits.last_mut() {
            Some(last) => *last += 1,
            None => {
                self.digits.push(b'1');
                self.point += 1;
            }
        }
    }

    /// All digits, never an exponent.
    pub(super) fn plain(&self) -> String {
        let mut out = String::new();
        let digits = self.digits.len() as i64;
        if self.point <= 0 {
            out.push('0');
        }
        for i in 0..self.point {
            out.push(self.at(i as usize).into());
        }
        if digits > self.point {
            out.push('.');
        }
        for i in self.point..digits {
            out.push(if i < 0 { '0' } else { self.at(i as usize).into() });
        }
        out
    }

    /// At most ten digits, with an exponent for what is very large or small: Go's `%.10g`.
    pub(super) fn ten_digits(mut self) -> String {
        const DIGITS: i64 = 10;
        self.round(DIGITS as usize);
        let len = self.digits.len() as i64;
        let plain_below = if DIGITS > len && len >= self.point { len } else { DIGITS };
        let exponent = self.point - 1;
        if exponent >= -4 && exponent < plain_below || len == 0 {
            return self.plain();
        }
        let mut out = String::from(char::from(self.digits[0]));
        if len > 1 {
            out.push('.');
            out.extend(self.digits[1..].iter().copied().map(char::from));
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{out}e{sign}{:02}", exponent.abs())
    }
}

fn trim(digits: &mut Vec<u8>) {
    let len = digits.iter().rposition(|d| *d != b'0').map_or(0, |last| last + 1);
    digits.truncate(len);
}

/// `5^n`.
pub(super) fn power_of_five(n: u64) -> UBig {
    UBig::from(5u8).pow(n as usize)
}
