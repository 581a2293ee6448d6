//! A module: what a directory of files declares.

use std::collections::BTreeMap;

use secstack_base::addr::ResourceName;
use secstack_base::convert::Defaults;
use secstack_base::{ProviderAddr, Span, Str, Type};

use crate::ast::Traversal;
use crate::{Attribute, Block, Body, Encryption, Expr};

/// What a directory of configuration files declares, expressions unevaluated.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// `variable` blocks by name.
    pub variables: BTreeMap<Str, Variable>,
    /// Entries of `locals` blocks by name.
    pub locals: BTreeMap<Str, Local>,
    /// `output` blocks by name.
    pub outputs: BTreeMap<Str, Output>,
    /// `resource`, `data` and `ephemeral` blocks, nested `data` of checks included.
    pub resources: BTreeMap<ResourceName, Resource>,
    /// `module` blocks by name.
    pub calls: BTreeMap<Str, ModuleCall>,
    /// `provider` blocks by local name and alias.
    pub providers: BTreeMap<(Str, Option<Str>), ProviderConfig>,
    /// Entries of `required_providers` by local name.
    pub required_providers: BTreeMap<Str, RequiredProvider>,
    /// `required_version` settings.
    pub required_version: Vec<Attribute>,
    /// The `backend` (or `cloud`) block of `terraform`.
    pub backend: Option<Block>,
    /// The `encryption` block of `terraform` (OpenTofu).
    pub encryption: Option<Encryption>,
    /// `provider_meta` blocks of `terraform`.
    pub provider_meta: Vec<Block>,
    /// `moved` blocks, in order.
    pub moved: Vec<Moved>,
    /// `removed` blocks, in order.
    pub removed: Vec<Removed>,
    /// `import` blocks, in order.
    pub imports: Vec<Import>,
    /// `check` blocks by name.
    pub checks: BTreeMap<Str, Check>,
}

/// A `variable` block.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The name.
    pub name: Str,
    /// The type constraint; `Dynamic` when there is none.
    pub ty: Type,
    /// Whether there is a `type` argument.
    pub has_type: bool,
    /// The defaults of optional attributes of the type.
    pub defaults: Option<Defaults>,
    /// The default value: a constant expression.
    pub default: Option<Expr>,
    /// What the variable is for.
    pub description: Option<Str>,
    /// The value must not be shown.
    pub sensitive: bool,
    /// The value must not be stored.
    pub ephemeral: bool,
    /// Whether null is a value; otherwise null means the default.
    pub nullable: bool,
    /// The text with the reason, when the variable is deprecated.
    pub deprecated: Option<Str>,
    /// `validation` blocks.
    pub validations: Vec<CheckRule>,
    /// The header of the block.
    pub span: Span,
}

/// An entry of a `locals` block.
#[derive(Clone, Debug)]
pub struct Local {
    /// The name.
    pub name: Str,
    /// The value.
    pub expr: Expr,
    /// The text of the name.
    pub span: Span,
}

/// An `output` block.
#[derive(Clone, Debug)]
pub struct Output {
    /// The name.
    pub name: Str,
    /// The value.
    pub value: Expr,
    /// What the output is for.
    pub description: Option<Str>,
    /// The value must not be shown.
    pub sensitive: bool,
    /// The value must not be stored.
    pub ephemeral: bool,
    /// References of `depends_on`.
    pub depends_on: Vec<Traversal>,
    /// `precondition` blocks.
    pub preconditions: Vec<CheckRule>,
    /// The header of the block.
    pub span: Span,
}

/// A condition with the message shown when it is false.
#[derive(Clone, Debug)]
pub struct CheckRule {
    /// The condition.
    pub condition: Expr,
    /// The message.
    pub error_message: Expr,
    /// The header of the block.
    pub span: Span,
}

/// A `resource`, `data` or `ephemeral` block.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Mode, type and name.
    pub name: ResourceName,
    /// The arguments that belong to the provider; meta-arguments and `lifecycle` are taken out.
    pub body: Body,
    /// `count`
    pub count: Option<Expr>,
    /// `for_each`
    pub for_each: Option<Expr>,
    /// `enabled` of `lifecycle` (OpenTofu).
    pub enabled: Option<Expr>,
    /// References of `depends_on`.
    pub depends_on: Vec<Traversal>,
    /// The `provider` argument.
    pub provider: Option<ProviderRef>,
    /// The `lifecycle` block.
    pub lifecycle: Lifecycle,
    /// `provisioner` blocks, in order.
    pub provisioners: Vec<Provisioner>,
    /// The `connection` block.
    pub connection: Option<Body>,
    /// The `check` block that holds this data block.
    pub in_check: Option<Str>,
    /// The type in the header of the block.
    pub type_span: Span,
    /// The header of the block.
    pub span: Span,
}

