//! `check` blocks.

use super::variable::only_one;
use super::{Decoder, Shape, label, whole};
use crate::body::Block;
use crate::module::Check;

const CHECK: Shape = Shape { args: &[], required: &[], blocks: &[("data", &["type", "name"]), ("assert", &[])] };

impl Decoder {
    pub(super) fn check(&mut self, b: &Block) {
        let c = whole(&b.body, &CHECK, &mut self.diags);
        let (name, name_span) = label(b, 0);
        self.check_name("Invalid check block name", &name, name_span);
        if let Some(first) = self.module.checks.get(&name).map(|c| c.span) {
            let place = self.place(first);
            let detail =
                format!("A check block named {name:?} was already declared in {place}. Check blocks must be unique within each module.");
            return self.again(format!("Duplicate check {name:?} configuration"), detail, b.span, first);
        }
        let mut data = c.blocks_of("data");
        if let Some(first) = data.next() {
            self.resource_in(first, Some(name.clone()));
            for again in data {
                let mut d = only_one("check", "data", again, first);
                d.summary = "Multiple data resource blocks".into();
                d.detail = "This check block already has a data resource.".into();
                self.diags.push(d.at(again.span));
            }
        }
        let mut asserts = Vec::new();
        for a in c.blocks_of("assert") {
            asserts.extend(self.rule(a, "assert"));
        }
        if asserts.is_empty() {
            self.error("Zero assert blocks", "Check blocks must have at least one assert block.", b.span);
        }
        self.module.checks.insert(name.clone(), Check { name, asserts, span: b.span });
    }
}
