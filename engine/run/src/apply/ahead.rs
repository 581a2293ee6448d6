//! Intents to create, which are written before their steps begin, many with one write, so that a step need not wait for the
//! journal.
//!
//! An intent is written at the latest when its step is queued: it becomes durable while the step waits for its turn. It is
//! only announced before that where a run that takes this one up can tell the object of the creation from
//! any other: what was announced and never begun leaves no object, and none may be found. What is not known when it is
//! written, because a step before it must tell it, is written once more when the step begins, without waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use secstack_base::{Data, Marks, Type, Value};
use secstack_plan::Action;
use secstack_state::journal::{Intent, Record};
use secstack_state::model::Object;

use super::Run;
use super::graph::node_of;
use crate::effect::{Effect, known_part};

/// How many intents at most are written ahead of their steps. A run that takes this one up asks for each of them.
const MOST: usize = 64;

/// Intents that are written ahead.
#[derive(Default)]
pub(crate) struct Ahead {
    /// Creations that were not announced yet, in an order in which they may begin.
    queue: VecDeque<usize>,
    /// What was announced, of steps that are not queued yet.
    announced: HashMap<usize, Written>,
    /// Whether steps that were queued have begun.
    begun: HashMap<usize, Arc<AtomicBool>>,
}

/// An intent that was written ahead of its effect.
pub(crate) struct Written {
    /// What was written.
    pub intent: Intent,
    /// Resolves when it is durable.
    pub durable: BoxFuture<'static, secstack_state::Result<()>>,
    /// Set when the effect begins.
    pub begun: Arc<AtomicBool>,
}

impl Written {
    /// The same, once it is durable or will never be.
    pub(crate) async fn once_durable(self) -> Self {
        let written = self.durable.await;
        Self { durable: std::future::ready(written).boxed(), ..self }
    }
}

impl Run {
    /// Finds out which creations may be announced.
    pub(crate) fn look_ahead(&mut self) {
        if self.journal.is_none() {
            return;
        }
        let rank: HashMap<_, usize> = self.graph.order.iter().enumerate().map(|(rank, node)| (*node, rank)).collect();
        // A step has its node only once its block was expanded.
        let creations = self.plan.changes.iter().enumerate().filter(|(_, c)| c.action == Action::Create && c.deposed.is_none());
        let mut queue: Vec<(usize, usize)> =
            creations.filter_map(|(change, c)| Some((*rank.get(&node_of(self, &c.addr)?)?, change))).collect();
        queue.sort_unstable();
        self.ahead.queue = queue.into_iter().map(|(_, change)| change).collect();
    }

    /// Announces creations, as many as may be.
    pub(crate) fn announce(&mut self) {
        let mut later = VecDeque::new();
        while self.ahead.announced.len() < MOST && !self.stopping() {
            let Some(change) = self.ahead.queue.pop_front() else { break };
            if self.ahead.begun.contains_key(&change) {
                continue;
            }
            let c = &self.plan.changes[change];
            if self.providers.instance(&c.provider).is_none() {
                // Its provider is configured by a step of this run.
                later.push_back(change);
                continue;
            }
            if let Some(announced) = self.announced(change) {
                self.ahead.announced.insert(change, announced);
            }
        }
        later.append(&mut self.ahead.queue);
        self.ahead.queue = later;
    }

    fn announced(&self, change: usize) -> Option<Written> {
        let site = self.site(change).ok()?;
        let ty = site.addr.ty();
        if !site.instance.is_remote(ty) || !site.instance.tells_ours(ty) {
            return None;
        }
        let planned = &self.plan.changes[change].after;
        let effect = self.effect(&site, planned);
        let token = Effect::token();
        let plain = planned.unmark_deep(Marks::ALL);
        // A name that hangs on something that is not known yet comes out another one with another guess.
        let natural = site.instance.natural(ty, &guessed(&plain, "1"), &token);
        if natural != site.instance.natural(ty, &guessed(&plain, "2"), &token) {
            return None;
        }
        if natural.is_none() && !site.instance.leaves_token(ty) {
            return None;
        }
        let noted = self.noted(&site, change, planned);
        let intent = Intent { ahead: true, ..effect.creation(&token, natural, noted) };
        self.write_intent(intent)
    }

    fn write_intent(&self, intent: Intent) -> Option<Written> {
        let durable = self.journal.as_ref()?.append(Record::Intent(intent.clone())).boxed();
        Some(Written { intent, durable, begun: Arc::default() })
    }

    /// Writes the intent of a creation that is queued now, with everything known. One that was announced only has to be
    /// durable: what has become known since is written without waiting, unless the object is found by it.
    pub(crate) fn intend(&mut self, change: usize, effect: &Effect, planned: &Value, noted: Option<Arc<Object>>) -> Option<Written> {
        let ty = effect.addr.ty();
        if self.journal.is_none() || !effect.instance.is_remote(ty) {
            return None;
        }
        self.announce();
        // An intent stands behind the results that it is built on.
        self.send_records();
        let before = self.ahead.announced.remove(&change);
        let token = before.as_ref().map_or_else(Effect::token, |b| b.intent.token.to_string());
        let natural = effect.instance.natural(ty, &known_part(planned), &token);
        let intent = effect.creation(&token, natural, noted);
        let written = match before {
            Some(before) if before.intent.natural == intent.natural => {
                if let (Some(journal), true) = (&self.journal, before.intent.planned != intent.planned) {
                    drop(journal.append_lazily(Record::Intent(intent.clone())));
                }
                Written { intent, ..before }
            }
            _ => self.write_intent(intent)?,
        };
        self.ahead.begun.insert(change, written.begun.clone());
        Some(written)
    }

    /// Takes back what was written of creations that will not begin any more.
    pub(crate) fn take_back(&mut self) {
        let queued = self.ahead.begun.iter().filter(|(_, begun)| !begun.load(Ordering::SeqCst)).map(|(change, _)| *change);
        let mut left: Vec<usize> = queued.chain(self.ahead.announced.keys().copied()).collect();
        left.sort_unstable();
        self.records.extend(left.into_iter().map(|change| Record::Void { addr: self.plan.changes[change].addr.clone() }));
    }
}

/// The value with a text in place of each text that is not known, and null for all else that is not.
fn guessed(value: &Value, guess: &str) -> Value {
    if value.is_unknown() {
        return if value.ty() == Type::String { Value::string(guess) } else { known_part(value) };
    }
    match &value.data {
        Data::Null(_) => value.clone(),
        _ => value.map_parts(|_, v| guessed(v, guess)),
    }
}
