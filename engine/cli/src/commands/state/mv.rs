//! Moving objects from one address to another.

use secstack_base::addr::{ResourceAddr, Target};
use secstack_base::{Addr, Diagnostic, InstanceKey, ModuleAddr};
use secstack_state::Snapshot;

type Moved = Vec<(String, String)>;

/// Moves what `from` names to `to`. Returns what moved where, in words.
pub fn apply(s: &mut Snapshot, from: &Target, to: &Target) -> Result<Moved, Diagnostic> {
    match (from, to) {
        (Target::Module(a), Target::Module(b)) => module(s, a, b),
        (Target::Resource(a), Target::Resource(b)) => resource(s, a, b),
        (Target::Instance(a), Target::Instance(b)) => instance(s, a, b),
        (Target::Instance(a), Target::Resource(b)) => instance(s, a, &b.instance(InstanceKey::None)),
        (Target::Resource(a), Target::Instance(b)) => instance(s, &a.instance(InstanceKey::None), b),
        _ => Err(refuse(format!("Cannot move {from} to {to}: a module moves to a module, and a resource to a resource."))),
    }
}

fn refuse(what: String) -> Diagnostic {
    Diagnostic::error("Invalid target address", what)
}

fn nothing(at: &dyn std::fmt::Display) -> Diagnostic {
    refuse(format!("Cannot move {at}: does not match anything in the current state."))
}

fn taken(at: &dyn std::fmt::Display) -> Diagnostic {
    refuse(format!("Cannot move to {at}: there is already something in the current state at that address."))
}

fn check_kind(a: &ResourceAddr, b: &ResourceAddr) -> Result<(), Diagnostic> {
    if a.name.mode == b.name.mode && a.name.ty == b.name.ty {
        return Ok(());
    }
    Err(refuse(format!("Cannot move {a} to {b}: the resource types do not match.")))
}

fn module(s: &mut Snapshot, from: &ModuleAddr, to: &ModuleAddr) -> Result<Moved, Diagnostic> {
    let inside: Vec<ResourceAddr> = s.resources.keys().filter(|r| from.contains(&r.module)).cloned().collect();
    if inside.is_empty() {
        return Err(nothing(from));
    }
    if s.resources.keys().any(|r| to.contains(&r.module) && !from.contains(&r.module)) {
        return Err(taken(to));
    }
    for old in inside {
        let rest = old.module.0.iter().skip(from.0.len()).cloned();
        let module = ModuleAddr(to.0.iter().cloned().chain(rest).collect());
        let new = ResourceAddr { module, name: old.name.clone() };
        if let Some(state) = s.resources.remove(&old) {
            s.resources.insert(new, state);
        }
    }
    Ok(vec![(from.to_string(), to.to_string())])
}

fn resource(s: &mut Snapshot, from: &ResourceAddr, to: &ResourceAddr) -> Result<Moved, Diagnostic> {
    check_kind(from, to)?;
    if s.resources.contains_key(to) {
        return Err(taken(to));
    }
    let state = s.resources.remove(from).ok_or_else(|| nothing(from))?;
    s.resources.insert(to.clone(), state);
    Ok(vec![(from.to_string(), to.to_string())])
}

fn instance(s: &mut Snapshot, from: &Addr, to: &Addr) -> Result<Moved, Diagnostic> {
    check_kind(&from.resource, &to.resource)?;
    if s.instance(to).is_some() {
        return Err(taken(to));
    }
    let entry = s.instance(from).cloned().ok_or_else(|| nothing(from))?;
    let provider = s.provider(from).cloned().ok_or_else(|| nothing(from))?;
    s.set_instance(from, &provider, Default::default());
    s.set_instance(to, &provider, entry);
    Ok(vec![(from.to_string(), to.to_string())])
}

#[cfg(test)]
mod tests {
    use secstack_state::Object;

    use super::*;

    #[test]
    fn things_move_as_wholes() {
        check("a.x a.y[0] a.y[1] module.m.a.z", "a.x", "a.w", "a.w a.y[0] a.y[1] module.m.a.z");
        check("a.y[0] a.y[1]", "a.y", "module.m.a.y", "module.m.a.y[0] module.m.a.y[1]");
        check("a.y[0]", "a.y[0]", "a.y", "a.y");
        check("a.y", "a.y", "a.y[\"k\"]", "a.y[\"k\"]");
        check("module.m.a.z module.m.module.n.a.z", "module.m", "module.k[1]", "module.k[1].a.z module.k[1].module.n.a.z");
        check("a.x a.y", "a.x", "a.y", "error: Cannot move to a.y: there is already something in the current state at that address.");
        check("a.x", "a.q", "a.y", "error: Cannot move a.q: does not match anything in the current state.");
        check("a.x", "a.x", "b.x", "error: Cannot move a.x to b.x: the resource types do not match.");
    }

    #[track_caller]
    fn check(state: &str, from: &str, to: &str, want: &str) {
        let mut s = Snapshot::new();
        let provider = r#"provider["terraform.io/builtin/terraform"]"#.parse().unwrap();
        for addr in state.split(' ') {
            s.set_current(&addr.parse().unwrap(), &provider, Object::default());
        }
        let got = match apply(&mut s, &from.parse().unwrap(), &to.parse().unwrap()) {
            Ok(_) => s.instances().map(|(a, ..)| a.to_string()).collect::<Vec<_>>().join(" "),
            Err(d) => format!("error: {}", d.detail),
        };
        assert_eq!(got, want);
    }
}
