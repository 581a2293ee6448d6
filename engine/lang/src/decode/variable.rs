//! `variable`, `locals`, `output`, and the conditions that they and resources have.

use secstack_base::convert::convert;
use secstack_base::{Diagnostic, Diags, Type};

use super::{Decoder, Shape, label, references_of, static_value, text, truth, type_constraint, whole};
use crate::ast::{TraversalStep, references};
use crate::body::{Attribute, Block};
use crate::module::{CheckRule, Local, Output, Variable};
use crate::{Expr, ExprKind};

const VARIABLE: Shape = Shape {
    args: &["description", "default", "type", "sensitive", "ephemeral", "nullable", "deprecated"],
    required: &[],
    blocks: &[("validation", &[])],
};

const OUTPUT: Shape = Shape {
    args: &["description", "value", "depends_on", "sensitive", "ephemeral", "deprecated"],
    required: &["value"],
    blocks: &[("precondition", &[]), ("postcondition", &[])],
};

const RULE: Shape = Shape { args: &["condition", "error_message"], required: &["condition", "error_message"], blocks: &[] };

/// Names with a meaning inside `module` blocks, where variables are set.
const RESERVED: &[&str] = &["source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"];

impl Decoder {
    pub(super) fn variable(&mut self, b: &Block) {
        let c = whole(&b.body, &VARIABLE, &mut self.diags);
        let (name, name_span) = label(b, 0);
        self.check_name("Invalid variable name", &name, name_span);
        if RESERVED.contains(&&*name) {
            let detail = format!("The variable name {name:?} is reserved due to its special meaning inside module blocks.");
            self.error("Invalid variable name", detail, name_span);
        }
        let (ty, defaults) = match c.get("type") {
            Some(a) => self.variable_type(a, c.json),
            None => (Type::Dynamic, None),
        };
        let mut text_of = |n: &str| c.fixed(n).and_then(|e| text(&e, &mut self.diags));
        let (description, deprecated) = (text_of("description"), text_of("deprecated"));
        let mut truth_of = |n: &str| c.get(n).and_then(|a| truth(&a.expr, &mut self.diags));
        let (sensitive, ephemeral) = (truth_of("sensitive").unwrap_or(false), truth_of("ephemeral").unwrap_or(false));
        let nullable = truth_of("nullable").unwrap_or(true);
        let default = c.fixed("default");
        if let Some(expr) = &default {
            self.check_default(expr, &ty, nullable);
        }
        let mut validations = Vec::new();
        for v in c.blocks_of("validation") {
            let rule = self.rule(v, "validation");
            if let Some(a) = v.body.view(&[]).0.attributes.iter().find(|a| &*a.name == "condition") {
                self.check_validation(&name, &a.expr);
            }
            validations.extend(rule);
        }
        if let Some(first) = self.module.variables.get(&name).map(|v| v.span) {
            let place = self.place(first);
            let detail =
                format!("A variable named {name:?} was already declared in {place}. Variable names must be unique within a module.");
            return self.again("Duplicate variable declaration", detail, b.span, first);
        }
        let has_type = c.get("type").is_some();
        let variable = Variable {
            name: name.clone(),
            ty,
            has_type,
            defaults,
            default,
            description,
            sensitive,
            ephemeral,
            nullable,
            deprecated,
            validations,
            span: b.span,
        };
        self.module.variables.insert(name, variable);
    }

    fn variable_type(&mut self, a: &Attribute, json: bool) -> (Type, Option<secstack_base::convert::Defaults>) {
        let quoted = match &a.expr.kind {
            ExprKind::Literal(v) if !json => v.as_str(),
            _ => None,
        };
        if let Some(old) = quoted {
            let start = "Terraform 0.11 and earlier required type constraints to be given in quotes, but that form is now deprecated and will be removed in a future version of Terraform. Remove the quotes around";
            let (summary, detail) = match old {
                "string" => ("Invalid quoted type constraints", format!("{start} \"string\".")),
                "list" => (
                    "Invalid quoted type constraints",
                    format!("{start} \"list\" and write list(string) instead to explicitly indicate that the list elements are strings."),
                ),
                "map" => (
                    "Invalid quoted type constraints",
                    format!("{start} \"map\" and write map(string) instead to explicitly indicate that the map elements are strings."),
                ),
                _ => (
                    "Invalid legacy variable type hint",
                    "To provide a full type expression, remove the surrounding quotes and give the type expression directly.".to_owned(),
                ),
            };
            self.error(summary, detail, a.expr.span);
            return (Type::Dynamic, None);
        }
        type_constraint(&a.expr).unwrap_or_else(|errors| {
            self.diags.extend(errors);
            (Type::Dynamic, None)
        })
    }

