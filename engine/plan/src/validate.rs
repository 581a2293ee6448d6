//! Checks of arguments that need the schema and known values: conflicts, ranges, unknown types and providers.

use std::collections::BTreeSet;

use secstack_base::diag::{Severity, suggest, suggest_closest};
use secstack_base::schema::{Block, Nesting, Schema};
use secstack_base::{Addr, Diagnostic, Diags, Marks, Mode, Span, Step, Str, Type, Value};
use secstack_eval::graph::resource_provider;
use secstack_eval::world::ModuleFacts;
use secstack_eval::{Config, RepetitionData, Scope};
use secstack_lang::Body;
use secstack_lang::ast::ExprKind;
use secstack_lang::body::Items;
use secstack_lang::module::{IgnoreChanges, Provisioner, Resource};

use crate::deprecated::deprecations;
use crate::managed::{Site, unknown_repetition};
use crate::planner::{Planner, Providers};
use crate::provisioner;

/// The providers that a configuration uses and that do not exist.
pub fn unknown_providers(config: &Config, known: &dyn Providers) -> Diags {
    let mut diags = Diags::new();
    providers(config, known, &mut diags);
    Diags(diags.into_iter().filter(|d| d.summary == UNKNOWN_PROVIDER).collect())
}

const UNKNOWN_PROVIDER: &str = "Unknown provider";

/// Says which providers and resource types do not exist.
pub(crate) fn providers(config: &Config, providers: &dyn Providers, diags: &mut Diags) {
    let mut missing = BTreeSet::new();
    for (ix, m) in config.iter() {
        for p in m.module.providers.values() {
            let addr = config.provider_addr(ix, &p.name);
            if !providers.exists(&addr) && missing.insert(addr.clone()) {
                diags.push(unknown_provider(&addr.to_string(), p.span));
            }
        }
        for (name, r) in &m.module.resources {
            let key = resource_provider(config, ix, name);
            if !providers.exists(&key.provider) {
                if missing.insert(key.provider.clone()) {
                    diags.push(unknown_provider(&key.provider.to_string(), r.span));
                }
                continue;
            }
            if providers.resource(&key.provider, name.mode, &name.ty).is_none() {
                diags.push(unknown_type(providers, &key.provider, r));
            }
        }
    }
}

/// Says which arguments of module calls are missing, or not expected.
pub(crate) fn calls(config: &Config, diags: &mut Diags) {
    for (ix, m) in config.iter() {
        let Some((parent, name)) = &m.parent else { continue };
        let call = &config.module(*parent).module.calls[name];
        let (view, found) = call.body.view(&[]);
        diags.extend(found);
        let variables = &config.module(ix).module.variables;
        for a in view.attributes.iter().filter(|a| !variables.contains_key(&a.name)) {
            let near = suggest(&a.name, variables.keys().map(|v| &**v)).map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
            let what = format!("An argument named {:?} is not expected here.{near}", a.name);
            diags.push(Diagnostic::error("Unsupported argument", what).at(a.name_span));
        }
        for b in view.blocks.iter() {
            let what = format!("Blocks of type {:?} are not expected here.", b.ty);
            diags.push(Diagnostic::error("Unsupported block type", what).at(b.ty_span));
        }
        for v in variables.values().filter(|v| v.default.is_none()) {
            if !view.attributes.iter().any(|a| a.name == v.name) {
                let what = format!("The argument {:?} is required, but no definition was found.", v.name);
                diags.push(Diagnostic::error("Missing required argument", what).at(call.span));
            }
        }
    }
}

fn unknown_provider(addr: &str, span: Span) -> Diagnostic {
    let what = format!("There is no provider {addr} in this program. secstack has its providers built in and downloads none.");
    Diagnostic::error(UNKNOWN_PROVIDER, what).at(span).help("Run `secstack providers` to see which providers there are.")
}

