//! Compares the state with reality: what was changed outside, what is gone, what appeared where only we should make
//! objects.
//!
//! It starts from a refresh-only plan, which has read everything, and leaves out what is no news: attributes that only the
//! provider sets, arguments under `ignore_changes`, and what an object shows of others that tell of themselves.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use secstack_base::addr::Target;
use secstack_base::schema::Block;
use secstack_base::{Addr, Diagnostic, Marks, Mode, ProviderConfigAddr, Span, Str, Value};
use secstack_eval::{Config, Schemas};
use secstack_lang::module::{IgnoreChanges, Resource};
use secstack_plan::{Action, Change, Plan, diff};
use secstack_sdk::drift::{Known, Severity, Unmanaged, Weakness};
use secstack_sdk::{Id, Instance};
use std::sync::Arc;

use crate::providers::ProviderSet;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Only these; everything if there are none.
    pub targets: Vec<Target>,
    /// Not these.
    pub excludes: Vec<Target>,
    /// Attributes that only the provider sets count as well.
    pub computed: bool,
    /// Objects that nobody manages, in the scope of ours, are looked for.
    pub unmanaged: bool,
}

/// How the state differs from reality.
#[derive(Clone, Debug, Default)]
pub struct Drift {
    /// The differences, the gravest first.
    pub findings: Vec<Finding>,
    /// How many managed objects were compared.
    pub compared: usize,
    /// How many attributes differ that only the provider sets.
    pub computed: usize,
    /// How many objects differ in arguments that the configuration ignores.
    pub ignored: usize,
    /// What could not be found out.
    pub warnings: Vec<Diagnostic>,
}

/// What kind of difference it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The object is not there any more.
    Gone,
    /// Attributes of the object were changed.
    Changed,
    /// There is an object that nobody manages, in the scope of the object.
    Unmanaged,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Gone => "gone",
            Kind::Changed => "changed",
            Kind::Unmanaged => "unmanaged",
        }
    }
}

/// One difference.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What kind.
    pub kind: Kind,
    /// The object of ours.
    pub addr: Addr,
    /// What the service calls it.
    pub id: Option<Str>,
    /// What was changed, as a change from what the state has to what is there. `None` for what nobody manages.
    pub change: Option<Change>,
    /// The attributes that differ.
    pub attributes: Vec<Str>,
    /// What nobody manages.
    pub unmanaged: Option<Unmanaged>,
    /// What it means for security.
    pub weaknesses: Vec<Weakness>,
    /// The block of the object, if the configuration still has it.
    pub span: Option<Span>,
}

impl Finding {
    /// The gravest of its weaknesses.
    pub fn severity(&self) -> Option<Severity> {
        self.weaknesses.iter().map(|w| w.severity).max()
    }
}

impl Drift {
    /// How many findings are of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.findings.iter().filter(|f| f.kind == kind).count()
    }

    /// How many findings matter to security.
    pub fn security(&self) -> usize {
        self.findings.iter().filter(|f| !f.weaknesses.is_empty()).count()
    }
}

/// Works out the drift from a refresh-only plan. `providers` are those that made it.
pub async fn find(plan: &Plan, config: &Config, providers: &ProviderSet, scope: &Scope) -> Drift {
    let mut search = Search { plan, config, providers, scope, known: BTreeMap::new(), drift: Drift::default() };
    search.know();
    search.compare();
    if scope.unmanaged {
        search.look_around().await;
    }
    let mut drift = search.drift;
    for f in &mut drift.findings {
        f.weaknesses.sort_by_key(|w| (Reverse(w.severity), w.attribute.clone(), w.text.clone()));
    }
    drift.findings.sort_by_cached_key(|f| {
        (Reverse(f.severity()), f.kind, f.addr.clone(), f.unmanaged.as_ref().map(|u| (u.ty.clone(), u.id.clone(), u.text.clone())))
    });
    drift
}

struct Search<'a> {
    plan: &'a Plan,
    config: &'a Config,
    providers: &'a ProviderSet,
    scope: &'a Scope,
    /// By the source address of the provider: configurations of one provider see the same account.
    known: BTreeMap<String, Known>,
    drift: Drift,
}

