//! Short words for schemas that are written by hand.

use secstack_base::schema::{Attribute, Block, Check, ForcesNew, NestedBlock, Nesting, Presence, Schema};
use secstack_base::{Type, Value};

/// An argument that must be given.
pub(crate) fn required(name: &str, ty: Type, about: &str) -> Attribute {
    attribute(name, ty, Presence::Required, about)
}

/// An argument that may be given.
pub(crate) fn optional(name: &str, ty: Type, about: &str) -> Attribute {
    attribute(name, ty, Presence::Optional, about)
}

/// An argument that the provider chooses when it is not given.
pub(crate) fn chosen(name: &str, ty: Type, about: &str) -> Attribute {
    attribute(name, ty, Presence::OptionalComputed, about)
}

/// An attribute that only the provider gives.
pub(crate) fn computed(name: &str, ty: Type, about: &str) -> Attribute {
    attribute(name, ty, Presence::Computed, about)
}

fn attribute(name: &str, ty: Type, presence: Presence, about: &str) -> Attribute {
    let mut a = Attribute::new(name, ty, presence);
    a.description = about.into();
    a
}

/// More about an attribute.
pub(crate) trait Describe: Sized {
    /// A change needs a new object.
    fn forces_new(self) -> Self;
    /// A change needs a new object when the function says so.
    fn forces_new_if(self, rule: fn(&Value, &Value) -> bool) -> Self;
    /// The value when none is given.
    fn default(self, value: impl Into<Value>) -> Self;
    /// The value is a secret.
    fn sensitive(self) -> Self;
    /// What a known value must be.
    fn check(self, check: Check) -> Self;
    /// Why it should not be used any more.
    fn deprecated(self, why: &str) -> Self;
}

impl Describe for Attribute {
    fn forces_new(mut self) -> Self {
        self.forces_new = ForcesNew::Always;
        self
    }
    fn forces_new_if(mut self, rule: fn(&Value, &Value) -> bool) -> Self {
        self.forces_new = ForcesNew::If(rule);
        self
    }
    fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }
    fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }
    fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }
    fn deprecated(mut self, why: &str) -> Self {
        self.deprecated = Some(why.into());
        self
    }
}

/// A schema of attributes alone, of version 0.
pub(crate) fn schema(about: &str, attributes: impl IntoIterator<Item = Attribute>) -> Schema {
    Schema { block: block(about, attributes, []), ..Schema::default() }
}

/// A block.
pub(crate) fn block(about: &str, attributes: impl IntoIterator<Item = Attribute>, blocks: impl IntoIterator<Item = NestedBlock>) -> Block {
    let (attributes, blocks) = (attributes.into_iter().collect(), blocks.into_iter().collect());
    Block { attributes, blocks, description: about.into(), deprecated: None }.sorted()
}

/// A list of nested blocks.
pub(crate) fn nested(name: &str, max: Option<usize>, block: Block) -> NestedBlock {
    NestedBlock { name: name.into(), nesting: Nesting::List, min: 0, max, block, forces_new: ForcesNew::Never, computed: false }
}
