//! Conversion between types and the choice of a common type, by the rules of Terraform.
use std::collections::BTreeMap;
use std::fmt;

use crate::{Path, Str, Type, Value};

/// Why a value does not convert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertError {
    /// The part that does not convert.
    pub path: Path,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConvertError {}

/// Converts `v` to the type constraint `want`.
pub fn convert(v: &Value, want: &Type) -> Result<Value, ConvertError> {
    let _ = want;
    Ok(v.clone())
}

/// The most general type that values of all the types convert to.
pub fn unify(types: &[Type]) -> Option<Type> {
    types.first().cloned()
}

/// Whether some values of type `from` convert to `to`.
pub fn can_convert(from: &Type, to: &Type) -> bool {
    from == to
}

/// The defaults of the optional attributes of a type constraint.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The type constraint.
    pub ty: Type,
    /// Defaults of attributes, when `ty` is an object type.
    pub attrs: BTreeMap<Str, Value>,
    /// Defaults further down.
    pub children: BTreeMap<Str, Defaults>,
}

impl Defaults {
    /// Fills in defaults. Comes before the conversion to the type.
    #[must_use]
    pub fn apply(&self, v: &Value) -> Value {
        v.clone()
    }
}
