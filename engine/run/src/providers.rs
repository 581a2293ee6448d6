//! The providers of a run, and their configured instances.
//!
//! A provider may come in editions that honour the schemas of different versions. Which one a run uses is chosen before
//! it begins, from what the configuration and the state ask for (`load::editions`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diagnostic, Diags, Mode, ProviderAddr, ProviderConfigAddr, Str, Value};
use secstack_eval::Schemas;
use secstack_plan::Providers;
use secstack_sdk::{Instance, Provider};

/// The providers that a run can use.
#[derive(Default)]
pub struct ProviderSet {
    providers: BTreeMap<ProviderAddr, Editions>,
    configured: RwLock<BTreeMap<ProviderConfigAddr, Arc<dyn Instance>>>,
}

/// The editions of a provider, the preferred one first. There is at least one.
pub(crate) struct Editions {
    all: Vec<Arc<dyn Provider>>,
    chosen: AtomicUsize,
}

impl Editions {
    fn of(provider: Arc<dyn Provider>) -> Self {
        let others = provider.editions();
        Self { all: std::iter::once(provider).chain(others).collect(), chosen: AtomicUsize::new(0) }
    }

    fn chosen(&self) -> &Arc<dyn Provider> {
        &self.all[self.chosen.load(Ordering::Relaxed).min(self.all.len() - 1)]
    }

    /// All of them, in order of preference.
    pub(crate) fn all(&self) -> &[Arc<dyn Provider>] {
        &self.all
    }

    /// Uses one of them from now on.
    pub(crate) fn choose(&self, edition: usize) {
        self.chosen.store(edition, Ordering::Relaxed);
    }
}

impl ProviderSet {
    /// A set of providers.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        let providers = providers.into_iter().map(|p| (p.address(), Editions::of(p))).collect();
        Self { providers, configured: RwLock::default() }
    }

    /// The provider of that address.
    pub fn get(&self, addr: &ProviderAddr) -> Option<&Arc<dyn Provider>> {
        self.providers.get(addr).map(Editions::chosen)
    }

    /// All providers in order of address.
    pub fn iter(&self) -> impl Iterator<Item = (&ProviderAddr, &Arc<dyn Provider>)> {
        self.providers.iter().map(|(addr, editions)| (addr, editions.chosen()))
    }

    /// The editions of each provider.
    pub(crate) fn editions(&self) -> impl Iterator<Item = (&ProviderAddr, &Editions)> {
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
        let Some(provider) = self.get(&config.provider) else {
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
        let schema = self.get(provider)?.schema();
        let types = match mode {
            Mode::Managed => &schema.resources,
            Mode::Data => &schema.data,
            Mode::Ephemeral => &schema.ephemeral,
        };
        types.get(ty).cloned()
    }

    fn provider(&self, provider: &ProviderAddr) -> Option<&Schema> {
        Some(&self.get(provider)?.schema().config)
    }
}

impl Providers for ProviderSet {
    fn exists(&self, provider: &ProviderAddr) -> bool {
        self.providers.contains_key(provider)
    }

    fn type_names(&self, provider: &ProviderAddr, mode: Mode) -> Vec<Str> {
        let Some(p) = self.get(provider) else { return Vec::new() };
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
            None => match self.get(&config.provider) {
                Some(provider) => provider.unconfigured().plan(ty, draft),
                None => Diags(vec![Diagnostic::error("Unknown provider", format!("There is no provider {}.", config.provider))]),
            },
        }
    }

    fn validate(&self, provider: &ProviderAddr, mode: Mode, ty: &str, config: &Value) -> Diags {
        match self.get(provider) {
            Some(p) => p.unconfigured().validate(ty, mode == Mode::Data, config),
            None => Diags::new(),
        }
    }

    fn validate_config(&self, provider: &ProviderAddr, config: &Value) -> Diags {
        self.get(provider).map(|p| p.validate_config(config)).unwrap_or_default()
    }
}
