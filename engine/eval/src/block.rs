//! Evaluates the body of a block by its schema, and reports what the schema does not allow.
//!
//! Values the provider alone may give are read here like any others; whether they may be set is the
//! provider's validation to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use secstack_base::schema::{self, Attribute, NestedBlock, Nesting, Presence};
use secstack_base::types::ObjectType;
use secstack_base::{Data, Diagnostic, Diags, Marks, Span, Str, Type, Value, convert, diag};
use secstack_lang::Body;
use secstack_lang::ast::{Traversal, references};
use secstack_lang::body::{Block, View};

use crate::dynamic::Dynamic;
use crate::evaluate;
use crate::scope::Scope;
use crate::traversal::quote;

/// The value of a body: an object of the schema's type, `dynamic` blocks expanded, with unknown parts where they are unknown.
/// Unsupported and missing arguments go to `diags`.
pub fn decode_block(body: &Body, schema: &schema::Block, scope: &dyn Scope, diags: &mut Diags) -> Value {
    Place { scope, marks: Marks::NONE, unknown: false }.body(body, schema, diags)
}

/// Every reference in a body, iterators of its `dynamic` blocks left out.
pub fn block_references(body: &Body, schema: &schema::Block) -> Vec<Traversal> {
    let mut found = Vec::new();
    collect_references(body, schema, &mut Vec::new(), &mut found);
    found
}

/// Where a body is evaluated.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The names, iterators included.
    pub scope: &'a dyn Scope,
    /// The marks of the `for_each` that made this body.
    pub marks: Marks,
    /// The `for_each` that made this body, or one around it, is unknown: then so is everything inside.
    pub unknown: bool,
}

/// A block, evaluated.
pub(crate) struct Instance {
    /// The labels.
    pub labels: Vec<Str>,
    /// The object.
    pub value: Value,
    /// Whether it stands for an unknown number of blocks.
    pub unknown: bool,
    /// The header of the block.
    pub span: Span,
}

/// Which blocks are looked for.
pub(crate) struct Wanted<'a> {
    /// The block type.
    pub name: &'a str,
    /// The names of its labels.
    pub labels: &'a [&'a str],
    /// The content.
    pub schema: &'a schema::Block,
}

impl<'a> Wanted<'a> {
    fn of(nested: &'a NestedBlock) -> Self {
        Self { name: &nested.name, labels: label_names(nested), schema: &nested.block }
    }
}

fn label_names(nested: &NestedBlock) -> &'static [&'static str] {
    if nested.nesting == Nesting::Map { &["key"] } else { &[] }
}

impl Place<'_> {
    pub(crate) fn body(self, body: &Body, schema: &schema::Block, diags: &mut Diags) -> Value {
        let (view, found) = view(body, schema);
        diags.extend(found);
        check_names(&view, schema, diags);
        let mut attrs = BTreeMap::new();
        for attribute in &schema.attributes {
            attrs.insert(attribute.name.clone(), self.attribute(attribute, &view, body, diags));
        }
        for nested in &schema.blocks {
            attrs.insert(nested.name.clone(), self.nested(nested, &view, body, diags));
        }
        Data::Object(Arc::new(attrs)).into()
    }

    fn attribute(self, attribute: &Attribute, view: &View<'_>, body: &Body, diags: &mut Diags) -> Value {
        let ty = attribute.ty.without_optional();
        let Some(given) = view.attributes.iter().find(|a| a.name == attribute.name) else {
            if let Some(nested) = as_blocks(attribute).filter(|_| has_blocks(view, &attribute.name)) {
                let value = self.nested(&nested, view, body, diags);
                if value.as_slice().is_some_and(<[Value]>::is_empty) {
                    // Blocks that come to none are no argument: the provider may choose.
                    return Value::null(ty).mark(value.marks);
                }
                return convert::convert(&value, &attribute.ty).unwrap_or_else(|_| Value::unknown(ty));
            }
            if attribute.presence == Presence::Required {
                diags.push(missing_argument(&attribute.name, body));
            }
            return Value::null(ty);
        };
        if self.unknown {
            return Value::unknown(ty).mark(self.marks);
        }
        let value = evaluate(&given.expr, self.scope, diags);
        convert::convert(&value, &attribute.ty)
            .unwrap_or_else(|e| {
                let detail = format!("Inappropriate value for attribute {}: {e}.", quote(&attribute.name));
                diags.push(Diagnostic::error("Incorrect attribute value type", detail).at(given.expr.span));
                Value::unknown(ty)
            })
            .mark(self.marks)
    }

    fn nested(self, nested: &NestedBlock, view: &View<'_>, body: &Body, diags: &mut Diags) -> Value {
        let found = self.instances(&Wanted::of(nested), view, diags);
        let name = &*nested.name;
        if matches!(nested.nesting, Nesting::Single | Nesting::Group) {
            return single(nested, found, body, diags);
        }
        if found.iter().any(|b| b.unknown) {
            let marks = found.iter().fold(Marks::NONE, |m, b| m.with(b.value.marks));
            return Value::unknown(nested.ty()).mark(marks);
        }
        if found.len() < nested.min {
            let detail = format!("At least {} {} blocks are required.", nested.min, quote(name));
            diags.push(Diagnostic::error(format!("Insufficient {name} blocks"), detail).at(missing_item(body)));
        }
        if let Some((max, extra)) = nested.max.and_then(|max| Some((max, found.get(max)?))) {
            let detail = format!("No more than {max} {} blocks are allowed", quote(name));
            diags.push(Diagnostic::error(format!("Too many {name} blocks"), detail).at(extra.span));
        }
        if found.is_empty() {
            return nested.empty_value();
        }
        let mixed = nested.ty() == Type::Dynamic;
        let values = |found: Vec<Instance>| found.into_iter().map(|b| b.value);
        match (nested.nesting, mixed) {
            (Nesting::Map, _) => map(nested, found, mixed, diags),
            (_, true) => Value::tuple(values(found)),
            (Nesting::Set, _) => Value::set(nested.block.ty(), values(found)),
            _ => Value::list(nested.block.ty(), values(found)),
        }
    }

    /// All blocks of one type, `dynamic` ones expanded, in order.
    fn instances(self, wanted: &Wanted<'_>, view: &View<'_>, diags: &mut Diags) -> Vec<Instance> {
        let mut found = Vec::new();
        for block in view.blocks.iter() {
            if &*block.ty == wanted.name {
                if check_labels(block, wanted.labels, diags) {
                    let place = Place { marks: Marks::NONE, ..self };
                    found.push(Instance {
                        labels: block.labels.iter().map(|(l, _)| l.clone()).collect(),
                        value: place.body(&block.body, wanted.schema, diags),
                        unknown: self.unknown,
                        span: block.span,
                    });
                }
            } else if is_dynamic(block, wanted.name) {
                self.expand(block, wanted, diags, &mut found);
            }
        }
        found
    }
}

