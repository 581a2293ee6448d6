//! The content of a block: attributes and nested blocks, from native or JSON syntax.
//!
//! JSON cannot tell an attribute from a block. So a body is read through [`Body::view`], which is told
//! the names of the blocks; everything else is an attribute.

use std::borrow::Cow;

use secstack_base::{Span, Str};

use crate::Expr;

/// The content of a block.
#[derive(Clone, Debug)]
pub struct Body {
    /// The attributes and blocks.
    pub items: Items,
    /// The text of the body; its end is where a missing argument would stand.
    pub span: Span,
}

/// The content in one of the two syntaxes.
#[derive(Clone, Debug)]
pub enum Items {
    /// From a `.tf` file: what is an attribute and what is a block is certain.
    Native {
        /// The attributes, in order.
        attributes: Vec<Attribute>,
        /// The blocks, in order.
        blocks: Vec<Block>,
    },
    /// From a `.tf.json` file.
    Json(Vec<JsonMember>),
}

/// A member of a JSON object.
#[derive(Clone, Debug)]
pub struct JsonMember {
    /// The name.
    pub name: Str,
    /// The text of the name.
    pub name_span: Span,
    /// The value.
    pub value: JsonNode,
}

/// A JSON value with its place.
#[derive(Clone, Debug)]
pub struct JsonNode {
    /// The value.
    pub kind: JsonKind,
    /// Its text.
    pub span: Span,
}

/// A JSON value.
#[derive(Clone, Debug)]
pub enum JsonKind {
    /// `null`, a bool or a number.
    Literal(secstack_base::Value),
    /// Text, which is a template wherever an expression is expected.
    String(Str),
    /// An array.
    Array(Vec<JsonNode>),
    /// An object.
    Object(Vec<JsonMember>),
}

/// `name = expr`
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name.
    pub name: Str,
    /// The text of the name.
    pub name_span: Span,
    /// The value.
    pub expr: Expr,
}

/// `type "label" { ... }`
#[derive(Clone, Debug)]
pub struct Block {
    /// The block type.
    pub ty: Str,
    /// The text of the block type.
    pub ty_span: Span,
    /// The labels with their text.
    pub labels: Vec<(Str, Span)>,
    /// The content.
    pub body: Body,
    /// The text of the header: type and labels.
    pub span: Span,
}

/// A body seen with the knowledge of which names are blocks.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The attributes, in order.
    pub attributes: Cow<'a, [Attribute]>,
    /// The blocks, in order.
    pub blocks: Cow<'a, [Block]>,
}
