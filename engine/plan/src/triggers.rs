//! `replace_triggered_by`: whether a planned change of something else replaces an instance.

use secstack_base::addr::ResourceAddr;
use secstack_base::{Data, Diagnostic, Diags, InstanceKey, Marks, Path, Step, Str, Value};
use secstack_eval::{Node, RepetitionData, evaluate, reference};
use secstack_lang::ast::{Traversal, TraversalStep};
use secstack_lang::module::Resource;
use secstack_lang::{Expr, ExprKind};

use crate::managed::Site;
use crate::plan::Action;
use crate::planner::Planner;

impl Planner {
    /// Whether any entry of `replace_triggered_by` asks for a replacement.
    pub(crate) fn triggered(&self, site: &Site<'_>, r: &Resource, data: &RepetitionData, diags: &mut Diags) -> bool {
        // Every entry is looked at, so that every mistake is found.
        let asked: Vec<bool> = r.lifecycle.replace_triggered_by.iter().map(|e| self.trigger(site, e, data, diags)).collect();
        asked.contains(&true)
    }

    fn trigger(&self, site: &Site<'_>, expr: &Expr, data: &RepetitionData, diags: &mut Diags) -> bool {
        let Some((root, steps)) = self.constant_steps(site, expr, data, diags) else { return false };
        let t = Traversal { root, steps: steps.iter().map(|s| to_traversal_step(s, expr)).collect(), span: expr.span };
        let (node, used) = match reference::resource(&self.world.config, site.ix, &t) {
            Ok(found) => found,
            Err(d) => {
                diags.push(*d);
                return false;
            }
        };
        let Node::Resource(_, name) = node else { return false };
        let resource = ResourceAddr { module: site.module.clone(), name };
        let mut rest = &steps[used..];
        let key = match rest.first() {
            Some(Step::Index(i)) => Some(InstanceKey::Int(*i as u64)),
            Some(Step::Key(k)) => Some(InstanceKey::Str(k.clone())),
            _ => None,
        };
        if key.is_some() {
            rest = &rest[1..];
        }
        let range = (resource.instance(InstanceKey::None), None)..;
        let mut found = self.changes.range(range).take_while(|((a, _), _)| a.resource == resource).map(|(_, c)| c);
        if let Some(key) = &key
            && !found.clone().any(|c| c.addr.key == *key)
        {
            let module = if site.module.is_root() { "the root module".to_string() } else { site.module.to_string() };
            let what = format!(
                "no change found for {} in {module}",
                ResourceAddr { module: secstack_base::ModuleAddr::root(), name: resource.name.clone() }.instance(key.clone())
            );
            diags.push(Diagnostic::error(what, "").label(expr.span, "there is no such instance"));
            return false;
        }
        found.any(|c| {
            let meant = key.as_ref().is_none_or(|k| *k == c.addr.key);
            if !meant {
                return false;
            }
            if rest.is_empty() {
                return c.action == Action::Update || c.action.is_replace();
            }
            let path = Path(rest.to_vec());
            match (c.before.at(&path), c.after.at(&path)) {
                (Some(before), Some(after)) => !before.same_unmarked(after),
                _ => false,
            }
        })
    }

    /// The root and steps of an entry, its `count.index` and `each.key` filled in.
    fn constant_steps(&self, site: &Site<'_>, expr: &Expr, data: &RepetitionData, diags: &mut Diags) -> Option<(Str, Vec<Step>)> {
        let wrong = |diags: &mut Diags, what: &str| {
            diags.push(Diagnostic::error("Invalid replace_triggered_by expression", what.to_string()).at(expr.span));
        };
        match &expr.kind {
            ExprKind::Variable(name) => Some((name.clone(), Vec::new())),
            ExprKind::GetAttr { on, name, .. } => {
                let (root, mut steps) = self.constant_steps(site, on, data, diags)?;
                steps.push(Step::Attr(name.clone()));
                Some((root, steps))
            }
            ExprKind::Index { on, key } => {
                let (root, mut steps) = self.constant_steps(site, on, data, diags)?;
                let facts = self.world.facts(site.ix, site.module)?;
                let scope = self.world.scope(site.ix, facts, data.clone());
                let value: Value = evaluate(key, &scope, diags).unmark_deep(Marks::ALL);
                match &value.data {
                    Data::String(s) => steps.push(Step::Key(s.clone())),
                    Data::Number(n) => steps.push(Step::Index(n.to_usize()?)),
                    _ => {
                        wrong(diags, "An instance key must be a known string or number.");
                        return None;
                    }
                }
                Some((root, steps))
            }
            ExprKind::Paren(e) => self.constant_steps(site, e, data, diags),
            _ => {
                wrong(diags, "Only references to resources and their attributes may be used in replace_triggered_by.");
                None
            }
        }
    }
}

fn to_traversal_step(step: &Step, expr: &Expr) -> TraversalStep {
    match step {
        Step::Attr(n) => TraversalStep::Attr(n.clone(), expr.span),
        Step::Key(k) => TraversalStep::Index(Value::string(k), expr.span),
        Step::Index(i) => TraversalStep::Index(Value::from(i64::try_from(*i).unwrap_or(i64::MAX)), expr.span),
    }
}
