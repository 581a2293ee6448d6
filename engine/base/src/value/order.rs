//! The elements of a set: distinct, unmarked, in order.
use super::{Data, Marks, Value};
use crate::Type;

/// Builds a set.
pub(crate) fn set(element: Type, items: Vec<Value>) -> Value {
    let marks = items.iter().fold(Marks::NONE, |m, v| m.with(v.deep_marks()));
    Value::from(Data::Set(element, items.into())).mark(marks)
}
