//! Variables, locals, outputs, module calls, providers and checks, as nodes of the walk of planning.

use petgraph::graph::NodeIndex;
use secstack_base::{Diagnostic, Diags, Marks, ModuleAddr, Span, Str, Type, Value};
use secstack_eval::{ModuleIx, ProviderKey, RepetitionData, evaluate};
use secstack_lang::module::Variable;
use secstack_state::model::Snapshot;

use crate::declared::{Declared, Phase, provider_instances};
use crate::expand::{Repeat, expand};
use crate::plan::{Action, OutputChange, PlanMode};
use crate::planner::{Outcome, Pending, Planner};
use crate::requests::Want;

/// How the text of a place reads in a message: `main.tf:7,3-13`.
pub fn place(sources: &secstack_base::Sources, span: Span) -> String {
    let path = sources.path(span).map(|p| p.display().to_string()).unwrap_or_default();
    let (a, b) = (sources.position(span.file, span.start), sources.position(span.file, span.end));
    if a.line == b.line {
        format!("{path}:{},{}-{}", a.line, a.column, b.column)
    } else {
        format!("{path}:{},{}-{},{}", a.line, a.column, b.line, b.column)
    }
}

impl Planner {
    pub(crate) fn call_node(&mut self, ix: ModuleIx) -> Outcome {
        let config = self.world.config.clone();
        let Some((parent, name)) = &config.module(ix).parent else { return Outcome::Done };
        let call = &config.module(*parent).module.calls[name];
        let repeat = Repeat { count: call.count.as_ref(), for_each: call.for_each.as_ref(), enabled: call.enabled.as_ref() };
        let mut ok = true;
        for parent_addr in self.world.instances(*parent) {
            let mut diags = Diags::new();
            let Some(facts) = self.world.facts(*parent, &parent_addr) else { continue };
            let scope = self.world.scope(*parent, facts, RepetitionData::default());
            let mut repetition = expand(repeat, &scope, self.options.validating, &mut diags);
            if self.options.validating && matches!(repetition, secstack_eval::Repetition::Unknown) && !diags.has_errors() {
                // Something to check the inside of the module with.
                repetition = secstack_eval::Repetition::Single;
            }
            ok &= !diags.has_errors();
            self.diags.extend(diags);
            self.world.expand(ix, &parent_addr, repetition);
        }
        if ok { Outcome::Done } else { Outcome::Failed }
    }

    fn declared(&mut self) -> Declared<'_> {
        let severity = self.options.mode.severity();
        Declared { world: &mut self.world, checks: &mut self.checks, severity }
    }

    fn note(&mut self, diags: Diags) -> Outcome {
        let ok = !diags.has_errors();
        self.diags.extend(diags);
        if ok { Outcome::Done } else { Outcome::Failed }
    }

    pub(crate) fn variable_node(&mut self, ix: ModuleIx, name: &Str) -> Outcome {
        let given = self.inputs.get(name).filter(|_| !self.options.validating).cloned();
        let diags = self.declared().variable(ix, name, |v| given.clone().unwrap_or_else(|| Value::unknown(v.ty.without_optional())));
        self.note(diags)
    }

    pub(crate) fn local_node(&mut self, ix: ModuleIx, name: &Str) -> Outcome {
        let diags = self.declared().local(ix, name);
        self.note(diags)
    }

    pub(crate) fn output_node(&mut self, ix: ModuleIx, name: &Str) -> Outcome {
        let mut diags = Diags::new();
        if let Some(value) = self.declared().output(ix, name, &mut diags) {
            let sensitive = self.world.config.module(ix).module.outputs[name].sensitive;
            self.outputs.insert(name.clone(), output_change(&self.previous, name, &value, sensitive));
        }
        self.note(diags)
    }

    pub(crate) fn check_node(&mut self, ix: ModuleIx, name: &Str) -> Outcome {
        if self.options.mode == PlanMode::Destroy {
            return Outcome::Done;
        }
        let phase = if self.options.validating { Phase::Validate } else { Phase::Plan };
        let diags = self.declared().check(ix, name, phase);
        self.diags.extend(diags);
        Outcome::Done
    }

    pub(crate) fn provider_node(&mut self, node: NodeIndex, key: &ProviderKey) -> Outcome {
        let config = self.world.config.clone();
        let module = &config.module(key.module).module;
        let local_name = config.local_name(key.module, &key.provider);
        let block = module.providers.get(&(local_name, key.alias.clone()));
        let Some(schema) = self.providers.provider(&key.provider).map(|s| s.block.clone()) else { return Outcome::Failed };
        let mut diags = Diags::new();
        let instances = provider_instances(&self.world, key, block, (&schema, self.options.validating), &mut diags);
        if block.is_none() && key.alias.is_some() {
            let alias = key.alias.as_deref().unwrap_or_default();
            let what = format!("The configuration of provider {:?} with alias {alias:?} is not declared.", key.provider.name);
            diags.push(Diagnostic::error("Provider configuration not present", what));
        }
        for (instance, value) in &instances {
            if let Some(block) = block {
                let about = self.config_addr(key, instance.clone()).to_string();
                crate::validate::checks(&schema, &value.unmark_deep(Marks::ALL), &block.body, &about, &mut diags);
            }
            let found = self.providers.validate_config(&key.provider, value);
            diags.extend(found.into_iter().map(|d| d.at_opt(block.map(|b| b.span))));
        }
        let failed = diags.has_errors();
        self.diags.extend(diags);
        if failed {
            return Outcome::Failed;
        }
        if self.options.validating || instances.is_empty() {
            return Outcome::Done;
        }
        for (instance, value) in instances {
            let addr = self.config_addr(key, instance);
            let value = value.unmark_deep(Marks::ALL);
            let known = value.is_wholly_known().then_some(value);
            self.ask(addr.clone(), Want::Configure(known), Pending::Configure(node, addr));
        }
        Outcome::Waiting
    }
}

