//! Type constraints: `map(object({ a = optional(string, "x") }))`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secstack_base::convert::{Defaults, convert};
use secstack_base::{Diagnostic, Diags, ObjectType, Span, Str, Type};

use super::constant::{check_static, static_value};
use crate::{Expr, ExprKind, parse_expression};

const INVALID: &str = "Invalid type specification";
const EITHER: &str =
    "A type specification is either a primitive type keyword (bool, number, string) or a complex type constructor call, like list(string).";

/// The type that an expression writes, and the defaults of its optional attributes. A string is read as an
/// expression, as in the JSON syntax.
pub fn type_constraint(expr: &Expr) -> Result<(Type, Option<Defaults>), Diags> {
    if let ExprKind::Literal(v) = &expr.kind
        && let Some(text) = v.as_str()
    {
        let Ok(inner) = parse_expression(expr.span.file, text, expr.span.start as usize + 1) else {
            return Err(Diags(vec![Diagnostic::error(INVALID, EITHER).at(expr.span)]));
        };
        return type_constraint(&inner);
    }
    let mut diags = Diags::new();
    let found = constraint(expr, &mut diags);
    if diags.has_errors() { Err(diags) } else { Ok(found) }
}

type Constraint = (Type, Option<Defaults>);

fn error(detail: impl Into<String>, span: Span, diags: &mut Diags) -> Constraint {
    diags.push(Diagnostic::error(INVALID, detail).at(span));
    (Type::Dynamic, None)
}

fn constraint(expr: &Expr, diags: &mut Diags) -> Constraint {
    match &expr.kind {
        ExprKind::Variable(name) => keyword(name, expr.span, diags),
        ExprKind::Call { name, name_span, args, .. } => call(name, *name_span, args, expr.span, diags),
        _ => error(EITHER, expr.span, diags),
    }
}

fn keyword(name: &str, span: Span, diags: &mut Diags) -> Constraint {
    let simple = |t| (t, None);
    match name {
        "bool" => simple(Type::Bool),
        "number" => simple(Type::Number),
        "string" => simple(Type::String),
        "any" => simple(Type::Dynamic),
        // Old spellings that stand for any element type.
        "list" => simple(Type::list(Type::Dynamic)),
        "map" => simple(Type::map(Type::Dynamic)),
        "set" => error("The set type constructor requires one argument specifying the element type.", span, diags),
        "object" => {
            error("The object type constructor requires one argument specifying the attribute types and values as a map.", span, diags)
        }
        "tuple" => error("The tuple type constructor requires one argument specifying the element types as a list.", span, diags),
        _ => error(format!("The keyword {name:?} is not a valid type specification."), span, diags),
    }
}

fn call(name: &str, name_span: Span, args: &[Expr], span: Span, diags: &mut Diags) -> Constraint {
    let bad = match name {
        "bool" | "number" | "string" => Some(format!("Primitive type keyword {name:?} does not expect arguments.")),
        "any" => Some("Type constraint keyword \"any\" does not expect arguments.".to_owned()),
        "optional" => {
            let detail = "Keyword \"optional\" is valid only as a modifier for object type attributes.";
            return error(detail, name_span, diags);
        }
        "list" | "set" | "map" if args.len() != 1 => {
            Some(format!("The {name} type constructor requires one argument specifying the element type."))
        }
        "object" if args.len() != 1 => {
            Some("The object type constructor requires one argument specifying the attribute types and values as a map.".to_owned())
        }
        "tuple" if args.len() != 1 => {
            Some("The tuple type constructor requires one argument specifying the element types as a list.".to_owned())
        }
        "list" | "set" | "map" | "object" | "tuple" => None,
        _ => return error(format!("Keyword {name:?} is not a valid type constructor."), span, diags),
    };
    let Some(arg) = args.first().filter(|_| bad.is_none()) else {
        let at = args.get(1).map_or(Span { start: name_span.end, ..span }, |a| a.span);
        return error(bad.unwrap_or_default(), at, diags);
    };
    match name {
        "object" => object(arg, diags),
        "tuple" => tuple(arg, diags),
        _ => {
            let (element, defaults) = constraint(arg, diags);
            let ty = match name {
                "list" => Type::list(element),
                "set" => Type::set(element),
                _ => Type::map(element),
            };
            let children = defaults.into_iter().map(|d| ("".into(), d)).collect();
            with_defaults(ty, BTreeMap::new(), children)
        }
    }
}

