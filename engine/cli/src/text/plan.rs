//! A plan, a state and outputs, as a person reads them.

use secstack_base::{Addr, Marks, Mode, Value};
use secstack_eval::Schemas;
use secstack_plan::{Action, Change, OutputChange, Plan, PlanMode};
use secstack_run::ProviderSet;
use secstack_state::model::{InstanceState, Snapshot};

use super::change::change;
use super::delta::{Delta, Mark};
use super::style::{Colour, Style};
use super::value::{key, literal};

/// The plan: first how much of what, then each change.
pub fn plan(p: &Plan, providers: &ProviderSet, style: Style) -> String {
    let mut out = String::new();
    drift(p, providers, style, &mut out);
    let changes: Vec<&Change> =
        p.changes.iter().filter(|c| c.action != Action::NoOp || c.importing.is_some() || c.previous.is_some()).collect();
    let outputs = outputs_changes(p, style);
    if changes.is_empty() && outputs.is_empty() {
        out.push_str(&nothing(p, style));
        return out;
    }
    if changes.is_empty() {
        out.push_str(&outputs);
        out.push_str("\nYou can apply this plan to save these new output values to the state, without changing any real infrastructure.\n");
        return out;
    }
    out.push_str(&format!("{}\n\n", style.paint(Colour::Bold, &changes_summary(p))));
    out.push_str(&overview(&changes, style));
    out.push('\n');
    for c in changes {
        let schema = providers.resource(&c.provider.provider, c.addr.mode(), c.addr.ty());
        out.push_str(&change(c, schema.as_deref().map(|s| &s.block), style));
        out.push('\n');
    }
    out.push_str(&format!("{}\n", style.paint(Colour::Bold, &changes_summary(p))));
    out.push_str(&outputs);
    out
}

/// `Plan: 4 to add, 1 to change, 0 to destroy.`
pub fn changes_summary(p: &Plan) -> String {
    let s = p.summary();
    let import = if s.import > 0 { format!("{} to import, ", s.import) } else { String::new() };
    let forget = if s.forget > 0 { format!(", {} to forget", s.forget) } else { String::new() };
    format!("Plan: {import}{} to add, {} to change, {} to destroy{forget}.", s.add, s.change, s.remove)
}

const GROUPS: [(Action, &str, Colour); 7] = [
    (Action::DeleteThenCreate, "-/+ replace (delete first)", Colour::Red),
    (Action::CreateThenDelete, "+/- replace (create first)", Colour::Red),
    (Action::Delete, "  - destroy", Colour::Red),
    (Action::Update, "  ~ change", Colour::Yellow),
    (Action::Create, "  + create", Colour::Green),
    (Action::Read, " <= read", Colour::Cyan),
    (Action::Forget, "  . forget", Colour::Dim),
];

/// The addresses by action, the dangerous ones first. Long lists are shortened.
fn overview(changes: &[&Change], style: Style) -> String {
    const MOST: usize = 12;
    let mut out = String::new();
    for (action, words, colour) in GROUPS {
        let addrs: Vec<&Addr> = changes.iter().filter(|c| c.action == action).map(|c| &c.addr).collect();
        if addrs.is_empty() {
            continue;
        }
        out.push_str(&format!("{} ({})\n", style.paint(colour, words), addrs.len()));
        for a in addrs.iter().take(MOST) {
            out.push_str(&format!("      {a}\n"));
        }
        if addrs.len() > MOST {
            out.push_str(&format!("      ... and {} more\n", addrs.len() - MOST));
        }
    }
    out
}

fn nothing(p: &Plan, style: Style) -> String {
    let text = match p.mode {
        PlanMode::Destroy => "No changes. No objects need to be destroyed.",
        PlanMode::RefreshOnly if !p.drift.is_empty() => {
            return "This is a refresh-only plan, so nothing is changed to undo these. If you apply this plan, the state is brought up to date with them.\n".into();
        }
        _ => "No changes. Your infrastructure matches the configuration.",
    };
    format!("{}\n", style.paint(Colour::Green, text))
}

