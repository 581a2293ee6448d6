//! What names mean in a test: those of the module under test, and the outputs of earlier runs.

use std::collections::BTreeMap;

use secstack_base::{Diagnostic, Span, Str, Value};
use secstack_eval::funcs::Context;
use secstack_eval::scope::{Resolved, Scope, ScopeStep};
use secstack_eval::world::{ModuleFacts, ModuleScope};

/// The scope of an assertion.
pub struct TestScope<'w> {
    /// The module under test.
    pub inner: ModuleScope<'w>,
    /// Its facts.
    pub facts: &'w ModuleFacts,
    /// Outputs of earlier runs, by name of run.
    pub runs: &'w BTreeMap<Str, Value>,
    /// Variables of the file and the run, declared by the module or not.
    pub variables: &'w BTreeMap<Str, Value>,
}

impl Scope for TestScope<'_> {
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        match (&**root, steps.first()) {
            ("run", Some(step)) => of_run(self.runs, step),
            ("output", Some(step)) => match self.facts.outputs.get(step.name) {
                Some(value) => Ok(Resolved { value: value.clone(), used: 1 }),
                None => Err(Diagnostic::error(
                    "Reference to undeclared output value",
                    format!("The module under test has no output value {:?}.", step.name),
                )
                .at(step.span)),
            },
            ("var", Some(step)) if !self.facts.variables.contains_key(step.name) => of_variable(self.variables, step),
            _ => self.inner.resolve(root, span, steps),
        }
    }

    fn context(&self) -> &Context<'_> {
        self.inner.context()
    }

    fn declares_provider(&self, name: &str) -> bool {
        self.inner.declares_provider(name)
    }
}

/// The scope of the values of variables.
pub struct VariableScope<'w> {
    /// Outputs of earlier runs, by name of run.
    pub runs: &'w BTreeMap<Str, Value>,
    /// Values known so far.
    pub variables: &'w BTreeMap<Str, Value>,
    /// What functions need.
    pub context: Context<'w>,
}

impl Scope for VariableScope<'_> {
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        match (&**root, steps.first()) {
            ("run", Some(step)) => of_run(self.runs, step),
            ("var", Some(step)) => of_variable(self.variables, step),
            _ => Err(Diagnostic::error(
                "Invalid reference",
                "The values of variables of a test can refer to variables and to outputs of earlier runs only.",
            )
            .at(span)),
        }
    }

    fn context(&self) -> &Context<'_> {
        &self.context
    }
}

fn of_run(runs: &BTreeMap<Str, Value>, step: &ScopeStep<'_>) -> Result<Resolved, Diagnostic> {
    match runs.get(step.name) {
        Some(value) => Ok(Resolved { value: value.clone(), used: 1 }),
        None => {
            let what = format!("There is no run block {:?} before this one whose outputs are known.", step.name);
            Err(Diagnostic::error("Reference to unknown run block", what).at(step.span))
        }
    }
}

fn of_variable(variables: &BTreeMap<Str, Value>, step: &ScopeStep<'_>) -> Result<Resolved, Diagnostic> {
    match variables.get(step.name) {
        Some(value) => Ok(Resolved { value: value.clone(), used: 1 }),
        None => {
            let what = format!("The variable {:?} has no value in this test.", step.name);
            Err(Diagnostic::error("Reference to unknown variable", what).at(step.span))
        }
    }
}
