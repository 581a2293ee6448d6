//! Numbers of the language: binary floats, usually of 512 bits, rounded to nearest even.
//!
//! Terraform keeps numbers as Go's `big.Float`, and its precision can be seen: `0.1 + 0.2` is
//! `0.3` at 512 bits, `pow(2, 0.5)` prints 17 digits since it went through a 64-bit float,
//! and `length(a) / length(b)` has the 64 bits of a machine integer. So a number carries the
//! precision it was made with: 512 bits when it was text, 64 from an integer, 53 from a float.
//!
//! Two numbers are equal when they print the same; that is Terraform's rule too.

use std::fmt;
use std::sync::Arc;

use dashu_base::BitTest;
use dashu_int::{IBig, UBig};

use float::{Float, Rounded};
use text::Decimal;

/// The precision of numbers that come from text.
const TEXT_PRECISION: u32 = 512;
/// The precision of numbers that come from machine integers.
const INTEGER_PRECISION: u32 = 64;
/// The precision of numbers that come from 64-bit floats.
const FLOAT_PRECISION: u32 = 53;

/// A number. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Number {
    repr: Repr,
    prec: u32,
}

/// Every number has one form: an integer in the range of `i64` is always `Int`.
#[derive(Clone, Debug)]
enum Repr {
    Int(i64),
    /// Prints as `-0` and equals zero.
    NegZero,
    Inf {
        negative: bool,
    },
    Big(Arc<Float>),
}

impl Number {
    /// Zero.
    pub const ZERO: Number = Number { repr: Repr::Int(0), prec: INTEGER_PRECISION };

