//! Which attributes of which resources led to the changes of a plan.
//!
//! A tool that explains a plan wants to know which of the differences found outside matter to it. So the references of
//! everything that changes are followed, through variables, locals, outputs and the arguments of other resources, and
//! every attribute of a resource met on the way is noted. Only the configuration is looked at. A reference to an
//! attribute leads on to what its argument refers to; an attribute that only the provider knows leads nowhere.

use std::collections::BTreeSet;

use secstack_base::addr::{ResourceAddr, ResourceName};
use secstack_base::schema::Block as Schema;
use secstack_base::{Data, InstanceKey, ModuleAddr, Path, Step, Str, Value};
use secstack_eval::config::ROOT;
use secstack_eval::graph::resource_provider;
use secstack_eval::{ModuleIx, Node, block_references, reference};
use secstack_lang::ast::{Traversal, TraversalStep, references};
use secstack_lang::body::View;
use secstack_lang::module::Resource;
use secstack_lang::{Body, Expr};

use crate::plan::{Action, PlanMode, RelevantAttribute};
use crate::planner::Planner;

/// Finds the attributes that the changes of a planner go back to.
pub(crate) fn relevant(p: &Planner) -> BTreeSet<RelevantAttribute> {
    let mut search = Search { p, found: BTreeSet::new(), seen: BTreeSet::new(), open: Vec::new() };
    let changed: BTreeSet<&ResourceAddr> = p.changes.values().filter(|c| c.action != Action::NoOp).map(|c| &c.addr.resource).collect();
    for resource in changed {
        search.resource(&resource.module, &resource.name, &[]);
    }
    for name in p.outputs.iter().filter(|(_, o)| o.action != Action::NoOp).map(|(name, _)| name) {
        search.output(&ModuleAddr::root(), name);
    }
    // What a module gives is not recorded, so it counts as new. A destroy does not ask for it.
    let asked = |ix: &ModuleIx| *ix != ROOT && p.options.mode != PlanMode::Destroy;
    for (ix, module) in p.world.config.iter().filter(|(ix, _)| asked(ix)) {
        for addr in p.world.instances(ix) {
            module.module.outputs.keys().for_each(|name| search.output(&addr, name));
        }
    }
    while let Some((module, t)) = search.open.pop() {
        search.follow(&module, &t);
    }
    search.found
}

struct Search<'a> {
    p: &'a Planner,
    found: BTreeSet<RelevantAttribute>,
    /// References that were met, by the module instance they stand in.
    seen: BTreeSet<(ModuleAddr, Str, Vec<Step>)>,
    open: Vec<(ModuleAddr, Traversal)>,
}

impl<'a> Search<'a> {
    fn ix(&self, module: &ModuleAddr) -> Option<ModuleIx> {
        self.p.world.config.find(&module.path())
    }

    /// Notes a reference that stands in a module instance, to be followed.
    fn meet(&mut self, module: &ModuleAddr, t: Traversal) {
        if self.seen.insert((module.clone(), t.root.clone(), steps(&t.steps))) {
            self.open.push((module.clone(), t));
        }
    }

    fn meet_all(&mut self, module: &ModuleAddr, expr: &Expr) {
        references(expr, &mut |t| self.meet(module, t));
    }

    fn follow(&mut self, module: &ModuleAddr, t: &Traversal) {
        let p = self.p;
        let Some(ix) = self.ix(module) else { return };
        let attr = |i: usize| t.steps.get(i).and_then(name_of);
        match &*t.root {
            "var" => attr(0).into_iter().for_each(|name| self.variable(module, name)),
            "local" => {
                let local = attr(0).and_then(|name| p.world.config.module(ix).module.locals.get(name));
                local.into_iter().for_each(|l| self.meet_all(module, &l.expr));
            }
            "module" => self.call(module, t),
            _ => {
                let Ok((Node::Resource(_, name), used)) = reference::resource(&p.world.config, ix, t) else { return };
                let mut rest = &t.steps[used..];
                let mut key = InstanceKey::None;
                if let Some(k) = rest.first().and_then(key_of) {
                    (key, rest) = (k, &rest[1..]);
                }
                let addr = ResourceAddr { module: module.clone(), name: name.clone() }.instance(key);
                self.found.insert(RelevantAttribute { resource: addr.to_string().into(), path: Path(steps(rest)) });
                self.resource(module, &name, rest);
            }
        }
    }

    /// What the call gives to a variable. That of the root module comes from outside.
    fn variable(&mut self, module: &ModuleAddr, name: &str) {
        let (Some(ix), Some((caller, _, _))) = (self.ix(module), module.split_last()) else { return };
        let config = &self.p.world.config;
        let Some((parent, call)) = &config.module(ix).parent else { return };
        let (view, _) = config.module(*parent).module.calls[call].body.view(&[]);
        if let Some(a) = view.attributes.iter().find(|a| &*a.name == name) {
            self.meet_all(&caller, &a.expr);
        }
    }

