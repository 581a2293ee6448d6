//! Functions of the family `sensitive`.

use super::Function;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    Vec::new()
}
