//! Templates: text with interpolations and directives. The result is always a string.

use secstack_base::{Data, Diagnostic, Diags, Marks, Refinement, Type, Value, convert};
use secstack_lang::Expr;
use secstack_lang::ast::TemplatePart;

use crate::expr::{Env, errors_since};
use crate::for_each::elements;
use crate::graphemes::graphemes;
use crate::scope::Bound;

/// How many bytes of an unknown string's beginning are remembered.
const MAX_PREFIX: usize = 128;

/// The text written so far. Once something unknown was met, what follows is only checked.
#[derive(Default)]
struct Output {
    text: String,
    marks: Marks,
    unknown: bool,
}

impl Output {
    fn push(&mut self, text: &str) {
        if !self.unknown {
            self.text.push_str(text);
        }
    }
}

impl Env<'_> {
    /// A template.
    pub(crate) fn template(self, parts: &[TemplatePart], diags: &mut Diags) -> Value {
        let before = diags.0.len();
        let mut out = Output::default();
        self.parts(parts, &mut out, diags);
        if !out.unknown {
            return Value::from(out.text).mark(out.marks);
        }
        let prefix = match errors_since(diags, before) {
            true => None,
            false => safe_prefix(&out.text),
        };
        Value::from(Data::Unknown(Type::String, Refinement { not_null: true, prefix: prefix.map(Into::into) })).mark(out.marks)
    }

    fn parts(self, parts: &[TemplatePart], out: &mut Output, diags: &mut Diags) {
        for part in parts {
            match part {
                TemplatePart::Text(text) => out.push(text),
                TemplatePart::Interpolation(expr) => self.interpolation(expr, out, diags),
                TemplatePart::If { condition, then, otherwise, .. } => {
                    match self.template_condition(condition, out, diags) {
                        Some(true) => self.parts(then, out, diags),
                        Some(false) => self.parts(otherwise, out, diags),
                        None => {}
                    }
                    // The marks of both branches count, whichever is taken.
                    for branch in [then, otherwise] {
                        let mut unused = Output::default();
                        if !matches!(branch.as_slice(), [] | [TemplatePart::Text(_)]) {
                            self.parts(branch, &mut unused, &mut Diags::new());
                            out.marks = out.marks.with(unused.marks);
                        }
                    }
                }
                TemplatePart::For { key_var, value_var, collection, body, .. } => {
                    let Some((collection, marks)) = self.for_collection(collection, diags) else {
                        out.unknown = true;
                        continue;
                    };
                    out.marks = out.marks.with(marks);
                    out.unknown |= collection.is_unknown();
                    let mut bound = Bound { outer: self.scope, names: Vec::with_capacity(2) };
                    for (key, element) in elements(&collection) {
                        bound.names.clear();
                        if let Some(name) = key_var {
                            bound.names.push((name.clone(), key.value()));
                        }
                        bound.names.push((value_var.clone(), element.clone()));
                        self.within(&bound).parts(body, out, diags);
                    }
                }
            }
        }
    }

    fn interpolation(self, expr: &Expr, out: &mut Output, diags: &mut Diags) {
        const INVALID: &str = "Invalid template interpolation value";
        let value = self.eval(expr, diags);
        out.marks = out.marks.with(value.marks);
        if value.is_null() {
            let detail = "The expression result is null. Cannot include a null value in a string template.";
            diags.push(Diagnostic::error(INVALID, detail).at(expr.span));
            return;
        }
        if value.is_unknown() {
            if let Data::Unknown(Type::String, Refinement { prefix: Some(prefix), .. }) = &value.data {
                out.push(prefix);
            }
            out.unknown = true;
            return;
        }
        match convert::convert(&value, &Type::String) {
            Ok(text) => out.push(text.as_str().unwrap_or_default()),
            Err(e) => {
                let detail = format!("Cannot include the given value in a string template: {e}.");
                diags.push(Diagnostic::error(INVALID, detail).at(expr.span));
            }
        }
    }

    /// The condition of `%{ if }`, if it is known.
    fn template_condition(self, condition: &Expr, out: &mut Output, diags: &mut Diags) -> Option<bool> {
        let value = self.eval(condition, diags);
        out.marks = out.marks.with(value.marks);
        if value.is_null() {
            let detail = "The condition value is null. Conditions must either be true or false.";
            diags.push(Diagnostic::error("Null condition", detail).at(condition.span));
        } else if value.is_unknown() {
            // As in a conditional, its type is looked at when it is known.
        } else if let Ok(value) = convert::convert(&value, &Type::Bool) {
            return value.as_bool();
        } else {
            let detail = "The condition expression must be of type bool.";
            diags.push(Diagnostic::error("Incorrect condition type", detail).at(condition.span));
        }
        out.unknown = true;
        None
    }
}

/// The part of a known beginning that stays a beginning whatever follows: a later combining character may
/// change the last letter, but not a delimiter.
fn safe_prefix(text: &str) -> Option<String> {
    let mut end = text.len().min(MAX_PREFIX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = Value::string(&text[..end]);
    let text = text.as_str()?;
    let delimited = text.chars().next_back().is_some_and(|c| "-_:;/\\,.(){}[]|?!~ \t@#$%^&*+\"'".contains(c));
    let end = match delimited {
        true => text.len(),
        false => text.len() - graphemes(text).next_back()?.len(),
    };
    (end > 0).then(|| text[..end].to_owned())
}
