//! Files to a module: what every block declares, checked as far as that needs no value.
//!
//! Override files come first to their end: each of their blocks is merged into the block it overrides, as text
//! that could have stood there. What remains is decoded block by block, one file here for each kind.

mod check;
mod constant;
mod content;
mod module_call;
mod overrides;
mod provider;
mod refactor;
mod reference;
mod resource;
mod terraform;
mod types;
mod variable;

use std::collections::BTreeMap;

use secstack_base::{Diagnostic, Diags, FileId, Span, Str};

use crate::body::Block;
use crate::token::is_ident;
use crate::{Body, Module};

pub(crate) use constant::{check_static, static_value, text, truth};
pub(crate) use content::{Content, Shape, part, whole};
pub(crate) use module_call::providers;
pub(crate) use reference::{Quoted, list, provider_ref, reference, references_of, unquoted};
pub use types::type_constraint;
pub(crate) use variable::rule;

/// One file of a module.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The file.
    pub file: FileId,
    /// Its name without directory.
    pub name: String,
    /// Its content.
    pub body: Body,
    /// Whether it overrides the others: `override.tf`, `x_override.tf`.
    pub is_override: bool,
}

impl SourceFile {
    /// Whether a file of that name overrides others.
    pub fn overrides(name: &str) -> bool {
        let stem = name.strip_suffix(".json").unwrap_or(name);
        let stem = stem.strip_suffix(".tf").or_else(|| stem.strip_suffix(".tofu")).unwrap_or(stem);
        stem == "override" || stem.ends_with("_override")
    }
}

/// The blocks of a file.
const FILE: Shape = Shape {
    args: &[],
    required: &[],
    blocks: &[
        ("terraform", &[]),
        ("required_providers", &[]),
        ("provider", &["name"]),
        ("variable", &["name"]),
        ("locals", &[]),
        ("output", &["name"]),
        ("module", &["name"]),
        ("resource", &["type", "name"]),
        ("data", &["type", "name"]),
        ("ephemeral", &["type", "name"]),
        ("moved", &[]),
        ("import", &[]),
        ("check", &["name"]),
        ("removed", &[]),
    ],
};

impl Module {
    /// Decodes the files of a directory, in the order given.
    pub fn decode(files: Vec<SourceFile>) -> (Module, Diags) {
        let mut d = Decoder::default();
        let (mut blocks, mut over) = (Vec::new(), Vec::new());
        for f in files {
            d.names.insert(f.file, f.name);
            let content = whole(&f.body, &FILE, &mut d.diags);
            if f.is_override { over.extend(content.blocks) } else { blocks.extend(content.blocks) }
        }
        d.merge(&mut blocks, over);
        for b in &blocks {
            d.block(b);
        }
        d.finish();
        (d.module, d.diags)
    }
}

#[derive(Default)]
struct Decoder {
    module: Module,
    diags: Diags,
    names: BTreeMap<FileId, String>,
    terraform: terraform::Settings,
}

impl Decoder {
    fn block(&mut self, b: &Block) {
        match &*b.ty {
            "terraform" => self.terraform(b),
            "required_providers" => self.error(
                "Invalid required_providers block",
                "A \"required_providers\" block must be nested inside a \"terraform\" block.",
                b.ty_span,
            ),
            "provider" => self.provider(b),
            "variable" => self.variable(b),
            "locals" => self.locals(b),
            "output" => self.output(b),
            "module" => self.module_call(b),
            "resource" | "data" | "ephemeral" => self.resource(b),
            "moved" => self.moved(b),
            "removed" => self.removed(b),
            "import" => self.import(b),
            "check" => self.check(b),
            _ => {}
        }
    }

    fn error(&mut self, summary: impl Into<std::borrow::Cow<'static, str>>, detail: impl Into<String>, span: Span) {
        self.diags.push(Diagnostic::error(summary, detail).at(span));
    }

    /// An error about something that was there before, at `first`.
    fn again(&mut self, summary: impl Into<std::borrow::Cow<'static, str>>, detail: String, span: Span, first: Span) {
        self.diags.push(Diagnostic::error(summary, detail).at(span).label(first, "declared here first"));
    }

    /// The name of the file of a span, for messages.
    fn place(&self, span: Span) -> &str {
        self.names.get(&span.file).map_or("another file", String::as_str)
    }

    /// Reports a name that is no identifier.
    fn check_name(&mut self, summary: &'static str, name: &str, span: Span) {
        if !is_ident(name) {
            self.error(summary, BAD_NAME, span);
        }
    }
}

/// What a name must look like.
pub(crate) const BAD_NAME: &str =
    "A name must start with a letter or underscore and may contain only letters, digits, underscores, and dashes.";

/// The label `i` of a block, whose labels were counted before.
fn label(b: &Block, i: usize) -> (Str, Span) {
    b.labels.get(i).cloned().unwrap_or_else(|| ("".into(), b.span))
}

/// The diagnostic for `count` beside `for_each`.
fn check_repetition(count: Option<&crate::Expr>, for_each: Option<Span>, diags: &mut Diags) {
    if let (Some(_), Some(span)) = (count, for_each) {
        let detail = "The \"count\" and \"for_each\" meta-arguments are mutually-exclusive, only one should be used to be explicit about the number of resources to be created.";
        diags.push(Diagnostic::error("Invalid combination of \"count\" and \"for_each\"", detail).at(span));
    }
}
