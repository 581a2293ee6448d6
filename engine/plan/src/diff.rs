//! What becomes of one object: prior object and arguments to planned object and action.
//!
//! The planned object is the arguments, with the prior object or the unknown where the provider
//! chooses. Marks are no part of the comparison; they are put back at the end, where the arguments
//! had them.

use secstack_base::schema::{Attribute, Block, Draft, ForcesNew, NestedBlock, Nesting, Schema};
use secstack_base::{Data, Diags, Marks, Path, Step, Str, Type, Value};
use secstack_lang::ast::{Traversal, TraversalStep};
use secstack_lang::module::IgnoreChanges;

use crate::legacy;

/// What planning one object gave.
#[derive(Clone, Debug)]
pub struct Diff {
    /// The planned object, marked.
    pub planned: Value,
    /// The planned object differs from the prior one, marks aside.
    pub changed: bool,
    /// The arguments whose change needs a new object. Empty for a create.
    pub replace: Vec<Path>,
}

/// What planning one object takes.
pub struct Change<'a> {
    /// The schema of the type.
    pub schema: &'a Schema,
    /// The prior object without marks, if there is one that lives on.
    pub prior: Option<&'a Value>,
    /// The arguments, marked.
    pub config: &'a Value,
    /// The provider's adjustment.
    pub hook: &'a dyn Fn(&mut Draft) -> Diags,
}

/// Plans one object.
pub fn diff(change: &Change<'_>, diags: &mut Diags) -> Diff {
    let marks = marked_paths(change.config);
    let config = change.config.unmark_deep(Marks::ALL);
    let schema = change.schema;
    let style = if schema.legacy { Style::Legacy } else { Style::Current };
    let planned = block_value(&schema.block, change.prior, &config, style);
    let mut draft = Draft { prior: change.prior.cloned(), config, planned, replace: Vec::new() };
    diags.extend((change.hook)(&mut draft));
    let mut replace = std::mem::take(&mut draft.replace);
    let mut changed = true;
    if let Some(prior) = change.prior {
        if schema.legacy && legacy::is_no_change(&schema.block, prior, &draft.planned) {
            draft.planned = prior.clone();
        }
        changed = !prior.same_unmarked(&draft.planned);
        if changed {
            forced_block(&schema.block, prior, &draft.planned, &Path::root(), &mut replace);
        } else {
            replace.clear();
        }
    }
    replace.sort();
    replace.dedup();
    let planned = strip_write_only(&schema.block, &draft.planned);
    Diff { planned: mark_paths(&planned, &marks), changed, replace }
}

/// The arguments with those that are ignored taken from the prior object.
pub fn ignore(config: &Value, prior: Option<&Value>, ignored: &IgnoreChanges, schema: &Block) -> Value {
    let Some(prior) = prior else { return config.clone() };
    match ignored {
        IgnoreChanges::None => config.clone(),
        IgnoreChanges::All => ignore_all(config, prior, schema),
        IgnoreChanges::Some(list) => list.iter().fold(config.clone(), |value, t| {
            let mut steps = vec![Step::Attr(t.root.clone())];
            steps.extend(ignored_steps(t));
            if keys_no_map(prior, &steps) {
                // Only maps are looked into by key. Of anything else the last key is left out, and the whole is meant.
                steps.pop();
            }
            take_from(&value, prior, &steps)
        }),
    }
}

fn ignored_steps(t: &Traversal) -> impl Iterator<Item = Step> + '_ {
    t.steps.iter().filter_map(|s| match s {
        TraversalStep::Attr(n, _) => Some(Step::Attr(n.clone())),
        TraversalStep::Index(v, _) => match &v.data {
            Data::String(s) => Some(Step::Key(s.clone())),
            Data::Number(n) => n.to_i64().and_then(|n| usize::try_from(n).ok()).map(Step::Index),
            _ => None,
        },
    })
}

fn ignore_all(config: &Value, prior: &Value, schema: &Block) -> Value {
    config.map_parts(|step, given| {
        let Step::Attr(name) = &step else { return given.clone() };
        let old = prior.get(name).cloned().unwrap_or_else(|| given.clone());
        match schema.attribute(name) {
            Some(a) if !a.presence.is_configurable() => given.clone(),
            _ => old,
        }
    })
}