/// What changed outside: all of it in a refresh-only plan, otherwise what belongs to objects that change.
fn drift(p: &Plan, providers: &ProviderSet, style: Style, out: &mut String) {
    let matters = |c: &&Change| {
        let touched = || p.changes.iter().any(|x| x.addr == c.addr && x.action != Action::NoOp);
        c.action != Action::NoOp && (p.mode == PlanMode::RefreshOnly || c.action == Action::Delete || touched())
    };
    let shown: Vec<&Change> = p.drift.iter().filter(matters).collect();
    if shown.is_empty() {
        return;
    }
    out.push_str(&format!("{}\n\n", style.paint(Colour::Bold, "Objects have changed outside of secstack since the last apply:")));
    for c in shown {
        let schema = providers.resource(&c.provider.provider, c.addr.mode(), c.addr.ty());
        let words = if c.action == Action::Delete { "has been deleted" } else { "has changed" };
        let text = change(c, schema.as_deref().map(|s| &s.block), style);
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        out.push_str(&format!("  {} {words}\n{rest}\n", style.paint(Colour::Bold, &format!("# {}", c.addr))));
    }
}

fn outputs_changes(p: &Plan, style: Style) -> String {
    let shown: Vec<(&secstack_base::Str, &OutputChange)> = p.outputs.iter().filter(|(_, o)| o.action != Action::NoOp).collect();
    if shown.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", style.paint(Colour::Bold, "Changes to Outputs:"));
    let width = shown.iter().map(|(n, _)| key(n).chars().count()).max().unwrap_or(0);
    let delta = Delta { style, forces: &[] };
    for (name, o) in shown {
        let hide = |v: &Value| if o.sensitive { v.clone().mark(Marks::SENSITIVE) } else { v.clone() };
        let (before, after) = (hide(&o.before), hide(&o.after));
        let sign = match o.action {
            Action::Create => Mark::Added,
            Action::Delete => Mark::Removed,
            _ => Mark::Changed,
        };
        out.push_str(&format!(
            "  {} {:<width$} = {}\n",
            sign.sign(style),
            key(name),
            delta.value(Some(&before), Some(&after), &secstack_base::Path::root(), 4)
        ));
    }
    out
}

/// The outputs of a state, one a line or block.
pub fn outputs(state: &Snapshot) -> String {
    let width = 0;
    let one = |(name, o): (&secstack_base::Str, &secstack_state::model::OutputValue)| {
        let value = if o.sensitive { "<sensitive>".to_string() } else { crate::repl::format(&o.value, 0) };
        format!("{name:<width$} = {value}\n")
    };
    state.outputs.iter().map(one).collect()
}

/// The wanted objects of a state as blocks of the language.
pub fn state_show(state: &Snapshot, providers: &ProviderSet, wanted: impl Fn(&Addr, &InstanceState) -> bool, style: Style) -> String {
    let mut out = String::new();
    for (addr, provider, instance) in state.instances() {
        if !wanted(&addr, instance) {
            continue;
        }
        let deposed = instance.deposed.iter().map(|(k, o)| (Some(k), o));
        for (key, object) in instance.current.iter().map(|o| (None, o)).chain(deposed) {
            let schema = providers.resource(&provider.provider, addr.mode(), addr.ty());
            let value =
                schema.as_ref().and_then(|s| object.decode(&s.block.ty()).ok().map(|v| secstack_plan::diff::mark_sensitive(&s.block, &v)));
            let value = value.or_else(|| object.decode_implied().ok()).unwrap_or(Value::NULL);
            let note = key.map(|k| format!(" (deposed {k})")).unwrap_or_default();
            let tainted = if object.tainted { " (tainted)" } else { "" };
            out.push_str(&format!("{}\n", style.paint(Colour::Bold, &format!("# {addr}:{note}{tainted}"))));
            let keyword = if addr.mode() == Mode::Data { "data" } else { "resource" };
            out.push_str(&format!("{keyword} {:?} {:?} {{\n", addr.ty(), &*addr.resource.name.name));
            let shown: Vec<_> = value.as_map().into_iter().flatten().filter(|(_, v)| !v.is_null()).collect();
            let width = shown.iter().map(|(k, _)| k.chars().count()).max().unwrap_or(0);
            for (k, v) in shown {
                out.push_str(&format!("    {k:<width$} = {}\n", literal(v, 4)));
            }
            out.push_str("}\n\n");
        }
    }
    out
}
