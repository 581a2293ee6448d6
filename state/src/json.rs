//! Values to and from JSON, as Terraform stores them.
//!
//! The JSON alone does not give a value: `["a"]` is a list, a set or a tuple. So both ways go by a
//! type, and where a schema says "any type", the type is written beside the value:
//! `{"value":["a"],"type":["list","string"]}`. Numbers keep all their digits.

mod decode;
mod encode;
mod layout;
mod scan;
mod types;

use std::fmt;

use secstack_base::Path;

pub use decode::{decode, decode_implied};
pub use encode::encode;
pub use encode::write_string;
pub(crate) use layout::compact;
pub use layout::indent;
pub(crate) use scan::check_object;
pub use types::{type_from_json, type_to_json};

/// Why JSON is not a value of the type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The part that does not fit.
    pub path: Path,
    /// What is wrong with it.
    pub message: String,
}

/// Why a value cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The part that cannot be stored.
    pub path: Path,
    /// Why not.
    pub message: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_at(f, &self.path, &self.message)
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_at(f, &self.path, &self.message)
    }
}

fn write_at(f: &mut fmt::Formatter<'_>, path: &Path, message: &str) -> fmt::Result {
    if path.0.is_empty() { f.write_str(message) } else { write!(f, "{path}: {message}") }
}

impl std::error::Error for DecodeError {}
impl std::error::Error for EncodeError {}
