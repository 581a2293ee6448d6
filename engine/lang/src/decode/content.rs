//! A body against what may stand in it.

use secstack_base::diag::suggest;
use secstack_base::{Diagnostic, Diags, Str};

use crate::body::{Attribute, Block, Items, JsonMember};
use crate::{Body, Expr, json};

/// What may stand in a body.
pub(crate) struct Shape {
    /// Names of arguments.
    pub args: &'static [&'static str],
    /// Names of arguments that must be there, also among `args`.
    pub required: &'static [&'static str],
    /// Types of blocks, with what their labels are called.
    pub blocks: &'static [(&'static str, &'static [&'static str])],
}

/// What stands in a body.
pub(crate) struct Content {
    pub attributes: Vec<Attribute>,
    pub blocks: Vec<Block>,
    /// Whether it is from the JSON syntax, where references are strings.
    pub json: bool,
    /// The JSON values of arguments, for those that are no templates.
    members: Vec<JsonMember>,
}

impl Content {
    pub(crate) fn get(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| &*a.name == name)
    }

    pub(crate) fn expr(&self, name: &str) -> Option<Expr> {
        self.get(name).map(|a| a.expr.clone())
    }

    /// The value of an argument that can refer to nothing. In JSON it is not a template.
    pub(crate) fn fixed(&self, name: &str) -> Option<Expr> {
        let member = self.members.iter().find(|m| &*m.name == name);
        member.map_or_else(|| self.expr(name), |m| Some(json::literal(&m.value)))
    }

    pub(crate) fn blocks_of<'a>(&'a self, ty: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |b| &*b.ty == ty)
    }
}

/// Reads a body that must hold nothing but what `shape` names.
pub(crate) fn whole(body: &Body, shape: &Shape, diags: &mut Diags) -> Content {
    read(body, shape, true, diags)
}

/// Reads what `shape` names, and returns the rest as a body.
pub(crate) fn part(body: &Body, shape: &Shape, diags: &mut Diags) -> (Content, Body) {
    let is_block = |ty: &str| shape.blocks.iter().any(|(b, _)| *b == ty);
    let is_arg = |name: &str| shape.args.contains(&name);
    let (known, rest) = match &body.items {
        Items::Native { attributes, blocks } => {
            let (a, rest_a) = attributes.iter().cloned().partition(|a| is_arg(&a.name));
            let (b, rest_b) = blocks.iter().cloned().partition(|b| is_block(&b.ty));
            (Items::Native { attributes: a, blocks: b }, Items::Native { attributes: rest_a, blocks: rest_b })
        }
        Items::Json(members) => {
            let (known, rest) = members.iter().cloned().partition(|m| is_arg(&m.name) || is_block(&m.name));
            (Items::Json(known), Items::Json(rest))
        }
    };
    let content = read(&Body { items: known, span: body.span }, shape, false, diags);
    (content, Body { items: rest, span: body.span })
}

fn read(body: &Body, shape: &Shape, strict: bool, diags: &mut Diags) -> Content {
    let types: Vec<(&str, usize)> = shape.blocks.iter().map(|(ty, labels)| (*ty, labels.len())).collect();
    let (view, more) = body.view(&types);
    diags.extend(more);
    let members = match &body.items {
        Items::Json(members) => members.iter().filter(|m| shape.args.contains(&&*m.name)).cloned().collect(),
        Items::Native { .. } => Vec::new(),
    };
    let mut content = Content { attributes: Vec::new(), blocks: Vec::new(), json: body.is_json(), members };
    for b in view.blocks.iter() {
        let Some((_, labels)) = shape.blocks.iter().find(|(ty, _)| *ty == &*b.ty) else { continue };
        match check_labels(b, labels) {
            Some(d) => diags.push(d),
            None => content.blocks.push(b.clone()),
        }
    }
    for a in view.attributes.iter() {
        if shape.args.contains(&&*a.name) {
            content.attributes.push(a.clone());
        } else if strict {
            diags.push(if content.json { extraneous(a, shape) } else { unsupported_argument(a, shape, &view.attributes) });
        }
    }
    for name in shape.required {
        if !content.attributes.iter().any(|a| &*a.name == *name) {
            let detail = format!("The argument {name:?} is required, but no definition was found.");
            let mut brace = body.span;
            if content.json {
                brace.start = brace.start.max(brace.end.saturating_sub(1));
            } else {
                brace.end = brace.end.min(brace.start + 1);
            }
            diags.push(Diagnostic::error("Missing required argument", detail).at(brace));
        }
    }
    for b in view.blocks.iter().filter(|b| strict && !shape.blocks.iter().any(|(ty, _)| *ty == &*b.ty)) {
        diags.push(unsupported_block(b, shape));
    }
    content
}

fn check_labels(b: &Block, want: &[&str]) -> Option<Diagnostic> {
    let ty = &b.ty;
    if let Some((_, span)) = b.labels.get(want.len()) {
        let detail = if want.is_empty() {
            format!("No labels are expected for {ty} blocks.")
        } else {
            format!("Only {} labels ({}) are expected for {ty} blocks.", want.len(), want.join(", "))
        };
        return Some(Diagnostic::error(format!("Extraneous label for {ty}"), detail).at(*span));
    }
    let missing = want.get(b.labels.len())?;
    let detail = format!("All {ty} blocks must have {} labels ({}).", want.len(), want.join(", "));
    let mut open = b.body.span;
    open.end = open.end.min(open.start + 1);
    Some(Diagnostic::error(format!("Missing {missing} for {ty}"), detail).at(open))
}

fn unsupported_argument(a: &Attribute, shape: &Shape, present: &[Attribute]) -> Diagnostic {
    let name: &Str = &a.name;
    let free = shape.args.iter().copied().filter(|n| !present.iter().any(|p| &*p.name == *n));
    let hint = match suggest(name, free) {
        Some(known) => format!(" Did you mean {known:?}?"),
        None if shape.blocks.iter().any(|(ty, _)| *ty == &**name) => {
            format!(" Did you mean to define a block of type {name:?}?")
        }
        None => String::new(),
    };
    let detail = format!("An argument named {name:?} is not expected here.{hint}");
    Diagnostic::error("Unsupported argument", detail).at(a.name_span)
}

/// The same in JSON, where it could have been a block.
fn extraneous(a: &Attribute, shape: &Shape) -> Diagnostic {
    let known = shape.args.iter().copied().chain(shape.blocks.iter().map(|(ty, _)| *ty));
    let hint = suggest(&a.name, known).map_or(String::new(), |known| format!(" Did you mean {known:?}?"));
    let detail = format!("No argument or block type is named {:?}.{hint}", a.name);
    Diagnostic::error("Extraneous JSON object property", detail).at(a.name_span)
}

fn unsupported_block(b: &Block, shape: &Shape) -> Diagnostic {
    let ty = &b.ty;
    if shape.blocks.is_empty() && shape.args.is_empty() {
        return Diagnostic::error(format!("Unexpected {ty:?} block"), "Blocks are not allowed here.").at(b.ty_span);
    }
    let hint = if shape.args.contains(&&**ty) {
        format!(" Did you mean to define argument {ty:?}? If so, use the equals sign to assign it a value.")
    } else {
        suggest(ty, shape.blocks.iter().map(|(b, _)| *b)).map_or(String::new(), |known| format!(" Did you mean {known:?}?"))
    };
    let detail = format!("Blocks of type {ty:?} are not expected here.{hint}");
    Diagnostic::error("Unsupported block type", detail).at(b.ty_span)
}
