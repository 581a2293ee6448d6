//! What a run leaves behind of an object that it creates, so that a run which is cut off leaves no orphan: what the
//! journal notes before there is an ID, and the tokens that are taken off the objects at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secstack_base::schema::Block;
use secstack_base::{Diagnostic, Marks, ProviderConfigAddr, Str, Type, Value};
use secstack_plan::diff;
use secstack_sdk::Id;
use secstack_state::model::Object;

use super::Run;
use super::make::Site;
use crate::effect::known_part;

/// How long taking tokens off may last when a run ends by itself, and when it was asked to stop.
const SETTLING: Duration = Duration::from_secs(60);
const SETTLING_IN_HASTE: Duration = Duration::from_secs(2);

/// Objects that carry the token of their creation, by provider configuration.
pub(crate) type Tokens = BTreeMap<ProviderConfigAddr, Vec<(Str, Id)>>;

impl Run {
    /// What the journal says of an object before it exists. Secrets stay out of it.
    pub(crate) fn noted(&self, site: &Site, change: usize, planned: &Value) -> Option<Arc<Object>> {
        self.journal.as_ref()?;
        let c = &self.plan.changes[change];
        let ty = site.schema.block.ty();
        let marked = marked(&site.schema.block, planned);
        let object = Object::encode(site.schema.version, &known_part(&without_marked(&marked)), &ty).ok()?;
        // An object that is found by this has secrets where they were planned, though the service does not say so.
        let sensitive = Object::encode(site.schema.version, &known_part(&marked), &ty).ok()?.sensitive;
        let noted = Object {
            sensitive,
            tainted: self.has_provisioners(site),
            dependencies: c.dependencies.clone(),
            create_before_destroy: c.create_before_destroy,
            ..object
        };
        Some(noted.into())
    }

    /// Whether something has to run on a new object before it is complete.
    pub(crate) fn has_provisioners(&self, site: &Site) -> bool {
        let module = &self.world.config.module(site.ix).module;
        module.resources.get(&site.addr.resource.name).is_some_and(|r| r.provisioners.iter().any(|p| !p.on_destroy))
    }

    /// Takes note of a new object that may carry a token.
    pub(crate) fn created(&mut self, site: &Site, object: &Value) {
        if let Some(id) = object.get_str("id")
            && site.instance.leaves_token(site.addr.ty())
        {
            let entry = (Str::from(site.addr.ty()), Id(id.into()));
            self.tokens.entry(site.provider.clone()).or_default().push(entry);
        }
    }

    /// Takes the tokens off all new objects, which are in the state by now.
    pub(crate) async fn settle(&mut self) {
        let tokens = std::mem::take(&mut self.tokens);
        if self.unrecorded {
            // The next run takes them off, when it has seen to it that the state has the objects.
            return;
        }
        let Some(journal) = self.journal.clone().filter(|_| !tokens.is_empty()) else { return };
        let limit = if self.stopping() { SETTLING_IN_HASTE } else { SETTLING };
        for (provider, objects) in &tokens {
            let Some(instance) = self.providers.instance(provider) else { continue };
            let settled = tokio::time::timeout(limit, instance.settle(objects)).await;
            let problem = match settled {
                Ok(Ok(())) => continue,
                Ok(Err(e)) => e.message,
                Err(_) => format!("There was no answer within {} seconds.", limit.as_secs()),
            };
            let what = format!(
                "New objects carry a tag with which a run that is cut off could have been taken up, and it could not be removed from {} of them: {problem}\n\nThe next run removes it.",
                objects.len()
            );
            let d = Diagnostic::warning("Tags of this run are left", what);
            self.events.send(crate::event::Event::Diagnostic(d.clone()));
            self.diags.push(d);
            return;
        }
        journal.settled();
    }
}

/// The value with marks on what is sensitive by its schema, and null for what is write-only.
fn marked(schema: &Block, planned: &Value) -> Value {
    let marked = diff::mark_sensitive(schema, planned);
    schema.attributes.iter().filter(|a| a.write_only).fold(marked, |v, a| v.with(&a.name, Value::null(a.ty.clone())))
}

/// The value with null in place of what is sensitive or ephemeral.
fn without_marked(value: &Value) -> Value {
    if value.marks.has(Marks::SENSITIVE) || value.marks.has(Marks::EPHEMERAL) {
        let ty = value.ty();
        return Value::null(if ty == Type::Dynamic { Type::Dynamic } else { ty });
    }
    if value.deep_marks().is_none() {
        return value.clone();
    }
    value.map_parts(|_, v| without_marked(v))
}

#[cfg(test)]
mod tests {
    use secstack_base::schema::{Attribute, Presence};

    use super::*;

    #[test]
    fn secrets_do_not_reach_the_journal() {
        let mut password = Attribute::new("password", Type::String, Presence::Optional);
        password.sensitive = true;
        let mut once = Attribute::new("once", Type::String, Presence::Optional);
        once.write_only = true;
        let name = Attribute::new("name", Type::String, Presence::Optional);
        let tags = Attribute::new("tags", Type::map(Type::String), Presence::Optional);
        let schema = Block { attributes: vec![name, once, password, tags], ..Block::default() };
        let tags = Value::map(Type::String, [("a", Value::string("x")), ("b", Value::string("hidden").mark(Marks::SENSITIVE))]);
        let planned = Value::object([
            ("name", Value::string("n")),
            ("once", Value::string("hidden")),
            ("password", Value::string("hidden")),
            ("tags", tags),
        ]);
        let public = without_marked(&marked(&schema, &planned));
        assert!(!format!("{public:?}").contains("hidden"), "{public:?}");
        assert_eq!(public.get_str("name"), Some("n"));
        assert_eq!(public.get("tags").and_then(|t| t.get_str("a")), Some("x"));
    }
}
