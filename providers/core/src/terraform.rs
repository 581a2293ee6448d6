//! `terraform.io/builtin/terraform`: values kept in the state, and the outputs of other states.

mod data;
mod remote_state;

use secstack_base::ProviderAddr;

use crate::kind::{Native, Parts};

pub use remote_state::CipherOf;

/// The provider that is part of the language.
pub(crate) fn provider(ciphers: CipherOf) -> Native {
    let remote = remote_state::RemoteState { ciphers };
    let parts = Parts { resources: vec![Box::new(data::TerraformData)], data: vec![Box::new(remote)], ..Parts::default() };
    Native::new(ProviderAddr::builtin("terraform"), parts)
}
