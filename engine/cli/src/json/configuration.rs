//! The configuration in the document of a plan: expressions as their constant value, or as what they refer to.

mod expression;
mod providers;

use secstack_base::{Mode, Sources, Str, Value, convert};
use secstack_eval::config::ROOT;
use secstack_eval::{Config, ModuleIx, Schemas};
use secstack_lang::ast::Traversal;
use secstack_lang::module::{ModuleCall, Output, Provisioner, Resource, Variable};
use secstack_lang::{Body, Expr};
use secstack_run::ProviderSet;

use super::change::mode;
use super::value;
use super::write::{Object, array, map};
pub use expression::constant;
use expression::{body, has_meaning, subject, write_expression};
use providers::Keys;

/// Writes the configuration.
pub fn write(out: &mut String, config: &Config, providers: &ProviderSet) {
    let mut o = Object::new(out);
    if !config.modules.is_empty() {
        let keys = Keys::collect(config);
        providers::write(&mut o, &keys, config, providers);
        Writer { config, providers, keys: &keys }.module(o.member("root_module"), ROOT);
    }
    o.end();
}

struct Writer<'a> {
    config: &'a Config,
    providers: &'a ProviderSet,
    keys: &'a Keys,
}

impl Writer<'_> {
    fn sources(&self) -> &Sources {
        &self.config.sources
    }

    fn module(&self, out: &mut String, ix: ModuleIx) {
        let module = &self.config.module(ix).module;
        let mut o = Object::new(out);
        if !module.outputs.is_empty() {
            map(o.member("outputs"), &module.outputs, |out, output| write_output(out, self.sources(), output));
        }
        let mut resources: Vec<&Resource> = module.resources.values().filter(|r| r.name.mode != Mode::Ephemeral).collect();
        resources.sort_by_cached_key(|r| (r.name.mode == Mode::Data, r.name.to_string()));
        if !resources.is_empty() {
            array(o.member("resources"), resources, |out, r| self.resource(out, ix, r));
        }
        if !module.calls.is_empty() {
            map(o.member("module_calls"), &module.calls, |out, call| self.call(out, ix, call));
        }
        if !module.variables.is_empty() {
            map(o.member("variables"), &module.variables, write_variable);
        }
        o.end();
    }

    fn resource(&self, out: &mut String, ix: ModuleIx, r: &Resource) {
        let mut o = Object::new(out);
        o.text("address", &r.name.to_string()).text("mode", mode(r.name.mode));
        o.text("type", &r.name.ty).text("name", &r.name.name);
        let local: Str = r.provider.as_ref().map_or_else(|| Config::implied_provider(&r.name.ty).into(), |p| p.name.clone());
        let alias = r.provider.as_ref().and_then(|p| p.alias.as_ref());
        o.text("provider_config_key", &self.keys.of(self.config, ix, &local, alias));
        if !r.provisioners.is_empty() {
            array(o.member("provisioners"), &r.provisioners, |out, p| write_provisioner(out, self.sources(), p));
        }
        let schema = self.providers.resource(&self.config.provider_addr(ix, &local), r.name.mode, &r.name.ty);
        if let Some(schema) = &schema {
            body(&mut o, self.sources(), &r.body, &schema.block);
        }
        o.number("schema_version", schema.map_or(0, |s| s.version));
        write_repetition(&mut o, self.sources(), r.count.as_ref(), r.for_each.as_ref());
        o.texts_opt("depends_on", &subjects(&r.depends_on)).end();
    }

    fn call(&self, out: &mut String, ix: ModuleIx, call: &ModuleCall) {
        let mut o = Object::new(out);
        let text = |e: &Option<Expr>| e.as_ref().and_then(|e| constant(e).as_str().map(String::from));
        o.text_opt("source", text(&call.source).as_deref());
        let child = self.config.module(ix).children.get(&call.name).copied();
        if let Some(child) = child {
            let variables = &self.config.module(child).module.variables;
            arguments(&mut o, self.sources(), &call.body, |name| variables.contains_key(name));
        }
        write_repetition(&mut o, self.sources(), call.count.as_ref(), call.for_each.as_ref());
        match child {
            Some(child) => self.module(o.member("module"), child),
            None => drop(o.raw("module", "{}")),
        }
        let version = text(&call.version).map(|v| v.split(',').map(str::trim).collect::<Vec<_>>().join(","));
        o.text_opt("version_constraint", version.as_deref()).texts_opt("depends_on", &subjects(&call.depends_on)).end();
    }
}

/// Writes the attributes of a body without a schema.
fn arguments(o: &mut Object<'_>, sources: &Sources, body: &Body, is_known: impl Fn(&str) -> bool) {
    let (view, _) = body.view(&[]);
    let mut given: Vec<_> = view.attributes.iter().filter(|a| is_known(&a.name)).collect();
    given.sort_by(|a, b| a.name.cmp(&b.name));
    if !given.is_empty() {
        map(o.member("expressions"), given.into_iter().map(|a| (&a.name, &a.expr)), |out, e| write_expression(out, sources, e));
    }
}

fn write_output(out: &mut String, sources: &Sources, output: &Output) {
    let mut o = Object::new(out);
    o.bool_if("sensitive", output.sensitive).bool_if("ephemeral", output.ephemeral);
    write_expression(o.member("expression"), sources, &output.value);
    o.texts_opt("depends_on", &subjects(&output.depends_on)).text_opt("description", output.description.as_deref()).end();
}

fn write_variable(out: &mut String, v: &Variable) {
    let mut o = Object::new(out);
    if let Some(default) = default_value(v) {
        value::known(o.member("default"), &default);
    }
    o.text_opt("description", v.description.as_deref()).bool_if("sensitive", v.sensitive).end();
}

/// The default of a variable, of the variable's type.
pub fn default_value(v: &Variable) -> Option<Value> {
    let given = constant(v.default.as_ref()?);
    let filled = v.defaults.as_ref().map_or_else(|| given.clone(), |d| d.apply(&given));
    Some(convert::convert(&filled, &v.ty).unwrap_or(given))
}

fn write_provisioner(out: &mut String, sources: &Sources, p: &Provisioner) {
    let mut o = Object::new(out);
    o.text("type", &p.ty);
    arguments(&mut o, sources, &p.body, |_| true);
    o.end();
}

fn write_repetition(o: &mut Object<'_>, sources: &Sources, count: Option<&Expr>, for_each: Option<&Expr>) {
    if let Some(count) = count.filter(|e| has_meaning(e)) {
        write_expression(o.member("count_expression"), sources, count);
    } else if let Some(for_each) = for_each.filter(|e| has_meaning(e)) {
        write_expression(o.member("for_each_expression"), sources, for_each);
    }
}

fn subjects(references: &[Traversal]) -> Vec<String> {
    references.iter().map(|t| subject(t).map_or_else(String::new, |s| s.text)).collect()
}
