//! Variables, locals, outputs, module calls, providers and checks: the nodes that are evaluated and nothing more.

use petgraph::graph::NodeIndex;
use secstack_base::{Diagnostic, Diags, InstanceKey, Marks, ModuleAddr, Span, Str, Type, Value};
use secstack_eval::config::ROOT;
use secstack_eval::{ModuleIx, ProviderKey, RepetitionData, decode_block, evaluate};
use secstack_lang::module::{CheckRule, Variable};
use secstack_state::model::Snapshot;

use crate::conditions::{Verdict, judge};
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

    pub(crate) fn variable_node(&mut self, ix: ModuleIx, name: &Str) -> Outcome {
        let config = self.world.config.clone();
        let variable = &config.module(ix).module.variables[name];
        let mut ok = true;
        for addr in self.world.instances(ix) {
            let mut diags = Diags::new();
            let (value, span) = if ix == ROOT { self.root_value(variable) } else { argument(&self.world, ix, &addr, variable, &mut diags) };
            let mut value = value;
            if variable.sensitive {
                value = value.mark(Marks::SENSITIVE);
            }
            if variable.ephemeral {
                value = value.mark(Marks::EPHEMERAL);
            }
            if let Some(facts) = self.world.facts_mut(ix, &addr) {
                facts.variables.insert(name.clone(), value);
            }
            if !diags.has_errors() {
                self.validate_variable(ix, &addr, variable, span, &mut diags);
            }
            ok &= !diags.has_errors();
            self.diags.extend(diags);
        }
        if ok { Outcome::Done } else { Outcome::Failed }
    }

    fn root_value(&self, variable: &Variable) -> (Value, Span) {
        let unknown = || Value::unknown(variable.ty.without_optional());
        let value = if self.options.validating { unknown() } else { self.inputs.get(&variable.name).cloned().unwrap_or_else(unknown) };
        (value, variable.span)
    }

    fn validate_variable(&mut self, ix: ModuleIx, addr: &ModuleAddr, variable: &Variable, span: Span, diags: &mut Diags) {
        if variable.validations.is_empty() {
            return;
        }
        let dot = if addr.is_root() { "" } else { "." };
        let instance = format!("{addr}{dot}var.{}", variable.name);
        let path = addr.path();
        let config_addr = format!("{path}{dot}var.{}", variable.name);
        for rule in &variable.validations {
            let Some(facts) = self.world.facts(ix, addr) else { continue };
            let scope = self.world.scope(ix, facts, RepetitionData::default());
            let verdict = judge(rule, &scope);
            match &verdict {
                Verdict::Fail(text) => {
                    let rule_place = place(&self.world.config.sources, rule.span);
                    let detail = format!("{text}\n\nThis was checked by the validation rule at {rule_place}.");
                    diags
                        .push(Diagnostic::error("Invalid value for variable", detail).at(span).label(rule.condition.span, "this is false"));
                }
                Verdict::Error(found) => diags.extend(found.clone()),
                Verdict::Pass | Verdict::Unknown => {}
            }
            self.checks.record("var", &config_addr, &instance, &verdict);
        }
    }

    pub(crate) fn local_node(&mut self, ix: ModuleIx, name: &Str) -> Outcome {
        let config = self.world.config.clone();
        let local = &config.module(ix).module.locals[name];
        let mut ok = true;
        for addr in self.world.instances(ix) {
            let mut diags = Diags::new();
            let Some(facts) = self.world.facts(ix, &addr) else { continue };
            let scope = self.world.scope(ix, facts, RepetitionData::default());
            let value = evaluate(&local.expr, &scope, &mut diags);
            ok &= !diags.has_errors();
            self.diags.extend(diags);
            if let Some(facts) = self.world.facts_mut(ix, &addr) {
                facts.locals.insert(name.clone(), value);
            }
        }
        if ok { Outcome::Done } else { Outcome::Failed }
    }

    pub(crate) fn output_node(&mut self, ix: ModuleIx, name: &Str) -> Outcome {
        let config = self.world.config.clone();
        let output = &config.module(ix).module.outputs[name];
        let mut ok = true;
        for addr in self.world.instances(ix) {
            let mut diags = Diags::new();
            self.output_conditions(ix, &addr, name, &output.preconditions, &mut diags);
            let Some(facts) = self.world.facts(ix, &addr) else { continue };
            let scope = self.world.scope(ix, facts, RepetitionData::default());
            let mut value = evaluate(&output.value, &scope, &mut diags);
            check_output(output, ix == ROOT, &value, &mut diags);
            // Terraform marks the outputs of the root module only: a child's `sensitive` does not reach its caller.
            if output.sensitive && ix == ROOT {
                value = value.mark(Marks::SENSITIVE);
            }
            if output.ephemeral {
                value = value.mark(Marks::EPHEMERAL);
            }
            ok &= !diags.has_errors();
            self.diags.extend(diags);
            if ix == ROOT && ok && !output.ephemeral {
                let change = output_change(&self.previous, name, &value, output.sensitive);
                self.outputs.insert(name.clone(), change);
            }
            if let Some(facts) = self.world.facts_mut(ix, &addr) {
                facts.outputs.insert(name.clone(), value);
            }
        }
        if ok { Outcome::Done } else { Outcome::Failed }
    }

    fn output_conditions(&mut self, ix: ModuleIx, addr: &ModuleAddr, name: &Str, rules: &[CheckRule], diags: &mut Diags) {
        let dot = if addr.is_root() { "" } else { "." };
        let instance = format!("{addr}{dot}output.{name}");
        let config_addr = format!("{}{dot}output.{name}", addr.path());
        for rule in rules {
            let Some(facts) = self.world.facts(ix, addr) else { continue };
            let scope = self.world.scope(ix, facts, RepetitionData::default());
            let verdict = judge(rule, &scope);
            match &verdict {
                Verdict::Fail(text) => {
                    diags.push(Diagnostic::error("Module output value precondition failed", text.clone()).at(rule.condition.span));
                }
                Verdict::Error(found) => diags.extend(found.clone()),
                Verdict::Pass | Verdict::Unknown => {}
            }
            self.checks.record("output", &config_addr, &instance, &verdict);
        }
    }

    pub(crate) fn check_node(&mut self, ix: ModuleIx, name: &Str) -> Outcome {
        let config = self.world.config.clone();
        let check = &config.module(ix).module.checks[name];
        if self.options.mode == PlanMode::Destroy {
            return Outcome::Done;
        }
        for addr in self.world.instances(ix) {
            let dot = if addr.is_root() { "" } else { "." };
            let instance = format!("{addr}{dot}check.{name}");
            let config_addr = format!("{}{dot}check.{name}", addr.path());
            for rule in &check.asserts {
                let Some(facts) = self.world.facts(ix, &addr) else { continue };
                let scope = self.world.scope(ix, facts, RepetitionData::default());
                let verdict = judge(rule, &scope);
                if !self.options.validating {
                    match &verdict {
                        Verdict::Fail(text) => {
                            self.diags.push(Diagnostic::warning("Check block assertion failed", text.clone()).at(rule.condition.span));
                        }
                        Verdict::Error(found) => self.diags.extend(found.clone().into_iter().map(as_warning)),
                        Verdict::Unknown => {
                            let what =
                                "The condition could not be evaluated at this time, a result will be known when this plan is applied.";
                            self.diags.push(Diagnostic::warning("Check block assertion known after apply", what).at(rule.condition.span));
                        }
                        Verdict::Pass => {}
                    }
                } else if let Verdict::Error(found) = &verdict {
                    self.diags.extend(found.clone());
                }
                self.checks.record("check", &config_addr, &instance, &verdict);
            }
        }
        Outcome::Done
    }

    pub(crate) fn provider_node(&mut self, node: NodeIndex, key: &ProviderKey) -> Outcome {
        let config = self.world.config.clone();
        let module = &config.module(key.module).module;
        let local_name = config.local_name(key.module, &key.provider);
        let block = module.providers.get(&(local_name, key.alias.clone()));
        let Some(schema) = self.providers.provider(&key.provider).map(|s| s.block.clone()) else { return Outcome::Failed };
        let mut diags = Diags::new();
        let mut instances = Vec::new();
        // A provider block stands in a module without repetition: there is one instance of that module.
        for addr in self.world.instances(key.module).into_iter().take(1) {
            let Some(facts) = self.world.facts(key.module, &addr) else { continue };
            let Some(block) = block else {
                instances.push((InstanceKey::None, schema.empty_value()));
                continue;
            };
            let scope = self.world.scope(key.module, facts, RepetitionData::default());
            let repeat = Repeat { count: None, for_each: block.for_each.as_ref(), enabled: None };
            let repetition = expand(repeat, &scope, self.options.validating, &mut diags);
            for instance in repetition.keys() {
                let scope = self.world.scope(key.module, facts, repetition.data(&instance));
                let value = decode_block(&block.body, &schema, &scope, &mut diags);
                instances.push((instance, value));
            }
        }
        if block.is_none() && key.alias.is_some() {
            let alias = key.alias.as_deref().unwrap_or_default();
            let what = format!("The configuration of provider {:?} with alias {alias:?} is not declared.", key.provider.name);
            diags.push(Diagnostic::error("Provider configuration not present", what));
        }
        for (_, value) in &instances {
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