/// An object of ours as it is now.
struct Ours {
    addr: Addr,
    provider: ProviderConfigAddr,
    value: Value,
}

impl Search<'_> {
    fn wants(&self, addr: &Addr) -> bool {
        let scope = self.scope;
        (scope.targets.is_empty() || scope.targets.iter().any(|t| t.contains(addr))) && !scope.excludes.iter().any(|t| t.contains(addr))
    }

    fn ours(&self) -> Vec<Ours> {
        let managed = self.plan.prior_state.instances().filter(|(a, ..)| a.mode() == Mode::Managed);
        let read = managed.filter_map(|(addr, provider, instance)| {
            let schema = self.providers.resource(&provider.provider, Mode::Managed, addr.ty())?;
            let value = instance.current.as_ref()?.decode(&schema.block.ty()).ok()?.unmark_deep(Marks::ALL);
            Some(Ours { addr, provider: provider.clone(), value })
        });
        read.collect()
    }

    fn know(&mut self) {
        let mut objects: BTreeMap<String, Vec<(Str, Value)>> = BTreeMap::new();
        for o in self.ours() {
            self.drift.compared += usize::from(self.wants(&o.addr));
            objects.entry(o.provider.provider.to_string()).or_default().push((o.addr.ty().into(), o.value));
        }
        self.known = objects.into_iter().map(|(provider, objects)| (provider, Known::new(objects))).collect();
    }

    fn instance(&self, provider: &ProviderConfigAddr) -> Option<Arc<dyn Instance>> {
        self.providers.instance(provider)
    }

    fn block_of(&self, addr: &Addr) -> Option<&Resource> {
        let ix = self.config.find(&addr.module().path())?;
        self.config.module(ix).module.resources.get(&addr.resource.name)
    }

    fn compare(&mut self) {
        for c in &self.plan.drift {
            if c.action == Action::NoOp || !self.wants(&c.addr) {
                continue;
            }
            let Some(schema) = self.providers.resource(&c.provider.provider, Mode::Managed, c.addr.ty()) else { continue };
            match c.action {
                Action::Delete => self.gone(c),
                _ => self.changed(c, &schema.block),
            }
        }
    }

    fn gone(&mut self, c: &Change) {
        self.drift.compared += 1;
        let was = c.before.unmark_deep(Marks::ALL);
        let weaknesses = self.instance(&c.provider).map(|i| i.weakened(c.addr.ty(), &was, None)).unwrap_or_default();
        let finding = self.finding(Kind::Gone, &c.addr, &was, weaknesses);
        self.drift.findings.push(Finding { change: Some(c.clone()), ..finding });
    }

    fn changed(&mut self, c: &Change, block: &Block) {
        let ignored = self.block_of(&c.addr).map_or(&IgnoreChanges::None, |r| &r.lifecycle.ignore_changes);
        let mut after = diff::ignore(&c.after, Some(&c.before), ignored, block);
        self.drift.ignored += usize::from(!after.same(&c.after));
        let instance = self.instance(&c.provider);
        let known = self.known.get(&c.provider.provider.to_string());
        if let (Some(instance), Some(known)) = (&instance, known) {
            for shared in instance.shared(c.addr.ty(), &c.after.unmark_deep(Marks::ALL), known) {
                after = as_before(&after, &c.before, shared.attribute);
            }
        }
        let was = c.before.unmark_deep(Marks::ALL);
        let weaknesses = instance.map(|i| i.weakened(c.addr.ty(), &was, Some(&after.unmark_deep(Marks::ALL)))).unwrap_or_default();
        if !self.scope.computed {
            let judged = |name: &Str| weaknesses.iter().any(|w| w.attribute == *name);
            for a in block.attributes.iter().filter(|a| !a.presence.is_configurable() && !judged(&a.name)) {
                self.drift.computed += usize::from(differs(&after, &c.before, &a.name));
                after = as_before(&after, &c.before, &a.name);
            }
        }
        // Services answer with nothing in other words than configurations say it.
        let names: Vec<Str> = after.as_map().into_iter().flatten().map(|(n, _)| n.clone()).collect();
        let (attributes, same): (Vec<Str>, Vec<Str>) = names.into_iter().partition(|n| differs(&after, &c.before, n));
        after = same.iter().fold(after, |after, name| as_before(&after, &c.before, name));
        if attributes.is_empty() {
            return;
        }
        let weaknesses = weaknesses.into_iter().map(|w| discreet(w, c)).collect();
        let finding = self.finding(Kind::Changed, &c.addr, &was, weaknesses);
        self.drift.findings.push(Finding { change: Some(Change { after, ..c.clone() }), attributes, ..finding });
    }

    fn finding(&self, kind: Kind, addr: &Addr, value: &Value, weaknesses: Vec<Weakness>) -> Finding {
        Finding {
            kind,
            addr: addr.clone(),
            id: value.get_str("id").map(Str::from),
            change: None,
            attributes: Vec::new(),
            unmanaged: None,
            weaknesses,
            span: self.block_of(addr).map(|r| r.span),
        }
    }

    /// Looks for what nobody manages: in attributes of our objects, and around them.
    async fn look_around(&mut self) {
        let mut around: BTreeMap<(ProviderConfigAddr, Str), Vec<Ours>> = BTreeMap::new();
        for o in self.ours().into_iter().filter(|o| self.wants(&o.addr)) {
            around.entry((o.provider.clone(), o.addr.ty().into())).or_default().push(o);
        }
        for ((provider, ty), ours) in around {
            let (Some(instance), Some(known)) = (self.instance(&provider), self.known.get(&provider.provider.to_string())) else {
                continue;
            };
            let mut found = Vec::new();
            for o in &ours {
                let ignored = self.block_of(&o.addr).map_or(&IgnoreChanges::None, |r| &r.lifecycle.ignore_changes);
                let shared = instance.shared(&ty, &o.value, known).into_iter();
                found.extend(shared.filter(|s| !ignores(ignored, s.attribute)).flat_map(|s| s.unmanaged));
            }
            let ids: Vec<Id> = ours.iter().filter_map(|o| Some(Id(o.value.get_str("id")?.into()))).collect();
            match instance.unmanaged(&ty, &ids, known).await {
                Ok(around) => found.extend(around),
                Err(e) => {
                    let what = format!("Objects that nobody manages could not be looked for around those of the type {ty}: {e}");
                    self.drift.warnings.push(Diagnostic::warning("Search for unmanaged objects failed", what));
                }
            }
            for u in found {
                let Some(owner) = ours.iter().find(|o| o.value.get_str("id") == Some(&u.owner.0)) else { continue };
                let weaknesses = u.weakens.iter().map(|(severity, text)| Weakness::new(*severity, "", text.clone())).collect();
                let finding = self.finding(Kind::Unmanaged, &owner.addr, &owner.value, weaknesses);
                self.drift.findings.push(Finding { unmanaged: Some(u), ..finding });
            }
        }
    }
}

/// A weakness whose words may hold parts of a sensitive value says less.
fn discreet(w: Weakness, c: &Change) -> Weakness {
    let hidden = |v: &Value| v.get(&w.attribute).is_some_and(|v| v.deep_marks().has(Marks::SENSITIVE));
    if hidden(&c.before) || hidden(&c.after) {
        return Weakness::new(w.severity, &w.attribute, "what this sensitive attribute says is weaker now");
    }
    w
}

fn ignores(ignored: &IgnoreChanges, attribute: &str) -> bool {
    match ignored {
        IgnoreChanges::None => false,
        IgnoreChanges::All => true,
        IgnoreChanges::Some(list) => list.iter().any(|t| *t.root == *attribute && t.steps.is_empty()),
    }
}

fn differs(a: &Value, b: &Value, attribute: &str) -> bool {
    match (a.get(attribute), b.get(attribute)) {
        (Some(a), Some(b)) => !a.is_alike(b),
        (a, b) => a.is_some() != b.is_some(),
    }
}

fn as_before(value: &Value, before: &Value, attribute: &str) -> Value {
    match before.get(attribute) {
        Some(old) => value.with(attribute, old.clone()),
        None => value.clone(),
    }
}
