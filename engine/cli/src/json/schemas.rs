//! The document of `providers schema -json`, format version 1.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use secstack_base::schema::{Attribute, Block, NestedBlock, Nesting, Presence, Schema};
use secstack_base::{ProviderAddr, Str};
use secstack_run::ProviderSet;
use secstack_state::json::type_to_json;

use super::write::{Object, map};

/// The schemas of the providers that `wanted` lets pass.
pub fn provider_schemas(providers: &ProviderSet, wanted: impl Fn(&ProviderAddr) -> bool) -> String {
    let mut out = String::new();
    let mut o = Object::new(&mut out);
    o.text("format_version", "1.0");
    let wanted: Vec<_> = providers.iter().filter(|(addr, _)| wanted(addr)).map(|(addr, p)| (addr.to_string(), p)).collect();
    if !wanted.is_empty() {
        map(o.member("provider_schemas"), wanted, |out, p| {
            let schema = p.schema();
            let mut o = Object::new(out);
            let config = &schema.config;
            let without_block = p.address() == ProviderAddr::builtin("terraform");
            if without_block {
                o.raw("provider", "{\"version\":0}");
            } else {
                write_schema(o.member("provider"), config);
            }
            for (name, schemas) in [
                ("resource_schemas", &schema.resources),
                ("data_source_schemas", &schema.data),
                ("ephemeral_resource_schemas", &schema.ephemeral),
            ] {
                write_schemas(&mut o, name, schemas);
            }
            o.end();
        });
    }
    o.end();
    out
}

fn write_schemas(o: &mut Object<'_>, name: &str, schemas: &BTreeMap<Str, Arc<Schema>>) {
    if !schemas.is_empty() {
        map(o.member(name), schemas, |out, s| write_schema(out, s));
    }
}

fn write_schema(out: &mut String, schema: &Schema) {
    let mut o = Object::new(out);
    o.number("version", schema.version);
    write_block(o.member("block"), &schema.block);
    o.end();
}

fn write_block(out: &mut String, block: &Block) {
    let mut o = Object::new(out);
    if !block.attributes.is_empty() {
        let mut sorted: Vec<_> = block.attributes.iter().map(|a| (&a.name, a)).collect();
        sorted.sort_by_key(|(name, _)| *name);
        map(o.member("attributes"), sorted, write_attribute);
    }
    if !block.blocks.is_empty() {
        let mut sorted: Vec<_> = block.blocks.iter().map(|b| (&b.name, b)).collect();
        sorted.sort_by_key(|(name, _)| *name);
        map(o.member("block_types"), sorted, write_nested);
    }
    o.text_opt("description", Some(&block.description)).text("description_kind", "plain");
    o.bool_if("deprecated", block.deprecated.is_some()).end();
}

fn write_attribute(out: &mut String, a: &Attribute) {
    let mut o = Object::new(out);
    o.raw("type", &type_to_json(&a.ty)).text_opt("description", Some(&a.description)).text("description_kind", "plain");
    o.bool_if("deprecated", a.deprecated.is_some()).bool_if("required", a.presence == Presence::Required);
    o.bool_if("optional", matches!(a.presence, Presence::Optional | Presence::OptionalComputed));
    o.bool_if("computed", a.presence.is_computed());
    o.bool_if("sensitive", a.sensitive).bool_if("write_only", a.write_only).end();
}

fn write_nested(out: &mut String, b: &NestedBlock) {
    let mut o = Object::new(out);
    o.text(
        "nesting_mode",
        match b.nesting {
            Nesting::Single => "single",
            Nesting::Group => "group",
            Nesting::List => "list",
            Nesting::Set => "set",
            Nesting::Map => "map",
        },
    );
    write_block(o.member("block"), &b.block);
    if b.min > 0 {
        o.number("min_items", b.min);
    }
    if let Some(max) = b.max {
        o.number("max_items", max);
    }
    o.end();
}