    /// Reads decimal text with an optional fraction and exponent, or `Inf`.
    pub fn parse(s: &str) -> Option<Number> {
        if s.len() < 19 && !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Number { repr: Repr::Int(s.parse().ok()?), prec: TEXT_PRECISION });
        }
        if let "Inf" | "inf" | "+Inf" | "+inf" | "-Inf" | "-inf" = s {
            return Some(Number::infinity(s.starts_with('-'), TEXT_PRECISION));
        }
        let text::Written { negative, mantissa, ten, two } = text::read(s)?;
        let float = |mant, exp| Float::new(negative, mant, exp);
        let five = text::power_of_five(ten.unsigned_abs());
        let rounded = match ten {
            0.. => float(mantissa * five, ten + two).round(TEXT_PRECISION),
            _ => float(mantissa, ten + two).div(&Float::new(false, five, 0), TEXT_PRECISION),
        };
        Some(Number::from_rounded(rounded, TEXT_PRECISION))
    }

    /// Reads an integer in a radix from 2 to 62, with an optional sign. No size is too large.
    pub fn parse_int(s: &str, radix: u32) -> Option<Number> {
        if !(2..=62).contains(&radix) {
            return None;
        }
        let (negative, mant) = text::read_integer(s, radix)?;
        Some(Number::from_integer(negative && !mant.is_zero(), mant))
    }

    /// The number nearest to a 64-bit float; `None` for NaN.
    pub fn from_f64(f: f64) -> Option<Number> {
        const FRACTION: u32 = 52;
        if f.is_nan() {
            return None;
        }
        let negative = f.is_sign_negative();
        if f.is_infinite() {
            return Some(Number::infinity(negative, FLOAT_PRECISION));
        }
        let bits = f.to_bits();
        let fraction = bits & ((1 << FRACTION) - 1);
        let biased = i64::from((bits >> FRACTION) as u16 & 0x7ff);
        let mant = if biased == 0 { fraction } else { fraction | 1 << FRACTION };
        let exact = Float::new(negative, UBig::from(mant), biased.max(1) - 1023 - i64::from(FRACTION));
        Some(Number::from_rounded(exact.round(FLOAT_PRECISION), FLOAT_PRECISION))
    }

    fn infinity(negative: bool, prec: u32) -> Number {
        Number { repr: Repr::Inf { negative }, prec }
    }

    /// An integer, with as much precision as it needs.
    fn from_integer(negative: bool, mant: UBig) -> Number {
        let prec = u32::try_from(mant.bit_len()).unwrap_or(u32::MAX).max(INTEGER_PRECISION);
        Number::from_rounded(Float::new(negative, mant, 0).round(prec), prec)
    }

    fn from_rounded(rounded: Rounded, prec: u32) -> Number {
        let repr = match rounded {
            Rounded::Infinite { negative } => Repr::Inf { negative },
            Rounded::Zero { negative: true } => Repr::NegZero,
            Rounded::Zero { negative: false } => Repr::Int(0),
            Rounded::Finite(f) => match small_integer(&f) {
                Some(n) => Repr::Int(n),
                None => Repr::Big(Arc::new(f)),
            },
        };
        Number { repr, prec }
    }

    /// The exact value, unless infinite.
    fn float(&self) -> Option<Float> {
        match &self.repr {
            Repr::Int(n) => Some(Float::new(*n < 0, UBig::from(n.unsigned_abs()), 0)),
            Repr::NegZero => Some(Float::new(true, UBig::ZERO, 0)),
            Repr::Big(f) => Some(Float::clone(f)),
            Repr::Inf { .. } => None,
        }
    }

    /// Both as machine integers, when results in that range need no rounding.
    fn both_small(&self, other: &Number) -> Option<(i64, i64)> {
        match (&self.repr, &other.repr) {
            (Repr::Int(a), Repr::Int(b)) if self.prec.min(other.prec) >= INTEGER_PRECISION => Some((*a, *b)),
            _ => None,
        }
    }

    /// The sum. `None` for opposite infinities.
    pub fn add(&self, other: &Number) -> Option<Number> {
        let prec = self.prec.max(other.prec);
        if let Some(n) = self.both_small(other).and_then(|(a, b)| a.checked_add(b)) {
            return Some(Number { repr: Repr::Int(n), prec });
        }
        match (self.float(), other.float()) {
            (Some(a), Some(b)) => Some(Number::from_rounded(a.add(&b).round(prec), prec)),
            (None, None) if self.sign_bit() != other.sign_bit() => None,
            (None, _) => Some(Number::infinity(self.sign_bit(), prec)),
            (_, None) => Some(Number::infinity(other.sign_bit(), prec)),
        }
    }

    /// The difference. `None` for equal infinities.
    pub fn sub(&self, other: &Number) -> Option<Number> {
        self.add(&other.neg())
    }

    /// The product. `None` for zero times infinity.
    pub fn mul(&self, other: &Number) -> Option<Number> {
        let prec = self.prec.max(other.prec);
        if let Some(n) = self.both_small(other).and_then(|(a, b)| a.checked_mul(b)).filter(|n| *n != 0) {
            return Some(Number { repr: Repr::Int(n), prec });
        }
        match (self.float(), other.float()) {
            (Some(a), Some(b)) => {
                // A product keeps the bits it needs although its factors have fewer.
                let rounded = a.mul(&b).round(TEXT_PRECISION);
                let needed = match &rounded {
                    Rounded::Finite(f) => u32::try_from(f.mant.bit_len()).unwrap_or(u32::MAX),
                    _ => 0,
                };
                Some(Number::from_rounded(rounded, prec.max(needed)))
            }
            _ if self.is_zero() || other.is_zero() => None,
            _ => Some(Number::infinity(self.sign_bit() != other.sign_bit(), prec)),
        }
    }

    /// The quotient; an infinity when `other` is zero. `None` for `0 / 0` and infinity over infinity.
    pub fn div(&self, other: &Number) -> Option<Number> {
        let prec = self.prec.max(other.prec);
        if let Some((a, b)) = self.both_small(other)
            && a != 0
            && a.checked_rem(b) == Some(0)
        {
            return Some(Number { repr: Repr::Int(a / b), prec });
        }
        let negative = self.sign_bit() != other.sign_bit();
        match (self.float(), other.float()) {
            (Some(a), Some(b)) if b.is_zero() => (!a.is_zero()).then(|| Number::infinity(negative, prec)),
            (Some(a), Some(b)) => Some(Number::from_rounded(a.div(&b, prec), prec)),
            (None, None) => None,
            (None, _) => Some(Number::infinity(negative, prec)),
            (_, None) => Some(Number::from_rounded(Rounded::Zero { negative }, prec)),
        }
    }

    /// What remains of truncated division, with the sign of `self`; `self` when `other` is zero.
    /// `None` when either is infinite.
    pub fn rem(&self, other: &Number) -> Option<Number> {
        let prec = self.prec;
        if other.is_zero() {
            return Some(self.clone());
        }
        if let Some(n) = self.both_small(other).and_then(|(a, b)| a.checked_rem(b)) {
            return Some(Number { repr: Repr::Int(n), prec });
        }
        let (a, b) = (self.float()?, other.float()?);
        let quotient = self.div(other)?.float()?;
        let mant = quotient.truncated();
        let whole = Float::new(quotient.negative && !mant.is_zero(), mant, 0).round(prec);
        let taken = b.mul(&Number::from_rounded(whole, prec).float()?).round(prec);
        let taken = Number::from_rounded(taken, prec).float()?;
        Some(Number::from_rounded(a.add(&taken.negate()).round(prec), prec))
    }

    /// The number with the other sign; `-0` for zero.
    #[must_use]
    pub fn neg(&self) -> Number {
        let repr = match &self.repr {
            Repr::Int(0) => Repr::NegZero,
            Repr::NegZero => Repr::Int(0),
            Repr::Inf { negative } => Repr::Inf { negative: !negative },
            Repr::Int(n) if *n != i64::MIN => Repr::Int(-n),
            _ => match self.float() {
                Some(f) => return Number::from_rounded(f.negate().round(self.prec), self.prec),
                None => self.repr.clone(),
            },
        };
        Number { repr, prec: self.prec }
    }

    /// The magnitude.
    #[must_use]
    pub fn abs(&self) -> Number {
        if self.sign_bit() { self.neg() } else { self.clone() }
    }

    /// The greatest whole number that is not above.
    #[must_use]
    pub fn floor(&self) -> Number {
        self.whole(true)
    }

    /// The least whole number that is not below.
    #[must_use]
    pub fn ceil(&self) -> Number {
        self.whole(false)
    }

    /// The number without its fraction.
    #[must_use]
    pub fn trunc(&self) -> Number {
        if self.is_negative() { self.ceil() } else { self.floor() }
    }

    fn whole(&self, down: bool) -> Number {
        let f = match &self.repr {
            Repr::NegZero => return Number { repr: Repr::Int(0), prec: self.prec },
            Repr::Big(f) if f.exp < 0 => f,
            _ => return self.clone(),
        };
        let mut mant = f.truncated();
        if f.negative == down {
            mant += 1u8;
        }
        let negative = f.negative && !mant.is_zero();
        Number::from_rounded(Float::new(negative, mant, 0).round(self.prec), self.prec)
    }

    fn signum(&self) -> i8 {
        match &self.repr {
            Repr::Int(n) => n.signum() as i8,
            Repr::NegZero => 0,
            Repr::Inf { .. } | Repr::Big(_) => 1 - 2 * i8::from(self.sign_bit()),
        }
    }

    fn sign_bit(&self) -> bool {
        match &self.repr {
            Repr::Int(n) => *n < 0,
            Repr::NegZero => true,
            Repr::Inf { negative } => *negative,
            Repr::Big(f) => f.negative,
        }
    }

    /// Whether it is zero, of either sign.
    pub fn is_zero(&self) -> bool {
        self.signum() == 0
    }

    /// Whether it is finite and has no fraction.
    pub fn is_integer(&self) -> bool {
        match &self.repr {
            Repr::Int(_) | Repr::NegZero => true,
            Repr::Inf { .. } => false,
            Repr::Big(f) => f.exp >= 0,
        }
    }

    /// Whether it is an infinity.
    pub fn is_infinite(&self) -> bool {
        matches!(self.repr, Repr::Inf { .. })
    }

    /// Whether it is below zero. `-0` is not.
    pub fn is_negative(&self) -> bool {
        self.signum() < 0
    }

    /// The nearest 64-bit float, infinite when out of range.
    pub fn to_f64(&self) -> f64 {
        match &self.repr {
            Repr::Int(n) => *n as f64,
            Repr::NegZero => -0.0,
            Repr::Inf { negative: false } => f64::INFINITY,
            Repr::Inf { negative: true } => f64::NEG_INFINITY,
            Repr::Big(f) => {
                let exact = Decimal::exact(&f.mant, f.exp);
                let digits = String::from_utf8_lossy(&exact.digits).into_owned();
                let magnitude = format!("0.{digits}e{}", exact.point).parse().unwrap_or(f64::INFINITY);
                if f.negative { -magnitude } else { magnitude }
            }
        }
    }

    /// The number as a machine integer, when it is one.
    pub fn to_i64(&self) -> Option<i64> {
        match &self.repr {
            Repr::Int(n) => Some(*n),
            Repr::NegZero => Some(0),
            _ => None,
        }
    }

    /// The number as an index or a length, when it is one.
    pub fn to_usize(&self) -> Option<usize> {
        self.to_i64()?.try_into().ok()
    }

    /// The number in JSON: the same as [`fmt::Display`]. JSON has no infinity; callers refuse it first.
    pub fn to_json(&self) -> String {
        self.to_string()
    }

    /// All digits of a whole number in a radix from 2 to 36, lower case; `None` for other numbers.
    pub fn to_integer_string(&self, radix: u32) -> Option<String> {
        if !(2..=36).contains(&radix) {
            return None;
        }
        let f = self.float()?;
        let integer = IBig::from(f.integer()?);
        let integer = if f.negative { -integer } else { integer };
        Some(integer.in_radix(radix).to_string())
    }

    /// Ten digits, as Terraform sorts sets of structures by.
    pub(crate) fn to_ten_digits(&self) -> String {
        let sign = if self.sign_bit() { "-" } else { "" };
        match self.float() {
            Some(f) => format!("{sign}{}", Decimal::exact(&f.mant, f.exp).ten_digits()),
            None => self.to_string(),
        }
    }
}

