//! The JSON syntax: text to the same bodies and expressions as the native syntax gives.
//!
//! What a member means depends on what is expected of it: strings are templates where an expression is expected,
//! objects are blocks where blocks are. So a body is kept as JSON until [`Body::view`] asks for it.

mod read;

use std::borrow::Cow;
use std::collections::BTreeMap;

use secstack_base::{Diagnostic, Diags, FileId, Span, Str, Value};

use crate::ast::ObjectItem;
use crate::body::{Items, JsonKind, JsonMember, JsonNode, View};
use crate::{Attribute, Block, Body, Expr, ExprKind, parse_template};

pub(crate) use read::read;

/// Parses a `.tf.json` file.
pub fn parse_json_file(file: FileId, text: &str) -> (Body, Diags) {
    let mut diags = Diags::new();
    let body = match read(file, text) {
        Ok(node) => root(node, &mut diags),
        Err(d) => {
            diags.push(*d);
            Body { items: Items::Json(Vec::new()), span: Span::new(file, 0, text.len()) }
        }
    };
    (body, diags)
}

fn root(node: JsonNode, diags: &mut Diags) -> Body {
    let span = node.span;
    let mut members = Vec::new();
    match node.kind {
        JsonKind::Object(m) => members = m,
        JsonKind::Array(nodes) => {
            for n in nodes {
                match n.kind {
                    JsonKind::Object(m) => members.extend(m),
                    _ => {
                        let detail = "A JSON object is required here, to define arguments and child blocks.";
                        diags.push(Diagnostic::error("Incorrect JSON value type", detail).at(n.span));
                    }
                }
            }
        }
        _ => diags.push(root_error(span)),
    }
    Body { items: Items::Json(members), span }
}

fn root_error(span: Span) -> Diagnostic {
    let detail = "The root value in a JSON-based configuration must be either a JSON object or a JSON array of objects.";
    Diagnostic::error("Root value must be object", detail).at(span)
}

impl Body {
    /// The attributes and blocks, where `block_types` tells which names are blocks, and how many labels they have.
    ///
    /// In the native syntax the text tells, and the argument is not used.
    pub fn view(&self, block_types: &[(&str, usize)]) -> (View<'_>, Diags) {
        let mut diags = Diags::new();
        let members = match &self.items {
            Items::Native { attributes, blocks } => {
                let view = View { attributes: Cow::Borrowed(attributes), blocks: Cow::Borrowed(blocks) };
                return (view, diags);
            }
            Items::Json(members) => members,
        };
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut blocks = Vec::new();
        for m in members.iter().filter(|m| &*m.name != "//") {
            if let Some((_, labels)) = block_types.iter().find(|(ty, _)| *ty == &*m.name) {
                let header = Header { ty: &m.name, ty_span: m.name_span, labels: Vec::new() };
                collect_blocks(&header, &m.value, *labels, &mut blocks, &mut diags);
                continue;
            }
            if let Some(first) = attributes.iter().find(|a| a.name == m.name) {
                let detail = format!("The argument {:?} was already set.", m.name);
                diags.push(
                    Diagnostic::error("Duplicate attribute definition", detail).at(m.name_span).label(first.name_span, "first set here"),
                );
                continue;
            }
            let expr = expr(&m.value, &mut diags);
            attributes.push(Attribute { name: m.name.clone(), name_span: m.name_span, expr });
        }
        (View { attributes: Cow::Owned(attributes), blocks: Cow::Owned(blocks) }, diags)
    }

    /// Whether the body is in the JSON syntax.
    pub fn is_json(&self) -> bool {
        matches!(self.items, Items::Json(_))
    }
}

#[derive(Clone)]
struct Header<'a> {
    ty: &'a Str,
    ty_span: Span,
    labels: Vec<(Str, Span)>,
}

impl Header<'_> {
    /// A block whose value, perhaps one of several in an array, starts at `open`.
    fn block(&self, body: Body, open: Span) -> Block {
        let span = Span { end: open.end.min(open.start + 1), ..open };
        Block { ty: self.ty.clone(), ty_span: self.ty_span, labels: self.labels.clone(), body, span }
    }
}