/// `value` with the part at `steps` taken from `prior`. A key that only one of them has is taken or dropped.
/// Whether the last step is a key, and of something else than a map.
fn keys_no_map(prior: &Value, steps: &[Step]) -> bool {
    let Some((Step::Key(_), rest)) = steps.split_last() else { return false };
    !prior.at(&Path(rest.to_vec())).is_none_or(|v| matches!(v.data, Data::Map(..) | Data::Null(Type::Map(_))))
}

fn take_from(value: &Value, prior: &Value, steps: &[Step]) -> Value {
    let Some((first, rest)) = steps.split_first() else { return prior.clone().mark(value.marks) };
    if matches!(first, Step::Key(_)) && matches!(value.data, Data::Object(..)) {
        return value.clone();
    }
    let (Step::Attr(name) | Step::Key(name)) = first else {
        let Step::Index(i) = first else { return value.clone() };
        let Some(old) = prior.as_slice().and_then(|p| p.get(*i)) else { return value.clone() };
        return value.map_parts(|step, v| if step == *first { take_from(v, old, rest) } else { v.clone() });
    };
    let old = prior.get(name);
    if let (Data::Null(Type::Map(_)) | Data::Map(..), true) = (&value.data, rest.is_empty()) {
        return take_key(value, name, old);
    }
    match (value.get(name), old) {
        (Some(v), Some(old)) => value.with(name, take_from(v, old, rest)),
        _ => value.clone(),
    }
}

fn take_key(map: &Value, name: &Str, old: Option<&Value>) -> Value {
    let mut entries = map.as_map().cloned().unwrap_or_default();
    match old {
        Some(v) => entries.insert(name.clone(), v.clone()),
        None => entries.remove(name),
    };
    let ty = map.ty();
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    if entries.is_empty() && map.is_null() {
        return map.clone();
    }
    Value::map(element, entries).mark(map.marks)
}

/// The framework that a provider is built on, as far as it shows in plans.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Values are as they are.
    Current,
    /// The older one, which tells null from empty only in part and knows all of a set or map, or nothing of it.
    Legacy,
    /// The older one, inside a set: what is not given is empty there.
    LegacyInSet,
}

/// The planned value of a block: each attribute and each nested block by its rule.
fn block_value(schema: &Block, prior: Option<&Value>, config: &Value, style: Style) -> Value {
    if !matches!(config.data, Data::Object(_)) {
        return config.clone();
    }
    let part = |v: Option<&Value>, name: &str| v.and_then(|v| v.get(name)).cloned();
    let attrs = schema.attributes.iter().map(|a| {
        let given = part(Some(config), &a.name).unwrap_or_else(|| Value::null(a.ty.clone()));
        let old = part(prior, &a.name);
        (a.name.clone(), attribute_value(a, prior.is_some(), old.as_ref(), given, style))
    });
    let blocks = schema.blocks.iter().map(|b| {
        let given = part(Some(config), &b.name).unwrap_or_else(|| b.empty_value());
        (b.name.clone(), nested_value(b, prior.is_some(), part(prior, &b.name).as_ref(), &given, style))
    });
    Value::object(attrs.chain(blocks))
}

fn attribute_value(a: &Attribute, exists: bool, prior: Option<&Value>, given: Value, style: Style) -> Value {
    let is_legacy = style != Style::Current;
    let given = if is_legacy { legacy::taken(a, prior, given) } else { given };
    if !given.is_null() {
        return match (a.same, prior) {
            (Some(same), Some(old)) if given.is_wholly_known() && !old.is_null() && same(old, &given) => old.clone(),
            _ => given,
        };
    }
    if let Some(default) = &a.default {
        return default.clone();
    }
    match prior {
        Some(old) if a.presence.is_computed() => old.clone(),
        None if a.presence.is_computed() && !exists => Value::unknown(a.ty.clone()),
        Some(old) if is_legacy && old.is_zero() => old.clone(),
        // What is taken away leaves an empty collection behind.
        Some(old) if is_legacy && !old.is_null() && !a.ty.is_primitive() => Value::zero(&a.ty).unwrap_or(given),
        None if style == Style::LegacyInSet && !exists && !matches!(a.ty, Type::Bool | Type::Number) => Value::zero(&a.ty).unwrap_or(given),
        _ => given,
    }
}

