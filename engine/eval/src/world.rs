//! The facts of a run: what every declaration of every module instance is worth so far.
//!
//! Planning and applying fill the same structure; they differ only in which values are still
//! unknown. Values of a resource with many instances are put together once and shared.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use secstack_base::addr::ResourceName;
use secstack_base::{Addr, Diagnostic, InstanceKey, Mode, ModuleAddr, Span, Str, Type, Value};

use crate::config::{Config, ModuleIx, ROOT};
use crate::funcs::{Context, Files};
use crate::scope::{Resolved, Scope, ScopeStep};

/// Which instances a block with `count` or `for_each` has.
#[derive(Clone, Debug, Default)]
pub enum Repetition {
    /// Neither is set: one instance.
    #[default]
    Single,
    /// `enabled = false`: no instance, and references give null.
    Disabled,
    /// `count`
    Count(u64),
    /// `for_each`, with the value of each key.
    Each(Arc<BTreeMap<Str, Value>>),
    /// It cannot be told before apply.
    Unknown,
}

impl Repetition {
    /// The keys of the instances.
    pub fn keys(&self) -> Vec<InstanceKey> {
        match self {
            Repetition::Single => vec![InstanceKey::None],
            Repetition::Disabled | Repetition::Unknown => Vec::new(),
            Repetition::Count(n) => (0..*n).map(InstanceKey::Int).collect(),
            Repetition::Each(m) => m.keys().cloned().map(InstanceKey::Str).collect(),
        }
    }

    /// Whether an instance of that key exists.
    pub fn contains(&self, key: &InstanceKey) -> bool {
        match (self, key) {
            (Repetition::Single, InstanceKey::None) => true,
            (Repetition::Count(n), InstanceKey::Int(i)) => i < n,
            (Repetition::Each(m), InstanceKey::Str(s)) => m.contains_key(s),
            _ => false,
        }
    }

    /// What `count` and `each` mean in the instance of that key.
    pub fn data(&self, key: &InstanceKey) -> RepetitionData {
        match (self, key) {
            (Repetition::Each(m), InstanceKey::Str(s)) => {
                RepetitionData { each: Some((Value::string(s), m.get(s).cloned().unwrap_or(Value::NULL))), count_index: None }
            }
            (_, InstanceKey::Int(i)) => {
                RepetitionData { each: None, count_index: Some(Value::from(i64::try_from(*i).unwrap_or(i64::MAX))) }
            }
            _ => RepetitionData::default(),
        }
    }
}

/// What `count.index`, `each.key` and `each.value` are worth.
#[derive(Clone, Debug, Default)]
pub struct RepetitionData {
    /// `each.key` and `each.value`.
    pub each: Option<(Value, Value)>,
    /// `count.index`
    pub count_index: Option<Value>,
}

/// What `count` and `each` mean to an instance of which only the key is left: for provisioners of deletions.
pub fn data_of_key(key: &InstanceKey) -> RepetitionData {
    match key {
        InstanceKey::None => RepetitionData::default(),
        InstanceKey::Int(_) => Repetition::Count(u64::MAX).data(key),
        InstanceKey::Str(s) => RepetitionData { each: Some((Value::string(s), Value::NULL)), count_index: None },
    }
}

/// The facts of a resource block in one module instance.
#[derive(Clone, Debug, Default)]
pub struct ResourceFacts {
    /// Which instances there are.
    pub repetition: Repetition,
    /// The value of each instance.
    pub instances: BTreeMap<InstanceKey, Value>,
    whole: OnceLock<Value>,
}

impl ResourceFacts {
    /// No instance known yet.
    pub fn new(repetition: Repetition) -> Self {
        Self { repetition, ..Self::default() }
    }

    /// Sets the value of an instance.
    pub fn set(&mut self, key: InstanceKey, value: Value) {
        self.instances.insert(key, value);
        self.whole = OnceLock::new();
    }

    /// The value that a reference to the resource gives.
    pub fn value(&self) -> Value {
        self.whole.get_or_init(|| self.assemble()).clone()
    }

