//! The providers that need no cloud: Terraform's own, and the small ones that most configurations use.
//!
//! Every type is a kind: a schema and a few functions on values, since most of these types have nothing to read
//! and are their own state. A module holds one provider.

mod cloudinit;
mod external;
mod framework;
mod http;
mod kind;
mod local;
mod net;
mod null;
mod random;
mod schema;
mod terraform;
mod time;
mod tls;

use std::sync::Arc;

use secstack_sdk::Provider;

pub use terraform::CipherOf;

/// All providers of this crate.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    providers_reading(Arc::new(|_| secstack_state::Cipher::default()))
}

/// The same, where `ciphers` tells what decrypts the states that `terraform_remote_state` reads.
pub fn providers_reading(ciphers: CipherOf) -> Vec<Arc<dyn Provider>> {
    vec![
        Arc::new(terraform::provider(ciphers)),
        Arc::new(cloudinit::provider()),
        Arc::new(external::provider()),
        Arc::new(http::provider()),
        Arc::new(local::provider()),
        Arc::new(null::provider()),
        Arc::new(random::provider()),
        Arc::new(time::provider()),
        Arc::new(tls::provider()),
    ]
}
