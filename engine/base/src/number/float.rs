//! Binary floating point of any precision: exact operations, then one rounding to nearest, ties to even.

use std::cmp::Ordering;

use dashu_base::{BitTest, DivRem};
use dashu_int::UBig;

/// Beyond this power of two a number is infinite, below its inverse it is zero. It keeps a
/// number like `1e999999999` from taking gigabytes once it is written out.
const MAX_EXPONENT: i64 = 1 << 22;

/// `mant * 2^exp`, negated when `negative`. Normal form: `mant` is odd, or zero with `exp` zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Float {
    pub negative: bool,
    pub mant: UBig,
    pub exp: i64,
}

/// What rounding makes of an exact result.
pub(super) enum Rounded {
    /// Not zero, and in range.
    Finite(Float),
    /// Zero, with the sign of what was rounded.
    Zero { negative: bool },
    /// Too large.
    Infinite { negative: bool },
}

impl Float {
    pub(super) fn new(negative: bool, mant: UBig, exp: i64) -> Self {
        match mant.trailing_zeros() {
            None => Float { negative, mant, exp: 0 },
            Some(0) => Float { negative, mant, exp },
            Some(n) => Float { negative, mant: mant >> n, exp: exp + signed(n) },
        }
    }

    /// The number of bits before the binary point, negative when zeros follow it.
    pub(super) fn magnitude(&self) -> i64 {
        self.exp + signed(self.mant.bit_len())
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mant.is_zero()
    }

    /// The integer of the same magnitude, if it is one.
    pub(super) fn integer(&self) -> Option<UBig> {
        (self.exp >= 0).then(|| &self.mant << unsigned(self.exp))
    }

    /// The magnitude without what follows the binary point.
    pub(super) fn truncated(&self) -> UBig {
        match self.exp {
            0.. => &self.mant << unsigned(self.exp),
            _ => &self.mant >> unsigned(-self.exp),
        }
    }

    /// Rounds to `prec` bits.
    pub(super) fn round(self, prec: u32) -> Rounded {
        self.round_sticky(prec, false)
    }

    /// Rounds to `prec` bits, where `more` says that the exact value is a little larger in
    /// magnitude than `self`, which then has more than `prec + 1` bits.
    fn round_sticky(self, prec: u32, more: bool) -> Rounded {
        let negative = self.negative;
        let excess = self.mant.bit_len().saturating_sub(prec as usize);
        let rounded = if excess == 0 { self } else { self.drop_bits(excess, more) };
        if rounded.is_zero() || rounded.magnitude() < -MAX_EXPONENT {
            return Rounded::Zero { negative };
        }
        if rounded.magnitude() > MAX_EXPONENT {
            return Rounded::Infinite { negative };
        }
        Rounded::Finite(rounded)
    }

    fn drop_bits(self, excess: usize, more: bool) -> Float {
        let half = self.mant.bit(excess - 1);
        let above_half = more || self.mant.trailing_zeros().is_some_and(|n| n < excess - 1);
        let mut kept = self.mant >> excess;
        if half && (above_half || kept.bit(0)) {
            kept += 1u8;
        }
        Float::new(self.negative, kept, self.exp + signed(excess))
    }

    /// The exact sum. A zero sum of opposite numbers is positive.
    pub(super) fn add(&self, other: &Float) -> Float {
        let exp = self.exp.min(other.exp);
        let a = &self.mant << unsigned(self.exp - exp);
        let b = &other.mant << unsigned(other.exp - exp);
        if self.negative == other.negative {
            return Float::new(self.negative, a + b, exp);
        }
        match a.cmp(&b) {
            Ordering::Greater => Float::new(self.negative, a - b, exp),
            Ordering::Less => Float::new(other.negative, b - a, exp),
            Ordering::Equal => Float::new(false, UBig::ZERO, 0),
        }
    }

    /// The exact product.
    pub(super) fn mul(&self, other: &Float) -> Float {
        Float::new(self.negative != other.negative, &self.mant * &other.mant, self.exp + other.exp)
    }

    /// The quotient rounded to `prec` bits. `other` must not be zero.
    pub(super) fn div(&self, other: &Float, prec: u32) -> Rounded {
        let wanted = other.mant.bit_len() + prec as usize + 2;
        let shift = wanted.saturating_sub(self.mant.bit_len());
        let (quotient, rest) = (&self.mant << shift).div_rem(&other.mant);
        let exact = Float { negative: self.negative != other.negative, mant: quotient, exp: self.exp - other.exp - signed(shift) };
        exact.round_sticky(prec, !rest.is_zero())
    }

    pub(super) fn negate(mut self) -> Float {
        self.negative = !self.negative;
        self
    }

    /// Compares magnitudes.
    pub(super) fn cmp_abs(&self, other: &Float) -> Ordering {
        if self.is_zero() || other.is_zero() {
            return other.is_zero().cmp(&self.is_zero());
        }
        self.magnitude().cmp(&other.magnitude()).then_with(|| {
            let exp = self.exp.min(other.exp);
            (&self.mant << unsigned(self.exp - exp)).cmp(&(&other.mant << unsigned(other.exp - exp)))
        })
    }
}

/// Exponents and bit lengths stay far below the limits of either type, see [`MAX_EXPONENT`].
fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}
