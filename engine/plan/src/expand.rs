//! From one block to its instances: `count`, `for_each` and `enabled`.

use std::collections::BTreeMap;
use std::sync::Arc;

use secstack_base::{Data, Diagnostic, Diags, Marks, Span, Str, Type, Value, convert};
use secstack_eval::{Repetition, Scope, evaluate};
use secstack_lang::Expr;

/// The repetition arguments of a block.
#[derive(Clone, Copy)]
pub struct Repeat<'a> {
    /// `count`
    pub count: Option<&'a Expr>,
    /// `for_each`
    pub for_each: Option<&'a Expr>,
    /// `enabled`
    pub enabled: Option<&'a Expr>,
}

/// Evaluates the repetition arguments. What is wrong goes to `diags`, and the answer is `Unknown` then.
/// An unknown argument is an error unless `allow_unknown`.
pub fn expand(repeat: Repeat<'_>, scope: &dyn Scope, allow_unknown: bool, diags: &mut Diags) -> Repetition {
    if let Some(e) = repeat.enabled {
        return enabled(e, scope, allow_unknown, diags);
    }
    if let Some(e) = repeat.count {
        return count(e, scope, allow_unknown, diags);
    }
    if let Some(e) = repeat.for_each {
        return for_each(e, scope, allow_unknown, diags);
    }
    Repetition::Single
}

fn enabled(e: &Expr, scope: &dyn Scope, allow_unknown: bool, diags: &mut Diags) -> Repetition {
    let before = diags.0.len();
    let value = evaluate(e, scope, diags);
    if diags.0.len() > before {
        return Repetition::Unknown;
    }
    match convert::convert(&value, &Type::Bool).map(|v| v.data) {
        Ok(Data::Bool(true)) => Repetition::Single,
        Ok(Data::Bool(false)) => Repetition::Disabled,
        Ok(Data::Unknown(..)) if allow_unknown => Repetition::Unknown,
        _ => {
            let what = "The \"enabled\" argument must be true or false, known before apply.";
            diags.push(Diagnostic::error("Invalid enabled argument", what).at(e.span));
            Repetition::Unknown
        }
    }
}

fn count(e: &Expr, scope: &dyn Scope, allow_unknown: bool, diags: &mut Diags) -> Repetition {
    let before = diags.0.len();
    let value = evaluate(e, scope, diags);
    if diags.0.len() > before {
        return Repetition::Unknown;
    }
    let mut fail = |detail: String| {
        diags.push(Diagnostic::error("Invalid count argument", detail).at(e.span));
        Repetition::Unknown
    };
    if value.marks.has(Marks::EPHEMERAL) {
        return fail("The given \"count\" is derived from an ephemeral value, which means that Terraform cannot persist it between plan/apply rounds. Use only non-ephemeral values to specify the number of resource instances.".into());
    }
    let value = value.unmark_deep(Marks::ALL);
    if value.is_null() {
        return fail("The given \"count\" argument value is null. An integer is required.".into());
    }
    let number = match convert::convert(&value, &Type::Number) {
        Ok(n) => n,
        Err(err) => return fail(format!("The given \"count\" argument value is unsuitable: {err}.")),
    };
    match &number.data {
        Data::Unknown(..) if allow_unknown => Repetition::Unknown,
        Data::Unknown(..) => fail("The \"count\" value depends on resource attributes that cannot be determined until apply, so Terraform cannot predict how many instances will be created. To work around this, use the -target argument to first apply only the resources that the count depends on.".into()),
        Data::Number(n) if n.is_negative() => fail("The given \"count\" argument value is unsuitable: must be greater than or equal to zero.".into()),
        Data::Number(n) => match n.to_i64().and_then(|n| u64::try_from(n).ok()) {
            Some(n) => Repetition::Count(n),
            None => fail("The given \"count\" argument value is unsuitable: value must be a whole number, between -9223372036854775808 and 9223372036854775807.".into()),
        },
        _ => fail("The given \"count\" argument value is unsuitable: a number is required.".into()),
    }
}

const UNKNOWN_SET: &str = "The \"for_each\" set includes values derived from resource attributes that cannot be determined until apply, and so Terraform cannot determine the full set of keys that will identify the instances of this resource.\n\nWhen working with unknown values in for_each, it's better to use a map value where the keys are defined statically in your configuration and where only the values contain apply-time results.\n\nAlternatively, you could use the -target planning option to first apply only the resources that the for_each value depends on, and then apply a second time to fully converge.";
const UNKNOWN_MAP: &str = "The \"for_each\" map includes keys derived from resource attributes that cannot be determined until apply, and so Terraform cannot determine the full set of keys that will identify the instances of this resource.\n\nWhen working with unknown values in for_each, it's better to define the map keys statically in your configuration and place apply-time results only in the map values.\n\nAlternatively, you could use the -target planning option to first apply only the resources that the for_each value depends on, and then apply a second time to fully converge.";

