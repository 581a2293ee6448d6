//! `import` blocks: objects that exist and enter the state.

use std::collections::BTreeMap;

use petgraph::graph::NodeIndex;
use secstack_base::addr::{ModulePath, ResourceAddr, ResourceName};
use secstack_base::{Addr, Data, Diagnostic, Diags, InstanceKey, Marks, Mode, ModuleAddr, Span, Str, Type, Value, convert};
use secstack_eval::config::ROOT;
use secstack_eval::{ModuleIx, ProviderKey, Repetition, RepetitionData, Scope, evaluate};
use secstack_lang::module::Import;
use secstack_lang::{Expr, ExprKind};

use crate::diff;
use crate::expand::{Repeat, expand};
use crate::planner::{Pending, Planner};
use crate::requests::Want;
use crate::values::place;

const NO_TARGET: &str = "Configuration for import target does not exist";

/// The imports of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Imports {
    /// Resources whose imports were asked for already.
    asked: std::collections::BTreeSet<(ModuleIx, ResourceName)>,
}

/// An evaluated import: where to, and which object.
struct Wanted {
    addr: Addr,
    id: Str,
    /// The block.
    span: Span,
    /// Its `to` argument.
    to: Span,
}

impl Planner {
    /// Asks for the objects that import blocks bring into a resource. True when the resource must wait for them.
    pub(crate) fn request_imports(&mut self, node: NodeIndex, ix: ModuleIx, name: &ResourceName, key: &ProviderKey) -> bool {
        if !self.imports.asked.insert((ix, name.clone())) {
            return false;
        }
        let config = self.world.config.clone();
        let path = config.module(ix).path.clone();
        let blocks: Vec<&Import> = config
            .module(ROOT)
            .module
            .imports
            .iter()
            .filter(|i| resource_of(&i.to).is_some_and(|(p, n)| p == path && n == *name))
            .collect();
        if blocks.is_empty() {
            return false;
        }
        let mut diags = Diags::new();
        let wanted: Vec<Wanted> = blocks.iter().flat_map(|b| self.wanted(b, &mut diags)).collect();
        self.diags.extend(diags);
        let provider = self.config_addr(key, InstanceKey::None);
        let mut seen: BTreeMap<Addr, Span> = BTreeMap::new();
        let mut waits = false;
        for w in wanted {
            if let Some(first) = seen.insert(w.addr.clone(), w.span) {
                let place = crate::values::place(&config.sources, first);
                let what = format!(
                    "An import block for the resource \"{}\" was already declared at {place}. A resource can have only one import block.",
                    w.addr
                );
                let summary = format!("Duplicate import configuration for \"{}\"", w.addr);
                self.diags.push(Diagnostic::error(summary, what).at(w.to).label(first, "first here"));
                continue;
            }
            if self.priors.contains_key(&w.addr) {
                continue;
            }
            waits = true;
            self.imported.insert(w.addr.clone(), (w.id.clone(), None));
            let pending = Pending::Import { node, addr: w.addr.clone(), span: w.span };
            self.ask(provider.clone(), Want::Import { addr: w.addr, id: w.id }, pending);
        }
        waits
    }

    fn wanted(&self, block: &Import, diags: &mut Diags) -> Vec<Wanted> {
        let Some(facts) = self.world.facts(ROOT, &ModuleAddr::root()) else { return Vec::new() };
        let scope = self.world.scope(ROOT, facts, RepetitionData::default());
        let repeat = Repeat { count: None, for_each: block.for_each.as_ref(), enabled: None };
        let repetition = expand(repeat, &scope, false, diags);
        let one = |data: RepetitionData, diags: &mut Diags| -> Option<Wanted> {
            let scope = self.world.scope(ROOT, facts, data);
            let addr = address(&block.to, &scope, diags)?;
            let e = block.id.as_ref()?;
            let value = evaluate(e, &scope, diags).unmark_deep(Marks::ALL);
            let id = match convert::convert(&value, &Type::String).map(|v| v.data) {
                Ok(Data::String(s)) if !s.is_empty() => s,
                Ok(Data::Unknown(..)) => {
                    let what = "The import block \"id\" argument depends on resource attributes that cannot be determined until apply, so Terraform cannot plan to import this resource.";
                    diags.push(Diagnostic::error("Invalid import id argument", what).at(e.span));
                    return None;
                }
                _ => {
                    let what = "The import ID must be a string that is neither null nor empty.";
                    diags.push(Diagnostic::error("Invalid import id argument", what).at(e.span));
                    return None;
                }
            };
            Some(Wanted { addr, id, span: block.span, to: block.to.span })
        };
        match &repetition {
            Repetition::Unknown => Vec::new(),
            r => r.keys().iter().filter_map(|k| one(r.data(k), diags)).collect(),
        }
    }

    /// Takes the object that is imported. As in Terraform a failure has no place of its own; its text tells where the import
    /// is asked for.
    pub(crate) fn import_answer(&mut self, addr: &Addr, span: Span, result: Result<Option<Value>, String>) {
        let at = place(&self.world.config.sources, span);
        let provider = self.effective_provider(addr);
        let schema = provider.and_then(|p| self.schema(&p.provider, Mode::Managed, addr.ty()));
        match (result, schema) {
            (Ok(Some(value)), Some(schema)) => {
                let value = diff::mark_paths(&value, &[]);
                let _ = schema;
                if let Some(entry) = self.imported.get_mut(addr) {
                    entry.1 = Some(value);
                }
            }
            (Ok(_), _) => {
                self.imported.remove(addr);
                let what = format!(
                    "While attempting to import an existing object to {addr:?}, the provider detected that no object exists with the given id. Only pre-existing objects can be imported; check that the id is correct and that it is associated with the provider's configured region or endpoint, or use \"terraform apply\" to create a new remote object for this resource.\n\nThe import is asked for at {at}.",
                    addr = addr.to_string()
                );
                self.diags.push(Diagnostic::error("Cannot import non-existent remote object", what));
            }
            (Err(text), _) => {
                self.imported.remove(addr);
                let what = format!("This happened while an existing object was imported to {addr}, which is asked for at {at}.");
                self.diags.push(Diagnostic::error(text, what));
            }
        }
    }