fn single(nested: &NestedBlock, found: Vec<Instance>, body: &Body, diags: &mut Diags) -> Value {
    let name = &*nested.name;
    let mut found = found.into_iter();
    let first = found.next();
    if let (Some(first), Some(second)) = (&first, found.next()) {
        let detail = format!("Only one block of type {} is allowed.", quote(name));
        let d = Diagnostic::error(format!("Duplicate {name} block"), detail).at(second.span);
        diags.push(d.label(first.span, "the first one"));
    }
    match first {
        Some(first) => first.value,
        None => {
            if nested.min > 0 && nested.nesting == Nesting::Single {
                let detail = format!("A block of type {} is required here.", quote(name));
                diags.push(Diagnostic::error(format!("Missing {name} block"), detail).at(missing_item(body)));
            }
            nested.empty_value()
        }
    }
}

fn map(nested: &NestedBlock, found: Vec<Instance>, mixed: bool, diags: &mut Diags) -> Value {
    let name = &*nested.name;
    let mut items: BTreeMap<Str, Value> = BTreeMap::new();
    for block in found {
        let label = block.labels.into_iter().next().unwrap_or_else(|| "".into());
        if items.contains_key(&label) {
            let detail = format!("A block for {name} {} was already defined. The {name} labels must be unique.", quote(&label));
            diags.push(Diagnostic::error(format!("Duplicate {name} block"), detail).at(block.span));
            continue;
        }
        items.insert(label, block.value);
    }
    match mixed {
        true => Value::object(items),
        false => Value::map(nested.block.ty(), items),
    }
}

/// Where something that is missing would stand.
pub(crate) fn missing_item(body: &Body) -> Span {
    Span { end: body.span.start, ..body.span }
}

pub(crate) fn missing_argument(name: &str, body: &Body) -> Diagnostic {
    let detail = format!("The argument {} is required, but no definition was found.", quote(name));
    Diagnostic::error("Missing required argument", detail).at(missing_item(body))
}

pub(crate) fn unsupported_argument(name: &str, span: Span, hint: &str) -> Diagnostic {
    Diagnostic::error("Unsupported argument", format!("An argument named {} is not expected here.{hint}", quote(name))).at(span)
}

pub(crate) fn unsupported_block(name: &str, span: Span, hint: &str) -> Diagnostic {
    Diagnostic::error("Unsupported block type", format!("Blocks of type {} are not expected here.{hint}", quote(name))).at(span)
}

pub(crate) fn is_dynamic(block: &Block, name: &str) -> bool {
    &*block.ty == "dynamic" && block.labels.first().is_some_and(|(l, _)| &**l == name)
}

fn has_blocks(view: &View<'_>, name: &str) -> bool {
    view.blocks.iter().any(|b| &*b.ty == name || is_dynamic(b, name))
}

fn view<'a>(body: &'a Body, schema: &schema::Block) -> (View<'a>, Diags) {
    let mut types: Vec<(&str, usize)> = schema.blocks.iter().map(|b| (&*b.name, label_names(b).len())).collect();
    types.push(("dynamic", 1));
    body.view(&types)
}