/// A reference to a provider configuration: `aws.west`, or `aws.by_region[each.key]`.
#[derive(Clone, Debug)]
pub struct ProviderRef {
    /// The local name of the provider.
    pub name: Str,
    /// The alias.
    pub alias: Option<Str>,
    /// The instance of a configuration with `for_each` (OpenTofu).
    pub key: Option<Expr>,
    /// The text.
    pub span: Span,
}

/// A `lifecycle` block.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// `create_before_destroy`; `None` when it is not set.
    pub create_before_destroy: Option<bool>,
    /// `prevent_destroy`
    pub prevent_destroy: Option<Expr>,
    /// `destroy` (OpenTofu): false means that the object is forgotten rather than deleted.
    pub destroy: Option<Expr>,
    /// `ignore_changes`
    pub ignore_changes: IgnoreChanges,
    /// `replace_triggered_by`: each names a resource, an instance or an attribute.
    pub replace_triggered_by: Vec<Expr>,
    /// `precondition` blocks.
    pub preconditions: Vec<CheckRule>,
    /// `postcondition` blocks.
    pub postconditions: Vec<CheckRule>,
}

/// What `ignore_changes` says.
#[derive(Clone, Debug, Default)]
pub enum IgnoreChanges {
    /// Nothing is ignored.
    #[default]
    None,
    /// Every argument is ignored.
    All,
    /// These arguments: traversals relative to the resource, the first name as the root.
    Some(Vec<Traversal>),
}

/// A `provisioner` block.
#[derive(Clone, Debug)]
pub struct Provisioner {
    /// `local-exec`, `remote-exec` or `file`.
    pub ty: Str,
    /// The arguments.
    pub body: Body,
    /// A `connection` block of its own.
    pub connection: Option<Body>,
    /// `when = destroy`
    pub on_destroy: bool,
    /// `on_failure = continue`
    pub continue_on_failure: bool,
    /// The header of the block.
    pub span: Span,
}

/// A `module` block.
#[derive(Clone, Debug)]
pub struct ModuleCall {
    /// The name.
    pub name: Str,
    /// The `source` argument.
    pub source: Option<Expr>,
    /// The `version` argument.
    pub version: Option<Expr>,
    /// The arguments for the module's variables; meta-arguments are taken out.
    pub body: Body,
    /// `count`
    pub count: Option<Expr>,
    /// `for_each`
    pub for_each: Option<Expr>,
    /// `enabled` of `lifecycle` (OpenTofu).
    pub enabled: Option<Expr>,
    /// References of `depends_on`.
    pub depends_on: Vec<Traversal>,
    /// The `providers` argument: name in the called module, configuration in this one.
    pub providers: Vec<(ProviderRef, ProviderRef)>,
    /// The header of the block.
    pub span: Span,
}

/// A `provider` block.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The local name.
    pub name: Str,
    /// The alias.
    pub alias: Option<Str>,
    /// The `version` argument (an old way to require a version).
    pub version: Option<Attribute>,
    /// `for_each` (OpenTofu).
    pub for_each: Option<Expr>,
    /// The arguments.
    pub body: Body,
    /// The header of the block.
    pub span: Span,
}

/// An entry of `required_providers`.
#[derive(Clone, Debug)]
pub struct RequiredProvider {
    /// The provider.
    pub source: ProviderAddr,
    /// The version constraint as written.
    pub version: Option<Str>,
    /// The text of the version constraint.
    pub version_span: Option<Span>,
    /// Names of configurations that the caller must pass, as `local_name.alias`.
    pub configuration_aliases: Vec<ProviderRef>,
    /// The text of the entry.
    pub span: Span,
}

/// A `moved` block.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The old address.
    pub from: Traversal,
    /// The new address.
    pub to: Traversal,
    /// The header of the block.
    pub span: Span,
}

/// A `removed` block.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The address that is gone.
    pub from: Traversal,
    /// Whether the object is deleted (the default) or only forgotten.
    pub destroy: bool,
    /// `provisioner` blocks, all with `when = destroy`.
    pub provisioners: Vec<Provisioner>,
    /// The `connection` block.
    pub connection: Option<Body>,
    /// The header of the block.
    pub span: Span,
}

/// An `import` block.
#[derive(Clone, Debug)]
pub struct Import {
    /// The address: a resource instance, whose key may be an expression with `each`.
    pub to: Expr,
    /// The ID.
    pub id: Option<Expr>,
    /// `for_each`
    pub for_each: Option<Expr>,
    /// The `provider` argument.
    pub provider: Option<ProviderRef>,
    /// The header of the block.
    pub span: Span,
}

/// A `check` block. Its data block is in [`Module::resources`].
#[derive(Clone, Debug)]
pub struct Check {
    /// The name.
    pub name: Str,
    /// `assert` blocks.
    pub asserts: Vec<CheckRule>,
    /// The header of the block.
    pub span: Span,
}
