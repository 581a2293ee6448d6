//! Types of EKS.

use secstack_sdk::typed::Registry;

use crate::Aws;

/// Adds the types of this service.
pub fn register(types: Registry<Aws>) -> Registry<Aws> {
    types
}