fn with_defaults(ty: Type, attrs: BTreeMap<Str, secstack_base::Value>, children: BTreeMap<Str, Defaults>) -> Constraint {
    let defaults = (!attrs.is_empty() || !children.is_empty()).then(|| Defaults { ty: ty.clone(), attrs, children });
    (ty, defaults)
}

fn tuple(arg: &Expr, diags: &mut Diags) -> Constraint {
    let ExprKind::Tuple(items) = &arg.kind else {
        return error("Tuple type constructor requires a list of element types.", arg.span, diags);
    };
    let (mut types, mut children) = (Vec::new(), BTreeMap::new());
    for (i, item) in items.iter().enumerate() {
        let (ty, defaults) = constraint(item, diags);
        types.push(ty);
        children.extend(defaults.map(|d| (Str::from(i.to_string()), d)));
    }
    with_defaults(Type::tuple(types), BTreeMap::new(), children)
}

fn object(arg: &Expr, diags: &mut Diags) -> Constraint {
    let ExprKind::Object(items) = &arg.kind else {
        let detail =
            "Object type constructor requires a map whose keys are attribute names and whose values are the corresponding attribute types.";
        return error(detail, arg.span, diags);
    };
    let (mut types, mut optional) = (BTreeMap::new(), BTreeSet::new());
    let (mut attrs, mut children) = (BTreeMap::new(), BTreeMap::new());
    for item in items {
        let name = match static_value(&item.key).as_ref().and_then(|v| v.as_str()) {
            Some(name) if item.bare || matches!(item.key.kind, ExprKind::Literal(_)) => Str::from(name),
            _ => {
                error("Object constructor map keys must be attribute names.", item.key.span, diags);
                continue;
            }
        };
        let modifier = match &item.value.kind {
            ExprKind::Call { name, args, .. } if &**name == "optional" => Some(args),
            _ => None,
        };
        let type_expr = match modifier {
            None => &item.value,
            Some(args) => {
                optional.insert(name.clone());
                match &args[..] {
                    [ty] | [ty, _] => ty,
                    [] => {
                        let detail = "Optional attribute modifier requires the attribute type as its argument.";
                        error(detail, arguments(&item.value), diags);
                        continue;
                    }
                    [_, _, _, ..] => {
                        let detail = "Optional attribute modifier expects at most two arguments: the attribute type, and a default value.";
                        error(detail, arguments(&item.value), diags);
                        continue;
                    }
                }
            }
        };
        let (ty, defaults) = constraint(type_expr, diags);
        if let Some([_, default]) = modifier.map(|a| &a[..]) {
            attrs.extend(default_value(default, &ty, diags).map(|v| (name.clone(), v)));
        }
        children.extend(defaults.map(|d| (name.clone(), d)));
        if types.insert(name, ty).is_some() {
            error("Object constructor map keys must be unique.", item.key.span, diags);
        }
    }
    with_defaults(Type::Object(Arc::new(ObjectType { attrs: types, optional })), attrs, children)
}

/// The text of the arguments of a call.
fn arguments(call: &Expr) -> Span {
    match &call.kind {
        ExprKind::Call { name_span, .. } => Span { start: name_span.end, ..call.span },
        _ => call.span,
    }
}

fn default_value(expr: &Expr, ty: &Type, diags: &mut Diags) -> Option<secstack_base::Value> {
    let summary = "Invalid default value for optional attribute";
    if !check_static(expr, diags) {
        return None;
    }
    let Some(value) = static_value(expr) else {
        let detail = "The default value must be written out, without operations.";
        diags.push(Diagnostic::error(summary, detail).at(expr.span));
        return None;
    };
    match convert(&value, ty) {
        // A value that lacks optional attributes of its own is completed when defaults are applied.
        Ok(converted) => Some(converted),
        Err(e) => {
            let detail = format!("This default value is not compatible with the attribute's type constraint: {e}.");
            diags.push(Diagnostic::error(summary, detail).at(expr.span));
            None
        }
    }
}