/// The blocks in `node`, which nests one object for each label that is `left`.
fn collect_blocks(header: &Header, node: &JsonNode, left: usize, out: &mut Vec<Block>, diags: &mut Diags) {
    if left > 0 {
        let mut members = Vec::new();
        collect_members(node, &mut members, diags);
        if members.is_empty() && !diags.has_errors() {
            let label = if left > 1 { "type" } else { "name" };
            let detail = format!("At least one object property is required, whose name represents the {} block's {label}.", header.ty);
            diags.push(Diagnostic::error("Missing block label", detail).at(node.span));
        }
        for m in members {
            let mut inner = header.clone();
            inner.labels.push((m.name.clone(), m.name_span));
            collect_blocks(&inner, &m.value, left - 1, out, diags);
        }
        return;
    }
    match &node.kind {
        JsonKind::Literal(v) if v.is_null() => {}
        JsonKind::Object(members) => {
            out.push(header.block(Body { items: Items::Json(members.clone()), span: node.span }, node.span));
        }
        JsonKind::Array(nodes) => {
            for n in nodes {
                let mut members = Vec::new();
                collect_members(n, &mut members, diags);
                let items = Items::Json(members.into_iter().cloned().collect());
                out.push(header.block(Body { items, span: n.span }, node.span));
            }
        }
        _ => {
            let detail = format!(
                "Either a JSON object or a JSON array is required, representing the contents of one or more {:?} blocks.",
                header.ty
            );
            diags.push(Diagnostic::error("Incorrect JSON value type", detail).at(node.span));
        }
    }
}

fn collect_members<'a>(node: &'a JsonNode, out: &mut Vec<&'a JsonMember>, diags: &mut Diags) {
    match &node.kind {
        JsonKind::Object(members) => out.extend(members.iter().filter(|m| &*m.name != "//")),
        JsonKind::Array(nodes) => nodes.iter().for_each(|n| collect_members(n, out, diags)),
        JsonKind::Literal(v) if v.is_null() => {}
        _ => {
            let detail = "A JSON object is required here, to define arguments and child blocks.";
            diags.push(Diagnostic::error("Incorrect JSON value type", detail).at(node.span));
        }
    }
}

/// What a JSON value means as an expression.
pub(crate) fn expr(node: &JsonNode, diags: &mut Diags) -> Expr {
    let kind = match &node.kind {
        JsonKind::Literal(v) => ExprKind::Literal(v.clone()),
        JsonKind::String(s) => return string(s, node.span, diags),
        JsonKind::Array(nodes) => ExprKind::Tuple(nodes.iter().map(|n| expr(n, diags)).collect()),
        JsonKind::Object(members) => {
            check_unique(members, diags);
            let item = |m: &JsonMember| ObjectItem { key: string(&m.name, m.name_span, diags), bare: false, value: expr(&m.value, diags) };
            ExprKind::Object(members.iter().map(item).collect())
        }
    };
    Expr { kind, span: node.span }
}

/// What a JSON value means where nothing can be referred to: strings are text, not templates.
pub(crate) fn literal(node: &JsonNode) -> Expr {
    let text = |s: &str, span| Expr { kind: ExprKind::Literal(Value::string(s)), span };
    let kind = match &node.kind {
        JsonKind::Literal(v) => ExprKind::Literal(v.clone()),
        JsonKind::String(s) => return text(s, node.span),
        JsonKind::Array(nodes) => ExprKind::Tuple(nodes.iter().map(literal).collect()),
        JsonKind::Object(members) => {
            let item = |m: &JsonMember| ObjectItem { key: text(&m.name, m.name_span), bare: false, value: literal(&m.value) };
            ExprKind::Object(members.iter().map(item).collect())
        }
    };
    Expr { kind, span: node.span }
}

fn check_unique(members: &[JsonMember], diags: &mut Diags) {
    let mut seen = BTreeMap::new();
    for m in members {
        if let Some(first) = seen.insert(&m.name, m.name_span) {
            let detail = format!("An attribute named {:?} was already defined.", m.name);
            diags.push(Diagnostic::error("Duplicate object attribute", detail).at(m.name_span).label(first, "defined here first"));
        }
    }
}

fn string(s: &str, span: Span, diags: &mut Diags) -> Expr {
    if !s.contains("${") && !s.contains("%{") {
        return Expr { kind: ExprKind::Literal(Value::string(s)), span };
    }
    // Places inside are exact as long as the string has no escapes.
    match parse_template(span.file, s, span.start as usize + 1) {
        Ok(e) => Expr { kind: e.kind, span },
        Err(errors) => {
            diags.extend(errors);
            Expr { kind: ExprKind::Literal(Value::string(s)), span }
        }
    }
}
