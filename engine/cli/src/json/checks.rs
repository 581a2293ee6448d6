//! The results of conditions.

use secstack_base::addr::{ParseError, Target};
use secstack_base::{InstanceKey, ModuleAddr, Str};
use secstack_state::model::{CheckObject, CheckResult};

use super::change::mode;
use super::value;
use super::write::{Object, array};

/// Writes the results, in order of address.
pub fn write(out: &mut String, checks: &[CheckResult]) {
    let mut sorted: Vec<&CheckResult> = checks.iter().collect();
    sorted.sort_by(|a, b| a.config_addr.cmp(&b.config_addr));
    array(out, sorted, |out, check| {
        let mut o = Object::new(out);
        write_block(o.member("address"), check);
        o.text("status", check.status.as_str());
        if !check.objects.is_empty() {
            let mut objects: Vec<&CheckObject> = check.objects.iter().collect();
            objects.sort_by(|a, b| a.addr.cmp(&b.addr));
            array(o.member("instances"), objects, |out, object| {
                let mut o = Object::new(out);
                write_instance(o.member("address"), &object.addr);
                o.text("status", object.status.as_str());
                if !object.failures.is_empty() {
                    array(o.member("problems"), &object.failures, |out, message| {
                        Object::new(out).text("message", message).end();
                    });
                }
                o.end();
            });
        }
        o.end();
    });
}

fn write_block(out: &mut String, check: &CheckResult) {
    let mut o = Object::new(out);
    let kind = if &*check.kind == "output" { "output_value" } else { &*check.kind };
    o.text("kind", kind);
    match parse(&check.config_addr) {
        Ok(Parsed::Resource(addr)) => {
            let module = addr.resource.module.path().to_string();
            let name = &addr.resource.name;
            o.text("mode", mode(name.mode)).text_opt("module", Some(&module)).text("name", &name.name);
            o.text("to_display", &check.config_addr).text("type", &name.ty);
        }
        Ok(Parsed::Other(module, name)) => {
            o.text_opt("module", Some(&module.path().to_string())).text("name", &name).text("to_display", &check.config_addr);
        }
        Err(_) => {
            o.text("to_display", &check.config_addr);
        }
    }
    o.end();
}

fn write_instance(out: &mut String, addr: &str) {
    let mut o = Object::new(out);
    let module = match parse(addr) {
        Ok(Parsed::Resource(a)) => {
            if a.key != InstanceKey::None {
                value::key(o.member("instance_key"), &a.key);
            }
            a.resource.module
        }
        Ok(Parsed::Other(module, _)) => module,
        Err(_) => ModuleAddr::root(),
    };
    o.text_opt("module", Some(&module.to_string())).text("to_display", addr).end();
}

/// What an address with conditions names.
enum Parsed {
    Resource(secstack_base::Addr),
    /// An output, a variable or a check.
    Other(ModuleAddr, Str),
}

fn parse(text: &str) -> Result<Parsed, ParseError> {
    // `output.o` reads as a resource of type `output`.
    let addr = match text.parse()? {
        Target::Instance(a) => a,
        Target::Resource(r) => r.instance(InstanceKey::None),
        Target::Module(_) => return Err(ParseError(text.into())),
    };
    Ok(match addr.ty() {
        "output" | "var" | "check" => Parsed::Other(addr.resource.module, addr.resource.name.name),
        _ => Parsed::Resource(addr),
    })
}
