//! Templates that are not part of the configuration: `templatefile` and `templatestring`.

use std::collections::BTreeMap;

use secstack_base::span::FileId;
use secstack_base::{Diagnostic, Diags, Span, Str, Type, Value, convert};
use secstack_lang::{ExprKind, parse_template};

use super::filesystem::read_text;
use super::{CallError, Context, Function, Outcome, Param};
use crate::expr::evaluate;
use crate::graphemes;
use crate::scope::{Resolved, Scope, ScopeStep};
use crate::traversal::quote;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let of = |name, first, result, run| Function {
        name,
        params: vec![Param::new(first, Type::String), Param::new("vars", Type::Dynamic).unknowable()],
        variadic: None,
        result,
        run,
        not_null: false,
    };
    vec![
        of("templatefile", "path", |_| Ok(Type::Dynamic), template_file),
        of("templatestring", "template", |_| Ok(Type::String), template_string),
    ]
}

fn template_file(cx: &Context<'_>, args: &[Value]) -> Outcome {
    refuse_nesting(cx, "templatefile")?;
    if args[1].is_unknown() {
        return Ok(Value::unknown(Type::Dynamic));
    }
    render(cx, args[0].as_str().unwrap_or_default(), &read_text(cx, args)?, &args[1])
}

fn template_string(cx: &Context<'_>, args: &[Value]) -> Outcome {
    refuse_nesting(cx, "templatestring")?;
    if args[1].is_unknown() {
        return Ok(Value::unknown_not_null(Type::String));
    }
    let value = render(cx, "<templatestring argument>", args[0].as_str().unwrap_or_default(), &args[1])?;
    convert::convert(&value, &Type::String).map_err(|e| CallError::new(format!("invalid template result: {e}")))
}

fn refuse_nesting(cx: &Context<'_>, name: &str) -> Result<(), CallError> {
    if cx.in_template {
        return Err(CallError::new(format!("cannot recursively call {name} from inside another template function")));
    }
    Ok(())
}

/// Evaluates a template in which only the given variables have a meaning. `name` is what messages call its text.
fn render(cx: &Context<'_>, name: &str, text: &str, vars: &Value) -> Outcome {
    let vars = variables(vars)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let failed = |diags: &Diags| {
        let first = diags.0.iter().find(|d| d.severity == secstack_base::Severity::Error);
        first.map(|d| describe(d, name, text))
    };
    let expr = parse_template(FileId::default(), text, 0)
        .map_err(|diags| failed(&diags).unwrap_or_else(|| CallError::new("the template has a syntax error")))?;
    if let ExprKind::Literal(value) = &expr.kind {
        return Ok(value.clone());
    }
    let inner =
        Context { files: cx.files, timestamp: cx.timestamp, plan_timestamp: cx.plan_timestamp, random: cx.random, in_template: true };
    let mut diags = Diags::default();
    let value = evaluate(&expr, &Variables { vars, cx: inner }, &mut diags);
    match failed(&diags) {
        Some(error) => Err(error),
        None if value.is_null() => Err(CallError::new("the template result is null")),
        None => Ok(value),
    }
}

/// What is wrong with a template, and where in it.
fn describe(diagnostic: &Diagnostic, name: &str, text: &str) -> CallError {
    let place = diagnostic.span.map_or_else(|| name.to_owned(), |span| place(span, name, text));
    match diagnostic.summary == MISSING {
        true => CallError::arg(1, format!("{}, referenced at {place}", diagnostic.detail)),
        false => CallError::new(format!("{place}: {}; {}", diagnostic.summary, diagnostic.detail)),
    }
}

/// A span in text of its own, as `name:line,column-column`. Columns count characters as readers do.
pub(super) fn place(span: Span, name: &str, text: &str) -> String {
    let position = |offset: u32| {
        let before = usize::try_from(offset).ok().and_then(|at| text.get(..at)).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, graphemes::count(&before[start..]) + 1)
    };
    match (position(span.start), position(span.end)) {
        ((line, from), (end, to)) if line == end => format!("{name}:{line},{from}-{to}"),
        ((line, from), (end, to)) => format!("{name}:{line},{from}-{end},{to}"),
    }
}

/// The summary of the diagnostic of a name that the variables lack.
const MISSING: &str = "Missing template variable";

fn variables(vars: &Value) -> Result<BTreeMap<Str, Value>, CallError> {
    let invalid = |message: String| Err(CallError::arg(1, message));
    let Some(vars) = vars.as_map() else { return invalid("invalid vars value: must be a map".into()) };
    match vars.keys().find(|name| !is_identifier(name)) {
        Some(name) => invalid(format!(
            "invalid template variable name {name:?}: must start with a letter, followed by zero or more letters, digits, and underscores"
        )),
        None => Ok(vars.clone()),
    }
}

/// Whether the text is a name in the language: a letter or underscore, then those, digits and dashes.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

struct Variables<'a> {
    vars: BTreeMap<Str, Value>,
    cx: Context<'a>,
}

impl Scope for Variables<'_> {
    fn resolve(&self, root: &Str, span: Span, _: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        match self.vars.get(root) {
            Some(value) => Ok(Resolved { value: value.clone(), used: 0 }),
            None => Err(Diagnostic::error(MISSING, format!("vars map does not contain key {}", quote(root))).at(span)),
        }
    }

    fn context(&self) -> &Context<'_> {
        &self.cx
    }
}

#[cfg(test)]
mod tests {
    use super::super::filesystem::testing::run;
    use secstack_base::{Number, Type, Value};

    #[test]
    fn templates_see_their_variables_only() {
        let name = |v: Value| Value::object([("name", v)]);
        check("templatefile", "greet.tftpl", name(Value::string("x")), "Hello, x!");
        check("templatefile", "greet.tftpl", name(Number::from(5_i64).into()), "Hello, 5!");
        check("templatefile", "greet.tftpl", name(Value::tuple([])), "error");
        check("templatefile", "greet.tftpl", name(Value::unknown(Type::String)), "unknown");
        check("templatefile", "greet.tftpl", Value::object::<&str>([]), "error");
        check("templatefile", "greet.tftpl", Value::tuple([]), "error");
        check("templatefile", "greet.tftpl", Value::object([("b d", Value::NULL)]), "error");
        check("templatefile", "binary.bin", name(Value::string("x")), "error");
    }

    #[test]
    fn a_lone_interpolation_keeps_its_type_in_a_file_only() {
        let v = |v: Value| Value::object([("v", v)]);
        check("templatestring", "${v}", v(Number::from(5_i64).into()), "5");
        check("templatestring", "${v}", v(Value::tuple([])), "error");
        check("templatestring", "${v}", v(Value::NULL), "error");
        check("templatestring", "%{ for x in v }${x};%{ endfor }", v(Value::tuple([Value::string("a")])), "a;");
        check("templatestring", "${templatestring(v, {})}", v(Value::string("a")), "error");
        check("templatestring", "${ 1 + }", v(Value::NULL), "error");
        check("templatestring", "", v(Value::NULL), "");
        check("templatestring", "\u{feff}x", v(Value::NULL), "x");
        check("templatestring", "plain $${v}", v(Value::NULL), "plain ${v}");
    }

    #[track_caller]
    fn check(name: &str, template: &str, vars: Value, want: &str) {
        assert_eq!(run(name, &[Value::string(template), vars]), want);
    }
}