    fn assemble(&self) -> Value {
        let of = |k: &InstanceKey| self.instances.get(k).cloned().unwrap_or_else(|| Value::unknown(Type::Dynamic));
        match &self.repetition {
            Repetition::Single => of(&InstanceKey::None),
            Repetition::Disabled => Value::NULL,
            Repetition::Count(n) => Value::tuple((0..*n).map(|i| of(&InstanceKey::Int(i)))),
            Repetition::Each(m) => Value::object(m.keys().map(|k| (k.clone(), of(&InstanceKey::Str(k.clone()))))),
            Repetition::Unknown => Value::unknown(Type::Dynamic),
        }
    }
}

/// The facts of one module instance.
#[derive(Clone, Debug)]
pub struct ModuleFacts {
    /// The instance.
    pub addr: ModuleAddr,
    /// Values of input variables.
    pub variables: BTreeMap<Str, Value>,
    /// Local values.
    pub locals: BTreeMap<Str, Value>,
    /// Output values.
    pub outputs: BTreeMap<Str, Value>,
    /// Resources.
    pub resources: BTreeMap<ResourceName, ResourceFacts>,
    /// The expansion of each module call.
    pub calls: BTreeMap<Str, Repetition>,
}

impl ModuleFacts {
    /// An instance of which nothing is known.
    pub fn new(addr: ModuleAddr) -> Self {
        Self {
            addr,
            variables: BTreeMap::new(),
            locals: BTreeMap::new(),
            outputs: BTreeMap::new(),
            resources: BTreeMap::new(),
            calls: BTreeMap::new(),
        }
    }
}

/// A source of random bytes.
pub type Random = Box<dyn Fn(&mut [u8]) + Send + Sync>;

/// What is the same for every expression of a run.
pub struct Ambient {
    /// The door to files.
    pub files: Arc<dyn Files + Send + Sync>,
    /// The selected workspace.
    pub workspace: Str,
    /// When planning started, in RFC 3339.
    pub plan_timestamp: Str,
    /// The time that `timestamp()` gives: known only during apply.
    pub timestamp: Option<Str>,
    /// The random bytes that `uuid()` draws from: there only during apply.
    pub random: Option<Random>,
    /// Whether references to what has no facts yet give unknown values rather than errors: `validate`.
    pub validating: bool,
}

/// All facts of a run.
pub struct World {
    /// The configuration.
    pub config: Arc<Config>,
    /// What is the same for every expression.
    pub ambient: Ambient,
    /// The instances of each module of the configuration, by index.
    pub modules: Vec<BTreeMap<ModuleAddr, ModuleFacts>>,
}

impl World {
    /// A world in which only the root module exists.
    pub fn new(config: Arc<Config>, ambient: Ambient) -> Self {
        let mut modules: Vec<BTreeMap<ModuleAddr, ModuleFacts>> = config.modules.iter().map(|_| BTreeMap::new()).collect();
        if let Some(root) = modules.first_mut() {
            root.insert(ModuleAddr::root(), ModuleFacts::new(ModuleAddr::root()));
        }
        Self { config, ambient, modules }
    }

    /// The instances of a module, in order.
    pub fn instances(&self, ix: ModuleIx) -> Vec<ModuleAddr> {
        self.modules[ix.0].keys().cloned().collect()
    }

    /// The facts of a module instance.
    pub fn facts(&self, ix: ModuleIx, addr: &ModuleAddr) -> Option<&ModuleFacts> {
        self.modules[ix.0].get(addr)
    }

    /// The facts of a module instance, to be changed.
    pub fn facts_mut(&mut self, ix: ModuleIx, addr: &ModuleAddr) -> Option<&mut ModuleFacts> {
        self.modules[ix.0].get_mut(addr)
    }

    /// The facts of the module instance at `addr`, if the configuration has such a module.
    pub fn find(&self, addr: &ModuleAddr) -> Option<(ModuleIx, &ModuleFacts)> {
        let ix = self.config.find(&addr.path())?;
        Some((ix, self.facts(ix, addr)?))
    }

    /// Adds the instances of a module that follow from the expansion of its call in `parent`.
    pub fn expand(&mut self, child: ModuleIx, parent: &ModuleAddr, repetition: Repetition) {
        let Some((parent_ix, call)) = self.config.module(child).parent.clone() else { return };
        for key in repetition.keys() {
            let addr = parent.child(&call, key);
            self.modules[child.0].insert(addr.clone(), ModuleFacts::new(addr));
        }
        if let Some(facts) = self.facts_mut(parent_ix, parent) {
            facts.calls.insert(call, repetition);
        }
    }

