//! Plans, values and states as short text that a person can check.

use secstack_base::schema::Block;
use secstack_base::{Data, Mode, Path, Value};
use secstack_eval::Schemas;
use secstack_plan::{Action, Change, Plan, Reason};
use secstack_run::ProviderSet;
use secstack_state::model::{Object, Snapshot};

/// A plan: a line for each object that changes, moves or drifted, and for each output that changes.
pub fn plan(plan: &Plan, providers: &ProviderSet) -> String {
    let mut out = String::new();
    for c in &plan.drift {
        let (_, parts) = changed(c, providers);
        out.push_str(&format!("drift {}  {}\n", c.addr, if c.after.is_null() { "(gone)".into() } else { parts.join(", ") }));
    }
    for c in &plan.changes {
        if c.action != Action::NoOp || c.importing.is_some() || c.previous.is_some() {
            out.push_str(&change(c, providers));
        }
    }
    for (name, o) in plan.outputs.iter().filter(|(_, o)| o.action != Action::NoOp) {
        let show = |v: &Value, secret| if secret { "(sensitive)".into() } else { top(v) };
        let sign = sign(o.action);
        let (before, after) = (show(&o.before, o.before_sensitive), show(&o.after, o.sensitive));
        out.push_str(&match o.action {
            Action::Create => format!("{sign} output {name}: {after}\n"),
            Action::Delete => format!("{sign} output {name}\n"),
            _ => format!("{sign} output {name}: {before} -> {after}\n"),
        });
    }
    if out.is_empty() { "(no changes)\n".into() } else { out }
}

fn sign(action: Action) -> &'static str {
    match action {
        Action::NoOp => " = ",
        Action::Create => " + ",
        Action::Read => " <=",
        Action::Update => " ~ ",
        Action::Delete => " - ",
        Action::DeleteThenCreate => "-/+",
        Action::CreateThenDelete => "+/-",
        Action::Forget => " . ",
    }
}

fn change(c: &Change, providers: &ProviderSet) -> String {
    let mut line = format!("{} {}", sign(c.action), c.addr);
    if c.deposed.is_some() {
        line.push_str(" (deposed)");
    }
    if let Some(from) = &c.previous {
        line.push_str(&format!(" (moved from {from})"));
    }
    if let Some(id) = &c.importing {
        line.push_str(&format!(" (import {id})"));
    }
    if !matches!(c.action, Action::Delete | Action::Forget | Action::NoOp) {
        let (_, parts) = changed(c, providers);
        if !parts.is_empty() {
            line.push_str(&format!("  {}", parts.join(", ")));
        }
    }
    if let Some(reason) = c.reason.filter(|r| *r != Reason::ReplaceBecauseCannotUpdate) {
        line.push_str(&format!("  # {}", reason.word()));
    }
    line.push('\n');
    line
}

/// What differs between before and after, attribute by attribute.
fn changed(c: &Change, providers: &ProviderSet) -> (bool, Vec<String>) {
    let schema = providers.resource(&c.provider.provider, c.addr.mode(), c.addr.ty());
    let empty = Block::default();
    let block = schema.as_ref().map_or(&empty, |s| &s.block);
    let none = std::collections::BTreeMap::new();
    let before = c.before.as_map().unwrap_or(&none);
    let after = c.after.as_map().unwrap_or(&none);
    let fresh = c.before.is_null() || c.action.is_replace();
    let mut parts = Vec::new();
    let null = Value::NULL;
    for (name, new) in after {
        let old = before.get(name).unwrap_or(&null);
        let attribute = block.attribute(name);
        let by_provider = attribute.is_some_and(|a| !a.presence.is_configurable());
        let forces = c.replace_paths.iter().any(|p| Path::attr(name.clone()).contains(p));
        if (by_provider && new.is_unknown() && fresh && !forces) || (is_nothing(old) && is_nothing(new)) {
            continue;
        }
        if old.same(new) {
            continue;
        }
        let secret = attribute.is_some_and(|a| a.sensitive);
        let show = |v: &Value| if secret && !is_nothing(v) { "(sensitive)".to_string() } else { top(v) };
        let forces = if forces { " (forces new)" } else { "" };
        parts.push(if c.before.is_null() {
            format!("{name}: {}{forces}", show(new))
        } else {
            format!("{name}: {} -> {}{forces}", show(old), show(new))
        });
    }
    (fresh, parts)
}

