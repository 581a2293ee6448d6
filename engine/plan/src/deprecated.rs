//! Warnings about arguments, blocks and types that are to be given up.

use secstack_base::schema::{Block, Nesting, Schema};
use secstack_base::{Diagnostic, Diags, Marks, Step, Value};
use secstack_lang::Body;

use crate::validate::{missing_place, place};

/// What a block sets that should not be used any more. `about` is the address of the resource.
pub fn deprecations(schema: &Schema, config: &Value, body: &Body, about: &str) -> Diags {
    let mut diags = Diags::new();
    let mut warn =
        |summary: &'static str, what: String, span| diags.push(Diagnostic::warning(summary, what).at(span).about(about.to_string()));
    if let Some(why) = &schema.block.deprecated {
        warn(if schema.legacy { "Deprecated Resource" } else { "Deprecated" }, why.to_string(), missing_place(body));
    }
    let summary = if schema.legacy { "Argument is deprecated" } else { "Attribute Deprecated" };
    walk(&schema.block, &config.unmark_deep(Marks::ALL), &mut Vec::new(), &mut |path, why| {
        let what = match path.last() {
            Some(Step::Attr(name)) if schema.legacy => format!("{name} is deprecated. {why}"),
            _ => why.to_string(),
        };
        warn(summary, what, place(body, &schema.block, path));
    });
    diags
}

fn walk(schema: &Block, config: &Value, path: &mut Vec<Step>, found: &mut impl FnMut(&[Step], &str)) {
    for a in &schema.attributes {
        if let (Some(why), Some(v)) = (&a.deprecated, config.get(&a.name))
            && !v.is_null()
            && v.is_wholly_known()
        {
            path.push(Step::Attr(a.name.clone()));
            found(path, why);
            path.pop();
        }
    }
    for b in &schema.blocks {
        let Some(v) = config.get(&b.name).filter(|v| !v.is_null() && !v.is_unknown()) else { continue };
        let items: Vec<&Value> = match b.nesting {
            Nesting::Single | Nesting::Group => vec![v],
            _ => v.parts().collect(),
        };
        path.push(Step::Attr(b.name.clone()));
        if let (Some(why), false) = (&b.block.deprecated, items.is_empty()) {
            found(path, why);
        }
        for (i, item) in items.into_iter().enumerate() {
            path.push(Step::Index(i));
            walk(&b.block, item, path, found);
            path.pop();
        }
        path.pop();
    }
}
