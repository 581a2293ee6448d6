//! Values that are needed before anything is planned: module sources and versions, backends.
//!
//! They may use variables, locals, `path` and `terraform.workspace`, and functions of these. Terraform wants
//! them written out; OpenTofu allows this much. A variable of a called module has the value that the call gives it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use secstack_base::{Diagnostic, Diags, Marks, Span, Str, Type, Value, convert};
use secstack_eval::config::{ConfigModule, ModuleIx, ROOT};
use secstack_eval::evaluate;
use secstack_eval::funcs::{Context, Files};
use secstack_eval::scope::{Resolved, Scope, ScopeStep};
use secstack_lang::Expr;
use secstack_plan::inputs::{self, Input};

/// What early values can be made of.
pub struct Early<'a> {
    /// The values given to root variables.
    pub inputs: &'a BTreeMap<Str, Input>,
    /// The door to files, for functions.
    pub files: &'a dyn Files,
    /// The selected workspace.
    pub workspace: &'a str,
}

impl Early<'_> {
    /// The text that an expression in a module stands for. `what` names the argument in messages.
    pub fn text(&self, modules: &[ConfigModule], ix: ModuleIx, expr: &Expr, what: &str, diags: &mut Diags) -> Option<Str> {
        let before = diags.0.len();
        let value = self.value(modules, ix, expr, diags);
        if diags.0[before..].iter().any(Diagnostic::is_error) {
            return None;
        }
        let value = convert::convert(&value, &Type::String).unwrap_or(value);
        if let Some(text) = value.as_str().filter(|_| !value.is_sensitive()) {
            return Some(text.into());
        }
        let found = if value.is_sensitive() {
            "a sensitive value"
        } else if value.is_unknown() {
            "a value that is not known yet"
        } else if value.is_null() {
            "null"
        } else {
            "something else"
        };
        let detail = format!("The argument {what:?} must be text that is known before anything is planned, and is {found}.");
        diags.push(Diagnostic::error("Unsuitable value type", detail).at(expr.span));
        None
    }

    /// The value of an expression in a module.
    pub fn value(&self, modules: &[ConfigModule], ix: ModuleIx, expr: &Expr, diags: &mut Diags) -> Value {
        let open = RefCell::new(BTreeSet::new());
        evaluate(expr, &self.scope(modules, ix, &open), diags)
    }

    fn scope<'s>(&'s self, modules: &'s [ConfigModule], ix: ModuleIx, open: &'s RefCell<BTreeSet<(ModuleIx, Str)>>) -> EarlyScope<'s> {
        let context = Context { files: self.files, timestamp: None, plan_timestamp: "", random: None, in_template: false };
        EarlyScope { early: self, modules, ix, open, context }
    }
}

struct EarlyScope<'s> {
    early: &'s Early<'s>,
    modules: &'s [ConfigModule],
    ix: ModuleIx,
    /// Names whose value is being worked out.
    open: &'s RefCell<BTreeSet<(ModuleIx, Str)>>,
    context: Context<'s>,
}

type Found = Result<Value, Diagnostic>;

impl EarlyScope<'_> {
    fn here(&self) -> &ConfigModule {
        &self.modules[self.ix.0]
    }

    fn at(&self, ix: ModuleIx, expr: &Expr) -> Found {
        let mut diags = Diags::new();
        let value = evaluate(expr, &self.early.scope(self.modules, ix, self.open), &mut diags);
        match diags.into_iter().find(Diagnostic::is_error) {
            Some(d) => Err(d),
            None => Ok(value),
        }
    }

    fn variable(&self, name: &Str, span: Span) -> Found {
        let Some(variable) = self.here().module.variables.get(name) else {
            let what = format!("An input variable with the name {name:?} has not been declared.");
            return Err(Diagnostic::error("Reference to undeclared input variable", what).at(span));
        };
        let Some((parent, call)) = &self.here().parent else {
            let module = secstack_lang::Module { variables: [(name.clone(), variable.clone())].into(), ..Default::default() };
            let given = self.early.inputs.iter().filter(|(n, _)| *n == name).map(|(n, i)| (n.clone(), i.clone())).collect();
            let mut diags = Diags::new();
            let mut values = inputs::resolve(&module, &given, self.early.files, &mut diags);
            return match diags.into_iter().find(Diagnostic::is_error) {
                Some(d) => Err(d),
                None => Ok(values.remove(name).unwrap_or(Value::NULL)),
            };
        };
        let (view, _) = self.modules[parent.0].module.calls[call].body.view(&[]);
        let given = view.attributes.iter().find(|a| a.name == *name);
        let value = match (given, &variable.default) {
            (Some(a), _) => self.at(*parent, &a.expr)?,
            (None, Some(default)) => self.at(self.ix, default)?,
            (None, None) => Value::unknown(variable.ty.without_optional()),
        };
        Ok(convert::convert(&value, &variable.ty).unwrap_or(value))
    }

    /// What must be kept of a variable.
    fn marks(&self, name: &Str) -> Marks {
        let variable = self.here().module.variables.get(name);
        let mark = |is: bool, mark: Marks| if is { mark } else { Marks::NONE };
        variable.map_or(Marks::NONE, |v| mark(v.sensitive, Marks::SENSITIVE).with(mark(v.ephemeral, Marks::EPHEMERAL)))
    }

    fn local(&self, name: &Str, span: Span) -> Found {
        match self.here().module.locals.get(name) {
            Some(local) => self.at(self.ix, &local.expr),
            None => {
                let what = format!("A local value with the name {name:?} has not been declared.");
                Err(Diagnostic::error("Reference to undeclared local value", what).at(span))
            }
        }
    }
}

impl Scope for EarlyScope<'_> {
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        let not_early = || {
            let what = "Only variables, local values, path and terraform.workspace are known here, since this value is needed before anything is planned.";
            Diagnostic::error("Unsuitable reference", what).at(span)
        };
        let step = steps.first().ok_or_else(not_early)?;
        let whole = span.to(step.span);
        let value = match (&**root, &**step.name) {
            ("var" | "local", _) => {
                let key: (ModuleIx, Str) = (self.ix, format!("{root}.{}", step.name).into());
                if !self.open.borrow_mut().insert(key.clone()) {
                    let what = format!("The value of {} is needed to work itself out.", key.1);
                    return Err(Diagnostic::error("Circular reference", what).at(whole));
                }
                let value = match &**root {
                    "var" => self.variable(step.name, whole).map(|v| v.mark(self.marks(step.name))),
                    _ => self.local(step.name, whole),
                };
                self.open.borrow_mut().remove(&key);
                value?
            }
            ("path", "module") => Value::string(&self.here().dir),
            ("path", "root") => Value::string(&self.modules[ROOT.0].dir),
            ("path", "cwd") => Value::string(&self.early.files.current_dir()),
            ("terraform" | "tofu", "workspace") => Value::string(self.early.workspace),
            _ => return Err(not_early()),
        };
        Ok(Resolved { value, used: 1 })
    }

    fn context(&self) -> &Context<'_> {
        &self.context
    }
}