fn check_names(view: &View<'_>, schema: &schema::Block, diags: &mut Diags) {
    for given in view.attributes.iter().filter(|a| schema.attribute(&a.name).is_none()) {
        let free = schema.attributes.iter().filter(|a| !view.attributes.iter().any(|g| g.name == a.name));
        let hint = match diag::suggest(&given.name, free.map(|a| &*a.name)) {
            Some(near) => format!(" Did you mean {}?", quote(near)),
            None if schema.nested(&given.name).is_some() => format!(" Did you mean to define a block of type {}?", quote(&given.name)),
            None => String::new(),
        };
        diags.push(unsupported_argument(&given.name, given.name_span, &hint));
    }
    let known = |name: &str| schema.nested(name).is_some() || schema.attribute(name).is_some_and(|a| as_blocks(a).is_some());
    for block in view.blocks.iter() {
        match (&*block.ty, block.labels.as_slice()) {
            ("dynamic", [(name, span)]) if !known(name) => diags.push(unsupported_block(name, *span, "")),
            ("dynamic", [_]) => {}
            ("dynamic", _) => {
                check_labels(block, &["type"], diags);
            }
            (name, _) if !known(name) => {
                let hint = match diag::suggest(name, schema.blocks.iter().map(|b| &*b.name)) {
                    Some(near) => format!(" Did you mean {}?", quote(near)),
                    None if schema.attribute(name).is_some() => {
                        format!(" Did you mean to define argument {}? If so, use the equals sign to assign it a value.", quote(name))
                    }
                    None => String::new(),
                };
                diags.push(unsupported_block(name, block.ty_span, &hint));
            }
            _ => {}
        }
    }
}

fn check_labels(block: &Block, names: &[&str], diags: &mut Diags) -> bool {
    let ty = &block.ty;
    if let Some((_, span)) = block.labels.get(names.len()) {
        let detail = match names.len() {
            0 => format!("No labels are expected for {ty} blocks."),
            n => format!("Only {n} labels ({}) are expected for {ty} blocks.", names.join(", ")),
        };
        diags.push(Diagnostic::error(format!("Extraneous label for {ty}"), detail).at(*span));
        return false;
    }
    if let Some(missing) = names.get(block.labels.len()) {
        let detail = format!("All {ty} blocks must have {} labels ({}).", names.len(), names.join(", "));
        diags.push(Diagnostic::error(format!("Missing {missing} for {ty}"), detail).at(block.span));
        return false;
    }
    true
}

/// The blocks that an attribute may be written as, when it is a list or set of objects of the older provider framework.
fn as_blocks(attribute: &Attribute) -> Option<NestedBlock> {
    let (nesting, of) = match &attribute.ty {
        Type::List(of) if attribute.as_blocks => (Nesting::List, of),
        Type::Set(of) if attribute.as_blocks => (Nesting::Set, of),
        _ => return None,
    };
    let Type::Object(object) = &**of else { return None };
    Some(NestedBlock {
        name: attribute.name.clone(),
        nesting,
        min: 0,
        max: None,
        block: block_of(object),
        forces_new: schema::ForcesNew::Never,
        computed: false,
    })
}

fn block_of(object: &ObjectType) -> schema::Block {
    let attribute = |(name, ty): (&Str, &Type)| {
        let as_blocks = matches!(ty, Type::List(of) | Type::Set(of) if matches!(**of, Type::Object(_)));
        Attribute { as_blocks, ..Attribute::new(name, ty.clone(), Presence::Optional) }
    };
    schema::Block { attributes: object.attrs.iter().map(attribute).collect(), ..schema::Block::default() }
}

fn collect_references(body: &Body, schema: &schema::Block, bound: &mut Vec<Str>, out: &mut Vec<Traversal>) {
    let (view, _) = view(body, schema);
    for a in view.attributes.iter() {
        expr_references(&a.expr, bound, out);
    }
    for block in view.blocks.iter() {
        let of = |name: &str| match schema.nested(name) {
            Some(nested) => nested.block.clone(),
            None => schema.attribute(name).and_then(as_blocks).map(|n| n.block).unwrap_or_default(),
        };
        match (&*block.ty, block.labels.first()) {
            ("dynamic", Some((name, _))) => {
                let d = Dynamic::read(block);
                d.for_each.iter().for_each(|a| expr_references(&a.expr, bound, out));
                bound.push(d.iterator().unwrap_or_else(|| name.clone()));
                d.labels.iter().for_each(|a| expr_references(&a.expr, bound, out));
                for content in &d.content {
                    collect_references(&content.body, &of(name), bound, out);
                }
                bound.pop();
            }
            (name, _) => collect_references(&block.body, &of(name), bound, out),
        }
    }
}

fn expr_references(expr: &secstack_lang::Expr, bound: &[Str], out: &mut Vec<Traversal>) {
    references(expr, &mut |t| {
        if !bound.contains(&t.root) {
            out.push(t);
        }
    });
}
