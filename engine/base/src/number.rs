//! stub
/// A number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(i64);
impl From<i64> for Number { fn from(n: i64) -> Self { Number(n) } }