fn unknown_type(providers: &dyn Providers, addr: &secstack_base::ProviderAddr, r: &Resource) -> Diagnostic {
    let ty = &r.name.ty;
    let source = format!("{}/{}", addr.namespace, addr.name);
    let (kind, other) = if r.name.mode == Mode::Data { ("data source", Mode::Managed) } else { ("resource type", Mode::Data) };
    let mut what = format!("The provider {source} does not support {kind} {ty:?}.");
    let names = providers.type_names(addr, r.name.mode);
    if providers.resource(addr, other, ty).is_some() {
        what.push_str(&if other == Mode::Data {
            format!("\n\nDid you intend to use the data source {ty:?}? If so, declare this using a \"data\" block instead of a \"resource\" block.")
        } else {
            format!("\n\nDid you intend to use the managed resource type {ty:?}? If so, declare this using a \"resource\" block instead of a \"data\" block.")
        });
    } else if let Some(near) = suggest_closest(ty, names.iter().map(|n| &**n)) {
        what.push_str(&format!(" Did you mean {near:?}?"));
    }
    let summary = if r.name.mode == Mode::Data { "Invalid data source" } else { "Invalid resource type" };
    Diagnostic::error(summary, what).at(r.type_span)
}

/// Checks the values of arguments, and which may stand together.
pub fn arguments(schema: &Schema, config: &Value, r: &Resource, addr: &Addr, diags: &mut Diags) {
    let about = addr.to_string();
    diags.extend(deprecations(schema, config, &r.body, &about));
    let at = |name: &Str| place(&r.body, &schema.block, &[Step::Attr(name.clone())]);
    let missing = missing_place(&r.body);
    let plain = config.unmark_deep(Marks::ALL);
    checks(&schema.block, &plain, &r.body, &about, diags);
    let set = |name: &Str| {
        plain
            .get(name)
            .is_some_and(|v| !v.is_null() && (!v.as_slice().is_some_and(<[Value]>::is_empty) || schema.block.nested(name).is_none()))
    };
    for group in &schema.conflicts {
        let given: Vec<&Str> = group.iter().filter(|n| set(n)).collect();
        for name in &given {
            for other in given.iter().filter(|o| o != &name) {
                let what = format!("{name:?}: conflicts with {other}", name = &***name);
                diags.push(Diagnostic::error("Conflicting configuration arguments", what).at(at(name)).about(about.clone()));
            }
        }
    }
    let list = |names: &[&Str]| names.iter().map(|n| &***n).collect::<Vec<_>>().join(",");
    for group in &schema.exactly_one {
        let all: Vec<&Str> = group.iter().collect();
        let given: Vec<&Str> = group.iter().filter(|n| set(n)).collect();
        if given.len() == 1 || group.iter().any(|n| plain.get(n).is_some_and(Value::is_unknown)) {
            continue;
        }
        let mut fail = |name: &Str, span, text: String| {
            let what = format!("{:?}: {text}", &**name);
            diags.push(Diagnostic::error("Invalid combination of arguments", what).at(span).about(about.clone()));
        };
        match (&given[..], &all[..]) {
            ([], [name, ..]) => fail(name, missing, format!("one of `{}` must be specified", list(&all))),
            _ => {
                let what = format!("only one of `{}` can be specified, but `{}` were specified.", list(&all), list(&given));
                given.iter().for_each(|name| fail(name, at(name), what.clone()));
                if let Some(other) = all.iter().find(|n| !given.contains(n)) {
                    fail(other, missing, what);
                }
            }
        }
    }
    for group in &schema.at_least_one {
        if !group.iter().any(set) {
            let all: Vec<&Str> = group.iter().collect();
            let what = format!("{:?}: one of `{}` must be specified", group.first().map_or("", |g| g), list(&all));
            diags.push(Diagnostic::error("Missing required argument", what).at(missing).about(about.clone()));
        }
    }
}

/// Runs the checks of the known values of a block. `about` is what they belong to.
pub(crate) fn checks(schema: &Block, plain: &Value, body: &Body, about: &str, diags: &mut Diags) {
    values(schema, plain, &mut Vec::new(), &mut |path, text| {
        diags.push(Diagnostic::error(named(&text, path), "").at(place(body, schema, path)).about(about));
    });
}

