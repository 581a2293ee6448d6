//! `for` expressions, and iteration over whatever can be iterated.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use secstack_base::{Data, Diagnostic, Diags, Marks, Number, Span, Str, Type, Value, convert};
use secstack_lang::Expr;
use secstack_lang::ast::For;

use crate::expr::{Env, dynamic, errors_since};
use crate::scope::Bound;
use crate::traversal::quote;
use crate::type_text::friendly;

/// The key of an element, made into a value only when somebody asks.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    /// The position in a list or tuple.
    Index(usize),
    /// The key in a map or the name in an object.
    Name(&'a Str),
    /// The element of a set itself.
    Element(&'a Value),
}

impl Key<'_> {
    /// The key as a value.
    pub fn value(self) -> Value {
        match self {
            Key::Index(i) => Number::from(i).into(),
            Key::Name(n) => Data::String(n.clone()).into(),
            Key::Element(v) => v.clone(),
        }
    }
}

/// The elements with their keys. Empty for what is not a known collection or structure.
pub(crate) fn elements(value: &Value) -> Box<dyn Iterator<Item = (Key<'_>, &Value)> + '_> {
    match &value.data {
        Data::List(_, items) | Data::Tuple(items) => Box::new(items.iter().enumerate().map(|(i, v)| (Key::Index(i), v))),
        Data::Set(_, items) => Box::new(items.iter().map(|v| (Key::Element(v), v))),
        Data::Map(_, items) | Data::Object(items) => Box::new(items.iter().map(|(k, v)| (Key::Name(k), v))),
        _ => Box::new(std::iter::empty()),
    }
}

/// Whether values of the type have elements.
pub(crate) fn is_iterable(ty: &Type) -> bool {
    ty.is_collection() || matches!(ty, Type::Tuple(_) | Type::Object(_))
}

/// What became of one element.
enum Item {
    /// It is part of the result.
    Taken(Option<Str>, Value),
    /// The filter leaves it out.
    Skipped,
    /// Whether and where it belongs is not known, or is wrong.
    Unclear,
}

impl Env<'_> {
    /// `[for ...]` or `{for ...}`
    pub(crate) fn for_expr(self, span: Span, f: &For, diags: &mut Diags) -> Value {
        let (collection, mut marks) = match self.for_collection(&f.collection, diags) {
            Some(found) => found,
            None => return dynamic(),
        };
        if matches!(collection.data, Data::Unknown(Type::Dynamic, _)) {
            return dynamic().mark(marks);
        }
        if let Some(condition) = &f.condition
            && !self.probe_condition(f, condition, diags, &mut marks)
        {
            return dynamic();
        }
        if collection.is_unknown() {
            return dynamic().mark(marks);
        }
        let mut body = Body { f, span, known: true, marks };
        let result = match &f.key {
            None => body.tuple(self, &collection, diags),
            Some(key) if f.group => body.groups(self, key, &collection, diags),
            Some(key) => body.object(self, key, &collection, diags),
        };
        match body.known {
            true => result.mark(body.marks),
            false => dynamic().mark(body.marks),
        }
    }

    /// What is iterated, and the marks on it; the value still has them.
    pub(crate) fn for_collection(self, expr: &Expr, diags: &mut Diags) -> Option<(Value, Marks)> {
        let collection = self.eval(expr, diags);
        if collection.is_null() {
            let detail = "A null value cannot be used as the collection in a 'for' expression.";
            diags.push(Diagnostic::error("Iteration over null value", detail).at(expr.span));
            return None;
        }
        let ty = collection.ty();
        if !is_iterable(&ty) && ty != Type::Dynamic {
            let detail = format!("A value of type {} cannot be used as the collection in a 'for' expression.", friendly(&ty));
            diags.push(Diagnostic::error("Iteration over non-iterable value", detail).at(expr.span));
            return None;
        }
        let marks = collection.marks;
        Some((collection, marks))
    }

    /// Evaluates the filter once with nothing known, so that a filter of a wrong type is reported once.
    fn probe_condition(self, f: &For, condition: &Expr, diags: &mut Diags, marks: &mut Marks) -> bool {
        let names = f.key_var.iter().chain([&f.value_var]).map(|n| (n.clone(), dynamic())).collect();
        let bound = Bound { outer: self.scope, names };
        let before = diags.0.len();
        let value = self.within(&bound).eval(condition, diags);
        *marks = marks.with(value.marks);
        if value.is_null() {
            let detail = "The value of the 'if' clause must not be null.";
            diags.push(Diagnostic::error("Condition is null", detail).at(condition.span));
        } else if let Err(e) = convert::convert(&value, &Type::Bool) {
            diags.push(invalid_condition(format!("The 'if' clause value is invalid: {e}."), condition));
        }
        !errors_since(diags, before)
    }
}

