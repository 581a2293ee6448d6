//! The providers that this program has.

use std::sync::Arc;

use secstack_run::ProviderSet;
use secstack_sdk::Provider;

/// All providers.
pub fn providers() -> Arc<ProviderSet> {
    let mut all: Vec<Arc<dyn Provider>> = secstack_core::providers();
    #[cfg(feature = "aws")]
    all.push(Arc::new(secstack_aws::AwsProvider::new()));
    all.shrink_to_fit();
    Arc::new(ProviderSet::new(all))
}
