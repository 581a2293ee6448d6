//! When two numbers are equal, and which of them is greater.
//!
//! Numbers that print the same are equal, although as binary floats of different precision they
//! may differ: `0.1` as text and `0.1` as a 64-bit float do.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{Number, Repr};

impl Number {
    /// Compares exact values, as `<` and `>` of the language do. Numbers that print the same
    /// may differ here if they have different precision; [`Ord`] agrees with `==` instead.
    pub fn compare(&self, other: &Number) -> Ordering {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.repr, &other.repr) {
            return a.cmp(b);
        }
        let signs = self.signum().cmp(&other.signum());
        let magnitudes = || match (self.float(), other.float()) {
            (Some(a), Some(b)) => a.cmp_abs(&b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        signs.then_with(|| if self.is_negative() { magnitudes().reverse() } else { magnitudes() })
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (&self.repr, &other.repr) {
            (Repr::Int(a), Repr::Int(b)) => a == b,
            (Repr::Inf { negative: a }, Repr::Inf { negative: b }) => a == b,
            (Repr::Big(a), Repr::Big(b)) if self.prec == other.prec || a.exp >= 0 || b.exp >= 0 => a == b,
            (Repr::Big(a), Repr::Big(b)) => a.magnitude().abs_diff(b.magnitude()) <= 1 && self.to_string() == other.to_string(),
            _ => self.is_zero() && other.is_zero(),
        }
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.repr {
            Repr::Int(n) => n.hash(state),
            Repr::NegZero => 0i64.hash(state),
            Repr::Inf { negative } => negative.hash(state),
            Repr::Big(f) if f.exp >= 0 => f.hash(state),
            Repr::Big(_) => self.to_string().hash(state),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other { Ordering::Equal } else { self.compare(other).then(self.prec.cmp(&other.prec)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::hash_map::DefaultHasher;

    #[test]
    fn equality_order_and_hash_agree() {
        let texts = ["-Inf", "-1e30", "-2.5", "-1", "0", "0.1", "1", "1.5", "9223372036854775807", "9223372036854775808", "Inf"];
        let numbers: Vec<Number> = texts.iter().filter_map(|t| Number::parse(t)).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        let hash = |n: &Number| {
            let mut hasher = DefaultHasher::new();
            n.hash(&mut hasher);
            hasher.finish()
        };
        let same: [(Number, _); 3] =
            [(0.1.into(), Number::parse("0.1")), (Number::ZERO.neg(), Number::parse("0")), (1.0.into(), Number::parse("1.0"))];
        for (a, b) in same {
            let b = b.expect("a number");
            assert_eq!((a.cmp(&b), a == b, hash(&a)), (Ordering::Equal, true, hash(&b)));
        }
    }
}
