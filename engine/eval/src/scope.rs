//! What names mean where an expression stands.

use secstack_base::{Diagnostic, Span, Str, Value};

use crate::funcs::Context;

/// A constant attribute step after the first name of a reference.
#[derive(Clone, Debug)]
pub struct ScopeStep<'a> {
    /// The attribute name.
    pub name: &'a Str,
    /// Its text.
    pub span: Span,
}

/// What a name resolved to.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The value.
    pub value: Value,
    /// How many of the steps given were used up. The rest is applied to the value.
    pub used: usize,
}

/// The names that an expression can refer to.
pub trait Scope {
    /// Resolves a reference: the first name and the attribute steps that follow it directly
    /// (`var` and `[a]` for `var.a[0].b`; the index ends the list).
    ///
    /// # Errors
    /// A diagnostic with its place when there is no such thing. Evaluation goes on with an unknown value.
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic>;

    /// What functions need besides their arguments.
    fn context(&self) -> &Context<'_>;

    /// Whether the expression was typed at the console, where `type` may be called and `plantimestamp` may not.
    fn is_console(&self) -> bool {
        false
    }

    /// Whether functions may be called, which is not so in files of variable values.
    fn allows_calls(&self) -> bool {
        true
    }

    /// Whether a provider of that local name is declared, so that its functions may be called.
    fn declares_provider(&self, name: &str) -> bool {
        let _ = name;
        true
    }
}

/// A scope in which further names are bound: the variables of a `for` or of a template.
pub struct Bound<'a> {
    /// The scope around it.
    pub outer: &'a dyn Scope,
    /// The names, innermost last.
    pub names: Vec<(Str, Value)>,
}

impl Scope for Bound<'_> {
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        match self.names.iter().rev().find(|(n, _)| n == root) {
            Some((_, value)) => Ok(Resolved { value: value.clone(), used: 0 }),
            None => self.outer.resolve(root, span, steps),
        }
    }

    fn context(&self) -> &Context<'_> {
        self.outer.context()
    }

    fn is_console(&self) -> bool {
        self.outer.is_console()
    }

    fn allows_calls(&self) -> bool {
        self.outer.allows_calls()
    }

    fn declares_provider(&self, name: &str) -> bool {
        self.outer.declares_provider(name)
    }
}
