//! Functions of the family `set`.

use super::Function;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    Vec::new()
}