fn nested_value(b: &NestedBlock, exists: bool, prior: Option<&Value>, given: &Value, style: Style) -> Value {
    if given.is_unknown() {
        return given.clone();
    }
    let nothing = given.is_null() || given.parts().next().is_none() && b.nesting != Nesting::Single && b.nesting != Nesting::Group;
    if nothing && b.computed {
        return match prior {
            Some(old) => old.clone(),
            None if !exists => Value::unknown(b.ty()),
            None => given.clone(),
        };
    }
    match b.nesting {
        Nesting::Single | Nesting::Group if given.is_null() => given.clone(),
        Nesting::Single | Nesting::Group => block_value(&b.block, prior.filter(|p| !p.is_null()), given, style),
        Nesting::List | Nesting::Map => given.map_parts(|step, v| {
            let old = prior.and_then(|p| p.at(&Path(vec![step])));
            block_value(&b.block, old, v, style)
        }),
        Nesting::Set => {
            let style = if style == Style::Current { style } else { Style::LegacyInSet };
            let mut left: Vec<&Value> = prior.and_then(Value::as_slice).unwrap_or_default().iter().collect();
            given.map_parts(|_, v| {
                let twin = left.iter().position(|old| is_twin(&b.block, old, v));
                let old = twin.map(|i| left.swap_remove(i));
                block_value(&b.block, old, v, style)
            })
        }
    }
}

/// Whether a prior element of a set is the one that an element of the configuration asks for: equal in all that is configured.
fn is_twin(schema: &Block, prior: &Value, config: &Value) -> bool {
    let attrs = schema.attributes.iter().all(|a| match (prior.get(&a.name), config.get(&a.name)) {
        (Some(old), Some(new)) if new.is_null() => {
            a.presence.is_computed() || old.is_null() || old.is_zero() || a.default.as_ref().is_some_and(|d| d.same(old))
        }
        (Some(old), Some(new)) => old.same_unmarked(new),
        _ => false,
    });
    attrs
        && schema.blocks.iter().all(|b| match (prior.get(&b.name), config.get(&b.name)) {
            (Some(old), Some(new)) => {
                let (olds, news): (Vec<_>, Vec<_>) = (old.parts().collect(), new.parts().collect());
                olds.len() == news.len() && olds.iter().zip(&news).all(|(o, n)| is_twin(&b.block, o, n))
            }
            _ => false,
        })
}

/// Finds what needs a new object, given that prior and planned differ.
fn forced_block(schema: &Block, prior: &Value, planned: &Value, path: &Path, out: &mut Vec<Path>) {
    for a in &schema.attributes {
        let (Some(old), Some(new)) = (prior.get(&a.name), planned.get(&a.name)) else { continue };
        if !old.same_unmarked(new) && forces(a.forces_new, old, new) {
            out.push(path.then(Step::Attr(a.name.clone())));
        }
    }
    for b in &schema.blocks {
        let (Some(old), Some(new)) = (prior.get(&b.name), planned.get(&b.name)) else { continue };
        if !old.same_unmarked(new) {
            forced_nested(b, old, new, &path.then(Step::Attr(b.name.clone())), out);
        }
    }
}

fn forced_nested(b: &NestedBlock, old: &Value, new: &Value, path: &Path, out: &mut Vec<Path>) {
    let count = |v: &Value| if v.is_null() { 0 } else { v.parts().count() };
    if (new.is_unknown() || count(old) != count(new)) && forces(b.forces_new, old, new) {
        out.push(path.clone());
        return;
    }
    match b.nesting {
        Nesting::Single | Nesting::Group => forced_block(&b.block, old, new, path, out),
        Nesting::Set => {
            if forces_any(&b.block) {
                out.push(path.clone());
            }
        }
        Nesting::List => {
            let (olds, news) = (old.as_slice().unwrap_or_default(), new.as_slice().unwrap_or_default());
            for (i, (o, n)) in olds.iter().zip(news).enumerate() {
                forced_block(&b.block, o, n, &path.then(Step::Index(i)), out);
            }
            let empty = b.block.empty_value();
            for (i, n) in news.iter().enumerate().skip(olds.len()) {
                forced_block(&b.block, &empty, n, &path.then(Step::Index(i)), out);
            }
            for (i, o) in olds.iter().enumerate().skip(news.len()) {
                forced_block(&b.block, o, &empty, &path.then(Step::Index(i)), out);
            }
        }
        Nesting::Map => {
            for (key, n) in new.as_map().into_iter().flatten() {
                if let Some(o) = old.get(key) {
                    forced_block(&b.block, o, n, &path.then(Step::Key(key.clone())), out);
                }
            }
        }
    }
}

