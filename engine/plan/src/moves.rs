//! `moved` blocks, and the moves that a change of `count` implies: objects of the state change their address.

use std::collections::{BTreeMap, BTreeSet};

use secstack_base::addr::{ModulePath, ResourceAddr, ResourceName};
use secstack_base::{Addr, Data, Diagnostic, Diags, InstanceKey, Mode, ModuleAddr, Span, Str};
use secstack_eval::Config;
use secstack_lang::ast::{Traversal, TraversalStep};
use secstack_state::model::Snapshot;

use crate::planner::Planner;

/// One end of a `moved` block, relative to the module that declares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    modules: Vec<(Str, InstanceKey)>,
    resource: Option<(ResourceName, InstanceKey)>,
}

/// A `moved` block.
#[derive(Clone, Debug)]
struct Statement {
    path: ModulePath,
    from: End,
    to: End,
    span: Span,
    /// Neither end has an instance key: all instances move.
    whole: bool,
}

impl End {
    fn parse(t: &Traversal) -> Option<End> {
        let mut words: Vec<(Str, InstanceKey)> = vec![(t.root.clone(), InstanceKey::None)];
        for step in &t.steps {
            match step {
                TraversalStep::Attr(name, _) => words.push((name.clone(), InstanceKey::None)),
                TraversalStep::Index(v, _) => {
                    words.last_mut()?.1 = match &v.data {
                        Data::String(s) => InstanceKey::Str(s.clone()),
                        Data::Number(n) => InstanceKey::Int(u64::try_from(n.to_i64()?).ok()?),
                        _ => return None,
                    }
                }
            }
        }
        let mut modules = Vec::new();
        let mut rest = words.as_slice();
        while let [(word, InstanceKey::None), call, more @ ..] = rest {
            if &**word != "module" {
                break;
            }
            modules.push(call.clone());
            rest = more;
        }
        let resource = match rest {
            [] if !modules.is_empty() => None,
            [(ty, InstanceKey::None), (name, key)] => {
                Some((ResourceName { mode: Mode::Managed, ty: ty.clone(), name: name.clone() }, key.clone()))
            }
            _ => return None,
        };
        Some(End { modules, resource })
    }

    fn has_key(&self) -> bool {
        match &self.resource {
            Some((_, key)) => *key != InstanceKey::None,
            None => self.modules.last().is_some_and(|(_, key)| *key != InstanceKey::None),
        }
    }

    fn describe(&self, path: &ModulePath) -> String {
        let mut module = ModuleAddr(path.0.iter().map(|n| (n.clone(), InstanceKey::None)).collect());
        for (name, key) in &self.modules {
            module = module.child(name, key.clone());
        }
        match &self.resource {
            Some((name, key)) => ResourceAddr { module, name: name.clone() }.instance(key.clone()).to_string(),
            None => module.to_string(),
        }
    }

    /// The module the end lies in or names, by calls only.
    fn module_path(&self, path: &ModulePath) -> ModulePath {
        self.modules.iter().fold(path.clone(), |p, (name, _)| p.child(name))
    }
}

impl Statement {
    /// Where `addr` goes by this statement, if it is meant.
    fn target(&self, addr: &Addr) -> Option<Addr> {
        let base_len = self.path.0.len();
        let module = &addr.module().0;
        let end = base_len + self.from.modules.len();
        if module.len() < end || module[..base_len].iter().map(|(n, _)| n).ne(self.path.0.iter()) {
            return None;
        }
        let last_is_any = self.whole && self.from.resource.is_none();
        let count = self.from.modules.len();
        let meant = |i: usize, have: &(Str, InstanceKey), want: &(Str, InstanceKey)| {
            have.0 == want.0 && (have.1 == want.1 || last_is_any && i + 1 == count)
        };
        let here = module[base_len..end].iter().zip(&self.from.modules);
        if !here.enumerate().all(|(i, (have, want))| meant(i, have, want)) {
            return None;
        }
        let mut to: Vec<(Str, InstanceKey)> = module[..base_len].to_vec();
        to.extend(self.to.modules.iter().cloned());
        match (&self.from.resource, &self.to.resource) {
            (None, None) => {
                if last_is_any {
                    to.last_mut()?.1 = module[end - 1].1.clone();
                }
                to.extend(module[end..].iter().cloned());
                Some(ResourceAddr { module: ModuleAddr(to.into()), name: addr.resource.name.clone() }.instance(addr.key.clone()))
            }
            (Some((name, key)), Some((to_name, to_key))) => {
                if module.len() != end || addr.resource.name != *name || !self.whole && addr.key != *key {
                    return None;
                }
                let key = if self.whole { addr.key.clone() } else { to_key.clone() };
                Some(ResourceAddr { module: ModuleAddr(to.into()), name: to_name.clone() }.instance(key))
            }
            _ => None,
        }
    }
}

