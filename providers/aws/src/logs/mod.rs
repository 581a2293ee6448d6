//! CloudWatch Logs.

pub mod log_group;

use secstack_sdk::typed::Registry;

use crate::Aws;

/// Adds the types of this service.
pub fn register(types: Registry<Aws>) -> Registry<Aws> {
    types.resource::<log_group::LogGroup>()
}