/// The text of a check with the name of what it is about in place of `{name}`, or all the names that lead there in place of
/// `{key}`.
fn named(text: &str, path: &[Step]) -> String {
    let word = |s: &Step| match s {
        Step::Attr(n) | Step::Key(n) => n.to_string(),
        Step::Index(i) => i.to_string(),
    };
    let words: Vec<String> = path.iter().map(word).collect();
    let name = path.iter().rev().find(|s| matches!(s, Step::Attr(_))).map(word).unwrap_or_default();
    text.replace("{key}", &words.join(".")).replace("{name}", &name)
}

/// Runs the checks of known values, naming where each is.
fn values(schema: &Block, value: &Value, path: &mut Vec<Step>, fail: &mut dyn FnMut(&[Step], String)) {
    for a in &schema.attributes {
        let Some(v) = value.get(&a.name) else { continue };
        if v.is_null() || !v.is_wholly_known() {
            continue;
        }
        path.push(Step::Attr(a.name.clone()));
        for check in &a.checks {
            let Err(text) = check(v) else { continue };
            // An element of a list has a place of its own.
            let alone = |item: &Value| Value::list(item.ty(), [item.clone()]);
            let index =
                v.as_slice().filter(|_| matches!(a.ty, Type::List(_))).and_then(|s| s.iter().position(|item| check(&alone(item)).is_err()));
            path.extend(index.map(Step::Index));
            fail(path, text);
            path.truncate(path.len() - usize::from(index.is_some()));
        }
        path.pop();
    }
    for b in &schema.blocks {
        let Some(v) = value.get(&b.name) else { continue };
        let items: Vec<&Value> = if v.as_map().is_some() { vec![v] } else { v.parts().collect() };
        for (i, item) in items.into_iter().enumerate() {
            path.extend([Step::Attr(b.name.clone()), Step::Index(i)]);
            values(&b.block, item, path, fail);
            path.truncate(path.len() - 2);
        }
    }
}

/// Where the part of a body stands that a path leads to. What is in a set of blocks has no place of its own.
pub(crate) fn place(body: &Body, schema: &Block, path: &[Step]) -> Span {
    let names: Vec<(&str, usize)> = schema.blocks.iter().map(|b| (&*b.name, 0)).collect();
    let (view, _) = body.view(&names);
    let [Step::Attr(name), rest @ ..] = path else { return missing_place(body) };
    if let Some(a) = view.attributes.iter().find(|a| a.name == *name) {
        return match (&a.expr.kind, rest) {
            (ExprKind::Tuple(items), [Step::Index(i)]) => items.get(*i).map_or(a.expr.span, |item| item.span),
            _ => a.expr.span,
        };
    }
    // A block as a whole has no place of its own either.
    let Some(nested) = schema.nested(name).filter(|_| !rest.is_empty()) else { return missing_place(body) };
    let bodies: Vec<&Body> = view.blocks.iter().filter_map(|b| content(b, name)).collect();
    match (nested.nesting, rest) {
        (Nesting::Set | Nesting::Map, _) => missing_place(body),
        // What a dynamic block gives stands in its content.
        (_, [Step::Index(i), rest @ ..]) => {
            let inner = bodies.get(*i).or(bodies.last());
            inner.map_or_else(|| missing_place(body), |inner| place(inner, &nested.block, rest))
        }
        _ => missing_place(body),
    }
}

/// The content of a block of a type, written out or dynamic.
fn content<'a>(block: &'a secstack_lang::body::Block, ty: &str) -> Option<&'a Body> {
    if &*block.ty == ty {
        return Some(&block.body);
    }
    let is_dynamic = &*block.ty == "dynamic" && block.labels.first().is_some_and(|(label, _)| &**label == ty);
    let Items::Native { blocks, .. } = &block.body.items else { return None };
    blocks.iter().find(|b| is_dynamic && &*b.ty == "content").map(|b| &b.body)
}

/// Where an argument would stand that is not there.
pub(crate) fn missing_place(body: &Body) -> Span {
    Span { end: body.span.start, ..body.span }
}

