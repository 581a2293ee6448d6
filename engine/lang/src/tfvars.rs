//! Files with values of variables: arguments and nothing else, no references.

use secstack_base::{Diagnostic, Diags, FileId};

use crate::body::{Attribute, Items, View};
use crate::{json, parse_file, parse_json_file};

/// Parses a `.tfvars` file.
pub fn parse_tfvars(file: FileId, text: &str) -> (Vec<Attribute>, Diags) {
    let (body, mut diags) = parse_file(file, text);
    let (View { attributes, blocks }, _) = body.view(&[]);
    if let Some(block) = blocks.first() {
        let variables = if &*block.ty == "variable" {
            " To declare variables, place this block in a file with the suffix \".tf\" in the root module directory."
        } else {
            ""
        };
        let detail = if block.labels.is_empty() && variables.is_empty() {
            format!("Blocks are not allowed here. Did you mean to write {} = {{ ... }}?", block.ty)
        } else {
            format!("Blocks are not allowed here.{variables}")
        };
        diags.push(Diagnostic::error(format!("Unexpected {:?} block", block.ty), detail).at(block.ty_span));
    }
    (attributes.into_owned(), diags)
}

/// Parses a `.tfvars.json` file. Strings are text: nothing in them is a template.
pub fn parse_tfvars_json(file: FileId, text: &str) -> (Vec<Attribute>, Diags) {
    let (body, mut diags) = parse_json_file(file, text);
    let Items::Json(members) = &body.items else { return (Vec::new(), diags) };
    let mut out: Vec<Attribute> = Vec::new();
    for m in members.iter().filter(|m| &*m.name != "//") {
        if let Some(first) = out.iter().find(|a| a.name == m.name) {
            let detail = format!("The argument {:?} was already set.", m.name);
            let again = Diagnostic::error("Duplicate attribute definition", detail).at(m.name_span);
            diags.push(again.label(first.name_span, "first set here"));
            continue;
        }
        out.push(Attribute { name: m.name.clone(), name_span: m.name_span, expr: json::literal(&m.value) });
    }
    (out, diags)
}
