//! The values of root variables: from the command line, files and the environment to typed values.

use std::collections::BTreeMap;

use secstack_base::{Diagnostic, Diags, FileId, Span, Str, Value, convert};
use secstack_eval::evaluate;
use secstack_eval::funcs::{Context, Files};
use secstack_eval::scope::{Resolved, Scope, ScopeStep};
use secstack_lang::module::Variable;
use secstack_lang::{Expr, Module};

/// A value given to a root variable, before it has the variable's type.
#[derive(Clone, Debug)]
pub struct Input {
    /// The value as given.
    pub given: Given,
    /// Where it comes from.
    pub origin: Origin,
}

/// A value as given.
#[derive(Clone, Debug)]
pub enum Given {
    /// Text of `-var` or of the environment, whose meaning depends on the type of the variable; and what it is called in
    /// messages.
    Text(String, FileId),
    /// An expression of a variables file.
    Expr(Expr),
    /// A value that needs no reading.
    Value(Value),
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `-var`
    Argument,
    /// `TF_VAR_name`
    Environment,
    /// A variables file, of that name; given with `-var-file` or loaded by its name.
    File(Str),
    /// A question answered at the terminal.
    Prompt,
    /// A saved plan.
    Plan,
}

/// A scope in which no name means anything: what variables files and defaults are evaluated in.
pub struct Constant<'a>(pub Context<'a>);

impl Scope for Constant<'_> {
    fn resolve(&self, _: &Str, span: Span, _: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        Err(Diagnostic::error("Variables not allowed", "Variables may not be used here.").at(span))
    }
    fn context(&self) -> &Context<'_> {
        &self.0
    }
}

/// A context without time and randomness.
pub fn constant(files: &dyn Files) -> Constant<'_> {
    Constant(Context { files, timestamp: None, plan_timestamp: "", random: None, in_template: false })
}

/// The scope of a value given as text, where functions may not be called either.
struct Text<'a>(&'a Constant<'a>);

impl Scope for Text<'_> {
    fn resolve(&self, name: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        self.0.resolve(name, span, steps)
    }
    fn context(&self) -> &Context<'_> {
        self.0.context()
    }
    fn allows_calls(&self) -> bool {
        false
    }
}

/// Whether a mistake is one that Terraform finds when it plans, after it has checked the configuration: a value of a wrong
/// type.
pub fn is_late(d: &Diagnostic) -> bool {
    d.summary == WRONG_VALUE || d.summary == NULL_VALUE
}

const WRONG_VALUE: &str = "Invalid value for input variable";
const NULL_VALUE: &str = "Required variable not set";

/// The values of all root variables. What is missing, undeclared or of the wrong type goes to `diags`.
pub fn resolve(module: &Module, given: &BTreeMap<Str, Input>, files: &dyn Files, diags: &mut Diags) -> BTreeMap<Str, Value> {
    let scope = constant(files);
    let mut found = Diags::new();
    undeclared(module, given, &mut found);
    let values = values(module, given, &scope, &mut found);
    let late = found.0.iter().filter(|d| d.is_error()).all(is_late);
    diags.extend(found.into_iter().filter(|d| late || !is_late(d)));
    values
}

fn values(module: &Module, given: &BTreeMap<Str, Input>, scope: &Constant<'_>, diags: &mut Diags) -> BTreeMap<Str, Value> {
    let mut values = BTreeMap::new();
    for variable in module.variables.values() {
        let (value, readable) = match given.get(&variable.name) {
            Some(input) => {
                let mut found = Diags::new();
                let value = read(variable, input, scope, &mut found);
                let readable = !found.iter().any(|d| d.is_error() && !is_late(d));
                diags.extend(found);
                (value, readable)
            }
            None => (None, false),
        };
        let value = match (value, &variable.default) {
            (Some(v), Some(default)) if v.is_null() && !variable.nullable => typed(variable, default, scope, diags),
            (Some(v), None) if v.is_null() && !variable.nullable => {
                let what = format!("Unsuitable value for var.{}: required variable may not be set to null.", variable.name);
                diags.push(Diagnostic::error(NULL_VALUE, what).at(variable.span));
                Value::unknown(variable.ty.without_optional())
            }
            (Some(v), _) => v,
            (None, _) if readable => Value::unknown(variable.ty.without_optional()),
            (None, Some(default)) => typed(variable, default, scope, diags),
            (None, None) => {
                let what = format!(
                    "The root module input variable {:?} is not set, and has no default value. Use a -var or -var-file command line argument to provide a value for this variable.",
                    variable.name
                );
                diags.push(Diagnostic::error("No value for required variable", what).at(variable.span));
                Value::unknown(variable.ty.without_optional())
            }
        };
        values.insert(variable.name.clone(), value);
    }
    values
}

/// The values of root variables as they were given, before they get the type of their variable: what a plan records.
/// Mistakes are those of [`resolve`], which says them.
pub fn as_given(module: &Module, given: &BTreeMap<Str, Input>, files: &dyn Files) -> BTreeMap<Str, Value> {
    let scope = constant(files);
    let mut quiet = Diags::new();
    let mut values = BTreeMap::new();
    for variable in module.variables.values() {
        let value = match (given.get(&variable.name), &variable.default) {
            (Some(input), _) => raw(variable, input, &scope, &mut quiet).map(|(v, _)| v),
            (None, Some(default)) => Some(typed(variable, default, &scope, &mut quiet)),
            (None, None) => None,
        };
        if let Some(value) = value {
            values.insert(variable.name.clone(), value);
        }
    }
    values
}

