//! A process: what `secstack apply` does, from the lock to the end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secstack_plan::{Action, Plan};
use secstack_run::recover::Finding;
use secstack_run::{Apply, Events, ProviderSet};
use secstack_state::journal::{Operation, Record};
use secstack_state::model::Snapshot;
use secstack_state::store::objects::{MemoryObjects, ObjectStore};
use secstack_state::store::{Store, lock_within};
use secstack_state::{Cipher, LockInfo};

use super::bucket::Remote;
use super::network::Network;
use super::tasks::Tasks;
use super::{Broken, KEY, LEASE, World, locked};
use crate::play::errors;
use crate::setting::Setting;

/// How the message begins of a run whose plan has mistakes of its own.
pub(super) const NO_PLAN: &str = "no plan:";

/// How long a run waits for the lock: longer than that of a run that is gone is good.
const PATIENCE: Duration = Duration::from_secs(300);

/// A process at work.
pub(super) struct Process {
    setting: Arc<Setting>,
    world: Arc<World>,
    tasks: Tasks,
    /// The state as this process sees it.
    store: ObjectStore,
    providers: Arc<ProviderSet>,
    /// The lock, once it has taken it.
    pub lock: Lock,
}

/// The lock of a process.
#[derive(Clone, Default)]
pub(super) struct Lock(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    id: Option<String>,
    /// All that it was taken for is done and stored.
    is_done: bool,
}

impl Lock {
    /// Whether the process has taken the lock, and needs it still.
    pub(super) fn is_needed(&self) -> bool {
        let held = locked(&self.0);
        held.id.is_some() && !held.is_done
    }

    /// Whether the process has the lock, as the bucket tells.
    pub(super) fn is_held(&self, bucket: &MemoryObjects) -> bool {
        let lock = bucket.contents().remove(&format!("{KEY}.tflock")).unwrap_or_default();
        let held = locked(&self.0);
        held.id.as_ref().is_some_and(|id| String::from_utf8_lossy(&lock).contains(id.as_str()))
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    Well,
    Badly(String),
}

impl Process {
    pub(super) fn new(setting: &Arc<Setting>, world: &Arc<World>) -> Self {
        let (lock, tasks) = (Lock::default(), Tasks::default());
        let behind = |inner| Arc::new(Network { inner, world: world.clone(), lock: lock.clone() }) as Arc<dyn secstack_sdk::Provider>;
        let providers = Arc::new(ProviderSet::new(secstack_fake::providers(&world.cloud).into_iter().map(behind)));
        let bucket = Remote { inner: world.bucket.clone(), world: world.clone(), tasks: tasks.clone() };
        let store = ObjectStore::new(Arc::new(bucket), KEY.into(), LEASE, Cipher::default());
        Self { setting: setting.clone(), world: world.clone(), tasks, store, providers, lock }
    }

    /// Takes the lock, does everything, and gives it back.
    pub(super) async fn run(self) -> Ran {
        self.tasks.clone().beside(self.main()).await
    }

    async fn main(self) -> Ran {
        let id = match lock_within(&self.store, LockInfo::new("OperationTypeApply"), PATIENCE).await {
            Ok(id) => id,
            Err(e) => return Ran::Badly(format!("the lock: {e}")),
        };
        locked(&self.lock.0).id = Some(id.clone());
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
        let (mut snapshot, open) = recovered.map(|r| (r.snapshot, r.open_intents)).unwrap_or_default();
        if !open.is_empty() {
            self.world.saw("took up");
            let options = secstack_plan::Options { refresh: false, ..self.setting.options.clone() };
            let start = self.setting.start(&self.providers, &snapshot, options);
            drop(secstack_run::walk(start, &self.providers, &Events::none()).await);
            let found = secstack_run::take_up(&self.store, &mut snapshot, &open, &self.providers).await.map_err(text)?;
            for r in &found {
                self.count(&r.finding);
                self.world.tell(&format!("    found {} ({:?}): {:?}", r.intent.addr, r.intent.operation, r.finding));
            }
            if let Some(r) = found.iter().find(|r| matches!(r.finding, Finding::Unclear(_))) {
                return Err(format!("{}: {:?}", r.intent.addr, r.finding));
            }
        }
        let plan = self.setting.plan(&self.providers, &snapshot, self.setting.options.clone()).await;
        if plan.errored {
            return Err(format!("{NO_PLAN} {}", errors(&plan.diags).join("\n")));
        }
        self.approve(&plan);
        let journal = self.store.journal(&snapshot).await.map_err(text)?;
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
        self.write(&applied.snapshot).await?;
        locked(&self.lock.0).is_done = true;
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
