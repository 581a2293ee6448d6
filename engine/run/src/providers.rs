//! The providers of a run, and their configured instances.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diagnostic, Diags, Mode, ProviderAddr, ProviderConfigAddr, Str, Value};
use secstack_eval::Schemas;
use secstack_plan::Providers;
use secstack_sdk::{Instance, Provider};

/// The providers that a run can use.
#[derive(Default)]
pub struct ProviderSet {
    providers: BTreeMap<ProviderAddr, Arc<dyn Provider>>,
    configured: RwLock<BTreeMap<ProviderConfigAddr, Arc<dyn Instance>>>,
}

impl ProviderSet {
    /// A set of providers.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        let providers = providers.into_iter().map(|p| (p.address(), p)).collect();
        Self { providers, configured: RwLock::default() }
    }

    /// The provider of that address.
    pub fn get(&self, addr: &ProviderAddr) -> Option<&Arc<dyn Provider>> {
        self.providers.get(addr)
    }

    /// All providers in order of address.
    pub fn iter(&self) -> impl Iterator<Item = (&ProviderAddr, &Arc<dyn Provider>)> {
        self.providers.iter()
    }

    /// The instance that a configuration made, if it was made.
    pub fn instance(&self, config: &ProviderConfigAddr) -> Option<Arc<dyn Instance>> {
        self.configured.read().ok()?.get(config).cloned()
    }

    /// Makes the instance of a configuration. `None` stands for a configuration that is not known yet.
    ///
    /// # Errors
    /// In words, when the provider refuses the configuration.
    pub async fn configure(&self, config: &ProviderConfigAddr, value: Option<&Value>) -> Result<(), String> {
        let Some(provider) = self.providers.get(&config.provider) else {
            return Err(format!("Unknown provider\nThere is no provider {} in this program.", config.provider));
        };
        let instance = match value {
            Some(value) => provider.configure(value).await.map_err(|e| e.message)?,
            None => provider.unconfigured(),
        };
        if let Ok(mut all) = self.configured.write() {
            all.insert(config.clone(), instance);
        }
        Ok(())
    }
}

impl Schemas for ProviderSet {
    fn resource(&self, provider: &ProviderAddr, mode: Mode, ty: &str) -> Option<Arc<Schema>> {
        let schema = self.providers.get(provider)?.schema();
        let types = match mode {
            Mode::Managed => &schema.resources,
            Mode::Data => &schema.data,
            Mode::Ephemeral => &schema.ephemeral,
        };
        types.get(ty).cloned()
    }

    fn provider(&self, provider: &ProviderAddr) -> Option<&Schema> {
        Some(&self.providers.get(provider)?.schema().config)
    }
}

impl Providers for ProviderSet {
    fn exists(&self, provider: &ProviderAddr) -> bool {
        self.providers.contains_key(provider)
    }

    fn type_names(&self, provider: &ProviderAddr, mode: Mode) -> Vec<Str> {
        let Some(p) = self.providers.get(provider) else { return Vec::new() };
        let schema = p.schema();
        let types = match mode {
            Mode::Managed => &schema.resources,
            Mode::Data => &schema.data,
            Mode::Ephemeral => &schema.ephemeral,
        };
        types.keys().cloned().collect()
    }

    fn plan(&self, config: &ProviderConfigAddr, ty: &str, draft: &mut Draft) -> Diags {
        match self.instance(config) {
            Some(instance) => instance.plan(ty, draft),
            None => match self.providers.get(&config.provider) {
                Some(provider) => provider.unconfigured().plan(ty, draft),
                None => Diags(vec![Diagnostic::error("Unknown provider", format!("There is no provider {}.", config.provider))]),
            },
        }
    }

    fn validate(&self, provider: &ProviderAddr, mode: Mode, ty: &str, config: &Value) -> Diags {
        match self.providers.get(provider) {
            Some(p) => p.unconfigured().validate(ty, mode == Mode::Data, config),
            None => Diags::new(),
        }
    }

    fn validate_config(&self, provider: &ProviderAddr, config: &Value) -> Diags {
        self.providers.get(provider).map(|p| p.validate_config(config)).unwrap_or_default()
    }
}
