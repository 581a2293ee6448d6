//! A process: what `secstack apply` does, from the lock to the end.

use std::sync::Arc;

use secstack_plan::{Action, Plan};
use secstack_run::recover::Finding;
use secstack_run::{Apply, Events, ProviderSet};
use secstack_state::LockInfo;
use secstack_state::journal::{Operation, Record};
use secstack_state::model::Snapshot;
use secstack_state::store::{MemoryStore, Store};

use super::network::Network;
use super::{Broken, World, locked};
use crate::play::errors;
use crate::setting::Setting;

/// How the message begins of a run whose plan has mistakes of its own.
pub(super) const NO_PLAN: &str = "no plan:";

/// A process at work.
pub(super) struct Process {
    setting: Arc<Setting>,
    world: Arc<World>,
    /// The state as this process sees it.
    pub store: MemoryStore,
    pub providers: Arc<ProviderSet>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    Well,
    Badly(String),
}

impl Process {
    pub(super) fn new(setting: &Arc<Setting>, world: &Arc<World>, store: &MemoryStore) -> Self {
        let behind = |inner| Arc::new(Network { inner, world: world.clone() }) as Arc<dyn secstack_sdk::Provider>;
        let providers = Arc::new(ProviderSet::new(secstack_fake::providers(&world.cloud).into_iter().map(behind)));
        Self { setting: setting.clone(), world: world.clone(), store: store.another_process(), providers }
    }

    /// Takes the lock, does everything, and gives it back.
    pub(super) async fn run(self) -> Ran {
        let id = match self.store.lock(LockInfo::new("OperationTypeApply")).await {
            Ok(id) => id,
            Err(e) => return Ran::Badly(format!("the lock: {e}")),
        };
        tokio::task::yield_now().await;
        let ran = self.locked().await;
        let unlocked = self.store.unlock(&id).await;
        match (ran, unlocked) {
            (Err(why), _) => Ran::Badly(why),
            (Ok(()), Err(e)) => Ran::Badly(format!("the lock: {e}")),
            (Ok(()), Ok(())) => Ran::Well,
        }
    }

    async fn locked(&self) -> Result<(), String> {
        let text = |e: secstack_state::Error| format!("the state: {e}");
        let recovered = self.store.recover().await.map_err(text)?;
        tokio::task::yield_now().await;
        let (mut snapshot, open) = recovered.map(|r| (r.snapshot, r.open_intents)).unwrap_or_default();
        if !open.is_empty() {
            self.world.saw("took up");
            let options = secstack_plan::Options { refresh: false, ..self.setting.options.clone() };
            let start = self.setting.start(&self.providers, &snapshot, options);
            drop(secstack_run::walk(start, &self.providers, &Events::none()).await);
            let found = secstack_run::take_up(&self.store, &mut snapshot, &open, &self.providers).await.map_err(text)?;
            for r in &found {
                self.count(&r.finding);
            }
            if let Some(r) = found.iter().find(|r| matches!(r.finding, Finding::Unclear(_))) {
                return Err(format!("{}: {:?}", r.intent.addr, r.finding));
            }
            tokio::task::yield_now().await;
        }
        let plan = self.setting.plan(&self.providers, &snapshot, self.setting.options.clone()).await;
        if plan.errored {
            return Err(format!("{NO_PLAN} {}", errors(&plan.diags).join("\n")));
        }
        self.approve(&plan);
        let journal = self.store.journal(&snapshot).await.map_err(text)?;
        tokio::task::yield_now().await;
        let journal = match self.world.broken {
            Broken::Intents => journal.forgetting(Arc::new(|r| matches!(r, Record::Intent(i) if i.operation == Operation::Create))),
            Broken::Fence => journal.unguarded(),
            _ => journal,
        };
        self.apply(plan, journal).await
    }

    async fn apply(&self, plan: Plan, journal: secstack_state::journal::Journal) -> Result<(), String> {
        let apply = self.setting.applying(&self.providers, plan, journal, Events::none());
        let applied = Apply { parallelism: 4, ..apply }.run().await;
        tokio::task::yield_now().await;
        self.write(&applied.snapshot).await?;
        if applied.diags.has_errors() {
            return Err(errors(&applied.diags).join("\n"));
        }
        Ok(())
    }

    async fn write(&self, snapshot: &Snapshot) -> Result<(), String> {
        let written = self.store.write(snapshot).await;
        if matches!(written, Err(secstack_state::Error::LockLost(_))) {
            self.world.saw("write of a run that had lost its lock");
        }
        written.map(drop).map_err(|e| format!("the state: {e}"))
    }

    fn count(&self, finding: &Finding) {
        self.world.saw(match finding {
            Finding::Adopted(_) => "found: adopted",
            Finding::Known => "found: known",
            Finding::NotMade => "found: not made",
            Finding::Read => "found: read",
            Finding::Gone => "found: gone",
            Finding::StillThere => "found: still there",
            Finding::Unclear(_) => "found: unclear",
        });
    }

    /// Notes what a plan says that will be done.
    fn approve(&self, plan: &Plan) {
        let mut approved = locked(&self.world.approved);
        for c in &plan.changes {
            let id = c.before.get_str("id").unwrap_or_default();
            let (creates, deletes) = match c.action {
                Action::Create => (true, false),
                Action::Delete => (false, true),
                Action::Update => {
                    approved.others.insert(format!("update {id}"));
                    (false, false)
                }
                action => (action.is_replace(), action.is_replace()),
            };
            if creates {
                *approved.creations.entry(c.addr.ty().into()).or_default() += 1;
            }
            if deletes {
                approved.others.insert(format!("delete {id}"));
            }
        }
    }
}
