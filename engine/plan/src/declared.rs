//! Variables, locals, outputs, checks and provider configurations: what is only evaluated.
//!
//! Planning and applying evaluate the same declarations; they differ in what is known by then. A condition that was
//! judged before is judged again, and the later verdict stands.

use secstack_base::schema::Block;
use secstack_base::{Diagnostic, Diags, InstanceKey, Marks, ModuleAddr, Severity, Span, Str, Value};
use secstack_eval::config::ROOT;
use secstack_eval::{ModuleIx, ProviderKey, RepetitionData, World, decode_block, evaluate};
use secstack_lang::module::{CheckRule, ProviderConfig, Variable};

use crate::conditions::{CheckBook, Verdict, judge};
use crate::expand::{Repeat, expand};
use crate::values::{argument, as_warning, check_output, place};

/// What a run has of its declarations.
pub struct Declared<'a> {
    /// Configuration and facts. Values that are found become facts.
    pub world: &'a mut World,
    /// Where verdicts go.
    pub checks: &'a mut CheckBook,
    /// What a false precondition of an output is: a mistake, or in a refresh-only run, which changes nothing, a warning.
    pub severity: Severity,
}

/// What a run is for, as far as checks are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Only what can never be right is told.
    Validate,
    /// What is not known yet is told as well.
    Plan,
    /// Everything is known that will be.
    Apply,
}

/// A declaration with conditions, in one module instance.
struct Owner {
    kind: &'static str,
    config: String,
    instance: String,
}

impl Owner {
    fn new(kind: &'static str, module: &ModuleAddr, name: &str) -> Self {
        let dot = if module.is_root() { "" } else { "." };
        Self { kind, config: format!("{}{dot}{kind}.{name}", module.path()), instance: format!("{module}{dot}{kind}.{name}") }
    }
}