    /// Says which import blocks name a resource that is not declared.
    pub(crate) fn check_imports(&mut self) {
        let config = self.world.config.clone();
        for block in &config.module(ROOT).module.imports {
            let Some((path, name)) = resource_of(&block.to) else {
                self.diags.push(
                    Diagnostic::error("Invalid import address", "The \"to\" argument must be the address of a resource instance.")
                        .at(block.to.span),
                );
                continue;
            };
            let known = config.find(&path).is_some_and(|ix| config.module(ix).module.resources.contains_key(&name));
            if !known {
                let what = if !path.0.is_empty() {
                    format!("Resource {path}.{name} not found. Only resources within the root module are eligible for config generation.")
                } else if block.for_each.is_some() || matches!(block.to.kind, ExprKind::Index { .. }) {
                    "The given import block is not compatible with config generation. The -generate-config-out option cannot be used with import blocks which use for_each, or resources which use for_each or count.".into()
                } else {
                    format!(
                        "The configuration for the given import target {name} does not exist. If you wish to automatically generate config for this resource, use the -generate-config-out option within terraform plan. Otherwise, make sure the target resource exists within your configuration. For example:\n\n  terraform plan -generate-config-out=generated.tf"
                    )
                };
                self.diags.push(Diagnostic::error(NO_TARGET, what).at(block.to.span));
            }
        }
    }
}

impl Planner {
    /// Says which imports lead to an instance that its resource does not have.
    pub(crate) fn check_imported_instances(&mut self) {
        let mut missing: Vec<&Addr> = self.imported.keys().filter(|a| !self.is_desired(a)).collect();
        missing.sort();
        for addr in missing {
            let what = format!(
                "The configuration for the given import {addr} does not exist. All target instances must have an associated configuration to be imported."
            );
            self.diags.push(Diagnostic::error(NO_TARGET, what));
        }
    }

    /// Whether the configuration has an instance of that address, as far as is known.
    pub(crate) fn is_desired(&self, addr: &Addr) -> bool {
        let Some((_, facts)) = self.world.find(addr.module()) else { return false };
        facts.resources.get(&addr.resource.name).is_none_or(|f| match &f.repetition {
            Repetition::Unknown => true,
            r => r.contains(&addr.key),
        })
    }
}

/// The module and resource that the address of an import leads to, whatever the keys.
fn resource_of(to: &Expr) -> Option<(ModulePath, ResourceName)> {
    let mut names = Vec::new();
    flatten(to, &mut names)?;
    let mut rest = names.as_slice();
    let mut path = ModulePath::default();
    while let [word, call, more @ ..] = rest {
        if &**word != "module" {
            break;
        }
        path = path.child(call);
        rest = more;
    }
    match rest {
        [ty, name] => Some((path, ResourceName { mode: Mode::Managed, ty: ty.clone(), name: name.clone() })),
        _ => None,
    }
}

fn flatten(e: &Expr, out: &mut Vec<Str>) -> Option<()> {
    match &e.kind {
        ExprKind::Variable(n) => out.push(n.clone()),
        ExprKind::GetAttr { on, name, .. } => {
            flatten(on, out)?;
            out.push(name.clone());
        }
        ExprKind::Index { on, .. } => flatten(on, out)?,
        _ => return None,
    }
    Some(())
}

/// The address with its keys evaluated.
fn address(to: &Expr, scope: &dyn Scope, diags: &mut Diags) -> Option<Addr> {
    let mut words: Vec<(Str, InstanceKey)> = Vec::new();
    words_of(to, scope, &mut words, diags)?;
    let mut module = ModuleAddr::root();
    let mut rest = words.as_slice();
    while let [(word, _), (call, key), more @ ..] = rest {
        if &**word != "module" {
            break;
        }
        module = module.child(call, key.clone());
        rest = more;
    }
    match rest {
        [(ty, _), (name, key)] => {
            let name = ResourceName { mode: Mode::Managed, ty: ty.clone(), name: name.clone() };
            Some(ResourceAddr { module, name }.instance(key.clone()))
        }
        _ => None,
    }
}

fn words_of(e: &Expr, scope: &dyn Scope, out: &mut Vec<(Str, InstanceKey)>, diags: &mut Diags) -> Option<()> {
    match &e.kind {
        ExprKind::Variable(n) => out.push((n.clone(), InstanceKey::None)),
        ExprKind::GetAttr { on, name, .. } => {
            words_of(on, scope, out, diags)?;
            out.push((name.clone(), InstanceKey::None));
        }
        ExprKind::Index { on, key } => {
            words_of(on, scope, out, diags)?;
            let value = evaluate(key, scope, diags).unmark_deep(Marks::ALL);
            out.last_mut()?.1 = match &value.data {
                Data::String(s) => InstanceKey::Str(s.clone()),
                Data::Number(n) => InstanceKey::Int(u64::try_from(n.to_i64()?).ok()?),
                _ => {
                    let what = "An instance key must be a known string or number.";
                    diags.push(Diagnostic::error("Invalid import address", what).at(key.span));
                    return None;
                }
            };
        }
        _ => return None,
    }
    Some(())
}
