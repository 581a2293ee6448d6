//! The shape of the objects of a resource type: attributes and nested blocks.
//!
//! A schema is data that the engine interprets. It says which arguments are required, which
//! attributes the provider fills in, what forces a replacement, and what a valid value is.

use crate::{Str, Type, Value};

/// Who gives an attribute its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The configuration must.
    Required,
    /// The configuration may; otherwise it is null or its default.
    Optional,
    /// The configuration may; otherwise the provider chooses.
    OptionalComputed,
    /// Only the provider does.
    Computed,
}

impl Presence {
    /// Whether the configuration may set the attribute.
    pub fn is_configurable(self) -> bool {
        self != Presence::Computed
    }

    /// Whether the provider may choose the value.
    pub fn is_computed(self) -> bool {
        matches!(self, Presence::Computed | Presence::OptionalComputed)
    }
}

/// When a change of an attribute needs a new object.
#[derive(Clone, Copy, Debug, Default)]
pub enum ForcesNew {
    /// Never: it is changed in place.
    #[default]
    Never,
    /// On every change.
    Always,
    /// When the prior and planned value say so.
    If(fn(prior: &Value, planned: &Value) -> bool),
}

/// Checks a known, non-null value of an attribute; the error is a sentence about the value.
pub type Check = fn(&Value) -> Result<(), String>;

/// An attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name.
    pub name: Str,
    /// The type.
    pub ty: Type,
    /// Who gives the value.
    pub presence: Presence,
    /// What the attribute means, for people.
    pub description: Str,
    /// The value is a secret.
    pub sensitive: bool,
    /// The value is sent to the service and never stored.
    pub write_only: bool,
    /// Why the attribute should not be used any more.
    pub deprecated: Option<Str>,
    /// The value when the configuration sets none.
    pub default: Option<Value>,
    /// When a change needs a new object.
    pub forces_new: ForcesNew,
    /// Checks of a known value.
    pub checks: Vec<Check>,
    /// Whether two known values mean the same to the service, so that the prior one is kept.
    pub same: Option<fn(&Value, &Value) -> bool>,
    /// Once the object is there, the service's form of the value stands in the state, even where [`Self::same`] holds.
    pub told: bool,
    /// The service never tells the value: it is kept from the configuration or the prior object.
    pub local: bool,
    /// An object that is imported has no value of a [`Self::local`] attribute, instead of the default.
    pub unset_by_import: bool,
    /// The attribute may also be written as blocks (an object-typed list or set of the older provider framework).
    pub as_blocks: bool,
}

impl Attribute {
    /// An attribute with nothing special about it.
    pub fn new(name: &str, ty: Type, presence: Presence) -> Self {
        Self {
            name: name.into(),
            ty,
            presence,
            description: "".into(),
            sensitive: false,
            write_only: false,
            deprecated: None,
            default: None,
            forces_new: ForcesNew::Never,
            checks: Vec::new(),
            same: None,
            told: false,
            local: false,
            unset_by_import: false,
            as_blocks: false,
        }
    }
}

/// How blocks of one name become a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// At most one block; its value is an object or null.
    Single,
    /// At most one block; its value is an object, with nulls inside when there is no block.
    Group,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects, keyed by the block's label.
    Map,
}

/// Blocks nested in another block.
#[derive(Clone, Debug)]
pub struct NestedBlock {
    /// The block type name.
    pub name: Str,
    /// How the blocks become a value.
    pub nesting: Nesting,
    /// The fewest blocks allowed.
    pub min: usize,
    /// The most blocks allowed, if bounded.
    pub max: Option<usize>,
    /// The content.
    pub block: Block,
    /// Adding the first or removing the last block needs a new object.
    pub forces_new: ForcesNew,
    /// The provider may fill the blocks in when the configuration has none (prior or unknown is planned then).
    pub computed: bool,
}