/// The default of a variable, if it has one.
pub fn default_of(variable: &Variable, files: &dyn Files) -> Option<Value> {
    variable.default.as_ref().map(|default| typed(variable, default, &constant(files), &mut Diags::new()))
}

/// A default, which unlike a given value has the type of the variable from the start.
fn typed(variable: &Variable, default: &Expr, scope: &dyn Scope, diags: &mut Diags) -> Value {
    let value = evaluate(default, scope, diags);
    fit(variable, value, diags, default.span, "default")
}

fn undeclared(module: &Module, given: &BTreeMap<Str, Input>, diags: &mut Diags) {
    // Variables files are shared between configurations: a few of what is too much in them is enough.
    const SHOWN: usize = 2;
    let mut in_files = 0;
    for (name, input) in given {
        if module.variables.contains_key(name) {
            continue;
        }
        match &input.origin {
            Origin::Argument => {
                let what = format!(
                    "A variable named {name:?} was assigned on the command line, but the root module does not declare a variable of that name. To use this value, add a \"variable\" block to the configuration."
                );
                diags.push(Diagnostic::error("Value for undeclared variable", what));
            }
            Origin::File(file) => {
                in_files += 1;
                if in_files > SHOWN {
                    continue;
                }
                let what = format!(
                    "The root module does not declare a variable named {name:?} but a value was found in file {file:?}. If you meant to use this value, add a \"variable\" block to the configuration.\n\nTo silence these warnings, use TF_VAR_... environment variables to provide certain \"global\" settings to all configurations in your organization. To reduce the verbosity of these warnings, use the -compact-warnings option."
                );
                diags.push(Diagnostic::warning("Value for undeclared variable", what));
            }
            Origin::Environment | Origin::Prompt | Origin::Plan => {}
        }
    }
    if in_files > SHOWN {
        let what = format!(
            "In addition to the other similar warnings shown, {} other variable(s) defined without being declared.",
            in_files - SHOWN
        );
        diags.push(Diagnostic::warning("Values for undeclared variables", what));
    }
}

fn read(variable: &Variable, input: &Input, scope: &Constant<'_>, diags: &mut Diags) -> Option<Value> {
    let before = diags.0.iter().filter(|d| d.is_error()).count();
    let source = match input.origin {
        Origin::Argument => format!("using -var=\"{}=...\"", variable.name),
        Origin::Environment => format!("using the environment variable TF_VAR_{}", variable.name),
        Origin::File(_) => "in a variables file".to_string(),
        Origin::Prompt => "at the prompt".to_string(),
        Origin::Plan => "from the saved plan".to_string(),
    };
    let (value, span) = raw(variable, input, scope, diags)?;
    if diags.0.iter().filter(|d| d.is_error()).count() > before {
        return None;
    }
    let value = with_defaults(variable, value);
    match convert::convert(&value, &variable.ty) {
        Ok(v) => Some(v),
        Err(e) => {
            let shown = match input.origin {
                Origin::File(_) => format!("The given value is not suitable for var.{} declared at {{place}}: {e}.", variable.name),
                _ => format!("Unsuitable value for var.{} set {source}: {e}.", variable.name),
            };
            diags.push(Diagnostic::error(WRONG_VALUE, shown.replace(" declared at {place}", "")).at(span));
            None
        }
    }
}

/// The value before it has the variable's type, and where it stands.
fn raw(variable: &Variable, input: &Input, scope: &Constant<'_>, diags: &mut Diags) -> Option<(Value, Span)> {
    Some(match &input.given {
        Given::Value(v) => (v.clone(), variable.span),
        Given::Expr(e) => (evaluate(e, scope, diags), e.span),
        // Without a `type`, and for primitive ones, text is the value itself.
        Given::Text(text, _) if variable.ty.is_primitive() || !variable.has_type => (Value::string(text), variable.span),
        Given::Text(text, file) => match secstack_lang::parse_expression(*file, text, 0) {
            Ok(e) => {
                let mut found = Diags::new();
                let v = evaluate(&e, &Text(scope), &mut found);
                let asked = input.origin == Origin::Prompt;
                diags.extend(found.into_iter().map(|d| if asked { Diagnostic { span: Some(variable.span), ..d } } else { d }));
                (v, variable.span)
            }
            Err(found) => {
                // An answer to a question is in no file.
                let asked = input.origin == Origin::Prompt;
                diags.extend(found.into_iter().map(|d| if asked { Diagnostic { span: None, ..d } } else { d }));
                return None;
            }
        },
    })
}

fn with_defaults(variable: &Variable, value: Value) -> Value {
    match &variable.defaults {
        Some(defaults) if !value.is_null() => defaults.apply(&value),
        _ => value,
    }
}

/// A value with the type that a variable wants.
pub(crate) fn fit(variable: &Variable, value: Value, diags: &mut Diags, span: Span, what: &str) -> Value {
    let value = with_defaults(variable, value);
    if value.is_null() && !variable.nullable && what == "argument" {
        let text = format!("The given value is not suitable for var.{}: required variable may not be set to null.", variable.name);
        diags.push(Diagnostic::error(NULL_VALUE, text).at(span));
        return Value::unknown(variable.ty.without_optional());
    }
    match convert::convert(&value, &variable.ty) {
        Ok(v) => v,
        Err(e) => {
            let (summary, text) = if what == "default" {
                (
                    "Invalid default value for variable",
                    format!("This default value is not compatible with the variable's type constraint: {e}."),
                )
            } else {
                (WRONG_VALUE, format!("The given value is not suitable for child module variable {:?}: {e}.", variable.name))
            };
            diags.push(Diagnostic::error(summary, text).at(span));
            Value::unknown(variable.ty.without_optional())
        }
    }
}