/// Where an argument stands in a body.
pub(crate) fn argument_span(body: &Body, name: &str) -> Option<Span> {
    let (view, _) = body.view(&[]);
    if let Some(a) = view.attributes.iter().find(|a| &*a.name == name) {
        return Some(a.expr.span);
    }
    view.blocks.iter().find(|b| &*b.ty == name).map(|b| b.span)
}

/// Ephemeral values may only go into write-only arguments.
pub(crate) fn ephemeral(schema: &Block, config: &Value, (addr, body): (&Addr, &Body), diags: &mut Diags) {
    if !config.deep_marks().has(Marks::EPHEMERAL) {
        return;
    }
    for (name, value) in config.as_map().into_iter().flatten() {
        let write_only = schema.attribute(name).is_some_and(|a| a.write_only);
        if value.deep_marks().has(Marks::EPHEMERAL) && !write_only {
            let what = format!(
                "Ephemeral values are not valid for {name:?}, because it is not a write-only attribute and must be persisted to state."
            );
            let found = Diagnostic::error("Invalid use of ephemeral value", what).about(addr.to_string());
            diags.push(found.at_opt(argument_span(body, name)));
        }
    }
}

/// Entries of `ignore_changes` must name something of the schema.
pub(crate) fn ignore_changes(schema: &Schema, r: &Resource, diags: &mut Diags) {
    let IgnoreChanges::Some(list) = &r.lifecycle.ignore_changes else { return };
    for t in list {
        let block = &schema.block;
        if block.attribute(&t.root).is_none() && block.nested(&t.root).is_none() {
            let names = block.attributes.iter().map(|a| &*a.name).chain(block.blocks.iter().map(|b| &*b.name));
            let near = suggest(&t.root, names).map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
            let what = format!("This object has no argument, nested block, or exported attribute named {:?}.{near}", t.root);
            diags.push(Diagnostic::error("Unsupported attribute", what).at(t.span));
        }
        let by_provider = block.attribute(&t.root).is_some_and(|a| !a.presence.is_configurable());
        if by_provider && t.steps.is_empty() {
            let what = format!(
                "Adding an attribute name to ignore_changes tells Terraform to ignore future changes to the argument in configuration after the object has been created, retaining the value originally configured.\n\nThe attribute {} is decided by the provider alone and therefore there can be no configured value to compare with. Including this attribute in ignore_changes has no effect. Remove the attribute from ignore_changes to quiet this warning.",
                t.root
            );
            diags.push(Diagnostic::warning("Redundant ignore_changes element", what).at(r.type_span));
        }
    }
}

/// Evaluates the arguments of provisioners, to find mistakes.
pub(crate) fn provisioners(p: &Planner, site: &Site<'_>, facts: &ModuleFacts, value: &Value, diags: &mut Diags) {
    let r = site.resource;
    let scope = p.world.scope(site.ix, facts, unknown_repetition(r)).with_self(value.clone());
    check_provisioners(&r.provisioners, r.connection.as_ref(), &scope, diags);
}

/// The same for the provisioners of `removed` blocks, whose objects are not known.
pub(crate) fn removed_provisioners(p: &Planner, diags: &mut Diags) {
    for (ix, m) in p.world.config.iter() {
        let Some(facts) = p.world.instances(ix).first().and_then(|module| p.world.facts(ix, module)) else { continue };
        for removed in &m.module.removed {
            let scope = p.world.scope(ix, facts, RepetitionData::default()).with_self(Value::unknown(Type::Dynamic));
            check_provisioners(&removed.provisioners, removed.connection.as_ref(), &scope, diags);
        }
    }
}

fn check_provisioners(list: &[Provisioner], shared: Option<&Body>, scope: &dyn Scope, diags: &mut Diags) {
    let mut found = Diags::new();
    for p in list {
        provisioner::arguments(p, shared, scope, &mut found);
    }
    provisioner::check_connections(list.iter(), shared, scope, Severity::Warning, &mut found);
    // A mistake in the connection of a resource is one of each of its provisioners.
    let mut seen: Vec<Diagnostic> = Vec::new();
    for d in found {
        if !seen.contains(&d) {
            seen.push(d);
        }
    }
    diags.extend(Diags(seen));
}
