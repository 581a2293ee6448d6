//! References, attributes and indices.

use secstack_base::{Data, Diagnostic, Diags, Marks, Span, Str, Type, Value, convert, diag};
use secstack_lang::{Expr, ExprKind};

use crate::expr::{Env, dynamic, errors_since, tail};
use crate::scope::ScopeStep;
use crate::type_text::friendly;

impl Env<'_> {
    /// A variable with the attribute steps that follow it, or an attribute of any other expression.
    pub(crate) fn traversal(self, expr: &Expr, diags: &mut Diags) -> Value {
        let mut steps: Vec<(&Str, Span, Span)> = Vec::new();
        let mut at = expr;
        while let ExprKind::GetAttr { on, name, name_span } = &at.kind {
            steps.push((name, *name_span, tail(on.span, at.span)));
            at = on;
        }
        steps.reverse();
        let (mut value, used) = match &at.kind {
            ExprKind::Variable(root) => {
                let given: Vec<_> = steps.iter().map(|&(name, span, _)| ScopeStep { name, span }).collect();
                match self.scope.resolve(root, at.span, &given) {
                    Ok(found) => (found.value, found.used),
                    Err(d) => {
                        diags.push(d);
                        return dynamic();
                    }
                }
            }
            _ => {
                let before = diags.0.len();
                let value = self.eval(at, diags);
                if errors_since(diags, before) {
                    return dynamic();
                }
                (value, 0)
            }
        };
        for (name, _, span) in steps.into_iter().skip(used) {
            match get_attr(&value, name, span) {
                Ok(part) => value = part,
                Err(d) => {
                    diags.push(*d);
                    return dynamic();
                }
            }
        }
        value
    }

    /// `on[key]`
    pub(crate) fn index_expr(self, expr: &Expr, on: &Expr, key: &Expr, diags: &mut Diags) -> Value {
        let (collection, whole) = self.try_eval(on, diags);
        let (key, _) = self.try_eval(key, diags);
        if !whole {
            return dynamic();
        }
        match index(&collection, &key, tail(on.span, expr.span)) {
            Ok(value) => value,
            Err(d) => {
                diags.push(*d);
                dynamic()
            }
        }
    }
}

type Found = Result<Value, Box<Diagnostic>>;

fn fail(summary: &'static str, detail: impl Into<String>, span: Span) -> Found {
    Err(Box::new(Diagnostic::error(summary, detail).at(span)))
}

/// An attribute of an object or an element of a map.
///
/// # Errors
/// When there is none; `span` becomes the place.
pub fn get_attr(value: &Value, name: &str, span: Span) -> Result<Value, Box<Diagnostic>> {
    const UNSUPPORTED: &str = "Unsupported attribute";
    match &value.data {
        Data::Null(_) => fail("Attempt to get attribute from null value", "This value is null, so it does not have any attributes.", span),
        Data::Object(attrs) => match attrs.get(name) {
            Some(found) => Ok(found.clone().mark(value.marks)),
            None => no_attribute(name, attrs.keys(), span),
        },
        Data::Map(_, items) => match items.get(name) {
            Some(found) => Ok(found.clone().mark(value.marks)),
            None => fail("Missing map element", format!("This map does not have an element with the key {}.", quote(name)), span),
        },
        Data::Unknown(Type::Object(ty), _) => match ty.attrs.get(name) {
            Some(ty) => Ok(Value::unknown(ty.clone()).mark(value.marks)),
            None => no_attribute(name, ty.attrs.keys(), span),
        },
        Data::Unknown(Type::Map(ty), _) => Ok(Value::unknown((**ty).clone()).mark(value.marks)),
        Data::Unknown(Type::Dynamic, _) => Ok(dynamic().mark(value.marks)),
        _ => match value.ty() {
            Type::List(of) if matches!(*of, Type::Object(_)) => {
                let named = matches!(&*of, Type::Object(o) if o.attrs.contains_key(name));
                let which = if named { format!("attribute {}", quote(name)) } else { "an attribute".into() };
                fail(
                    UNSUPPORTED,
                    format!(
                        "Can't access attributes on a list of objects. Did you mean to access {which} for a specific element of the list, or across all elements of the list?"
                    ),
                    span,
                )
            }
            Type::Set(of) if matches!(*of, Type::Object(_)) => fail(
                UNSUPPORTED,
                "Can't access attributes on a set of objects. Did you mean to access an attribute across all elements of the set?",
                span,
            ),
            ty if ty.is_primitive() => {
                fail(UNSUPPORTED, format!("Can't access attributes on a primitive-typed value ({}).", friendly(&ty)), span)
            }
            _ => fail(UNSUPPORTED, "This value does not have any attributes.", span),
        },
    }
}

