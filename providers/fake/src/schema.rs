//! The types of the fake provider, and what the cloud fills in.

use std::sync::Arc;

use secstack_base::schema::{Attribute, Block, ForcesNew, NestedBlock, Nesting, Presence, ProviderSchema, Schema};
use secstack_base::{Str, Type, Value};

/// Resource types with the beginning of the IDs of their objects.
const TYPES: [(&str, &str); 3] = [("fake_net", "net"), ("fake_vm", "vm"), ("fake_secret", "secret")];

/// The beginning of the IDs of objects of a type.
pub fn id_prefix(ty: &str) -> Option<&'static str> {
    TYPES.iter().find(|(t, _)| *t == ty).map(|(_, prefix)| *prefix)
}

/// The type of the object that an ID belongs to.
pub fn type_of_id(id: &str) -> Option<&'static str> {
    let (prefix, number) = id.rsplit_once('-')?;
    number.parse::<u64>().ok()?;
    TYPES.iter().find(|(_, p)| *p == prefix).map(|(t, _)| *t)
}

/// The schemas of the provider.
pub(crate) fn provider() -> ProviderSchema {
    let resource = |ty: &str, block| ((*ty).into(), Arc::new(Schema { block, ..Schema::default() }));
    let lookup = || block([required("name", Type::String), computed("id", Type::String), computed("value", Type::String)], []);
    ProviderSchema {
        config: Schema {
            block: block([optional("region", Type::String), sensitive(optional("token", Type::String))], []),
            ..Schema::default()
        },
        resources: [resource("fake_net", net()), resource("fake_vm", vm()), resource("fake_secret", secret())].into(),
        data: [resource("fake_lookup", lookup())].into(),
        ephemeral: [resource("fake_session", block([required("name", Type::String), computed("value", Type::String)], []))].into(),
    }
}

fn net() -> Block {
    let tags = optional("tags", Type::map(Type::String));
    block([forces_new(required("range", Type::String)), tags, computed("id", Type::String), computed("arn", Type::String)], [])
}

fn vm() -> Block {
    let mut size = optional("size", Type::Number);
    size.default = Some(Value::from(1));
    size.checks.push(|v| match v.as_number().and_then(secstack_base::Number::to_i64) {
        Some(n) if n > 100 => Err(format!("expected at most 100, got {n}")),
        _ => Ok(()),
    });
    let disk = block([required("name", Type::String), optional("gb", Type::Number), computed("device", Type::String)], []);
    let rule = block([required("port", Type::Number), optional("from", Type::String)], []);
    let attributes = [
        optional("net", Type::String),
        size,
        forces_new(optional("image", Type::String)),
        optional("tags", Type::map(Type::String)),
        sensitive(optional("password", Type::String)),
        attribute("zone", Type::String, Presence::OptionalComputed),
        computed("id", Type::String),
        computed("ip", Type::String),
    ];
    block(attributes, [nested("disk", Nesting::List, disk), nested("rule", Nesting::Set, rule)])
}

fn secret() -> Block {
    let value = sensitive(computed("value", Type::String));
    block([optional("keeper", Type::String), computed("id", Type::String), value], [])
}

/// An argument that an object lacks although its type asks for it: like a provider whose types are Rust types, this one
/// cannot read it then.
pub(crate) fn lacking(ty: &str, object: &Value) -> Option<Str> {
    match ty {
        "fake_net" => lacking_in(&net(), object),
        "fake_vm" => lacking_in(&vm(), object),
        _ => None,
    }
}

fn lacking_in(block: &Block, object: &Value) -> Option<Str> {
    let is_needed = |a: &&Attribute| a.default.is_some() || matches!(a.presence, Presence::Required);
    let lacks = |a: &&Attribute| object.get(&a.name).is_some_and(Value::is_null);
    let own = block.attributes.iter().filter(is_needed).find(lacks).map(|a| a.name.clone());
    let nested = || block.blocks.iter().find_map(|b| object.get(&b.name)?.as_slice()?.iter().find_map(|v| lacking_in(&b.block, v)));
    own.or_else(nested)
}

/// An object as the cloud has it once it was asked for as `asked`.
pub(crate) fn filled(region: &str, ty: &str, id: &str, asked: &Value) -> Value {
    let number = id.rsplit_once('-').map_or("0", |(_, n)| n);
    let whole = asked.with("id", Value::string(id));
    match ty {
        "fake_net" => whole.with("arn", Value::from(format!("arn:fake:{region}:{id}"))),
        "fake_secret" => whole.with("value", Value::from(format!("hidden {number}"))),
        "fake_vm" => {
            let zone = asked.get("zone").filter(|z| !z.is_null()).cloned().unwrap_or_else(|| Value::string("z1"));
            let whole = whole.with("ip", Value::from(format!("192.0.2.{number}"))).with("zone", zone);
            let mut number = 0;
            let disks = asked.get("disk").map(|disks| {
                disks.map_parts(|_, disk| {
                    number += 1;
                    disk.with("device", Value::from(format!("/dev/disk{number}")))
                })
            });
            disks.map_or(whole.clone(), |disks| whole.with("disk", disks))
        }
        _ => whole,
    }
}

fn attribute(name: &str, ty: Type, presence: Presence) -> Attribute {
    Attribute::new(name, ty, presence)
}

fn required(name: &str, ty: Type) -> Attribute {
    attribute(name, ty, Presence::Required)
}

fn optional(name: &str, ty: Type) -> Attribute {
    attribute(name, ty, Presence::Optional)
}

fn computed(name: &str, ty: Type) -> Attribute {
    attribute(name, ty, Presence::Computed)
}

fn forces_new(a: Attribute) -> Attribute {
    Attribute { forces_new: ForcesNew::Always, ..a }
}

fn sensitive(a: Attribute) -> Attribute {
    Attribute { sensitive: true, ..a }
}

fn block(attributes: impl Into<Vec<Attribute>>, blocks: impl Into<Vec<NestedBlock>>) -> Block {
    Block { attributes: attributes.into(), blocks: blocks.into(), ..Block::default() }.sorted()
}

fn nested(name: &str, nesting: Nesting, block: Block) -> NestedBlock {
    NestedBlock { name: name.into(), nesting, min: 0, max: None, block, forces_new: ForcesNew::Never, computed: false }
}