fn forces_any(schema: &Block) -> bool {
    schema.attributes.iter().any(|a| matches!(a.forces_new, ForcesNew::Always)) || schema.blocks.iter().any(|b| forces_any(&b.block))
}

fn forces(rule: ForcesNew, old: &Value, new: &Value) -> bool {
    match rule {
        ForcesNew::Never => false,
        ForcesNew::Always => true,
        ForcesNew::If(f) => f(old, new),
    }
}

/// Write-only attributes never appear in a plan or a state: they are null there.
fn strip_write_only(schema: &Block, value: &Value) -> Value {
    if !schema.attributes.iter().any(|a| a.write_only) {
        return value.clone();
    }
    schema.attributes.iter().filter(|a| a.write_only).fold(value.clone(), |v, a| v.with(&a.name, Value::null(a.ty.clone())))
}

/// The places in a value that carry marks, outermost first.
pub fn marked_paths(value: &Value) -> Vec<(Path, Marks)> {
    fn walk(v: &Value, path: &Path, out: &mut Vec<(Path, Marks)>) {
        if !v.marks.is_none() {
            out.push((path.clone(), v.marks));
        }
        match &v.data {
            Data::Object(m) => m.iter().for_each(|(k, v)| walk(v, &path.then(Step::Attr(k.clone())), out)),
            Data::Map(_, m) => m.iter().for_each(|(k, v)| walk(v, &path.then(Step::Key(k.clone())), out)),
            Data::List(_, vs) | Data::Tuple(vs) => vs.iter().enumerate().for_each(|(i, v)| walk(v, &path.then(Step::Index(i)), out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    if !value.deep_marks().is_none() {
        walk(value, &Path::root(), &mut out);
    }
    out
}

/// The value with marks put at the given places. Where a place does not exist, the nearest part around it is marked.
pub fn mark_paths(value: &Value, marks: &[(Path, Marks)]) -> Value {
    marks.iter().fold(value.clone(), |v, (path, marks)| mark_at(&v, &path.0, *marks))
}

fn mark_at(value: &Value, steps: &[Step], marks: Marks) -> Value {
    let Some((first, rest)) = steps.split_first() else { return value.clone().mark(marks) };
    if value.at(&Path(vec![first.clone()])).is_none() {
        return match value.data {
            Data::Null(_) => value.clone(),
            _ => value.clone().mark(marks),
        };
    }
    if let (Step::Attr(name) | Step::Key(name), Some(inner)) = (first, first_part(value, first)) {
        return value.with(name, mark_at(inner, rest, marks));
    }
    value.map_parts(|step, v| if step == *first { mark_at(v, rest, marks) } else { v.clone() })
}

fn first_part<'a>(value: &'a Value, step: &Step) -> Option<&'a Value> {
    match step {
        Step::Attr(name) | Step::Key(name) => value.get(name),
        Step::Index(_) => None,
    }
}

/// Marks what the schema declares sensitive.
pub fn mark_sensitive(schema: &Block, value: &Value) -> Value {
    if !has_sensitive(schema) || !matches!(value.data, Data::Object(_)) {
        return value.clone();
    }
    let mut out = value.clone();
    for a in schema.attributes.iter().filter(|a| a.sensitive) {
        if let Some(v) = value.get(&a.name) {
            out = out.with(&a.name, v.clone().mark(Marks::SENSITIVE));
        }
    }
    for b in schema.blocks.iter().filter(|b| has_sensitive(&b.block)) {
        if let Some(v) = value.get(&b.name) {
            let marked = match b.nesting {
                Nesting::Single | Nesting::Group => mark_sensitive(&b.block, v),
                _ => v.map_parts(|_, e| mark_sensitive(&b.block, e)),
            };
            out = out.with(&b.name, marked);
        }
    }
    out
}

fn has_sensitive(schema: &Block) -> bool {
    schema.attributes.iter().any(|a| a.sensitive) || schema.blocks.iter().any(|b| has_sensitive(&b.block))
}

/// The planned object of a data source whose read waits for apply: what the provider computes is unknown.
pub fn data_placeholder(schema: &Block, config: &Value) -> Value {
    block_value(schema, None, config, Style::Current)
}
