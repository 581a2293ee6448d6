//! Numbers.
use std::cmp::Ordering;
use std::fmt;

/// A number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(i64);
impl From<i64> for Number { fn from(n: i64) -> Self { Number(n) } }
impl From<i32> for Number { fn from(n: i32) -> Self { Number(n.into()) } }
impl From<u64> for Number { fn from(n: u64) -> Self { Number(n as i64) } }
impl From<usize> for Number { fn from(n: usize) -> Self { Number(n as i64) } }
impl From<f64> for Number { fn from(n: f64) -> Self { Number(n as i64) } }
#[allow(missing_docs)]
impl Number {
    pub fn parse(s: &str) -> Option<Number> { s.parse().ok().map(Number) }
    pub fn parse_int(s: &str, radix: u32) -> Option<Number> { i64::from_str_radix(s, radix).ok().map(Number) }
    #[must_use] pub fn add(&self, other: &Number) -> Option<Number> { Some(Number(self.0 + other.0)) }
    #[must_use] pub fn sub(&self, other: &Number) -> Option<Number> { Some(Number(self.0 - other.0)) }
    #[must_use] pub fn mul(&self, other: &Number) -> Option<Number> { Some(Number(self.0 * other.0)) }
    #[must_use] pub fn div(&self, other: &Number) -> Option<Number> { Some(Number(self.0 / other.0)) }
    #[must_use] pub fn rem(&self, other: &Number) -> Option<Number> { Some(Number(self.0 % other.0)) }
    #[must_use] pub fn neg(&self) -> Number { Number(-self.0) }
    #[must_use] pub fn abs(&self) -> Number { Number(self.0.abs()) }
    #[must_use] pub fn floor(&self) -> Number { self.clone() }
    #[must_use] pub fn ceil(&self) -> Number { self.clone() }
    #[must_use] pub fn trunc(&self) -> Number { self.clone() }
    pub fn compare(&self, other: &Number) -> Ordering { self.cmp(other) }
    pub fn is_integer(&self) -> bool { true }
    pub fn is_infinite(&self) -> bool { false }
    pub fn is_negative(&self) -> bool { self.0 < 0 }
    pub fn is_zero(&self) -> bool { self.0 == 0 }
    pub fn to_f64(&self) -> f64 { self.0 as f64 }
    pub fn to_i64(&self) -> Option<i64> { Some(self.0) }
    pub fn to_usize(&self) -> Option<usize> { self.0.try_into().ok() }
    pub fn to_json(&self) -> String { self.to_string() }
    pub fn to_integer_string(&self, radix: u32) -> Option<String> { let _ = radix; Some(self.to_string()) }
}
impl fmt::Display for Number { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) } }
