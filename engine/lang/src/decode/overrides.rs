//! Override files: each of their blocks changes a block of the other files.

use secstack_base::Str;

use super::Decoder;
use crate::body::{Attribute, Block, Items};
use crate::{Body, ExprKind};

impl Decoder {
    /// Merges the blocks of override files into the others.
    pub(super) fn merge(&mut self, blocks: &mut Vec<Block>, over: Vec<Block>) {
        for b in over {
            match &*b.ty {
                "terraform" => self.merge_terraform(blocks, b),
                "locals" => self.merge_locals(blocks, &b),
                "provider" => match blocks.iter_mut().find(|base| same_provider(base, &b)) {
                    Some(base) => merge_body(&mut base.body, &b.body),
                    None => blocks.push(b),
                },
                "moved" | "import" | "check" => self.not_overridable(&b),
                "removed" => blocks.push(b),
                "resource" | "data" if self.overrides_depends_on(&b) => {}
                _ => match blocks.iter_mut().find(|base| same_header(base, &b)) {
                    Some(base) => merge_body(&mut base.body, &b.body),
                    None if &*b.ty == "ephemeral" => blocks.push(b),
                    None => self.no_base(&b),
                },
            }
        }
    }

    fn merge_terraform(&mut self, blocks: &mut Vec<Block>, b: Block) {
        let names = |body: &Body| -> Vec<Str> {
            match &body.items {
                Items::Native { attributes, blocks } => {
                    attributes.iter().map(|a| a.name.clone()).chain(blocks.iter().map(|b| b.ty.clone())).collect()
                }
                Items::Json(members) => members.iter().map(|m| m.name.clone()).collect(),
            }
        };
        // A backend takes the place of a cloud block, and the other way round.
        let mut replaced = names(&b.body);
        if replaced.iter().any(|n| matches!(&**n, "backend" | "cloud")) {
            replaced.extend(["backend".into(), "cloud".into()]);
        }
        // Providers are merged entry by entry: later entries win when they are decoded.
        self.terraform.merges |= replaced.iter().any(|n| &**n == "required_providers");
        self.terraform.merges_encryption |= replaced.iter().any(|n| &**n == "encryption");
        let goes = |name: &Str| !matches!(&**name, "required_providers" | "encryption") && replaced.contains(name);
        for base in blocks.iter_mut().filter(|base| &*base.ty == "terraform") {
            match &mut base.body.items {
                Items::Native { attributes, blocks } => {
                    attributes.retain(|a| !goes(&a.name));
                    blocks.retain(|b| !goes(&b.ty));
                }
                Items::Json(members) => members.retain(|m| !goes(&m.name)),
            }
        }
        blocks.push(b);
    }

    fn merge_locals(&mut self, blocks: &mut [Block], b: &Block) {
        let (view, more) = b.body.view(&[]);
        self.diags.extend(more);
        for a in view.attributes.iter() {
            let mut found = false;
            for base in blocks.iter_mut().filter(|base| &*base.ty == "locals") {
                if base.body.is_json() {
                    let (view, _) = base.body.view(&[]);
                    let attributes = view.attributes.into_owned();
                    base.body.items = Items::Native { attributes, blocks: Vec::new() };
                }
                if let Items::Native { attributes, .. } = &mut base.body.items {
                    for old in attributes.iter_mut().filter(|old| old.name == a.name) {
                        *old = a.clone();
                        found = true;
                    }
                }
            }
            if !found {
                let detail = format!(
                    "There is no local value named {:?}. An override file can only override a local value that was already defined in a primary configuration file.",
                    a.name
                );
                self.error("Missing base local value definition to override", detail, a.name_span);
            }
        }
    }

    /// Dependencies are not overridden: says so where it is tried.
    fn overrides_depends_on(&mut self, b: &Block) -> bool {
        let (view, _) = b.body.view(&[]);
        let Some(span) = view.attributes.iter().find(|a| &*a.name == "depends_on").map(|a| a.expr.span) else { return false };
        self.error("Unsupported override", "The depends_on argument may not be overridden.", span);
        true
    }