impl Declared<'_> {
    /// Evaluates a variable in all instances of its module. `root` gives the value of a variable of the root module.
    pub fn variable(&mut self, ix: ModuleIx, name: &Str, root: impl Fn(&Variable) -> Value) -> Diags {
        let config = self.world.config.clone();
        let variable = &config.module(ix).module.variables[name];
        let mut all = Diags::new();
        for addr in self.world.instances(ix) {
            let mut diags = Diags::new();
            let (mut value, span) =
                if ix == ROOT { (root(variable), variable.span) } else { argument(self.world, ix, &addr, variable, &mut diags) };
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
                self.validate(ix, &addr, variable, span, &mut diags);
            }
            all.extend(diags);
        }
        all
    }

    fn validate(&mut self, ix: ModuleIx, addr: &ModuleAddr, variable: &Variable, span: Span, diags: &mut Diags) {
        let owner = Owner::new("var", addr, &variable.name);
        for (rule, verdict) in self.judge(ix, addr, &variable.validations, &owner) {
            if let Verdict::Fail(text, _, seen) = verdict {
                let place = place(&self.world.config.sources, rule.span);
                let detail = format!("{text}\n\nThis was checked by the validation rule at {place}.");
                let d = Diagnostic::error("Invalid value for variable", detail).at(span).seeing(seen);
                diags.push(d.label(rule.condition.span, "this is false"));
            } else if let Verdict::Error(found) = verdict {
                diags.extend(found);
            }
        }
    }

    /// Evaluates a local value in all instances of its module.
    pub fn local(&mut self, ix: ModuleIx, name: &Str) -> Diags {
        let config = self.world.config.clone();
        let local = &config.module(ix).module.locals[name];
        let mut diags = Diags::new();
        for addr in self.world.instances(ix) {
            let Some(facts) = self.world.facts(ix, &addr) else { continue };
            let value = evaluate(&local.expr, &self.world.scope(ix, facts, RepetitionData::default()), &mut diags);
            if let Some(facts) = self.world.facts_mut(ix, &addr) {
                facts.locals.insert(name.clone(), value);
            }
        }
        diags
    }

    /// Evaluates an output in all instances of its module. Gives the value of a root output that is fit to be stored.
    pub fn output(&mut self, ix: ModuleIx, name: &Str, all: &mut Diags) -> Option<Value> {
        let config = self.world.config.clone();
        let output = &config.module(ix).module.outputs[name];
        let mut stored = None;
        for addr in self.world.instances(ix) {
            let mut diags = Diags::new();
            let owner = Owner::new("output", &addr, name);
            for (rule, verdict) in self.judge(ix, &addr, &output.preconditions, &owner) {
                if let Verdict::Fail(text, remark, seen) = verdict {
                    let found = Diagnostic::error("Module output value precondition failed", text).at(rule.condition.span);
                    diags.push(Diagnostic { severity: self.severity, ..found.seeing(seen) });
                    diags.extend(remark.map(|d| *d));
                } else if let Verdict::Error(found) = verdict {
                    diags.extend(found);
                }
            }
            let Some(facts) = self.world.facts(ix, &addr) else { continue };
            let mut value = evaluate(&output.value, &self.world.scope(ix, facts, RepetitionData::default()), &mut diags);
            check_output(output, ix == ROOT, &value, &mut diags);
            // Terraform marks the outputs of the root module only: a child's `sensitive` does not reach its caller.
            if output.sensitive && ix == ROOT {
                value = value.mark(Marks::SENSITIVE);
            }
            if output.ephemeral {
                value = value.mark(Marks::EPHEMERAL);
            }
            if ix == ROOT && !output.ephemeral && !diags.has_errors() {
                stored = Some(value.clone());
            }
            all.extend(diags);
            if let Some(facts) = self.world.facts_mut(ix, &addr) {
                facts.outputs.insert(name.clone(), value);
            }
        }
        stored
    }

    /// Judges a check in all instances of its module. What fails is a warning, unless it can never be right.
    pub fn check(&mut self, ix: ModuleIx, name: &Str, phase: Phase) -> Diags {
        let config = self.world.config.clone();
        let check = &config.module(ix).module.checks[name];
        let mut diags = Diags::new();
        for addr in self.world.instances(ix) {
            let owner = Owner::new("check", &addr, name);
            for (rule, verdict) in self.judge(ix, &addr, &check.asserts, &owner) {
                let warning = |summary: &'static str, detail: String| Diagnostic::warning(summary, detail).at(rule.condition.span);
                match (verdict, phase) {
                    (Verdict::Error(found), Phase::Validate) => diags.extend(found),
                    (Verdict::Error(found), _) => diags.extend(found.into_iter().map(as_warning)),
                    (Verdict::Fail(text, remark, seen), Phase::Plan | Phase::Apply) => {
                        diags.push(warning("Check block assertion failed", text).seeing(seen));
                        diags.extend(remark.map(|d| *d));
                    }
                    (Verdict::Unknown, Phase::Plan) => {
                        let what = "The condition could not be evaluated at this time, a result will be known when this plan is applied.";
                        diags.push(warning("Check block assertion known after apply", what.into()));
                    }
                    _ => {}
                }
            }
        }
        diags
    }

    /// Judges the conditions of a declaration and notes the verdicts in place of those from before.
    fn judge<'r>(&mut self, ix: ModuleIx, addr: &ModuleAddr, rules: &'r [CheckRule], owner: &Owner) -> Vec<(&'r CheckRule, Verdict)> {
        let Some(facts) = self.world.facts(ix, addr).filter(|_| !rules.is_empty()) else { return Vec::new() };
        let scope = self.world.scope(ix, facts, RepetitionData::default());
        let verdicts: Vec<_> = rules.iter().map(|rule| (rule, judge(rule, &scope))).collect();
        self.checks.forget(owner.kind, &owner.config, &owner.instance);
        for (_, verdict) in &verdicts {
            self.checks.record(owner.kind, &owner.config, &owner.instance, verdict);
        }
        verdicts
    }
}

/// The instances of a provider configuration with their arguments. Without a block there is one, with none.
pub fn provider_instances(
    world: &World,
    key: &ProviderKey,
    block: Option<&ProviderConfig>,
    (schema, validating): (&Block, bool),
    diags: &mut Diags,
) -> Vec<(InstanceKey, Value)> {
    let mut instances = Vec::new();
    // A provider block stands in a module without repetition: there is one instance of that module.
    for addr in world.instances(key.module).into_iter().take(1) {
        let Some(facts) = world.facts(key.module, &addr) else { continue };
        let Some(block) = block else {
            instances.push((InstanceKey::None, schema.empty_value()));
            continue;
        };
        let scope = world.scope(key.module, facts, RepetitionData::default());
        let repeat = Repeat { count: None, for_each: block.for_each.as_ref(), enabled: None };
        let repetition = expand(repeat, &scope, validating, diags);
        for instance in repetition.keys() {
            let scope = world.scope(key.module, facts, repetition.data(&instance));
            instances.push((instance, decode_block(&block.body, schema, &scope, diags)));
        }
    }
    instances
}