fn invalid_condition(detail: impl Into<String>, condition: &Expr) -> Diagnostic {
    Diagnostic::error("Invalid 'for' condition", detail).at(condition.span)
}

/// The state of one evaluation of a `for`.
struct Body<'a> {
    f: &'a For,
    span: Span,
    known: bool,
    marks: Marks,
}

impl Body<'_> {
    fn tuple(&mut self, env: Env<'_>, collection: &Value, diags: &mut Diags) -> Value {
        let mut items = Vec::new();
        self.each(env, None, collection, diags, |_, item, _| items.extend(item.1));
        Value::tuple(items)
    }

    fn object(&mut self, env: Env<'_>, key: &Expr, collection: &Value, diags: &mut Diags) -> Value {
        let mut attrs = BTreeMap::new();
        self.each(env, Some(key), collection, diags, |_, (name, value), diags| {
            let (Some(name), Some(value)) = (name, value) else { return };
            if let Entry::Vacant(free) = attrs.entry(name.clone()) {
                free.insert(value);
            } else {
                let detail = format!(
                    "Two different items produced the key {} in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key.",
                    quote(&name)
                );
                // What the values refer to has nothing to do with it.
                diags.push(Diagnostic::error("Duplicate object key", detail).at(key.span).seeing(Vec::new()));
            }
        });
        Data::Object(Arc::new(attrs)).into()
    }

    fn groups(&mut self, env: Env<'_>, key: &Expr, collection: &Value, diags: &mut Diags) -> Value {
        let mut groups: BTreeMap<Str, Vec<Value>> = BTreeMap::new();
        self.each(env, Some(key), collection, diags, |_, (name, value), _| {
            if let (Some(name), Some(value)) = (name, value) {
                groups.entry(name).or_default().push(value);
            }
        });
        Value::object(groups.into_iter().map(|(name, items)| (name, Value::tuple(items))))
    }

    /// Evaluates key and value for each element that the filter lets through.
    fn each(
        &mut self,
        env: Env<'_>,
        key: Option<&Expr>,
        collection: &Value,
        diags: &mut Diags,
        mut take: impl FnMut(Span, (Option<Str>, Option<Value>), &mut Diags),
    ) {
        let mut bound = Bound { outer: env.scope, names: Vec::with_capacity(2) };
        for (at, element) in elements(collection) {
            bound.names.clear();
            if let Some(name) = &self.f.key_var {
                bound.names.push((name.clone(), at.value()));
            }
            bound.names.push((self.f.value_var.clone(), element.clone()));
            match self.item(env.within(&bound), key, diags) {
                Item::Taken(name, value) => take(self.span, (name, Some(value)), diags),
                Item::Skipped => {}
                Item::Unclear => self.known = false,
            }
        }
    }

    fn item(&mut self, env: Env<'_>, key: Option<&Expr>, diags: &mut Diags) -> Item {
        match self.included(env, diags) {
            Some(true) => {}
            Some(false) => return Item::Skipped,
            None => return Item::Unclear,
        }
        let name = match key {
            None => None,
            Some(key) => match self.key(env, key, diags) {
                Some(name) => Some(name),
                None => return Item::Unclear,
            },
        };
        Item::Taken(name, env.eval(&self.f.value, diags))
    }

    fn included(&mut self, env: Env<'_>, diags: &mut Diags) -> Option<bool> {
        let Some(condition) = &self.f.condition else { return Some(true) };
        let value = env.eval(condition, diags);
        // One message about the filter is enough, whichever element shows the mistake.
        let mut complain = |detail: String| {
            if self.known {
                diags.push(invalid_condition(detail, condition));
            }
        };
        if value.is_null() {
            complain("The value of the 'if' clause must not be null.".into());
            return None;
        }
        self.marks = self.marks.with(value.marks);
        if value.is_unknown() && self.f.key.is_none() {
            return None;
        }
        match convert::convert(&value, &Type::Bool) {
            Ok(value) => value.as_bool(),
            Err(e) => {
                complain(format!("The 'if' clause value is invalid: {e}."));
                None
            }
        }
    }

    fn key(&mut self, env: Env<'_>, key: &Expr, diags: &mut Diags) -> Option<Str> {
        let value = env.eval(key, diags);
        let mut complain = |detail: String| {
            if self.known {
                diags.push(Diagnostic::error("Invalid object key", detail).at(key.span));
            }
        };
        if value.is_null() {
            complain("Key expression in 'for' expression must not produce a null value.".into());
            return None;
        }
        self.marks = self.marks.with(value.marks);
        if value.is_unknown() {
            return None;
        }
        match convert::convert(&value, &Type::String) {
            Ok(Value { data: Data::String(s), .. }) => Some(s),
            Ok(_) => None,
            Err(e) => {
                complain(format!("The key expression produced an invalid result: {e}."));
                None
            }
        }
    }
}
