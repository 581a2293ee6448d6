//! Decimal text of numbers with a given precision, rounded from the exact value as Go rounds it.

use dashu_int::UBig;
use secstack_base::Number;

/// The number with a letter of Go's: `e`, `f` or `g`, or the capital of one. No precision means the shortest text
/// that reads back as the same number.
pub fn format(n: &Number, letter: char, precision: Option<usize>) -> String {
    if n.is_infinite() {
        return if n.is_negative() { "-Inf" } else { "+Inf" }.into();
    }
    let shortest = n.to_string();
    let sign = if shortest.starts_with('-') { "-" } else { "" };
    let mut digits = match precision {
        Some(_) => exact(n).unwrap_or_else(|| Digits::read(&shortest)),
        None => Digits::read(&shortest),
    };
    let text = match letter {
        'e' | 'E' => {
            let precision = precision.unwrap_or_else(|| digits.mantissa.len().saturating_sub(1));
            digits.round(1 + precision as i64);
            digits.scientific(letter, precision)
        }
        'f' => {
            let precision = precision.unwrap_or_else(|| digits.fraction_len());
            digits.round(digits.point + precision as i64);
            digits.plain(precision)
        }
        _ => digits.general(letter, precision),
    };
    format!("{sign}{text}")
}

/// The digits of a number without zeros at either end, and where the point stands: before digit `point`.
struct Digits {
    mantissa: Vec<u8>,
    point: i64,
}

impl Digits {
    /// Reads `123.45`; the sign is left out.
    fn read(text: &str) -> Digits {
        let text = text.trim_start_matches('-');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        Digits { mantissa: [whole, fraction].concat().into_bytes(), point: whole.len() as i64 }.trimmed()
    }

    fn trimmed(mut self) -> Digits {
        let leading = self.mantissa.iter().take_while(|d| **d == b'0').count();
        self.mantissa.drain(..leading);
        self.point -= leading as i64;
        self.drop_zeros();
        self
    }

    fn drop_zeros(&mut self) {
        while self.mantissa.last() == Some(&b'0') {
            self.mantissa.pop();
        }
        if self.mantissa.is_empty() {
            self.point = 0;
        }
    }

    fn fraction_len(&self) -> usize {
        usize::try_from(self.mantissa.len() as i64 - self.point).unwrap_or(0)
    }

    /// Keeps `count` digits; what is halfway goes to the even digit.
    fn round(&mut self, count: i64) {
        let Ok(count) = usize::try_from(count) else {
            self.mantissa.clear();
            return self.drop_zeros();
        };
        if count >= self.mantissa.len() {
            return;
        }
        let odd = count > 0 && (self.mantissa[count - 1] - b'0') % 2 == 1;
        let up = match self.mantissa[count] {
            b'5' if count + 1 == self.mantissa.len() => odd,
            digit => digit >= b'5',
        };
        self.mantissa.truncate(count);
        if up {
            self.increment();
        }
        self.drop_zeros();
    }

    fn increment(&mut self) {
        while let Some(last) = self.mantissa.last_mut() {
            if *last < b'9' {
                *last += 1;
                return;
            }
            self.mantissa.pop();
        }
        self.mantissa.push(b'1');
        self.point += 1;
    }

    fn digit(&self, i: i64) -> char {
        usize::try_from(i).ok().and_then(|i| self.mantissa.get(i)).map_or('0', |d| char::from(*d))
    }

    fn scientific(&self, letter: char, precision: usize) -> String {
        let mut out = String::from(self.digit(0));
        if precision > 0 {
            out.push('.');
            out.extend((1..=precision as i64).map(|i| self.digit(i)));
        }
        let exponent = if self.mantissa.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{out}{letter}{sign}{:02}", exponent.abs())
    }

    fn plain(&self, precision: usize) -> String {
        let mut out = String::new();
        if self.point <= 0 {
            out.push('0');
        }
        out.extend((0..self.point).map(|i| self.digit(i)));
        if precision > 0 {
            out.push('.');
            out.extend((self.point..self.point + precision as i64).map(|i| self.digit(i)));
        }
        out
    }

    fn general(&mut self, letter: char, precision: Option<usize>) -> String {
        if let Some(precision) = precision {
            self.round(precision.max(1) as i64);
        }
        let len = self.mantissa.len() as i64;
        let precision_len = precision.map_or(len, |p| p.max(1) as i64);
        let limit = match precision {
            None => 6,
            Some(_) if precision_len > len && len >= self.point => len,
            Some(_) => precision_len,
        };
        let exponent = self.point - 1;
        if exponent < -4 || exponent >= limit {
            let digits = usize::try_from(precision_len.min(len) - 1).unwrap_or(0);
            return self.scientific(if letter == 'G' { 'E' } else { 'e' }, digits);
        }
        let keep = if precision_len > self.point { len } else { precision_len };
        self.plain(usize::try_from(keep - self.point).unwrap_or(0))
    }
}

/// All digits of the exact value. `None` for a number whose fraction is out of all proportion.
fn exact(n: &Number) -> Option<Digits> {
    const STEP: usize = 512;
    let step = Number::parse_int(&format!("1{}", "0".repeat(STEP / 4)), 16)?;
    let mut scaled = n.abs();
    let mut twos = 0;
    while !scaled.is_integer() {
        scaled = scaled.mul(&step)?;
        twos += STEP;
        if twos > 64 * STEP {
            return None;
        }
    }
    let hex = scaled.to_integer_string(16)?;
    let whole = UBig::from_str_radix(hex.trim_start_matches('-'), 16).ok()?;
    let digits = (whole * UBig::from(5_u8).pow(twos)).to_string().into_bytes();
    let point = digits.len() as i64 - twos as i64;
    Some(Digits { mantissa: digits, point }.trimmed())
}
