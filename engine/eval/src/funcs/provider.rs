//! Functions of the built-in provider: values to text in the language and back.
//!
//! The text is formatted as `terraform fmt` does, whose rules go by lines: a line that closes a bracket and
//! opens another stays where the outer lines are, and only assignments that end on their line are aligned.

use secstack_base::quote::is_printable;
use secstack_base::{Data, Diagnostic, Diags, FileId, Span, Str, Type, Value};
use secstack_lang::parse_tfvars;

use super::template::place;
use super::{CallError, Context, Function, Outcome, Param};
use crate::graphemes;
use crate::scope::{Resolved, Scope, ScopeStep};
use crate::traversal::quote;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let value = || [Param::new("value", Type::Dynamic)];
    vec![
        Function::new("provider::terraform::decode_tfvars", [Param::new("src", Type::String)], |_| Ok(Type::Dynamic), decode_tfvars),
        Function::new("provider::terraform::encode_expr", value(), |_| Ok(Type::String), |_, a| Ok(encode(&a[0]).into())),
        Function::new("provider::terraform::encode_tfvars", value(), |_| Ok(Type::String), encode_tfvars),
    ]
}

fn encode_tfvars(_: &Context<'_>, args: &[Value]) -> Outcome {
    let invalid = "invalid value to encode: must be an object whose attribute names will become the encoded variable names";
    let vars = args[0].as_map().ok_or_else(|| CallError::new(invalid))?;
    let mut text = String::new();
    for (name, value) in vars {
        if !is_identifier(name) {
            return Err(CallError::new(format!(
                "invalid variable name {}: must be a valid identifier, per Terraform's rules for input variable declarations",
                quote(name)
            )));
        }
        text.push_str(&format!("{name} = {}\n", encode(value)));
    }
    Ok(text.into())
}

fn decode_tfvars(cx: &Context<'_>, args: &[Value]) -> Outcome {
    let text = args[0].as_str().unwrap_or_default();
    let (attributes, diags) = parse_tfvars(FileId(u32::MAX), text);
    let first_error = |diags: &Diags| {
        let first = diags.iter().find(|d| d.is_error())?;
        let place = first.span.map_or_else(String::new, |span| place(span, "<decode_tfvars argument>", text) + ": ");
        Some(format!("{place}{}; {}", first.summary, first.detail))
    };
    if let Some(why) = first_error(&diags) {
        return Err(CallError::new(format!("invalid tfvars syntax: {why}")));
    }
    let mut vars = Vec::with_capacity(attributes.len());
    for a in attributes {
        let mut diags = Diags::new();
        let value = crate::evaluate(&a.expr, &Constant(cx), &mut diags);
        if let Some(why) = first_error(&diags) {
            return Err(CallError::new(format!("invalid expression for variable {}: {why}", quote(&a.name))));
        }
        vars.push((a.name, value));
    }
    Ok(Value::object(vars))
}

/// A scope without names and functions.
struct Constant<'a>(&'a Context<'a>);

impl Scope for Constant<'_> {
    fn resolve(&self, _: &Str, span: Span, _: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        Err(Diagnostic::error("Variables not allowed", "Variables may not be used here.").at(span))
    }

    fn context(&self) -> &Context<'_> {
        self.0
    }

    fn allows_calls(&self) -> bool {
        false
    }
}

/// A line of text: what stands before an assignment, and the assignment.
#[derive(Default)]
struct Line {
    lead: String,
    assign: String,
    /// Opened less closed brackets.
    brackets: i32,
    /// The same from the equals sign on.
    assigned_brackets: i32,
}

/// A value as an expression. Marks do not show.
fn encode(value: &Value) -> String {
    let mut lines = vec![Line::default()];
    write_value(&mut lines, value);
    align(indent(lines))
}

fn write(lines: &mut [Line], text: &str, brackets: i32) {
    let Some(line) = lines.last_mut() else { return };
    line.brackets += brackets;
    if line.assign.is_empty() {
        line.lead.push_str(text);
    } else {
        line.assigned_brackets += brackets;
        line.assign.push_str(text);
    }
}

fn write_value(lines: &mut Vec<Line>, value: &Value) {
    match &value.data {
        Data::Null(_) | Data::Unknown(..) => write(lines, "null", 0),
        Data::Bool(b) => write(lines, &b.to_string(), 0),
        Data::Number(n) => write(lines, &n.to_string(), 0),
        Data::String(s) => write(lines, &quoted(s), 0),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            write(lines, "[", 1);
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    write(lines, ", ", 0);
                }
                write_value(lines, item);
            }
            write(lines, "]", -1);
        }
        Data::Map(_, items) | Data::Object(items) if items.is_empty() => write(lines, "{}", 0),
        Data::Map(_, items) | Data::Object(items) => {
            write(lines, "{", 1);
            lines.push(Line::default());
            for (name, item) in items.iter() {
                let name = if is_identifier(name) { name.to_string() } else { quoted(name) };
                write(lines, &name, 0);
                if let Some(line) = lines.last_mut() {
                    line.assign.push_str("= ");
                }
                write_value(lines, item);
                lines.push(Line::default());
            }
            write(lines, "}", -1);
        }
    }
}

/// Puts spaces before each line, two for every line further out that opened more than it closed.
fn indent(mut lines: Vec<Line>) -> Vec<Line> {
    let mut open: Vec<i32> = Vec::new();
    for line in &mut lines {
        let mut closed = -line.brackets;
        while closed > 0 {
            match open.last_mut() {
                Some(last) if *last > closed => {
                    *last -= closed;
                    closed = 0;
                }
                Some(last) => {
                    closed -= *last;
                    open.pop();
                }
                None => closed = 0,
            }
        }
        line.lead.insert_str(0, &"  ".repeat(open.len()));
        if line.brackets > 0 {
            open.push(line.brackets);
        }
    }
    lines
}

/// Joins the lines, with the equals signs of neighbouring whole assignments below each other.
fn align(lines: Vec<Line>) -> String {
    let whole = |l: &Line| !l.assign.is_empty() && l.assigned_brackets == 0;
    let mut out = Vec::with_capacity(lines.len());
    for chain in lines.chunk_by(|a, b| whole(a) && whole(b)) {
        let width = chain.iter().map(|l| graphemes::count(&l.lead)).max().unwrap_or(0);
        for line in chain {
            out.push(match line.assign.is_empty() {
                true => line.lead.clone(),
                false => format!("{}{} {}", line.lead, " ".repeat(width - graphemes::count(&line.lead)), line.assign),
            });
        }
    }
    out.join("\n")
}

fn quoted(s: &str) -> String {
    let mut out = String::from("\"");
    let mut chars = s.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' => out.extend(['\\', c]),
            '$' | '%' if chars.peek() == Some(&'{') => out.extend([c, c]),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) < 0x10000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-' || (!c.is_ascii() && graphemes::count(&format!("a{c}")) == 1))
}
