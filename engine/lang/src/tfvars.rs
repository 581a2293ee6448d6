//! Files with values of variables: arguments and nothing else, no references.

use secstack_base::{Diagnostic, Diags, FileId};

use crate::body::{Attribute, Items, View};
use crate::decode::check_static;
use crate::{json, parse_file, parse_json_file};

/// Parses a `.tfvars` file.
pub fn parse_tfvars(file: FileId, text: &str) -> (Vec<Attribute>, Diags) {
    let (body, mut diags) = parse_file(file, text);
    let (View { attributes, blocks }, _) = body.view(&[]);
    let declared: Vec<_> = blocks.iter().filter(|b| &*b.ty == "variable").collect();
    for b in &declared {
        let name = b.labels.first().map_or("name", |(l, _)| l);
        let detail = format!(
            "A .tfvars file is used to assign values to variables that have already been declared in .tf files, not to declare new variables. To declare variable {name:?}, place this block in one of your .tf files, such as variables.tf."
        );
        diags.push(Diagnostic::error("Variable declaration in .tfvars file", detail).at(b.ty_span));
    }
    if let Some(b) = blocks.first().filter(|_| declared.is_empty()) {
        let summary = format!("Unexpected {:?} block", b.ty);
        diags.push(Diagnostic::error(summary, "Blocks are not allowed here.").at(b.ty_span));
    }
    for a in attributes.iter() {
        check_static(&a.expr, &mut diags);
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
