//! Whether a snapshot is sound. Runs on every read and every write: a state is valid or is not written.
//!
//! What is not asked for: that a dependency still exists, or that a provider is configured above its
//! resource. Both are outlived by objects, and Terraform leaves them too.

use secstack_base::addr::ResourceName;
use secstack_base::{Addr, InstanceKey, Mode, ModuleAddr, ProviderConfigAddr, ResourceAddr};

use crate::error::{Error, Result};
use crate::json::check_object;
use crate::model::{InstanceState, Object, Snapshot};

/// Checks a whole snapshot.
pub fn check(s: &Snapshot) -> Result<()> {
    let mut problems = Vec::new();
    for (addr, resource) in &s.resources {
        check_resource(addr, &resource.provider, &mut problems);
        if resource.provider.key != InstanceKey::None {
            problems.push(format!("Resource {addr} names an instance of a provider configuration; only its instances can."));
        }
        for (key, instance) in &resource.instances {
            check_objects(addr, key, instance, &mut problems);
        }
    }
    finish(problems)
}

/// Checks what changed of one instance. An empty entry is sound here: the instance is gone.
pub fn check_instance(addr: &Addr, provider: &ProviderConfigAddr, entry: &InstanceState) -> Result<()> {
    let mut problems = Vec::new();
    check_resource(&addr.resource, provider, &mut problems);
    if !entry.is_empty() {
        check_objects(&addr.resource, &addr.key, entry, &mut problems);
    }
    finish(problems)
}

fn finish(problems: Vec<String>) -> Result<()> {
    if problems.is_empty() { Ok(()) } else { Err(Error::Unsound(problems)) }
}

fn check_resource(addr: &ResourceAddr, provider: &ProviderConfigAddr, problems: &mut Vec<String>) {
    if !is_name(&addr.name.ty) || !is_name(&addr.name.name) {
        problems.push(format!("Resource {addr} has an invalid type or name."));
    }
    if addr.name.mode == Mode::Ephemeral {
        problems.push(format!("Resource {addr} is ephemeral and cannot be stored."));
    }
    check_module(&addr.module, addr, problems);
    let parts = [&provider.provider.host, &provider.provider.namespace, &provider.provider.name];
    if parts.iter().any(|p| p.is_empty() || p.contains(['/', '"', ' '])) {
        problems.push(format!("Resource {addr} has an invalid provider address: {provider}."));
    }
}

fn check_module(module: &ModuleAddr, addr: &ResourceAddr, problems: &mut Vec<String>) {
    if module.0.iter().any(|(name, _)| !is_name(name)) {
        problems.push(format!("Resource {addr} is in a module with an invalid name."));
    }
}

fn check_objects(resource: &ResourceAddr, key: &InstanceKey, entry: &InstanceState, problems: &mut Vec<String>) {
    let addr = || resource.instance(key.clone());
    if entry.is_empty() {
        problems.push(format!("Instance {} has no object.", addr()));
    }
    for object in entry.current.iter() {
        check_stored(object, &addr, problems);
    }
    for (deposed, object) in &entry.deposed {
        if deposed.chars().count() != 8 {
            problems.push(format!("Instance {} has an object with deposed key {deposed:?}, which is not correctly formatted.", addr()));
        }
        check_stored(object, &addr, problems);
    }
}

fn check_stored(object: &Object, addr: &impl Fn() -> Addr, problems: &mut Vec<String>) {
    if let Err(e) = check_object(&object.attributes) {
        problems.push(format!("The attributes of {} are not a JSON object: {} at byte {}.", addr(), e.message, e.at));
    }
    let invalid = |n: &ResourceName| n.mode == Mode::Ephemeral || !is_name(&n.ty) || !is_name(&n.name);
    for dependency in object.dependencies.iter().filter(|d| invalid(&d.name)) {
        problems.push(format!("Instance {} has an invalid dependency: {dependency}.", addr()));
    }
}

/// Whether text is an identifier: letters, digits, `_` and `-`.
fn is_name(s: &str) -> bool {
    !s.is_empty() && s.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_named() {
        let object = |attributes: &str| Object { attributes: attributes.into(), ..Object::default() };
        let provider = r#"provider["terraform.io/builtin/terraform"]"#;
        for (addr, provider, attributes, want) in [
            ("a.b[0]", provider, "{}", ""),
            ("a.b", provider, "[]", "The attributes of a.b are not a JSON object: it is not an object at byte 0."),
            ("a.b", provider, "{} 1", "The attributes of a.b are not a JSON object: there is more after the value at byte 3."),
            ("a.b", provider, "{\"a\":", "The attributes of a.b are not a JSON object: the text ends too early at byte 5."),
            ("ephemeral.a.b", provider, "{}", "Resource ephemeral.a.b is ephemeral and cannot be stored."),
        ] {
            let addr: Addr = addr.parse().unwrap();
            let entry = InstanceState::current(object(attributes));
            let said = check_instance(&addr, &provider.parse().unwrap(), &entry).map_err(|e| e.to_string()).err().unwrap_or_default();
            assert_eq!(said, want);
        }
    }

    #[test]
    fn deposed_keys_have_eight_digits() {
        let mut s = Snapshot::new();
        let addr: Addr = "a.b".parse().unwrap();
        let provider = r#"provider["terraform.io/builtin/terraform"]"#.parse().unwrap();
        s.set_deposed(&addr, &provider, "0a1b2c3d", Object::default());
        assert!(check(&s).is_ok());
        s.set_deposed(&addr, &provider, "short", Object::default());
        assert!(check(&s).is_err());
    }
}