    /// An output of a module call, or all of them.
    fn call(&mut self, module: &ModuleAddr, t: &Traversal) {
        let (Some(ix), Some(name)) = (self.ix(module), t.steps.first().and_then(name_of)) else { return };
        let config = &self.p.world.config;
        let Some(child) = config.module(ix).children.get(name) else { return };
        let key = t.steps.get(1).and_then(key_of).unwrap_or(InstanceKey::None);
        let addr = module.child(name, key);
        match t.steps[1..].iter().find_map(name_of) {
            Some(output) => self.output(&addr, output),
            None => config.module(*child).module.outputs.keys().for_each(|output| self.output(&addr, output)),
        }
    }

    fn output(&mut self, module: &ModuleAddr, name: &str) {
        let p = self.p;
        let output = self.ix(module).and_then(|ix| p.world.config.module(ix).module.outputs.get(name));
        output.into_iter().for_each(|o| self.meet_all(module, &o.value));
    }

    /// What the arguments of a resource refer to, as far as `rest` leads into them.
    fn resource(&mut self, module: &ModuleAddr, name: &ResourceName, rest: &[TraversalStep]) {
        let p = self.p;
        let config = &p.world.config;
        let Some(ix) = self.ix(module) else { return };
        let Some(r) = config.module(ix).module.resources.get(name) else { return };
        let provider = resource_provider(config, ix, name).provider;
        let Some(schema) = p.schema(&provider, name.mode, &name.ty) else { return };
        let mut found = Vec::new();
        arguments(&r.body, &schema.block, rest, &mut found);
        for t in found {
            match &*t.root {
                "count" | "each" => self.repetition(module, r),
                _ => self.meet(module, t),
            }
        }
    }

    fn repetition(&mut self, module: &ModuleAddr, r: &'a Resource) {
        for expr in r.count.iter().chain(&r.for_each) {
            self.meet_all(module, expr);
        }
    }
}

/// The references in a body. A step that names an argument leaves only that argument, one that names a block type the
/// blocks of that type.
fn arguments(body: &Body, schema: &Schema, rest: &[TraversalStep], found: &mut Vec<Traversal>) {
    let Some(name) = rest.iter().find_map(name_or_key) else {
        return found.extend(block_references(body, schema));
    };
    let types: Vec<(&str, usize)> = schema.blocks.iter().map(|b| (&*b.name, 0)).chain([("dynamic", 1)]).collect();
    let (View { attributes, blocks }, _) = body.view(&types);
    if schema.attributes.iter().any(|a| *a.name == *name) {
        let given = attributes.iter().find(|a| *a.name == *name);
        return given.into_iter().for_each(|a| references(&a.expr, &mut |t| found.push(t)));
    }
    let Some(nested) = schema.blocks.iter().find(|b| *b.name == *name) else { return };
    let after = rest.iter().position(|s| name_or_key(s).is_some()).map_or(0, |i| i + 1);
    for block in blocks.iter().filter(|b| *b.ty == *name) {
        arguments(&block.body, &nested.block, &rest[after..], found);
    }
    if blocks.iter().any(|b| &*b.ty == "dynamic" && b.labels.first().is_some_and(|(label, _)| **label == *name)) {
        // Which element makes which block is not known here: all references count.
        found.extend(block_references(body, schema));
    }
}

fn name_of(step: &TraversalStep) -> Option<&Str> {
    match step {
        TraversalStep::Attr(name, _) => Some(name),
        TraversalStep::Index(..) => None,
    }
}

fn name_or_key(step: &TraversalStep) -> Option<Str> {
    match step {
        TraversalStep::Attr(name, _) | TraversalStep::Index(Value { data: Data::String(name), .. }, _) => Some(name.clone()),
        TraversalStep::Index(..) => None,
    }
}

fn key_of(step: &TraversalStep) -> Option<InstanceKey> {
    let TraversalStep::Index(v, _) = step else { return None };
    match &v.data {
        Data::String(s) => Some(InstanceKey::Str(s.clone())),
        Data::Number(n) => Some(InstanceKey::Int(n.to_usize()? as u64)),
        _ => None,
    }
}

fn steps(of: &[TraversalStep]) -> Vec<Step> {
    let step = |s: &TraversalStep| match s {
        TraversalStep::Attr(name, _) => Some(Step::Attr(name.clone())),
        TraversalStep::Index(v, _) => match &v.data {
            Data::String(s) => Some(Step::Key(s.clone())),
            Data::Number(n) => Some(Step::Index(n.to_usize()?)),
            _ => None,
        },
    };
    of.iter().map_while(step).collect()
}