/// Moves objects of the state as the configuration says, before anything is planned.
pub(crate) fn apply(planner: &mut Planner) {
    let config = planner.world.config.clone();
    let statements = collect(&config, &mut planner.diags);
    check(&config, &statements, &mut planner.diags);
    if planner.diags.has_errors() || planner.previous.is_empty() {
        return;
    }
    let mut moved: BTreeMap<Addr, Addr> = BTreeMap::new();
    let mut blocked: BTreeMap<Addr, Addr> = BTreeMap::new();
    let mut state = planner.prior_state.clone();
    for s in &statements {
        step(&mut state, |a| s.target(a), &mut moved, &mut blocked);
    }
    for (name, implied) in implied(&config, &state) {
        step(&mut state, |a| (a.resource == name).then(|| implied(a)).flatten(), &mut moved, &mut BTreeMap::new());
    }
    if !blocked.is_empty() {
        let lines: Vec<String> = blocked.iter().map(|(from, to)| format!("  - {from} could not move to {to}")).collect();
        let what = format!(
            "Terraform tried to adjust resource instance addresses in the prior state based on change information recorded in the configuration, but some adjustments did not succeed due to existing objects already at the intended addresses:\n{}\n\nTerraform has planned to destroy these objects. If Terraform's proposed changes aren't appropriate, you must first resolve the conflicts using the \"terraform state\" subcommands and then create a new plan.",
            lines.join("\n")
        );
        planner.diags.push(Diagnostic::warning("Unresolved resource instance address changes", what));
    }
    planner.moved_from = moved.into_iter().filter(|(to, from)| to != from).collect();
    planner.prior_state = state;
}

type Implied = Box<dyn Fn(&Addr) -> Option<Addr>>;

/// Moves between no key and `[0]`, for resources whose `count` came or went.
fn implied(config: &Config, state: &Snapshot) -> Vec<(ResourceAddr, Implied)> {
    let mut found: Vec<(ResourceAddr, Implied)> = Vec::new();
    for (resource, stored) in &state.resources {
        let Some(ix) = config.find(&resource.module.path()) else { continue };
        let Some(declared) = config.module(ix).module.resources.get(&resource.name) else { continue };
        let (from, to) = if declared.count.is_some() {
            (InstanceKey::None, InstanceKey::Int(0))
        } else if declared.for_each.is_none() {
            (InstanceKey::Int(0), InstanceKey::None)
        } else {
            continue;
        };
        if !stored.instances.contains_key(&from) {
            continue;
        }
        found.push((resource.clone(), Box::new(move |a: &Addr| (a.key == from).then(|| a.resource.instance(to.clone())))));
    }
    found
}

/// Applies one rule to every instance of the state.
fn step(state: &mut Snapshot, rule: impl Fn(&Addr) -> Option<Addr>, moved: &mut BTreeMap<Addr, Addr>, blocked: &mut BTreeMap<Addr, Addr>) {
    let plan: Vec<(Addr, Addr)> = state.instances().filter_map(|(a, ..)| rule(&a).map(|to| (a, to))).filter(|(a, to)| a != to).collect();
    let leaving: BTreeSet<Addr> = plan.iter().map(|(a, _)| a.clone()).collect();
    let taken: BTreeSet<Addr> =
        plan.iter().map(|(_, to)| to).filter(|to| state.instance(to).is_some() && !leaving.contains(to)).cloned().collect();
    let mut entries = Vec::new();
    for (from, to) in plan {
        if taken.contains(&to) {
            blocked.insert(from, to);
            continue;
        }
        let Some(provider) = state.resources.get(&from.resource).map(|r| r.provider.clone()) else { continue };
        let Some(entry) = state.instance(&from).cloned() else { continue };
        state.set_instance(&from, &provider, secstack_state::model::InstanceState::default());
        entries.push((from, to, provider, entry));
    }
    for (from, to, provider, entry) in entries {
        state.set_instance(&to, &provider, entry);
        let origin = moved.remove(&from).unwrap_or(from);
        moved.insert(to, origin);
    }
}