fn for_each(e: &Expr, scope: &dyn Scope, allow_unknown: bool, diags: &mut Diags) -> Repetition {
    let before = diags.0.len();
    let value = evaluate(e, scope, diags);
    if diags.0.len() > before {
        return Repetition::Unknown;
    }
    match for_each_value(&value, e.span, allow_unknown) {
        Ok(r) => r,
        Err(d) => {
            diags.push(*d);
            Repetition::Unknown
        }
    }
}

/// The instances that a value of `for_each` means.
///
/// # Errors
/// When the value is not a map, an object or a set of strings, or its keys are not known or must not be shown.
pub fn for_each_value(value: &Value, span: Span, allow_unknown: bool) -> Result<Repetition, Box<Diagnostic>> {
    let fail = |detail: &str| Err(Box::new(Diagnostic::error("Invalid for_each argument", detail.to_string()).at(span)));
    if value.marks.has(Marks::SENSITIVE) {
        return fail(
            "Sensitive values, or values derived from sensitive values, cannot be used as for_each arguments. If used, the sensitive value could be exposed as a resource instance key.",
        );
    }
    if value.marks.has(Marks::EPHEMERAL) {
        return fail(
            "The given \"for_each\" value is derived from an ephemeral value, which means that Terraform cannot persist it between plan/apply rounds. Use only non-ephemeral values to specify a resource's instance keys.",
        );
    }
    let unsuitable = |ty: String| {
        fail(&format!(
            "The given \"for_each\" argument value is unsuitable: the \"for_each\" argument must be a map, or set of strings, and you have provided a value of type {ty}."
        ))
    };
    match &value.data {
        Data::Null(_) => fail(
            "The given \"for_each\" argument value is unsuitable: the given \"for_each\" argument value is null. A map, or set of strings is allowed.",
        ),
        Data::Unknown(..) if allow_unknown => Ok(Repetition::Unknown),
        Data::Unknown(Type::Map(_) | Type::Object(_), _) => fail(UNKNOWN_MAP),
        Data::Unknown(..) => fail(UNKNOWN_SET),
        Data::Map(_, m) | Data::Object(m) => Ok(Repetition::Each(m.clone())),
        Data::Set(element, items) => set_keys(element, items, allow_unknown, &fail),
        _ => unsuitable(value.ty().friendly()),
    }
}

type Fail<'a> = dyn Fn(&str) -> Result<Repetition, Box<Diagnostic>> + 'a;

fn set_keys(element: &Type, items: &[Value], allow_unknown: bool, fail: &Fail<'_>) -> Result<Repetition, Box<Diagnostic>> {
    if items.is_empty() {
        return Ok(Repetition::Each(Arc::default()));
    }
    if items.iter().any(|v| !v.is_wholly_known()) {
        return if allow_unknown { Ok(Repetition::Unknown) } else { fail(UNKNOWN_SET) };
    }
    if *element != Type::String {
        return fail(&format!(
            "The given \"for_each\" argument value is unsuitable: \"for_each\" supports maps and sets of strings, but you have provided a set containing type {}.",
            element.friendly()
        ));
    }
    let mut keys: BTreeMap<Str, Value> = BTreeMap::new();
    for item in items {
        match &item.data {
            Data::String(s) => keys.insert(s.clone(), item.clone()),
            _ => return fail("The given \"for_each\" argument value is unsuitable: \"for_each\" sets must not contain null values."),
        };
    }
    Ok(Repetition::Each(Arc::new(keys)))
}

/// The repetition that leads to the given keys, for a block with these arguments: what a run that does not plan
/// instances takes from the state.
pub fn of_keys(keys: &[secstack_base::InstanceKey], repeat: Repeat<'_>) -> Repetition {
    use secstack_base::InstanceKey;
    let count = || keys.iter().filter_map(|k| if let InstanceKey::Int(n) = k { Some(n + 1) } else { None }).max().unwrap_or(0);
    let each =
        || keys.iter().filter_map(|k| if let InstanceKey::Str(s) = k { Some((s.clone(), Value::string(s))) } else { None }).collect();
    match keys.first() {
        Some(InstanceKey::Int(_)) => Repetition::Count(count()),
        Some(InstanceKey::Str(_)) => Repetition::Each(Arc::new(each())),
        Some(InstanceKey::None) => Repetition::Single,
        None if repeat.count.is_some() => Repetition::Count(0),
        None if repeat.for_each.is_some() => Repetition::Each(Arc::default()),
        None if repeat.enabled.is_some() => Repetition::Disabled,
        None => Repetition::Single,
    }
}
