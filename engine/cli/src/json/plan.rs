//! The document of a plan: `show -json` of a saved plan, format version 1.2.

use std::collections::BTreeMap;

use secstack_base::{ModuleAddr, Str, Type, Value};
use secstack_eval::{Config, Schemas};
use secstack_plan::plan::Plan;
use secstack_plan::{Action, Change, PlanMode};
use secstack_run::ProviderSet;
use secstack_state::json::type_to_json;
use secstack_state::model::{Object as Stored, OutputValue, Snapshot, TERRAFORM_VERSION};

use super::configuration::{self, default_value};
use super::modules::{self, Tree};
use super::write::{Object, array, map};
use super::{change, checks, state, value};

/// The document of a plan. `config` is the configuration it was made from.
pub fn plan_document(plan: &Plan, config: &Config, providers: &ProviderSet) -> String {
    let mut out = String::with_capacity(plan.changes.len() * 2048);
    let mut o = Object::new(&mut out);
    o.text("format_version", "1.2").text("terraform_version", TERRAFORM_VERSION);
    let variables = variables(plan, config);
    if !variables.is_empty() {
        map(o.member("variables"), &variables, |out, v| {
            let mut o = Object::new(out);
            value::known(o.member("value"), v);
            o.end();
        });
    }
    write_planned(o.member("planned_values"), plan, providers);
    let drift = in_order(drift(plan));
    if !drift.is_empty() {
        array(o.member("resource_drift"), drift, |out, c| change::resource(out, c, providers));
    }
    let changes = in_order(plan.changes.iter().filter(|c| !change::is_hidden(c)));
    if !changes.is_empty() {
        array(o.member("resource_changes"), changes, |out, c| change::resource(out, c, providers));
    }
    if !plan.outputs.is_empty() {
        map(o.member("output_changes"), &plan.outputs, change::output);
    }
    let prior = prior(plan, config, providers);
    if !prior.is_empty() || !prior.outputs.is_empty() {
        state::write(o.member("prior_state"), &prior, providers);
    }
    configuration::write(o.member("configuration"), config, providers);
    if !plan.relevant.is_empty() {
        array(o.member("relevant_attributes"), &plan.relevant, |out, r| {
            let mut o = Object::new(out);
            value::path(o.text("resource", &r.resource).member("attribute"), &r.path);
            o.end();
        });
    }
    if !plan.checks.is_empty() {
        checks::write(o.member("checks"), &plan.checks);
    }
    o.text_opt("timestamp", Some(&plan.timestamp));
    o.bool("applyable", plan.applyable).bool("complete", plan.complete).bool("errored", plan.errored).end();
    out
}

/// The drift that is told of. A move alone is part of the changes, unless no changes are planned.
pub fn drift(plan: &Plan) -> impl Iterator<Item = &Change> {
    plan.drift.iter().filter(|c| c.action != Action::NoOp || plan.mode == PlanMode::RefreshOnly)
}

/// Changes as the document lists them: modules near the root first.
fn in_order<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<&'a Change> {
    let mut sorted: Vec<&Change> = changes.collect();
    sorted.sort_by(|a, b| (a.addr.module().0.len(), &a.addr, &a.deposed).cmp(&(b.addr.module().0.len(), &b.addr, &b.deposed)));
    sorted
}

/// The variables that were set, and the defaults of the others: even of ephemeral ones.
fn variables(plan: &Plan, config: &Config) -> BTreeMap<Str, Value> {
    let mut all = plan.variables.clone();
    let Some(root) = config.modules.first() else { return all };
    for (name, v) in &root.module.variables {
        if let (false, Some(default)) = (all.contains_key(name), default_value(v)) {
            all.insert(name.clone(), default);
        }
    }
    all
}

fn write_planned(out: &mut String, plan: &Plan, providers: &ProviderSet) {
    let mut o = Object::new(out);
    let kept: Vec<_> = plan.outputs.iter().filter(|(_, c)| c.action != Action::Delete).collect();
    if !kept.is_empty() {
        map(o.member("outputs"), kept, |out, c| {
            let mut o = Object::new(out);
            o.bool("sensitive", c.sensitive);
            if c.after.is_wholly_known() {
                // Of a null the type is not kept.
                let ty = if c.after.is_null() { Type::Dynamic } else { c.after.ty() };
                o.raw("type", &type_to_json(&ty));
                value::known(o.member("value"), &c.after);
            }
            o.end();
        });
    }
    let mut tree: Tree<&Change> = Tree::default();
    let stays = |c: &&Change| c.deposed.is_none() && c.action != Action::Delete;
    let mut sorted: Vec<(String, &Change)> = plan.changes.iter().filter(stays).map(|c| (c.addr.to_string(), c)).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, c) in sorted {
        tree.at(c.addr.module()).push(c);
    }
    modules::write(o.member("root_module"), &ModuleAddr::root(), &tree, &|out, c: &&Change| write_planned_object(out, c, providers));
    o.end();
}

fn write_planned_object(out: &mut String, c: &Change, providers: &ProviderSet) {
    let mut o = Object::new(out);
    state::head(&mut o, &c.addr, &c.provider);
    o.number("schema_version", c.schema_version);
    if !c.after.is_null() {
        value::known(o.member("values"), &c.after);
    }
    value::sensitive(o.member("sensitive_values"), &change::marked(c, &c.after, providers));
    o.end();
}

/// The state that the changes start from. Terraform evaluates outputs into it while planning, as far as they are
/// known, and puts imported objects there.
fn prior(plan: &Plan, config: &Config, providers: &ProviderSet) -> Snapshot {
    let mut prior = plan.prior_state.clone();
    for c in plan.changes.iter().filter(|c| c.importing.is_some() && !c.before.is_null() && plan.prior_state.get(&c.addr).is_none()) {
        let schema = providers.resource(&c.provider.provider, c.addr.mode(), c.addr.ty());
        let object = schema.and_then(|s| Stored::encode(c.schema_version, &c.before, &s.block.ty()).ok());
        if let Some(object) = object {
            prior.set_current(&c.addr, &c.provider, object);
        }
    }
    let declared = |name: &Str| config.modules.first().is_some_and(|m| m.module.outputs.contains_key(name));
    for (name, c) in plan.outputs.iter().filter(|(name, c)| c.action != Action::Delete && c.after.is_wholly_known() && declared(name)) {
        if c.after.is_null() {
            prior.outputs.remove(name);
        } else {
            prior.outputs.insert(name.clone(), OutputValue { value: c.after.clone(), sensitive: c.sensitive });
        }
    }
    prior.checks = Vec::new();
    prior
}