fn collect(config: &Config, diags: &mut Diags) -> Vec<Statement> {
    let mut out = Vec::new();
    for (_, m) in config.iter() {
        for block in &m.module.moved {
            let wrong = |t: &Traversal| Diagnostic::error("Invalid address", "A module call or a resource address is expected.").at(t.span);
            let (Some(from), Some(to)) = (End::parse(&block.from), End::parse(&block.to)) else {
                diags.push(wrong(if End::parse(&block.from).is_none() { &block.from } else { &block.to }));
                continue;
            };
            if from.resource.is_some() != to.resource.is_some() {
                let what = "The \"from\" and \"to\" addresses must either both refer to resources or both refer to modules.";
                diags.push(Diagnostic::error("Invalid \"moved\" addresses", what).at(block.span));
                continue;
            }
            let whole = !from.has_key() && !to.has_key();
            out.push(Statement { path: m.path.clone(), from, to, span: block.span, whole });
        }
    }
    out
}

fn check(config: &Config, statements: &[Statement], diags: &mut Diags) {
    let at = |span: Span| {
        let p = config.sources.position(span.file, span.start);
        format!("{}:{},{}", config.sources.path(span).map(|p| p.display().to_string()).unwrap_or_default(), p.line, p.column)
    };
    let mut from_seen: BTreeMap<(ModulePath, End), usize> = BTreeMap::new();
    let mut to_seen: BTreeMap<(ModulePath, End), usize> = BTreeMap::new();
    for (i, s) in statements.iter().enumerate() {
        let (from, to) = (s.from.describe(&s.path), s.to.describe(&s.path));
        if s.from == s.to {
            let what = format!(
                "This statement declares a move from {from} to the same address, which is the same as not declaring this move at all."
            );
            diags.push(Diagnostic::error("Redundant move statement", what).at(s.span));
            continue;
        }
        if let Some(declared) = still_declared(config, s) {
            let what = format!(
                "This statement declares a move from {from}, but that {} is still declared at {}.\n\nChange your configuration so that this {} will be declared as {to} instead.",
                declared.0,
                at(declared.1),
                declared.0.trim_start_matches("module ")
            );
            diags.push(Diagnostic::error("Moved object still exists", what).at(s.span));
        }
        let key = |end: &End| (s.path.clone(), end.clone());
        if let Some(other) = from_seen.get(&key(&s.from)).map(|i| &statements[*i]) {
            if other.to != s.to {
                let what = format!(
                    "A statement at {} declared that {from} moved to {}, but this statement instead declares that it moved to {to}.\n\nEach {} can move to only one destination {}.",
                    at(other.span),
                    other.to.describe(&other.path),
                    word(s),
                    word(s)
                );
                diags.push(Diagnostic::error("Ambiguous move statements", what).at(s.span));
            }
        } else if let Some(other) = to_seen.get(&key(&s.to)).map(|i| &statements[*i]) {
            let what = format!(
                "A statement at {} declared that {} moved to {to}, but this statement instead declares that {from} moved there.\n\nEach {} can have moved from only one source {}.",
                at(other.span),
                other.from.describe(&other.path),
                word(s),
                word(s)
            );
            diags.push(Diagnostic::error("Ambiguous move statements", what).at(s.span));
        }
        from_seen.entry(key(&s.from)).or_insert(i);
        to_seen.entry(key(&s.to)).or_insert(i);
    }
    cycles(statements, &at, diags);
}

