//! The simulation: runs that are killed, frozen and overtaken at random instants, over a cloud and a bucket in memory.
//!
//! Everything follows from a seed: the configurations, which calls fail and how long they take, and when a process is cut
//! off. The clock is virtual. After each configuration one run goes undisturbed, and then everything must be right. A
//! [`Script`] says what happens; one that fails is made shorter as long as it still fails.

mod bucket;
mod network;
mod process;
mod script;
mod tasks;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use secstack_fake::Cloud;
use secstack_state::Cipher;
use secstack_state::store::Store;
use secstack_state::store::objects::{MemoryObjects, ObjectStore};

use crate::play;
use crate::random::{Random, case};
use crate::setting::Setting;
pub use network::Weather;
use process::{Process, Ran};
pub use script::{Disturbance, How, Script, Step};
use script::{SECRET, SESSION};

/// Where the state is in the bucket.
const KEY: &str = "state";
/// How long a lock is good after its last renewal.
const LEASE: Duration = Duration::from_secs(30);
/// How long a run is frozen: its lock is not good any more then.
const FROZEN: Duration = Duration::from_secs(60);

/// What is broken on purpose, to see that it is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Broken {
    /// Nothing.
    #[default]
    Nothing,
    /// The journal loses the intents to create something.
    Intents,
    /// A run that has lost its lock goes on.
    Fence,
    /// Tokens are taken off new objects at once.
    Settling,
}

/// What is shared by all processes of a simulation.
pub struct World {
    /// The cloud.
    pub cloud: Cloud,
    /// The bucket that the state is in.
    pub bucket: MemoryObjects,
    /// What is broken.
    pub broken: Broken,
    random: Mutex<Random>,
    weather: Mutex<Weather>,
    seen: Mutex<BTreeMap<&'static str, u64>>,
    told: Mutex<String>,
    approved: Mutex<Approved>,
    wrong: Mutex<Option<String>>,
}