/// What a root output's value means for the stored one.
pub fn output_change(previous: &Snapshot, name: &str, value: &Value, sensitive: bool) -> OutputChange {
    let before = previous.outputs.get(name);
    let old = before.map_or(Value::NULL, |o| o.value.clone());
    let before_sensitive = before.is_some_and(|o| o.sensitive);
    let plain = value.unmark_deep(Marks::ALL);
    let same = before.is_some() && old.unmark_deep(Marks::ALL).same(&plain) && before_sensitive == sensitive;
    let action = match before {
        _ if same => Action::NoOp,
        None if plain.is_null() => Action::NoOp,
        None => Action::Create,
        Some(_) => Action::Update,
    };
    OutputChange { before: old, after: plain, sensitive: sensitive || before_sensitive, before_sensitive, action }
}

/// Says what keeps a value from being an output.
pub fn check_output(output: &secstack_lang::module::Output, root: bool, value: &Value, diags: &mut Diags) {
    let marks = value.deep_marks();
    if root && output.ephemeral {
        let what = "Ephemeral outputs are not allowed in context of a root module";
        diags.push(Diagnostic::error("Ephemeral output not allowed", what).at(output.span));
    }
    if root && marks.has(Marks::SENSITIVE) && !output.sensitive {
        let what = "To reduce the risk of accidentally exporting sensitive data that was intended to be only internal, Terraform requires that any root module output containing sensitive data be explicitly marked as sensitive, to confirm your intent.\n\nIf you do intend to export this data, annotate the output value as sensitive by adding the following argument:\n    sensitive = true";
        diags.push(Diagnostic::error("Output refers to sensitive values", what).at(output.span));
    }
    if marks.has(Marks::EPHEMERAL) && !output.ephemeral {
        let what = "This output value is not declared as returning an ephemeral value, so it cannot be set to a result derived from an ephemeral value.";
        diags.push(Diagnostic::error("Ephemeral value not allowed", what).at(output.value.span));
    }
}

/// The same diagnostic, not stopping the operation.
pub fn as_warning(d: Diagnostic) -> Diagnostic {
    Diagnostic { severity: secstack_base::Severity::Warning, ..d }
}

/// The value that a module call gives to a variable of the module, and where it is given.
pub fn argument(world: &secstack_eval::World, ix: ModuleIx, addr: &ModuleAddr, variable: &Variable, diags: &mut Diags) -> (Value, Span) {
    let config = &world.config;
    let fail = || (Value::unknown(Type::Dynamic), variable.span);
    let (Some((parent, call)), Some((parent_addr, _, key))) = (&config.module(ix).parent, addr.split_last()) else { return fail() };
    let call = &config.module(*parent).module.calls[call];
    let (view, _) = call.body.view(&[]);
    let given = view.attributes.iter().find(|a| a.name == variable.name);
    let Some(attribute) = given else {
        let Some(default) = &variable.default else { return fail() };
        let Some(facts) = world.facts(ix, addr) else { return fail() };
        let scope = world.scope(ix, facts, RepetitionData::default());
        let value = evaluate(default, &scope, diags);
        return (crate::inputs::fit(variable, value, diags, default.span, "default"), variable.span);
    };
    let Some(facts) = world.facts(*parent, &parent_addr) else { return fail() };
    let repetition = facts.calls.get(&call.name).map(|r| r.data(&key)).unwrap_or_default();
    let scope = world.scope(*parent, facts, repetition);
    let mut value = evaluate(&attribute.expr, &scope, diags);
    if value.deep_marks().has(Marks::EPHEMERAL) && !variable.ephemeral {
        let what = "This input variable is not declared as accepting a ephemeral values, so it cannot be set to a result derived from an ephemeral value.";
        diags.push(Diagnostic::error("Ephemeral value not allowed", what).at(attribute.expr.span));
    }
    if value.is_null()
        && !variable.nullable
        && let Some(default) = &variable.default
    {
        value = evaluate(default, &scope, diags);
    }
    (crate::inputs::fit(variable, value, diags, attribute.expr.span, "argument"), attribute.expr.span)
}
