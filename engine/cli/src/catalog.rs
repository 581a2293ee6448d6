//! The providers that this program has.

use std::sync::Arc;

use secstack_run::ProviderSet;
use secstack_sdk::Provider;

use crate::encryption::RemoteCiphers;

/// All providers, ready to be configured.
pub fn providers() -> Arc<ProviderSet> {
    reading(&RemoteCiphers::default())
}

/// The same, where `terraform_remote_state` reads encrypted states.
pub fn reading(ciphers: &RemoteCiphers) -> Arc<ProviderSet> {
    Arc::new(ProviderSet::new(all(ciphers)))
}

/// All providers.
pub fn all(ciphers: &RemoteCiphers) -> Vec<Arc<dyn Provider>> {
    let ciphers = ciphers.clone();
    #[cfg_attr(not(feature = "aws"), allow(unused_mut, reason = "others are added to it"))]
    let mut all: Vec<Arc<dyn Provider>> = secstack_core::providers_reading(Arc::new(move |name| ciphers.of(name)));
    #[cfg(feature = "aws")]
    all.push(Arc::new(secstack_aws::AwsProvider::new()));
    all
}
