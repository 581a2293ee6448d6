//! `terraform.io/builtin/terraform`: values kept in the state, and the outputs of other states.

mod data;
mod remote_state;

use secstack_base::ProviderAddr;

use crate::kind::{Native, Parts};

/// The provider that is part of the language.
pub(crate) fn provider() -> Native {
    let parts =
        Parts { resources: vec![Box::new(data::TerraformData)], data: vec![Box::new(remote_state::RemoteState)], ..Parts::default() };
    Native::new(ProviderAddr::builtin("terraform"), parts)
}