fn small_integer(f: &Float) -> Option<i64> {
    if f.exp < 0 || f.magnitude() > 64 {
        return None;
    }
    let magnitude = i128::try_from(f.integer()?).ok()?;
    i64::try_from(if f.negative { -magnitude } else { magnitude }).ok()
}

/// Writes the shortest decimal that reads back as the same number, never with an exponent.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repr {
            Repr::Int(n) if self.prec >= INTEGER_PRECISION => write!(f, "{n}"),
            Repr::NegZero => f.write_str("-0"),
            Repr::Inf { negative: false } => f.write_str("+Inf"),
            Repr::Inf { negative: true } => f.write_str("-Inf"),
            _ => {
                let sign = if self.sign_bit() { "-" } else { "" };
                let digits = self.float().map(|float| Decimal::shortest(&float, self.prec).plain());
                write!(f, "{sign}{}", digits.unwrap_or_default())
            }
        }
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Number { repr: Repr::Int(n), prec: INTEGER_PRECISION }
    }
}

impl From<i32> for Number {
    fn from(n: i32) -> Self {
        i64::from(n).into()
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        Number::from_integer(false, UBig::from(n))
    }
}

impl From<usize> for Number {
    fn from(n: usize) -> Self {
        Number::from_integer(false, UBig::from(n))
    }
}