    /// Sets the value of a resource instance.
    pub fn set_resource(&mut self, addr: &Addr, value: Value) {
        let Some(ix) = self.config.find(&addr.module().path()) else { return };
        if let Some(facts) = self.facts_mut(ix, addr.module()) {
            facts.resources.entry(addr.resource.name.clone()).or_default().set(addr.key.clone(), value);
        }
    }

    /// A scope for expressions of a module instance.
    pub fn scope<'w>(&'w self, ix: ModuleIx, facts: &'w ModuleFacts, repetition: RepetitionData) -> ModuleScope<'w> {
        let context = Context {
            files: &*self.ambient.files,
            timestamp: self.ambient.timestamp.as_deref(),
            plan_timestamp: &self.ambient.plan_timestamp,
            random: self.ambient.random.as_ref().map(|r| &**r as &dyn Fn(&mut [u8])),
            in_template: false,
        };
        ModuleScope { world: self, ix, facts, repetition, this: None, context }
    }
}

/// The names that an expression of a module instance can refer to.
pub struct ModuleScope<'w> {
    world: &'w World,
    ix: ModuleIx,
    facts: &'w ModuleFacts,
    repetition: RepetitionData,
    /// What `self` is worth.
    pub this: Option<Value>,
    context: Context<'w>,
}

