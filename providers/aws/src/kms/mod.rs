//! Keys and their names.

pub mod alias;
pub mod data_key;
pub mod key;

use secstack_sdk::typed::Registry;

use crate::Aws;

/// Adds the types of this service.
pub fn register(types: Registry<Aws>) -> Registry<Aws> {
    types.resource::<alias::Alias>().resource::<key::Key>().data::<alias::AliasData>()
}