    fn check_default(&mut self, expr: &Expr, ty: &Type, nullable: bool) {
        if !super::constant::check_static(expr, &mut self.diags) {
            return;
        }
        let Some(value) = static_value(expr) else { return };
        let summary = "Invalid default value for variable";
        if value.is_null() && !nullable {
            return self.error(summary, "A null default value is not valid when nullable=false.", expr.span);
        }
        if let Err(e) = convert(&value, ty) {
            let detail = format!("This default value is not compatible with the variable's type constraint: {e}.");
            self.error(summary, detail, expr.span);
        }
    }

    fn check_validation(&mut self, name: &str, condition: &Expr) {
        let mut found = false;
        references(condition, &mut |t| {
            found |= &*t.root == "var" && matches!(t.steps.first(), Some(TraversalStep::Attr(n, _)) if &**n == name);
        });
        if !found {
            let detail = format!("The condition for variable {name:?} must refer to var.{name} in order to test incoming values.");
            self.error("Invalid variable validation condition", detail, condition.span);
        }
    }

    pub(super) fn rule(&mut self, b: &Block, kind: &str) -> Option<CheckRule> {
        rule(b, kind, &mut self.diags)
    }

    pub(super) fn locals(&mut self, b: &Block) {
        let (view, more) = b.body.view(&[]);
        self.diags.extend(more);
        for inner in view.blocks.iter() {
            self.error(format!("Unexpected {:?} block", inner.ty), "Blocks are not allowed here.", inner.ty_span);
        }
        for a in view.attributes.iter() {
            self.check_name("Invalid local value name", &a.name, a.name_span);
            if let Some(first) = self.module.locals.get(&a.name).map(|l| l.span) {
                let place = self.place(first);
                let detail = format!(
                    "A local value named {:?} was already defined in {place}. Local value names must be unique within a module.",
                    a.name
                );
                self.again("Duplicate local value definition", detail, a.name_span, first);
                continue;
            }
            let local = Local { name: a.name.clone(), expr: a.expr.clone(), span: a.name_span };
            self.module.locals.insert(a.name.clone(), local);
        }
    }

    pub(super) fn output(&mut self, b: &Block) {
        let c = whole(&b.body, &OUTPUT, &mut self.diags);
        let (name, name_span) = label(b, 0);
        self.check_name("Invalid output name", &name, name_span);
        let description = c.fixed("description").and_then(|e| text(&e, &mut self.diags));
        let mut truth_of = |n: &str| c.get(n).and_then(|a| truth(&a.expr, &mut self.diags)).unwrap_or(false);
        let (sensitive, ephemeral) = (truth_of("sensitive"), truth_of("ephemeral"));
        let depends_on = c.get("depends_on").map(|a| references_of(&a.expr, c.json, &mut self.diags)).unwrap_or_default();
        let mut preconditions = Vec::new();
        for rule in c.blocks.iter() {
            if &*rule.ty == "precondition" {
                preconditions.extend(self.rule(rule, "precondition"));
            } else {
                let detail = "Output values can only have preconditions, not postconditions.";
                self.error("Postconditions are not allowed", detail, rule.ty_span);
            }
        }
        if let Some(first) = self.module.outputs.get(&name).map(|o| o.span) {
            let place = self.place(first);
            let detail = format!("An output named {name:?} was already defined in {place}. Output names must be unique within a module.");
            return self.again("Duplicate output definition", detail, b.span, first);
        }
        let Some(value) = c.expr("value") else { return };
        let output = Output { name: name.clone(), value, description, sensitive, ephemeral, depends_on, preconditions, span: b.span };
        self.module.outputs.insert(name, output);
    }
}

/// The diagnostic for a second block of a kind that may stand once.
pub(super) fn only_one(owner: &str, ty: &str, again: &Block, first: &Block) -> Diagnostic {
    Diagnostic::error(format!("Duplicate {ty} block"), format!("This {owner} already has a {ty} block."))
        .at(again.ty_span)
        .label(first.span, "the first one")
}

/// A block with a condition and its message. `kind` names the block in messages.
pub(crate) fn rule(b: &Block, kind: &str, diags: &mut Diags) -> Option<CheckRule> {
    let c = whole(&b.body, &RULE, diags);
    let condition = c.expr("condition");
    if let Some(condition) = &condition {
        let mut any = false;
        references(condition, &mut |_| any = true);
        if !any {
            let detail = "The condition expression must refer to at least one object from elsewhere in the configuration, or else its result would not be checking anything.";
            diags.push(Diagnostic::error(format!("Invalid {kind} expression"), detail).at(condition.span));
            return None;
        }
    }
    Some(CheckRule { condition: condition?, error_message: c.expr("error_message")?, span: b.span })
}