/// NaN is no number, so that it becomes zero. Where it may occur, use [`Number::from_f64`].
impl From<f64> for Number {
    fn from(f: f64) -> Self {
        Number::from_f64(f).unwrap_or(Number::ZERO)
    }
}

mod compare;
mod float;
mod text;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_numbers() {
        check("42", "42");
        check("00012", "12");
        check("1.50", "1.5");
        check("-0", "-0");
        check("-0 + 0", "0");
        check("1e22", "10000000000000000000000");
        check("1e-10", "0.0000000001");
        check(".5", "0.5");
        check("5.", "5");
        check("1p4", "16");
        check("-Inf", "-Inf");
        check("-123456789.987654321", "-123456789.987654321");
        check("9223372036854775807", "9223372036854775807");
        check("-9223372036854775808", "-9223372036854775808");
        check("18446744073709551616", "18446744073709551616");
        for wrong in ["", "-", ".", "e5", "1e", "1e+", " 5", "5 ", "1_000", "0x10", "1.2.3", "--1", "é", "1e99999999999", "1e-2000000"] {
            assert!(Number::parse(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn arithmetic_rounds_at_512_bits() {
        check("0.1 + 0.2", "0.3");
        check("1.1 * 1.1", &format!("1.21{}1", "0".repeat(151)));
        check("1e100 + 1", &format!("1{}1", "0".repeat(99)));
        check("99999999999999999999 * 99999999999999999999", "9999999999999999999800000000000000000001");
        check("1 / 7", &format!("0.{}14285", "142857".repeat(25)));
        check("100 / 3", &format!("33.{}", "3".repeat(152)));
        check("1 / Inf", "0");
        check("0 / -5", "-0");
        check("0 * -5", "-0");
        check("9223372036854775807 + 1", "9223372036854775808");
        check("-9223372036854775808 / -1", "9223372036854775808");
        assert_ne!(calculate("0.3 - 0.1"), Number::parse("0.2"));
    }

    #[test]
    fn remainders_follow_the_dividend() {
        check("-7 % -3", "-1");
        check("-7 % 3", "-1");
        check("5.5 % 1.5", "1");
        check("5 % 0.3", &format!("0.1{}76", "9".repeat(152)));
        check("1 % 0", "1");
        check("Inf % 2", "none");
    }

    #[test]
    fn infinities_arise_and_meet() {
        check("1 / 0", "+Inf");
        check("-1 / 0", "-Inf");
        check("0 / 0", "none");
        check("Inf - Inf", "none");
        check("Inf + Inf", "+Inf");
        check("0 * Inf", "none");
        check("-2 * Inf", "-Inf");
        let large = calculate("1p1048576 * 1p1048576").expect("in range");
        assert!(!large.is_infinite() && large.mul(&large).is_some_and(|n| n.is_infinite()));
    }

    #[test]
    fn numbers_keep_the_precision_they_came_with() {
        let show = |n: Option<Number>| n.map_or("none".into(), |n| n.to_string());
        assert_eq!(Number::from(2f64.sqrt()).to_string(), "1.4142135623730951");
        assert_eq!(Number::from(2f64.powi(60)).to_string(), "1152921504606847000");
        assert_eq!(show(Number::from(1i64).div(&Number::from(3i64))), "0.33333333333333333334");
        let third = Number::parse("3").and_then(|three| Number::from(1i64).div(&three));
        assert_eq!(show(third), format!("0.{}5", "3".repeat(154)));
        assert_eq!(Number::from(0.1), Number::parse("0.1").expect("a number"));
        assert!(Number::from(0.1).compare(&Number::parse("0.1").expect("a number")).is_gt());
        assert!(Number::from_f64(f64::NAN).is_none());
    }

    #[test]
    fn whole_numbers() {
        let check = |text: &str, want: [&str; 3]| {
            let n = Number::parse(text).expect("a number");
            assert_eq!([n.floor(), n.ceil(), n.trunc()].map(|n| n.to_string()), want, "{text}");
        };
        check("1.5", ["1", "2", "1"]);
        check("-1.1", ["-2", "-1", "-1"]);
        check("-0.5", ["-1", "0", "0"]);
        check(
            "123456789012345678901234567890.9",
            ["123456789012345678901234567890", "123456789012345678901234567891", "123456789012345678901234567890"],
        );
        check("-Inf", ["-Inf", "-Inf", "-Inf"]);
        assert_eq!(Number::parse("2.0").and_then(|n| n.to_i64()), Some(2));
        assert_eq!(Number::parse("2.5").and_then(|n| n.to_i64()), None);
        assert_eq!(Number::from(u64::MAX).to_usize(), None);
        assert_eq!(Number::parse("1e400").map(|n| n.to_f64()), Some(f64::INFINITY));
    }

    #[test]
    fn integers_in_other_radices() {
        let check = |text: &str, radix, want: Option<&str>| {
            assert_eq!(Number::parse_int(text, radix).map(|n| n.to_string()).as_deref(), want, "{text}");
        };
        check("1011", 2, Some("11"));
        check("-Ff", 16, Some("-255"));
        check("Z", 62, Some("61"));
        check("z", 62, Some("35"));
        check("Z", 36, Some("35"));
        check("12", 2, None);
        check("1_0", 10, None);
        check("1", 63, None);
        check(&"f".repeat(200), 16, Some(&((UBig::ONE << 800) - 1u8).to_string()));
        assert_eq!(Number::from(-255i64).to_integer_string(16).as_deref(), Some("-ff"));
        assert_eq!(Number::from(0.5).to_integer_string(2), None);
    }

    /// Reads `a op b` or a single number.
    fn calculate(text: &str) -> Option<Number> {
        let parts: Vec<&str> = text.split(' ').collect();
        let [a, op, b] = parts[..] else { return Number::parse(text) };
        let (a, b) = (Number::parse(a)?, Number::parse(b)?);
        match op {
            "+" => a.add(&b),
            "-" => a.sub(&b),
            "*" => a.mul(&b),
            "/" => a.div(&b),
            _ => a.rem(&b),
        }
    }

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(calculate(text).map_or("none".into(), |n| n.to_string()), want, "{text}");
    }
}