    fn not_overridable(&mut self, b: &Block) {
        if &*b.ty == "check" {
            return self.error("Can't override check blocks", "Override files cannot override check blocks.", b.span);
        }
        let what = if &*b.ty == "moved" { "Records of moved objects" } else { "Import blocks" };
        let detail = format!("{what} can appear only in normal files, not in override files.");
        self.error(format!("Cannot override '{}' blocks", b.ty), detail, b.span);
    }

    fn no_base(&mut self, b: &Block) {
        let label = |i: usize| b.labels.get(i).map_or("", |(l, _)| l);
        let (summary, what) = match &*b.ty {
            "variable" => ("Missing base variable declaration to override", format!("variable named {:?}", label(0))),
            "output" => ("Missing base output definition to override", format!("output named {:?}", label(0))),
            "module" => ("Missing module call to override", format!("module call named {:?}", label(0))),
            "data" => ("Missing data resource to override", format!("{} data resource named {:?}", label(0), label(1))),
            _ => ("Missing resource to override", format!("{} resource named {:?}", label(0), label(1))),
        };
        let noun = match &*b.ty {
            "variable" => "a variable that was already declared",
            "output" => "an output that was already defined",
            "module" => "a module call that was already defined",
            "data" => "a data block defined",
            _ => "a resource block defined",
        };
        let detail = format!("There is no {what}. An override file can only override {noun} in a primary configuration file.");
        self.error(summary, detail, b.span);
    }
}

fn same_header(a: &Block, b: &Block) -> bool {
    a.ty == b.ty && a.labels.len() == b.labels.len() && a.labels.iter().zip(&b.labels).all(|((a, _), (b, _))| a == b)
}

fn same_provider(a: &Block, b: &Block) -> bool {
    same_header(a, b) && alias(&a.body) == alias(&b.body)
}

fn alias(body: &Body) -> Option<Str> {
    let (view, _) = body.view(&[]);
    let a = view.attributes.iter().find(|a| &*a.name == "alias")?;
    match &a.expr.kind {
        ExprKind::Literal(v) => v.as_str().map(Into::into),
        _ => None,
    }
}

/// Replaces arguments by name and blocks by type; `lifecycle` is merged within.
fn merge_body(base: &mut Body, over: &Body) {
    if let (Items::Json(old), Items::Json(new)) = (&mut base.items, &over.items) {
        old.retain(|m| !new.iter().any(|n| n.name == m.name));
        old.extend(new.iter().cloned());
        return;
    }
    let (mut attributes, mut blocks) = native(base);
    let (new_attributes, new_blocks) = native(over);
    attributes.retain(|a: &Attribute| !new_attributes.iter().any(|n| n.name == a.name));
    attributes.extend(new_attributes);
    let lifecycle = blocks.iter().find(|b| &*b.ty == "lifecycle").cloned();
    // A `dynamic` block counts as the type it makes.
    let made = |b: &Block| if &*b.ty == "dynamic" { b.labels.first().map(|(l, _)| l.clone()) } else { Some(b.ty.clone()) };
    blocks.retain(|b| !new_blocks.iter().any(|n| made(n) == made(b)));
    for mut b in new_blocks {
        if let (Some(old), true) = (&lifecycle, &*b.ty == "lifecycle") {
            let mut merged = old.body.clone();
            merge_body(&mut merged, &b.body);
            b.body = merged;
        }
        blocks.push(b);
    }
    base.items = Items::Native { attributes, blocks };
}

fn native(body: &Body) -> (Vec<Attribute>, Vec<Block>) {
    let known = [("lifecycle", 0), ("connection", 0), ("provisioner", 1), ("validation", 0), ("precondition", 0), ("postcondition", 0)];
    let (view, _) = body.view(&known);
    (view.attributes.into_owned(), view.blocks.into_owned())
}
