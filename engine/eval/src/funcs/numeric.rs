//! Functions of the family `numeric`.

use super::Function;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    Vec::new()
}