/// Says which instances are still there although a statement says that they moved. Known once everything is expanded.
pub(crate) fn check_instances(planner: &mut Planner) {
    let config = planner.world.config.clone();
    let mut found = Diags::new();
    for s in collect(&config, &mut Diags::new()).iter().filter(|s| s.from.has_key() && s.from != s.to) {
        let Some((kind, e)) = still_expanded(planner, &config, s) else { continue };
        let p = config.sources.position(e.file, e.start);
        let path = config.sources.path(e).map(|p| p.display().to_string()).unwrap_or_default();
        let (from, to) = (s.from.describe(&s.path), s.to.describe(&s.path));
        let what = format!(
            "This statement declares a move from {from}, but that {kind} is still declared at {path}:{},{}.\n\nChange your configuration so that this instance will be declared as {to} instead.",
            p.line, p.column
        );
        found.push(Diagnostic::error("Moved object still exists", what).at(s.span));
    }
    planner.diags.extend(found);
}

/// What the start of a statement names, and the argument that still asks for it.
fn still_expanded(planner: &Planner, config: &Config, s: &Statement) -> Option<(&'static str, Span)> {
    let ix = config.find(&s.path)?;
    let world = &planner.world;
    let (last, parents) = match &s.from.resource {
        Some(_) => (None, s.from.modules.as_slice()),
        None => s.from.modules.split_last().map(|(last, parents)| (Some(last), parents))?,
    };
    let inside = |base: ModuleAddr| parents.iter().fold(base, |m, (name, key)| m.child(name, key.clone()));
    for base in world.instances(ix) {
        let Some((at, facts)) = world.find(&inside(base)) else { continue };
        let module = &config.module(at).module;
        let (repetition, key, count, for_each, kind) = match (&s.from.resource, last) {
            (Some((name, key)), _) => {
                let Some(r) = module.resources.get(name) else { continue };
                let Some(f) = facts.resources.get(name) else { continue };
                (&f.repetition, key, &r.count, &r.for_each, "resource instance")
            }
            (None, Some((name, key))) => {
                let Some(c) = module.calls.get(name) else { continue };
                let Some(f) = facts.calls.get(name) else { continue };
                (f, key, &c.count, &c.for_each, "module instance")
            }
            (None, None) => continue,
        };
        if let Some(e) = count.as_ref().or(for_each.as_ref()).filter(|_| repetition.contains(key)) {
            return Some((kind, e.span));
        }
    }
    None
}

fn word(s: &Statement) -> &'static str {
    if s.from.resource.is_some() { "resource" } else { "module call" }
}

/// The block that a statement says is gone, when it is still there.
fn still_declared(config: &Config, s: &Statement) -> Option<(&'static str, Span)> {
    if s.from.has_key() {
        return None;
    }
    let path = s.from.module_path(&s.path);
    match &s.from.resource {
        Some((name, _)) => {
            let ix = config.find(&path)?;
            Some(("resource", config.module(ix).module.resources.get(name)?.span)).filter(|_| s.whole)
        }
        None => {
            let (parent, call) = path.split_last()?;
            let ix = config.find(&parent)?;
            Some(("module call", config.module(ix).module.calls.get(call)?.span)).filter(|_| s.whole)
        }
    }
}

fn cycles(statements: &[Statement], at: &dyn Fn(Span) -> String, diags: &mut Diags) {
    let next: BTreeMap<(&ModulePath, &End), &Statement> = statements.iter().map(|s| ((&s.path, &s.from), s)).collect();
    let mut reported: BTreeSet<String> = BTreeSet::new();
    for start in statements {
        let mut seen: Vec<&Statement> = vec![start];
        let mut here = start;
        while let Some(step) = next.get(&(&here.path, &here.to)) {
            if step.from == start.from {
                let mut lines: Vec<String> = seen
                    .iter()
                    .map(|s| format!("  - {}: {}[*] → {}[*]", at(s.span), s.from.describe(&s.path), s.to.describe(&s.path)))
                    .collect();
                lines.sort();
                let text = lines.join("\n");
                if start.from != start.to && reported.insert(text.clone()) {
                    let what = format!(
                        "The following chained move statements form a cycle, and so there is no final location to move objects to:\n{text}\n\nA chain of move statements must end with an address that doesn't appear in any other statements, and which typically also refers to an object still declared in the configuration."
                    );
                    diags.push(Diagnostic::error("Cyclic dependency in move statements", what));
                }
                break;
            }
            if seen.len() > statements.len() {
                break;
            }
            seen.push(step);
            here = step;
        }
    }
}