/// What plans said that would be done, and what was done.
#[derive(Default)]
struct Approved {
    creations: BTreeMap<String, i64>,
    /// `update net-1`, `delete vm-2`
    others: std::collections::BTreeSet<String>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    fn new(seed: u64, broken: Broken) -> Self {
        Self {
            cloud: Cloud::new(),
            bucket: MemoryObjects::default(),
            broken,
            random: Mutex::new(Random::new(seed)),
            weather: Mutex::default(),
            seen: Mutex::default(),
            told: Mutex::default(),
            approved: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    /// Counts that something happened.
    fn saw(&self, what: &'static str) {
        *locked(&self.seen).entry(what).or_default() += 1;
    }

    fn tell(&self, line: &str) {
        let _ = writeln!(locked(&self.told), "{line}");
    }

    /// Something happened that must not happen.
    fn is_wrong(&self, what: String) {
        locked(&self.wrong).get_or_insert(what);
    }

    /// Fails if something happened that must not happen.
    fn check(&self) -> Result<(), String> {
        locked(&self.wrong).clone().map_or(Ok(()), Err)
    }

    /// The store as somebody sees it whom nothing disturbs.
    fn store(&self) -> ObjectStore {
        ObjectStore::new(Arc::new(self.bucket.clone()), KEY.into(), LEASE, Cipher::default())
    }

    /// The text of the state.
    fn state(&self) -> Option<Vec<u8>> {
        self.bucket.contents().remove(KEY)
    }

    /// A number below `n`.
    fn below(&self, n: u64) -> u64 {
        locked(&self.random).below(n)
    }
}

/// How a simulation went.
pub struct Outcome {
    /// What is wrong, if anything is.
    pub wrong: Option<String>,
    /// What happened, line by line.
    pub told: String,
    /// How often things happened.
    pub seen: BTreeMap<&'static str, u64>,
}

/// Plays a script.
pub fn simulate(script: &Script, broken: Broken) -> Outcome {
    let world = Arc::new(World::new(script.seed, broken));
    let wrong = play::run(play_script(script, &world)).and_then(|r| r).err();
    Outcome { wrong, told: locked(&world.told).clone(), seen: locked(&world.seen).clone() }
}

/// The shortest script that still fails, of those that leave parts of a failing one out.
fn shortest(script: &Script, broken: Broken) -> (Script, Outcome) {
    let (mut best, mut outcome) = (script.clone(), simulate(script, broken));
    'again: loop {
        for shorter in best.shorter() {
            let tried = simulate(&shorter, broken);
            // A configuration that does not stand by itself is no shorter case.
            if tried.wrong.as_ref().is_some_and(|w| !w.starts_with(process::NO_PLAN)) {
                (best, outcome) = (shorter, tried);
                continue 'again;
            }
        }
        return (best, outcome);
    }
}

/// What a person needs to know of a seed that fails: the shortest case of it, and what is wrong.
pub fn explained(seed: u64) -> String {
    let (script, outcome) = shortest(&Script::of(seed), Broken::Nothing);
    let disturbances: Vec<_> = script.steps.iter().map(|s| &s.disturbances).collect();
    format!(
        "seed {seed}, made as short as it fails:\n{}disturbances: {disturbances:?}\n{}",
        outcome.told,
        outcome.wrong.unwrap_or_default()
    )
}

async fn play_script(script: &Script, world: &Arc<World>) -> Result<(), String> {
    for step in &script.steps {
        world.tell(&format!("-- main.tf --\n{}", step.configuration));
        let setting = Arc::new(Setting { cloud: world.cloud.clone(), ..Setting::of(&case(&step.configuration))? });
        for disturbance in &step.disturbances {
            *locked(&world.weather) = disturbance.weather;
            disturbed(*disturbance, &setting, world).await?;
            tokio::time::sleep(Duration::from_secs(2)).await;
            look_for_secrets(world).await?;
        }
        *locked(&world.weather) = Weather::default();
        let ran = Process::new(&setting, world).run().await;
        world.tell(&format!("undisturbed: {ran:?}"));
        look_for_secrets(world).await?;
        check(ran, &setting, world).await?;
    }
    Ok(())
}

/// Runs a process until something happens to it, and, where it was only frozen, another one in its place.
async fn disturbed(d: Disturbance, setting: &Arc<Setting>, world: &Arc<World>) -> Result<(), String> {
    let process = Process::new(setting, world);
    let lock = process.lock.clone();
    let mut run = Box::pin(process.run());
    world.tell(&format!("{d:?}"));
    if let Some(ran) = polled(run.as_mut(), d.polls).await {
        world.saw("ended before it was cut off");
        world.tell(&format!("ended: {ran:?}"));
    } else if d.how == How::Kill {
        world.saw("killed");
        drop(run);
    } else {
        let needed_lock = lock.is_needed();
        tokio::time::sleep(FROZEN).await;
        *locked(&world.weather) = Weather::default();
        let other = Box::pin(Process::new(setting, world).run());
        let (ran, woken) = match d.how {
            How::Overlap => overlap(run, other, d.others, world).await,
            _ => taken_over(run, other, needed_lock, world).await?,
        };
        world.tell(&format!("taken over: {ran:?}\nwoken: {woken:?}"));
        if needed_lock && world.broken != Broken::Fence && woken == Ran::Well {
            return Err("a run that had lost its lock says that all went well".into());
        }
        return check(ran, setting, world).await;
    }
    approve(&world.cloud.take_calls(), world)
}

/// A run wakes up when another one is done.
async fn taken_over<F: Future<Output = Ran>>(
    run: Pin<Box<F>>,
    other: Pin<Box<F>>,
    needed_lock: bool,
    world: &World,
) -> Result<(Ran, Ran), String> {
    world.saw("frozen");
    let ran = other.await;
    let before = world.state();
    let woken = run.await;
    if needed_lock && world.state() != before {
        return Err("a run that had lost its lock wrote the state".into());
    }
    Ok((ran, woken))
}

/// A run wakes up while another one is at work.
async fn overlap<F: Future<Output = Ran>>(run: Pin<Box<F>>, mut other: Pin<Box<F>>, others: u64, world: &World) -> (Ran, Ran) {
    match polled(other.as_mut(), others).await {
        Some(ran) => (ran, run.await),
        None => {
            world.saw("woken in the middle");
            futures::join!(other, run)
        }
    }
}

/// Polls a future so often; `None` when it is not done then.
async fn polled<F: Future>(mut work: Pin<&mut F>, mut left: u64) -> Option<F::Output> {
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

/// What must hold after a run that nothing disturbed.
async fn check(ran: Ran, setting: &Arc<Setting>, world: &Arc<World>) -> Result<(), String> {
    world.check()?;
    if let Ran::Badly(why) = ran {
        return Err(why);
    }
    approve(&world.cloud.take_calls(), world)?;
    let text = |e: secstack_state::Error| format!("the state cannot be read: {e}");
    let recovered = world.store().recover().await.map_err(text)?.ok_or("there is no state")?;
    if recovered.from_journal || !recovered.open_intents.is_empty() {
        return Err(format!("the journal is still there: {:?}", recovered.open_intents));
    }
    let strays = play::strays(&world.cloud, &recovered.snapshot);
    if !strays.is_empty() {
        return Err(strays.join("\n"));
    }
    if let Some((id, _)) = world.cloud.objects().iter().find(|(_, o)| o.token.is_some()) {
        return Err(format!("{id} still carries the token of its creation"));
    }
    let set = setting.providers();
    let again = crate::shown::plan(&setting.plan(&set, &recovered.snapshot, setting.options.clone()).await, &set);
    if again != "(no changes)\n" {
        return Err(format!("the plan after it is not empty:\n{again}"));
    }
    Ok(())
}

/// Checks that calls were in a plan.
fn approve(calls: &[String], world: &World) -> Result<(), String> {
    let mut approved = locked(&world.approved);
    for call in calls {
        world.tell(&format!("  {call}"));
        let words: Vec<&str> = call.split_whitespace().collect();
        // What was refused was not done.
        let [operation, ty, id, ..] = words.as_slice() else { continue };
        if ty.ends_with(':') || id.ends_with(':') || *operation == "read" {
            continue;
        }
        if *operation == "create" {
            let left = approved.creations.entry((*ty).into()).or_default();
            *left -= 1;
            if *left < 0 {
                return Err(format!("{call} was in no plan"));
            }
        } else if !approved.others.contains(&format!("{operation} {id}")) {
            return Err(format!("{call} was in no plan"));
        }
    }
    Ok(())
}

/// No secret stands where it must not: ephemeral values nowhere, sensitive ones in no intent.
async fn look_for_secrets(world: &World) -> Result<(), String> {
    world.check()?;
    let open = world.store().recover().await.map_err(|e| format!("the state cannot be read: {e}"))?.map(|r| r.open_intents);
    let open = open.unwrap_or_default();
    if !open.is_empty() {
        world.saw("left with open intents");
    }
    if open.iter().any(|i| format!("{i:?}").contains(SECRET)) {
        return Err("a sensitive value was written with an intent".into());
    }
    Ok(())
}