/// Attributes and nested blocks, in order of name.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The attributes.
    pub attributes: Vec<Attribute>,
    /// The nested blocks.
    pub blocks: Vec<NestedBlock>,
    /// What the block is for.
    pub description: Str,
    /// Why the block should not be used any more.
    pub deprecated: Option<Str>,
}

impl Block {
    /// Puts attributes and blocks in order of name, as the other functions expect.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.attributes.sort_by(|a, b| a.name.cmp(&b.name));
        self.blocks.sort_by(|a, b| a.name.cmp(&b.name));
        self
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| &*a.name == name)
    }

    /// The nested blocks of that name.
    pub fn nested(&self, name: &str) -> Option<&NestedBlock> {
        self.blocks.iter().find(|b| &*b.name == name)
    }

    /// The type of the values of the block: an object.
    pub fn ty(&self) -> Type {
        let attrs = self.attributes.iter().map(|a| (a.name.clone(), a.ty.clone()));
        let blocks = self.blocks.iter().map(|b| (b.name.clone(), b.ty()));
        Type::object(attrs.chain(blocks))
    }

    /// The value of a block in which nothing is set.
    pub fn empty_value(&self) -> Value {
        let attrs = self.attributes.iter().map(|a| (a.name.clone(), Value::null(a.ty.clone())));
        let blocks = self.blocks.iter().map(|b| (b.name.clone(), b.empty_value()));
        Value::object(attrs.chain(blocks))
    }
}

impl NestedBlock {
    /// The type of the value that the blocks become.
    pub fn ty(&self) -> Type {
        let inner = self.block.ty();
        match self.nesting {
            Nesting::Single | Nesting::Group => inner,
            // Blocks with an attribute of any type become tuples and objects, as elements may differ.
            _ if inner.has_dynamic() => Type::Dynamic,
            Nesting::List => Type::list(inner),
            Nesting::Set => Type::set(inner),
            Nesting::Map => Type::map(inner),
        }
    }

    /// The value when there is no block.
    pub fn empty_value(&self) -> Value {
        let inner = || self.block.ty();
        match self.nesting {
            Nesting::Single => Value::null(inner()),
            Nesting::Group => self.block.empty_value(),
            Nesting::List if inner().has_dynamic() => Value::tuple([]),
            Nesting::List => Value::list(inner(), []),
            Nesting::Set => Value::set(inner(), []),
            Nesting::Map if inner().has_dynamic() => Value::object::<Str>([]),
            Nesting::Map => Value::map::<Str>(inner(), []),
        }
    }
}

/// The schema of a resource type, a data source or a provider configuration.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// The version of the format of stored objects.
    pub version: u64,
    /// The content.
    pub block: Block,
    /// Groups of arguments of which at most one may be set.
    pub conflicts: Vec<Vec<Str>>,
    /// Groups of arguments of which exactly one must be set.
    pub exactly_one: Vec<Vec<Str>>,
    /// Groups of arguments of which at least one must be set.
    pub at_least_one: Vec<Vec<Str>>,
    /// Planned as by the older provider framework: an argument that is not set keeps a prior value
    /// that is empty (`""`, 0, false, no elements), since that framework cannot tell it from null.
    pub legacy: bool,
}

/// The plan of one object while it is made: the provider may adjust what the schema alone gives.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The prior object; `None` when one is created.
    pub prior: Option<Value>,
    /// The arguments as configured.
    pub config: Value,
    /// The planned object.
    pub planned: Value,
    /// Attributes whose change needs a new object.
    pub replace: Vec<crate::Path>,
}

/// What kinds of things a provider manages, and their schemas.
#[derive(Clone, Debug, Default)]
pub struct ProviderSchema {
    /// The provider's own configuration.
    pub config: Schema,
    /// Resource types by name.
    pub resources: std::collections::BTreeMap<Str, std::sync::Arc<Schema>>,
    /// Data sources by name.
    pub data: std::collections::BTreeMap<Str, std::sync::Arc<Schema>>,
    /// Ephemeral resource types by name.
    pub ephemeral: std::collections::BTreeMap<Str, std::sync::Arc<Schema>>,
}
