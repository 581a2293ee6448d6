//! Function calls. Functions that see expressions rather than values (`try`, `can`, `type` and
//! the first argument of `templatestring`) are here; all others are rows of [`crate::funcs`].

use secstack_base::{Data, Diagnostic, Diags, Span, Str, Type, Value, convert, diag};
use secstack_lang::{Expr, ExprKind};

use crate::expr::{Env, dynamic, errors_since};
use crate::funcs::{self, Function};
use crate::traversal::quote;
use crate::type_text::type_text;

/// The parts of a call.
pub(crate) struct Call<'a> {
    pub expr: &'a Expr,
    pub name: &'a Str,
    pub name_span: Span,
    pub args: &'a [Expr],
    pub expand_last: bool,
}

impl<'a> Call<'a> {
    /// The arguments but the expanded one.
    fn plain(&self) -> &'a [Expr] {
        &self.args[..self.args.len() - usize::from(self.expand_last && !self.args.is_empty())]
    }
}

/// An argument: an expression, or a value that came out of an expanded one.
struct Arg {
    value: Value,
    span: Span,
}

const INVALID_ARGUMENT: &str = "Invalid function argument";
const SENSITIVE: &str = "(sensitive value)";
const FAILED: &str = "Error in function call";

impl Env<'_> {
    /// A call.
    pub(crate) fn call(self, call: &Call<'_>, diags: &mut Diags) -> Value {
        if !self.scope.allows_calls() {
            let d = Diagnostic::error("Function calls not allowed", "Functions may not be called here.");
            diags.push(d.at(call.expr.span));
            return dynamic();
        }
        match call.name.strip_prefix("core::").unwrap_or(call.name) {
            "try" => self.try_call(call, diags),
            "can" => self.can_call(call, diags),
            "type" if self.scope.is_console() => self.type_call(call, diags),
            name => match funcs::find(name).filter(|_| self.is_declared(name)) {
                Some(f) if !(name == "plantimestamp" && self.scope.is_console()) => self.function(call, f, diags),
                _ => {
                    diags.push(unknown_function(call, self.is_declared(name)));
                    dynamic()
                }
            },
        }
    }

    fn function(self, call: &Call<'_>, f: &Function, diags: &mut Diags) -> Value {
        let Some(expanded) = self.expanded(call, diags) else { return dynamic() };
        let plain = call.plain();
        let given = plain.len() + expanded.len();
        let at_least = f.variadic.as_ref().map(|_| f.params.len());
        if !check_count(call, given, &f.params.iter().map(|p| p.name).collect::<Vec<_>>(), at_least.is_some(), diags) {
            return dynamic();
        }
        let before = diags.0.len();
        let mut args = Vec::with_capacity(given);
        for (i, expr) in plain.iter().enumerate() {
            if i == 0 && f.name == "templatestring" && !self.is_template_reference(expr, diags) {
                return dynamic();
            }
            args.push(Arg { value: self.eval(expr, diags), span: expr.span });
        }
        args.extend(expanded);
        let mut values = Vec::with_capacity(given);
        let mut spans = Vec::with_capacity(given);
        for (i, arg) in args.into_iter().enumerate() {
            let ty = f.param(i).map_or(&Type::Dynamic, |p| &p.ty);
            match convert::convert(&arg.value, ty) {
                Ok(value) => values.push(value),
                Err(e) => diags.push(invalid_argument(f, i, arg.span, &e.to_string())),
            }
            spans.push(arg.span);
        }
        if errors_since(diags, before) {
            return dynamic();
        }
        funcs::apply(f, self.scope.context(), values).unwrap_or_else(|e| {
            let why = self.discreet(call, e.message);
            diags.push(match e.arg {
                Some(i) => invalid_argument(f, i, spans.get(i).copied().unwrap_or(call.expr.span), &why),
                None => failed(call, &why),
            });
            dynamic()
        })
    }

    /// A message of a function without the texts that it was given in confidence.
    fn discreet(self, call: &Call<'_>, message: String) -> String {
        let mut hidden = Vec::new();
        // Few calls fail, so that the arguments are not kept for this but worked out again.
        call.args.iter().for_each(|a| gather_hidden(&self.eval(a, &mut Diags::new()), false, &mut hidden));
        hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
        hidden.iter().fold(message, |m, text| hide(&m.replace(&quote(text), SENSITIVE), text))
    }

    /// Whether the provider that a function belongs to is declared here. Other functions need none.
    fn is_declared(self, name: &str) -> bool {
        let provider = name.strip_prefix("provider::").and_then(|rest| rest.split("::").next());
        provider.is_none_or(|p| self.scope.declares_provider(p))
    }

    /// The values of `f(list...)`; none when nothing is expanded. `None` when they are not known or wrong.
    fn expanded(self, call: &Call<'_>, diags: &mut Diags) -> Option<Vec<Arg>> {
        let last = match call.args.last() {
            Some(last) if call.expand_last => last,
            _ => return Some(Vec::new()),
        };
        let (list, ok) = self.try_eval(last, diags);
        if !ok {
            return None;
        }
        let mut invalid = |what: &str| {
            let detail = format!("The expanding argument (indicated by ...) must {what}.");
            diags.push(Diagnostic::error("Invalid expanding argument value", detail).at(last.span));
            None
        };
        match &list.data {
            Data::Null(Type::Dynamic | Type::Tuple(_) | Type::List(_) | Type::Set(_)) => invalid("not be null"),
            Data::Unknown(Type::Dynamic | Type::Tuple(_) | Type::List(_) | Type::Set(_), _) => None,
            Data::Tuple(items) | Data::List(_, items) | Data::Set(_, items) => {
                Some(items.iter().map(|v| Arg { value: v.clone().mark(list.marks), span: last.span }).collect())
            }
            _ => invalid("be of a tuple, list, or set type"),
        }
    }

    /// `try(a, b, ...)`: the first that evaluates without an error. An expanded list is evaluated first of all.
    fn try_call(self, call: &Call<'_>, diags: &mut Diags) -> Value {
        let Some(expanded) = self.expanded(call, diags) else { return dynamic() };
        let mut message = String::from("no expression succeeded:\n");
        let mut labels = Vec::new();
        for arg in call.plain() {
            let mut found = Diags::new();
            // What fails here may be meant to.
            let value = self.silent().eval(arg, &mut found);
            if !found.has_errors() {
                return unless_undecided(value);
            }
            for d in found {
                message.push_str(&format!("- {}\n  {}\n", d.summary, d.detail));
                labels.extend(d.span.map(|span| (span, d.summary.to_string())));
            }
        }
        if let Some(first) = expanded.into_iter().next() {
            return unless_undecided(first.value);
        }
        if call.plain().is_empty() {
            diags.push(failed(call, "at least one argument is required"));
            return dynamic();
        }
        message.push_str("\nAt least one expression must produce a successful result");
        diags.push(Diagnostic { labels, ..failed(call, &message) });
        dynamic()
    }

    /// `can(a)`: whether it evaluates without an error.
    fn can_call(self, call: &Call<'_>, diags: &mut Diags) -> Value {
        let Some(expanded) = self.expanded(call, diags) else { return dynamic() };
        if !check_count(call, call.plain().len() + expanded.len(), &["expression"], false, diags) {
            return dynamic();
        }
        let mut found = Diags::new();
        let value = match (call.plain().first(), expanded.into_iter().next()) {
            (Some(expr), _) => self.silent().eval(expr, &mut found),
            (None, arg) => arg.map_or_else(dynamic, |arg| arg.value),
        };
        match (found.has_errors(), value.is_wholly_known()) {
            (true, _) => false.into(),
            (false, true) => true.into(),
            (false, false) => Value::unknown(Type::Bool),
        }
    }

    /// `type(a)` at the console: the text of the type.
    fn type_call(self, call: &Call<'_>, diags: &mut Diags) -> Value {
        if !check_count(call, call.args.len(), &["value"], false, diags) {
            return dynamic();
        }
        let (value, ok) = self.try_eval(&call.args[0], diags);
        if !self.is_outermost() {
            let detail = "The console-only \"type\" function cannot be used as part of an expression.";
            diags.push(Diagnostic::error("Invalid use of type function", detail).at(call.expr.span));
            return dynamic();
        }
        if !ok {
            return dynamic();
        }
        Value::from(type_text(&value))
    }

    /// Whether the first argument of `templatestring` is a reference, so that nobody mistakes a template
    /// that is evaluated too early for one that is passed on.
    fn is_template_reference(self, expr: &Expr, diags: &mut Diags) -> bool {
        let only = "templatestring is only for rendering templates retrieved dynamically from elsewhere";
        let why = match &expr.kind {
            ExprKind::Variable(_) | ExprKind::GetAttr { .. } | ExprKind::Index { .. } | ExprKind::Splat { .. } => return true,
            ExprKind::Literal(Value { data: Data::String(_), .. }) => {
                format!("{only}, and so does not support providing a literal template; consider using a template string expression instead")
            }
            ExprKind::Wrap(_) => {
                format!(
                    "{only}; to treat the inner expression as template syntax, write the reference expression directly without any template interpolation syntax"
                )
            }
            ExprKind::Template(_) => {
                format!("{only}; to render an inline template, consider using a plain template string expression")
            }
            _ => "must be a direct reference to a single string from elsewhere, containing valid Terraform template syntax".into(),
        };
        let detail = format!("Invalid value for \"template\" parameter: invalid template expression: {why}.");
        diags.push(Diagnostic::error(INVALID_ARGUMENT, detail).at(expr.span));
        false
    }
}