fn is_nothing(v: &Value) -> bool {
    v.is_null() || (matches!(v.data, Data::List(..) | Data::Set(..)) && v.parts().next().is_none())
}

fn top(v: &Value) -> String {
    if v.is_unknown() && !v.is_sensitive() { "(known after apply)".into() } else { value(v) }
}

/// A value, short: `?` is unknown, nulls of objects are left out, sensitive parts are hidden.
pub fn value(v: &Value) -> String {
    if v.is_sensitive() {
        return "(sensitive)".into();
    }
    let list = |vs: &[Value]| vs.iter().map(value).collect::<Vec<_>>().join(", ");
    match &v.data {
        Data::Null(_) => "null".into(),
        Data::Unknown(..) => "?".into(),
        Data::Bool(b) => b.to_string(),
        Data::Number(n) => n.to_string(),
        Data::String(s) => text(s),
        Data::List(_, vs) | Data::Tuple(vs) | Data::Set(_, vs) => format!("[{}]", list(vs)),
        Data::Map(_, m) | Data::Object(m) => {
            let is_object = matches!(v.data, Data::Object(_));
            let members = m.iter().filter(|(_, v)| !is_object || !is_nothing(v));
            format!("{{{}}}", members.map(|(k, v)| format!("{}={}", text(k), value(v))).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Text as it is where it cannot be taken for anything else, otherwise quoted.
fn text(s: &str) -> String {
    let plain = s.chars().all(|c| c.is_ascii_alphanumeric() || "_./:-@".contains(c));
    let is_other = matches!(s, "" | "null" | "true" | "false") || s.starts_with(|c: char| c.is_ascii_digit()) && s.parse::<f64>().is_ok();
    if plain && !is_other { s.into() } else { secstack_base::addr::quote(s) }
}

/// A state: a line for each object, as the section `state` has it, without what the cloud fills in.
pub fn state(state: &Snapshot, providers: &ProviderSet) -> String {
    let mut out = String::new();
    for (addr, provider, instance) in state.instances() {
        let schema = providers.resource(&provider.provider, addr.mode(), addr.ty());
        let Some(schema) = schema else { continue };
        let current = instance.current.iter().map(|o| (o, ""));
        for (object, deposed) in current.chain(instance.deposed.values().map(|o| (o, " deposed"))) {
            out.push_str(&format!("{addr}  {}{deposed}\n", stored(object, &schema.block, addr.mode())));
        }
    }
    out
}

fn stored(object: &Object, block: &Block, mode: Mode) -> String {
    let Ok(whole) = object.decode(&block.ty()) else { return "(unreadable)".into() };
    let whole = secstack_plan::diff::mark_sensitive(block, &whole);
    let mut parts = vec![whole.get_str("id").unwrap_or("(no id)").to_string()];
    for (name, v) in whole.as_map().into_iter().flatten() {
        let by_provider = block.attribute(name).is_some_and(|a| !a.presence.is_configurable());
        if !is_nothing(v) && (!by_provider || mode == Mode::Data && &**name != "id") {
            parts.push(format!("{name}={}", value(v)));
        }
    }
    if !object.dependencies.is_empty() {
        parts.push(format!("deps={}", object.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")));
    }
    parts.extend(object.create_before_destroy.then(|| "create_first".into()));
    parts.extend(object.tainted.then(|| "tainted".into()));
    parts.join(" ")
}

/// What was changed outside, one finding a line, then what was left out.
pub fn drift(d: &secstack_run::drift::Drift) -> String {
    let mut out = String::new();
    for f in &d.findings {
        let severity = f.severity().map(|s| format!("{s} ")).unwrap_or_default();
        let what = match &f.unmanaged {
            Some(u) => format!(": {} {}", u.ty, u.text),
            None => f.attributes.iter().map(|a| format!(" {a}")).collect(),
        };
        let weak: String = f.weaknesses.iter().map(|w| format!(" ({})", w.text)).collect();
        out.push_str(&format!("{severity}{} {}{what}{weak}\n", f.kind.word(), f.addr));
    }
    let left_out = [(d.computed, "computed"), (d.ignored, "ignored")];
    left_out.iter().filter(|(n, _)| *n > 0).for_each(|(n, what)| out.push_str(&format!("{what}: {n}\n")));
    d.warnings.iter().for_each(|w| out.push_str(&format!("warning: {}\n", w.detail)));
    out.push_str(&format!("compared: {}\n", d.compared));
    out
}