impl ModuleScope<'_> {
    /// The same scope in which `self` has a value.
    #[must_use]
    pub fn with_self(mut self, value: Value) -> Self {
        self.this = Some(value);
        self
    }

    fn missing(&self, span: Span, summary: &'static str, detail: String) -> Result<Resolved, Diagnostic> {
        Err(Diagnostic::error(summary, detail).at(span))
    }

    fn named(&self, map: &BTreeMap<Str, Value>, steps: &[ScopeStep<'_>]) -> Resolved {
        let value = steps.first().and_then(|s| map.get(s.name)).cloned();
        Resolved { value: value.unwrap_or_else(|| Value::unknown(Type::Dynamic)), used: steps.len().min(1) }
    }

    fn resource(&self, mode: Mode, ty: &Str, name: &Str, used: usize) -> Resolved {
        let name = ResourceName { mode, ty: ty.clone(), name: name.clone() };
        let value = self.facts.resources.get(&name).map_or_else(|| Value::unknown(Type::Dynamic), ResourceFacts::value);
        Resolved { value, used }
    }

    fn module(&self, steps: &[ScopeStep<'_>], span: Span) -> Result<Resolved, Diagnostic> {
        let Some(call) = steps.first() else {
            return self.missing(
                span,
                "Invalid reference",
                "The \"module\" object cannot be accessed directly. Instead, access one of its attributes.".into(),
            );
        };
        let Some(child) = self.world.config.module(self.ix).children.get(call.name).copied() else {
            return self.missing(
                call.span,
                "Reference to undeclared module",
                format!("No module call named {:?} is declared here.", call.name),
            );
        };
        let repetition = self.facts.calls.get(call.name).cloned().unwrap_or(Repetition::Unknown);
        let outputs = |key: InstanceKey| self.world.facts(child, &self.facts.addr.child(call.name, key)).map(|f| &f.outputs);
        let declared = &self.world.config.module(child).module.outputs;
        if let (Repetition::Single, Some(step)) = (&repetition, steps.get(1)) {
            let known = outputs(InstanceKey::None).and_then(|o| o.get(step.name)).cloned();
            if declared.contains_key(step.name) {
                return Ok(Resolved { value: known.unwrap_or_else(|| Value::unknown(Type::Dynamic)), used: 2 });
            }
        }
        let object = |key: InstanceKey| {
            let values = outputs(key);
            let of = |n: &Str| values.and_then(|v| v.get(n)).cloned().unwrap_or_else(|| Value::unknown(Type::Dynamic));
            Value::object(declared.keys().map(|n| (n.clone(), of(n))))
        };
        let value = match &repetition {
            Repetition::Single => object(InstanceKey::None),
            Repetition::Disabled => Value::NULL,
            Repetition::Count(n) => Value::tuple((0..*n).map(|i| object(InstanceKey::Int(i)))),
            Repetition::Each(m) => Value::object(m.keys().map(|k| (k.clone(), object(InstanceKey::Str(k.clone()))))),
            Repetition::Unknown => Value::unknown(Type::Dynamic),
        };
        Ok(Resolved { value, used: 1 })
    }

    fn ambient_value(&self, root: &str, name: &str) -> Option<Value> {
        Some(match (root, name) {
            ("path", "module") => Value::string(&self.world.config.module(self.ix).dir),
            ("path", "root") => Value::string(&self.world.config.module(ROOT).dir),
            ("path", "cwd") => Value::string(&self.world.ambient.files.current_dir()),
            ("terraform" | "tofu", "workspace") => Value::string(&self.world.ambient.workspace),
            ("terraform" | "tofu", "applying") => Value::from(self.world.ambient.timestamp.is_some()).mark(secstack_base::Marks::EPHEMERAL),
            ("count", "index") => self.repetition.count_index.clone()?,
            ("each", "key") => self.repetition.each.as_ref()?.0.clone(),
            ("each", "value") => self.repetition.each.as_ref()?.1.clone(),
            _ => return None,
        })
    }

    fn out_of_place(&self, root: &str, name: &str, span: Span) -> Diagnostic {
        let (summary, detail) = match root {
            "count" => (
                "Reference to \"count\" in non-counted context",
                "The \"count\" object can only be used in \"module\", \"resource\", and \"data\" blocks, and only when the \"count\" argument is set.".to_string(),
            ),
            "each" => (
                "Reference to \"each\" in context without for_each",
                format!("The \"each\" object can be used only in \"module\" or \"resource\" blocks, and only when the \"for_each\" argument is set. (each.{name})"),
            ),
            _ => ("Invalid reference", format!("There is no {root}.{name} here.")),
        };
        Diagnostic::error(summary, detail).at(span)
    }
}

impl Scope for ModuleScope<'_> {
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        let short = |what: &str| {
            Diagnostic::error(
                "Invalid reference",
                format!("A reference to a {what} must be followed by at least one attribute access, specifying the resource name."),
            )
            .at(span)
        };
        match &**root {
            "var" => Ok(self.named(&self.facts.variables, steps)),
            "local" => Ok(self.named(&self.facts.locals, steps)),
            "module" => self.module(steps, span),
            "path" | "terraform" | "tofu" | "count" | "each" => {
                let Some(step) = steps.first() else {
                    return self.missing(span, "Invalid reference", format!("The {root:?} object cannot be accessed directly. Instead, access one of its attributes."));
                };
                match self.ambient_value(root, step.name) {
                    Some(value) => Ok(Resolved { value, used: 1 }),
                    None if self.world.ambient.validating && matches!(&**root, "each" | "count") => {
                        Ok(Resolved { value: Value::unknown(Type::Dynamic), used: 1 })
                    }
                    None => Err(self.out_of_place(root, step.name, span.to(step.span))),
                }
            }
            "self" => match &self.this {
                Some(value) => Ok(Resolved { value: value.clone(), used: 0 }),
                None => self.missing(span, "Invalid \"self\" reference", "The \"self\" object is not available in this context. This object can be used only in resource provisioner, connection, and postcondition blocks.".into()),
            },
            "data" | "ephemeral" | "resource" => {
                let mode = match &**root {
                    "data" => Mode::Data,
                    "ephemeral" => Mode::Ephemeral,
                    _ => Mode::Managed,
                };
                match steps {
                    [ty, name, ..] => Ok(self.resource(mode, ty.name, name.name, 2)),
                    _ => Err(short("data source")),
                }
            }
            _ => match steps {
                [name, ..] => Ok(self.resource(Mode::Managed, root, name.name, 1)),
                [] => Err(short("resource type")),
            },
        }
    }

    fn context(&self) -> &Context<'_> {
        &self.context
    }

    fn declares_provider(&self, name: &str) -> bool {
        self.world.config.module(self.ix).module.required_providers.contains_key(name)
    }
}
