//! Functions of the family `format`.

use super::Function;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    Vec::new()
}