fn no_attribute<'a>(name: &str, known: impl Iterator<Item = &'a Str>, span: Span) -> Found {
    let detail = format!("This object does not have an attribute named {}.", quote(name));
    let mut d = Diagnostic::error("Unsupported attribute", detail).at(span);
    if let Some(near) = diag::suggest(name, known.map(|k| &**k)) {
        d = d.help(format!("There is an attribute {} with a similar name.", quote(near)));
    }
    Err(Box::new(d))
}

const INVALID: &str = "Invalid index";
const NOT_FOUND: &str = "The given key does not identify an element in this collection value";

/// An element of a list, tuple or map, or an attribute of an object.
///
/// # Errors
/// When there is none; `span` becomes the place.
pub fn index(collection: &Value, key: &Value, span: Span) -> Result<Value, Box<Diagnostic>> {
    if collection.is_null() {
        return fail("Attempt to index null value", "This value is null, so it does not have any indices.", span);
    }
    if key.is_null() {
        return fail(INVALID, "Can't use a null value as an indexing key.", span);
    }
    let unknown = |ty: Type| Ok(Value::unknown(ty).mark(collection.marks.with(key.marks)));
    if matches!(collection.data, Data::Unknown(Type::Dynamic, _)) || matches!(key.data, Data::Unknown(Type::Dynamic, _)) {
        return unknown(Type::Dynamic);
    }
    let want = match &collection.data {
        Data::List(..) | Data::Tuple(_) | Data::Unknown(Type::List(_) | Type::Tuple(_), _) => Type::Number,
        Data::Map(..) | Data::Object(_) | Data::Unknown(Type::Map(_) | Type::Object(_), _) => Type::String,
        Data::Set(..) | Data::Unknown(Type::Set(_), _) => {
            return fail(
                INVALID,
                "Elements of a set are identified only by their value and don't have any separate index or key to select with, so it's only possible to perform operations across all elements of the set.",
                span,
            );
        }
        _ => return fail(INVALID, "This value does not have any indices.", span),
    };
    let was_number = matches!(key.data, Data::Number(_));
    let key = match convert::convert(key, &want) {
        Ok(key) => key,
        Err(e) => return fail(INVALID, format!("{NOT_FOUND}: {e}."), span),
    };
    let marks = collection.marks.with(key.marks);
    match (&collection.data, &key.data) {
        (Data::Object(attrs), Data::String(name)) => match attrs.get(name) {
            // HCL drops the marks of a key that names an attribute.
            Some(found) => Ok(found.clone().mark(collection.marks)),
            None if was_number => {
                fail(INVALID, format!("{NOT_FOUND}. An object only supports looking up attributes by name, not by numeric index."), span)
            }
            None => fail(INVALID, format!("{NOT_FOUND}."), span),
        },
        (Data::Map(_, items), Data::String(name)) => match items.get(name) {
            Some(found) => Ok(found.clone().mark(marks)),
            None => fail(INVALID, format!("{NOT_FOUND}."), span),
        },
        (Data::List(_, items) | Data::Tuple(items), Data::Number(_)) => match position(&key, items.len(), collection.marks, span) {
            Ok(i) => Ok(items[i].clone().mark(marks)),
            Err(d) => Err(d),
        },
        (Data::Unknown(Type::Tuple(types), _), Data::Number(_)) => {
            position(&key, types.len(), collection.marks, span).and_then(|i| unknown(types[i].clone()))
        }
        (Data::List(ty, _), _) | (Data::Map(ty, _), _) => unknown(ty.clone()),
        (Data::Unknown(Type::List(ty) | Type::Map(ty), _), _) => unknown((**ty).clone()),
        _ => unknown(Type::Dynamic),
    }
}

/// The position that a known number names in a sequence.
fn position(key: &Value, len: usize, marks: Marks, span: Span) -> Result<usize, Box<Diagnostic>> {
    let error = |why: &str| Err(Box::new(Diagnostic::error(INVALID, format!("{NOT_FOUND}{why}.")).at(span)));
    let Some(n) = key.as_number() else { return error("") };
    if let Some(i) = n.to_usize().filter(|i| n.is_integer() && *i < len) {
        return Ok(i);
    }
    if !n.is_integer() && !n.is_infinite() {
        return error(": indexing a sequence requires a whole number, but the given index has a fractional part");
    }
    if n.is_negative() {
        return error(": a negative number is not a valid index for a sequence");
    }
    // Terraform has these words for the first position past the end only.
    match len {
        _ if !marks.is_none() || n.to_usize() != Some(len) => error(""),
        0 => error(": the collection has no elements"),
        _ => error(": the given index is greater than or equal to the length of the collection"),
    }
}

/// Text in quotes, as Go's `%q` writes it for ordinary text.
pub(crate) fn quote(s: &str) -> String {
    secstack_base::quote::quoted(s)
}
