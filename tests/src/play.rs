//! Plays a setting: validate, plan, apply, and plan again, as the commands do it.

use std::sync::{Arc, Mutex, PoisonError};

use secstack_base::{Diagnostic, Diags, Str};
use secstack_eval::world::Ambient;
use secstack_plan::{Options, Plan, PlanMode, Start};
use secstack_run::drift::Scope;
use secstack_run::{Applied, Apply, Event, Events, ProviderSet};
use secstack_state::journal::Journal;
use secstack_state::model::Snapshot;
use secstack_state::store::{MemoryStore, Store};

use crate::setting::Setting;

const NOW: &str = "2025-01-01T00:00:00Z";

/// Runs work on a clock that jumps over every pause.
///
/// # Errors
/// When the machine gives no runtime.
pub fn run<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    Ok(runtime.map_err(|e| e.to_string())?.block_on(work))
}

impl Setting {
    fn ambient(&self, applying: bool, validating: bool) -> Ambient {
        Ambient {
            files: self.files.clone(),
            workspace: "default".into(),
            plan_timestamp: NOW.into(),
            timestamp: applying.then(|| Str::from(NOW)),
            random: None,
            validating,
        }
    }

    pub(crate) fn start(&self, providers: &Arc<ProviderSet>, state: &Snapshot, options: Options) -> Start {
        Start {
            config: self.config.clone(),
            ambient: self.ambient(false, options.validating),
            providers: providers.clone(),
            options,
            inputs: self.inputs.clone(),
            given: self.inputs.clone(),
            state: state.clone(),
        }
    }

    /// Checks the configuration alone.
    pub async fn validate(&self) -> Diags {
        let providers = self.providers();
        let options = Options { validating: true, ..Options::default() };
        secstack_run::plan(self.start(&providers, &self.state, options), &providers, &Events::none()).await.diags
    }

    /// Makes a plan.
    pub async fn plan(&self, providers: &Arc<ProviderSet>, state: &Snapshot, options: Options) -> Plan {
        secstack_run::plan(self.start(providers, state, options), providers, &Events::none()).await
    }

    /// What was changed outside, as text.
    pub(crate) async fn drift(&self) -> String {
        let providers = self.providers();
        let options = Options { mode: PlanMode::RefreshOnly, ..self.options.clone() };
        let scope = Scope { targets: options.targets.clone(), excludes: options.excludes.clone(), unmanaged: true, ..Scope::default() };
        let plan = self.plan(&providers, &self.state, options).await;
        crate::shown::drift(&secstack_run::drift::find(&plan, &self.config, &providers, &scope).await)
    }

    /// What carries out a plan.
    pub(crate) fn applying(&self, providers: &Arc<ProviderSet>, plan: Plan, journal: Journal, events: Events) -> Apply {
        Apply {
            config: self.config.clone(),
            ambient: self.ambient(true, false),
            providers: providers.clone(),
            plan,
            inputs: self.inputs.clone(),
            journal: Some(journal),
            parallelism: 10,
            stop: Arc::default(),
            root: "/nowhere".into(),
            events,
        }
    }

    /// Carries out a plan, with a journal, and stores the result. Returns it as it is read back, with the steps as they
    /// ended.
    ///
    /// # Errors
    /// When the state that comes of it is not sound, or not what is read back.
    pub async fn apply(&self, providers: &Arc<ProviderSet>, plan: Plan, before: &Snapshot) -> Result<(Applied, Vec<String>), String> {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let told = steps.clone();
        let events = Events::new(move |e| {
            if let Some(line) = told_of(&e) {
                told.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let store = MemoryStore::holding(before).map_err(|e| format!("the state before is not sound: {e}"))?;
        let text = |e: secstack_state::Error| format!("the store: {e}");
        let base = store.read().await.map_err(text)?.unwrap_or_default();
        let journal = store.journal(&base).await.map_err(text)?;
        let mut applied = self.applying(providers, plan, journal, events).run().await;
        store.write(&applied.snapshot).await.map_err(text)?;
        applied.snapshot = store.read().await.map_err(text)?.unwrap_or_default();
        let steps = std::mem::take(&mut *steps.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((applied, steps))
    }
}

fn told_of(event: &Event) -> Option<String> {
    let line = |sign: &str, step: &secstack_run::event::StepInfo| {
        let deposed = if step.deposed.is_some() { " (deposed)" } else { "" };
        format!("{sign} {} {}{deposed}", step.action.words().join("/"), step.addr)
    };
    match event {
        Event::StepComplete { step, .. } => Some(line("ok    ", step)),
        Event::StepErrored { step, .. } => Some(line("failed", step)),
        _ => None,
    }
}

/// Whether an object of the cloud is in the state exactly once, and the other way round: what is wrong, if anything is.
pub fn strays(cloud: &secstack_fake::Cloud, state: &Snapshot) -> Vec<String> {
    let mut seen = std::collections::BTreeMap::<Str, usize>::new();
    for (addr, _, instance) in state.instances().filter(|(a, ..)| a.mode() == secstack_base::Mode::Managed) {
        for object in instance.current.iter().chain(instance.deposed.values()) {
            let id = object.decode_implied().ok().and_then(|v| v.get_str("id").map(Str::from));
            *seen.entry(id.unwrap_or_else(|| format!("no ID at {addr}").into())).or_default() += 1;
        }
    }
    let objects = cloud.objects();
    let lost = objects.keys().filter(|id| !seen.contains_key(*id)).map(|id| format!("{id} is in the cloud and not in the state"));
    let phantom = seen.keys().filter(|id| !objects.contains_key(*id)).map(|id| format!("{id} is in the state and not in the cloud"));
    let twice = seen.iter().filter(|(_, n)| **n > 1).map(|(id, n)| format!("{id} is in the state {n} times"));
    lost.chain(phantom).chain(twice).collect()
}

/// The errors, as a person reads them.
pub fn errors(diags: &Diags) -> Vec<String> {
    diags.iter().filter(|d| d.is_error()).map(sentence).collect()
}

/// A diagnostic in a line.
pub fn sentence(d: &Diagnostic) -> String {
    let word = if d.is_error() { "error" } else { "warning" };
    let about = d.address.as_ref().map(|a| format!(" ({a})")).unwrap_or_default();
    format!("{word}: {}{about}: {}", d.summary, d.detail.replace('\n', " "))
}
