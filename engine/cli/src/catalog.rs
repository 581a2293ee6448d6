//! The providers that this program has.

use std::sync::Arc;

use secstack_run::ProviderSet;
use secstack_sdk::Provider;

/// All providers, ready to be configured.
pub fn providers() -> Arc<ProviderSet> {
    Arc::new(ProviderSet::new(all()))
}

/// All providers.
pub fn all() -> Vec<Arc<dyn Provider>> {
    #[cfg_attr(not(feature = "aws"), allow(unused_mut, reason = "others are added to it"))]
    let mut all: Vec<Arc<dyn Provider>> = secstack_core::providers();
    #[cfg(feature = "aws")]
    all.push(Arc::new(secstack_aws::AwsProvider::new()));
    all
}
