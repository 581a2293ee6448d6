//! Conditions: validation of variables, pre- and postconditions, assertions of checks.

use std::borrow::Cow;
use std::collections::BTreeMap;

use secstack_base::diag::Seen;
use secstack_base::{Data, Diagnostic, Diags, Marks, Span, Str, Type, Value, convert};
use secstack_eval::{Scope, evaluate};
use secstack_lang::module::CheckRule;
use secstack_state::model::{CheckObject, CheckResult, CheckStatus};

/// What a condition came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is true.
    Pass,
    /// It is false; with the message, with what is to be said of the message itself, and with what the references of the
    /// condition came to.
    Fail(String, Option<Box<Diagnostic>>, Vec<Seen>),
    /// It cannot be told before apply.
    Unknown,
    /// It, or its message, could not be evaluated; with what is wrong.
    Error(Diags),
}

impl Verdict {
    /// What is to be said of a condition that stands at `place`.
    pub fn told(&self, summary: impl Into<Cow<'static, str>>, place: Span) -> Diags {
        match self {
            Self::Fail(text, remark, seen) => {
                let failed = Diagnostic::error(summary, text.clone()).at(place).seeing(seen.clone());
                Diags(std::iter::once(failed).chain(remark.as_deref().cloned()).collect())
            }
            Self::Error(found) => found.clone(),
            Self::Pass | Self::Unknown => Diags::new(),
        }
    }
}

/// Evaluates a condition and, when it is false, its message.
pub fn judge(rule: &CheckRule, scope: &dyn Scope) -> Verdict {
    let mut diags = Diags::new();
    let value = evaluate(&rule.condition, scope, &mut diags);
    if diags.has_errors() {
        return Verdict::Error(diags);
    }
    let value = value.unmark_deep(Marks::ALL);
    match convert::convert(&value, &Type::Bool).map(|v| v.data) {
        Ok(Data::Bool(true)) => Verdict::Pass,
        Ok(Data::Bool(false)) => {
            let (text, remark) = message(rule, scope);
            Verdict::Fail(text, remark.map(Box::new), secstack_eval::seen(&rule.condition, scope))
        }
        Ok(Data::Unknown(..)) => Verdict::Unknown,
        Ok(_) => {
            let what = "Condition expression must return either true or false, not null.";
            Verdict::Error(Diags(vec![Diagnostic::error("Invalid condition result", what).at(rule.condition.span)]))
        }
        Err(e) => {
            let what = format!("Invalid condition result value: {e}.");
            Verdict::Error(Diags(vec![Diagnostic::error("Invalid condition result", what).at(rule.condition.span)]))
        }
    }
}

/// The message of a false condition. What is wrong with the message itself takes its place, and a message that must not
/// be shown gives a warning.
fn message(rule: &CheckRule, scope: &dyn Scope) -> (String, Option<Diagnostic>) {
    const HIDDEN: &str = "This check failed, but has an invalid error message as described in the other accompanying messages.";
    let mut diags = Diags::new();
    let value = evaluate(&rule.error_message, scope, &mut diags);
    let marks = value.deep_marks();
    let hidden = |summary: &'static str, what: &str| {
        (HIDDEN.to_string(), Some(Diagnostic::warning(summary, what.to_string()).at(rule.error_message.span)))
    };
    if marks.has(Marks::SENSITIVE) {
        let what = "The error expression used to explain this condition refers to sensitive values, so Terraform will not display the resulting message.\n\nYou can correct this by removing references to sensitive values, or by carefully using the nonsensitive() function if the expression will not reveal the sensitive data.";
        return hidden("Error message refers to sensitive values", what);
    }
    if marks.has(Marks::EPHEMERAL) {
        let what = "The error expression used to explain this condition refers to ephemeral values, so Terraform will not display the resulting message.\n\nYou can correct this by removing references to ephemeral values, or by using the ephemeralasnull() function on the references to not reveal ephemeral data.";
        return hidden("Error message refers to ephemeral values", what);
    }
    match convert::convert(&value, &Type::String).ok().as_ref().and_then(Value::as_str) {
        Some(text) => (text.trim().to_string(), None),
        None => ("This check failed, but has an invalid error message.".into(), None),
    }
}

/// The results of all conditions of a run, by the declaration they belong to.
#[derive(Clone, Debug, Default)]
pub struct CheckBook {
    entries: BTreeMap<(Str, Str), BTreeMap<Str, CheckObject>>,
    unexpanded: std::collections::BTreeSet<(Str, Str)>,
}

impl CheckBook {
    /// Makes a declaration with conditions known, although it may turn out to have no instance.
    pub fn declare(&mut self, kind: &str, config_addr: &str) {
        self.entries.entry((kind.into(), config_addr.into())).or_default();
    }

    /// Whether a declaration is known.
    pub fn has(&self, kind: &str, config_addr: &str) -> bool {
        self.entries.contains_key(&(kind.into(), config_addr.into()))
    }

    /// Makes a declaration known whose instances this run does not look at.
    pub fn declare_unexpanded(&mut self, kind: &str, config_addr: &str) {
        self.unexpanded.insert((kind.into(), config_addr.into()));
        self.declare(kind, config_addr);
    }

    /// Adds the verdict of one condition of one instance.
    pub fn record(&mut self, kind: &str, config_addr: &str, instance: &str, verdict: &Verdict) {
        let objects = self.entries.entry((kind.into(), config_addr.into())).or_default();
        let object = objects.entry(instance.into()).or_insert_with(|| CheckObject {
            addr: instance.into(),
            status: CheckStatus::Pass,
            failures: Vec::new(),
        });
        let status = match verdict {
            Verdict::Pass => CheckStatus::Pass,
            Verdict::Fail(text, ..) => {
                object.failures.push(text.as_str().into());
                CheckStatus::Fail
            }
            Verdict::Unknown => CheckStatus::Unknown,
            Verdict::Error(_) => CheckStatus::Error,
        };
        object.status = worse(object.status, status);
    }

    /// Replaces the results of an instance, since its conditions are judged again.
    pub fn forget(&mut self, kind: &str, config_addr: &str, instance: &str) {
        if let Some(objects) = self.entries.get_mut(&(kind.into(), config_addr.into())) {
            objects.remove(instance);
        }
    }

    /// The results in order of kind and address.
    pub fn results(&self) -> Vec<CheckResult> {
        let result = |((kind, addr), objects): (&(Str, Str), &BTreeMap<Str, CheckObject>)| CheckResult {
            kind: kind.clone(),
            config_addr: addr.clone(),
            status: if self.unexpanded.contains(&(kind.clone(), addr.clone())) && objects.is_empty() {
                CheckStatus::Unknown
            } else {
                objects.values().fold(CheckStatus::Pass, |s, o| worse(s, o.status))
            },
            objects: objects.values().map(in_order).collect(),
        };
        self.entries.iter().map(result).collect()
    }
}

/// The failures of an object in the order in which they are stored: that of their text.
fn in_order(object: &CheckObject) -> CheckObject {
    let mut object = object.clone();
    object.failures.sort();
    object
}

fn worse(a: CheckStatus, b: CheckStatus) -> CheckStatus {
    let rank = |s: &CheckStatus| match s {
        CheckStatus::Pass => 0,
        CheckStatus::Unknown => 1,
        CheckStatus::Fail => 2,
        CheckStatus::Error => 3,
    };
    if rank(&b) > rank(&a) { b } else { a }
}