/// What `try` makes of a result: once all is known another argument may be taken, of another type.
fn unless_undecided(value: Value) -> Value {
    if value.is_wholly_known() { value } else { dynamic() }
}

fn check_count(call: &Call<'_>, given: usize, params: &[&str], at_least: bool, diags: &mut Diags) -> bool {
    let name = quote(call.name);
    if let Some(missing) = params.get(given) {
        let qualifier = if at_least { " at least" } else { "" };
        let detail = format!("Function {name} expects{qualifier} {} argument(s). Missing value for {}.", params.len(), quote(missing));
        let end = call.expr.span.end;
        let close = Span { start: end.saturating_sub(1), ..call.expr.span };
        diags.push(Diagnostic::error("Not enough function arguments", detail).at(close));
        return false;
    }
    if given > params.len() && !at_least {
        let detail = format!("Function {name} expects only {} argument(s).", params.len());
        let extra = call.args.get(params.len()).or(call.args.last());
        diags.push(Diagnostic::error("Too many function arguments", detail).at(extra.map_or(call.expr.span, |a| a.span)));
        return false;
    }
    true
}

/// The message without a text. A short one is part of many words and hidden only where it stands alone.
fn hide(message: &str, text: &str) -> String {
    const SHORT: usize = 4;
    let mut out = String::new();
    let mut rest = message;
    while let Some(at) = rest.find(text) {
        let (before, after) = (&rest[..at], &rest[at + text.len()..]);
        let alone = !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        out.push_str(before);
        out.push_str(if alone || text.len() >= SHORT { SENSITIVE } else { text });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Gathers the texts in a value that must not be shown. `within` says that something around it is hidden.
fn gather_hidden(value: &Value, within: bool, found: &mut Vec<Str>) {
    let hidden = within || !value.marks.is_none();
    match &value.data {
        Data::String(text) if hidden && !text.is_empty() => found.push(text.clone()),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => items.iter().for_each(|v| gather_hidden(v, hidden, found)),
        Data::Map(_, items) | Data::Object(items) => items.values().for_each(|v| gather_hidden(v, hidden, found)),
        _ => {}
    }
}

fn invalid_argument(f: &Function, i: usize, span: Span, why: &str) -> Diagnostic {
    let name = f.param(i).map_or("", |p| p.name);
    Diagnostic::error(INVALID_ARGUMENT, format!("Invalid value for {} parameter: {why}.", quote(name))).at(span)
}

fn failed(call: &Call<'_>, why: &str) -> Diagnostic {
    Diagnostic::error(FAILED, format!("Call to function {} failed: {why}.", quote(call.name))).at(call.name_span)
}

fn unknown_function(call: &Call<'_>, declared: bool) -> Diagnostic {
    const UNKNOWN_PROVIDER: &str = "Unknown provider function";
    let name = &**call.name;
    let d = match name.rsplit_once("::") {
        None => {
            let hint = match diag::suggest(name, funcs::names()) {
                Some(near) => format!(" Did you mean {}?", quote(near)),
                None => String::new(),
            };
            Diagnostic::error("Call to unknown function", format!("There is no function named {}.{hint}", quote(name)))
        }
        Some(("provider::terraform", function)) if declared => Diagnostic::error(
            UNKNOWN_PROVIDER,
            format!("The function {} is not available from the provider \"terraform\".", quote(function)),
        ),
        Some((namespace, function)) => match namespace.strip_prefix("provider::") {
            Some(provider) => Diagnostic::error(
                UNKNOWN_PROVIDER,
                format!(
                    "There is no function named {}. Ensure that provider name {} is declared in this module's required_providers block, and that this provider offers a function named {}.",
                    quote(name),
                    quote(provider),
                    quote(function)
                ),
            ),
            None => Diagnostic::error(
                UNKNOWN_PROVIDER,
                format!(
                    "The function namespace {} is not valid. Provider function calls must use the \"provider::\" namespace prefix.",
                    quote(namespace)
                ),
            ),
        },
    };
    d.at(call.name_span)
}
