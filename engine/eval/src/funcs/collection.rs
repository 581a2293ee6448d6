//! Functions of the family `collection`.

use super::Function;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    Vec::new()
}
