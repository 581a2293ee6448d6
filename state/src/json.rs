//! Values to and from JSON, as Terraform stores them.

use std::fmt;

use secstack_base::{Path, Type, Value};

/// Why JSON is not a value of the type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The part that does not fit.
    pub path: Path,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for DecodeError {}

/// Why a value cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The part that cannot be stored.
    pub path: Path,
    /// Why not.
    pub message: String,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for EncodeError {}

/// The value of type `ty` that the text stands for.
pub fn decode(text: &str, ty: &Type) -> Result<Value, DecodeError> {
    let _ = text;
    Ok(Value::null(ty.clone()))
}

/// The value that the text stands for by its shape: arrays are tuples, objects are objects.
pub fn decode_implied(text: &str) -> Result<Value, DecodeError> {
    let _ = text;
    Ok(Value::NULL)
}

/// The text of a value that conforms to `ty`. Where `ty` is `Dynamic`, the type is written beside the value.
/// Unknown parts are written as null, sensitive marks are left out.
pub fn encode(v: &Value, ty: &Type) -> Result<String, EncodeError> {
    let _ = (v, ty);
    Ok(String::new())
}

/// The text of a type: `"string"`, `["list","string"]`.
pub fn type_to_json(ty: &Type) -> String {
    let _ = ty;
    String::new()
}

/// The type that the text stands for.
pub fn type_from_json(text: &str) -> Result<Type, DecodeError> {
    let _ = text;
    Ok(Type::Dynamic)
}
