//! What the references of an expression came to, for a message about the expression.

use secstack_base::diag::Seen;
use secstack_base::{Data, Diagnostic, Diags, Marks, Type, Value};
use secstack_lang::ast::reference_exprs;
use secstack_lang::{Expr, ExprKind};

use crate::expr::Env;
use crate::scope::Scope;
use crate::type_text::friendly;

/// What the references of an expression come to, each once, in order of their names. As in Terraform, of a reference that
/// is wrong itself the part that is right is told, and nothing of sensitive values, nor of unknown ones whose type is not
/// known either. Nothing is told of ephemeral values.
pub fn seen(expr: &Expr, scope: &dyn Scope) -> Vec<Seen> {
    Env::of(scope).silent().seen(expr)
}

impl Env<'_> {
    /// Tells with mistakes in an expression what its references came to, unless a part of it did.
    pub(crate) fn explain(self, expr: &Expr, found: &mut [Diagnostic]) {
        let within =
            |d: &Diagnostic| d.span.is_some_and(|s| s.file == expr.span.file && s.start >= expr.span.start && s.end <= expr.span.end);
        let mut open = found.iter_mut().filter(|d| d.is_error() && d.values.is_none() && within(d)).peekable();
        if open.peek().is_some() {
            let values = self.silent().seen(expr);
            open.for_each(|d| d.values = Some(values.clone()));
        }
    }

    fn seen(self, expr: &Expr) -> Vec<Seen> {
        let mut found: Vec<Seen> = Vec::new();
        reference_exprs(expr, &mut |mut part, mut traversal| {
            while !traversal.steps.is_empty() {
                let (value, ok) = self.try_eval(part, &mut Diags::new());
                if ok {
                    if let Some(statement) = statement(&value) {
                        found.push(Seen { span: part.span, reference: traversal.to_string(), statement });
                    }
                    return;
                }
                let (ExprKind::GetAttr { on, .. } | ExprKind::Index { on, .. }) = &part.kind else { return };
                part = on;
                traversal.steps.pop();
            }
        });
        found.sort_by(|a, b| a.reference.cmp(&b.reference));
        found.dedup_by(|a, b| a.reference == b.reference);
        found
    }
}

fn statement(value: &Value) -> Option<String> {
    if value.marks.has(Marks::SENSITIVE) || value.marks.has(Marks::EPHEMERAL) {
        return None;
    }
    if value.is_unknown() {
        let ty = value.ty();
        return (ty != Type::Dynamic).then(|| format!("is a {}", friendly(&ty)));
    }
    Some(format!("is {}", compact(value)))
}

/// A few words for a value.
fn compact(value: &Value) -> String {
    match &value.data {
        Data::Null(_) => "null".into(),
        Data::Bool(b) => b.to_string(),
        Data::Number(n) => n.to_string(),
        Data::String(s) => format!("{s:?}"),
        Data::Object(m) => match m.len() {
            0 => "object with no attributes".into(),
            1 => format!("object with 1 attribute {:?}", m.keys().next().map_or("", |k| k)),
            n => format!("object with {n} attributes"),
        },
        _ => {
            let name = friendly(&value.ty());
            match value.parts().count() {
                0 => format!("empty {name}"),
                1 => format!("{name} with 1 element"),
                n => format!("{name} with {n} elements"),
            }
        }
    }
}
