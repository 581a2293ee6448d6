//! The argument `region` that version 6 of Terraform's provider gave to types whose objects live in a region.
//!
//! No type knows of it: the schemas get it here, and an object elsewhere is worked on with the clients of its region. An
//! object tells its region by that attribute; where there is only an ID, it stands behind it: `vpc-1@eu-west-1`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use secstack_base::schema::{Attribute, Draft, Presence, ProviderSchema, Schema};
use secstack_base::{Diagnostic, Diags, Path, Step, Str, Type, Value};
use secstack_sdk::{Id, ReadRequest, Trace};

use crate::{Aws, partition};

/// The argument.
pub const REGION: &str = "region";

/// Where a bucket is, once `region` says where it is to be.
const BUCKET_REGION: &str = "bucket_region";

/// Arguments that version 6 has no more.
const REMOVED: &[(&str, &str)] = &[("aws_eip", "vpc"), ("aws_eks_addon", "resolve_conflicts")];

/// Whether objects of a type live in a region.
pub fn is_regional(ty: &str) -> bool {
    const GLOBAL: &[&str] = &["aws_caller_identity", "aws_default_tags", "aws_partition"];
    !ty.starts_with("aws_iam_") && !GLOBAL.contains(&ty)
}

/// The schemas of version 6, from those of version 5.
pub fn schemas(base: &ProviderSchema) -> ProviderSchema {
    let with = |types: &BTreeMap<Str, Arc<Schema>>| {
        let types = types.iter().map(|(ty, schema)| (ty.clone(), Arc::new(schema_of(ty, schema))));
        types.collect()
    };
    ProviderSchema { resources: with(&base.resources), data: with(&base.data), ..base.clone() }
}

fn schema_of(ty: &str, base: &Schema) -> Schema {
    let mut schema = base.clone();
    let attributes = &mut schema.block.attributes;
    attributes.retain(|a| !REMOVED.contains(&(ty, &*a.name)));
    if !is_regional(ty) {
        return schema;
    }
    if let Some(old) = attributes.iter_mut().find(|a| &*a.name == REGION) {
        old.name = BUCKET_REGION.into();
    }
    if ty == "aws_region"
        && let Some(name) = attributes.iter_mut().find(|a| &*a.name == "name")
    {
        name.deprecated = Some("Use region instead.".into());
    }
    let mut region = Attribute::new(REGION, Type::String, Presence::OptionalComputed);
    region.description = "The region of the object, unless it is that of the provider configuration.".into();
    region.checks.push(check);
    attributes.push(region);
    schema.block = schema.block.sorted();
    schema
}

fn check(value: &Value) -> Result<(), String> {
    match value.as_str() {
        Some(text) if !partition::is_region(text) => Err(format!("{text:?} is not the name of an AWS Region")),
        _ => Ok(()),
    }
}

/// Plans `region`: that of the provider, if it is known, unless the block says another. Another region needs another object.
pub fn plan(home: Option<&str>, draft: &mut Draft) -> Diags {
    let mut diags = Diags::new();
    let old = draft.prior.as_ref().and_then(|p| p.get_str(REGION)).filter(|r| !r.is_empty()).map(str::to_string);
    let given = draft.config.get(REGION).filter(|v| !v.is_null()).cloned();
    let planned = match (&given, home) {
        (Some(given), _) => given.clone(),
        (None, Some(home)) => home.into(),
        (None, None) => old.as_deref().map_or_else(|| Value::unknown(Type::String), Value::string),
    };
    if let (Some(region), Some(home)) = (planned.as_str(), home)
        && partition::of(region) != partition::of(home)
    {
        let partition = partition::of(home).name;
        let what = format!("The region {region:?} is not in the partition {partition:?} of the provider configuration.");
        diags.push(Diagnostic::error("Invalid region", what));
    }
    // An object of a state that knows no regions is in that of the provider.
    let was = old.as_deref().or(home);
    if draft.prior.is_some() && was.is_some() && planned.as_str() != was {
        draft.replace.push(Path(vec![Step::Attr(REGION.into())]));
    }
    let unwritten = old.is_none() && draft.prior.is_some() && planned.as_str() == was;
    if !unwritten {
        draft.planned = draft.planned.with(REGION, planned);
    }
    diags
}

/// An object as version 6 shows it, from one that was found in a region.
pub fn found(ty: &str, region: &str, object: Value) -> Value {
    let object = match object.get(REGION).cloned() {
        Some(own) => object.with(BUCKET_REGION, own),
        None => object,
    };
    let kept = object.as_map().into_iter().flatten().filter(|(name, _)| !REMOVED.contains(&(ty, &***name)));
    Value::object(kept.map(|(name, v)| (name.clone(), v.clone()))).with(REGION, region.into())
}

/// Whether a change is only that the region of an object is written down.
pub fn is_noted(prior: &Value, planned: &Value) -> bool {
    planned.get(REGION).is_some_and(|region| prior.with(REGION, region.clone()).same_unmarked(planned))
}

/// The arguments of a data source as its type knows them.
pub fn arguments(ty: &str, config: &Value) -> Value {
    match config.get(REGION) {
        Some(region) if ty == "aws_region" && !region.is_null() && config.get("name").is_some_and(Value::is_null) => {
            config.with("name", region.clone())
        }
        _ => config.clone(),
    }
}

/// The region that an object names.
pub fn of(object: &Value) -> Option<&str> {
    object.get_str(REGION).filter(|r| !r.is_empty())
}

/// Splits what stands for an object into its ID and the region behind it, if there is one.
pub fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((id, region)) if partition::is_region(region) => (id, Some(region)),
        _ => (text, None),
    }
}

/// The same object, asked for by the ID alone, with its region.
pub fn asked(request: &ReadRequest) -> (ReadRequest, Option<String>) {
    let (id, behind) = split(&request.id.0);
    let region = behind.or_else(|| request.prior.as_ref().and_then(of)).map(str::to_string);
    (ReadRequest { id: Id(id.into()), ..request.clone() }, region)
}

/// The trace of a creation without the region, and the region.
pub fn traced(trace: &Trace) -> (Trace, Option<String>) {
    let (name, region) = trace.natural.as_deref().map_or(("", None), split);
    let natural = trace.natural.as_ref().filter(|_| !name.is_empty()).map(|_| name.into());
    (Trace { natural, ..trace.clone() }, region.map(str::to_string))
}

/// The regions besides its own that a provider configuration works in.
#[derive(Default)]
pub struct Elsewhere {
    opened: Mutex<BTreeMap<String, Arc<Aws>>>,
    seen: Mutex<BTreeMap<Id, String>>,
}

impl Elsewhere {
    /// What to work with in a region. Opened once.
    pub fn open(&self, home: &Arc<Aws>, region: &str) -> Arc<Aws> {
        if region == home.region() {
            return home.clone();
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.entry(region.to_string()).or_insert_with(|| Arc::new(home.at(region))).clone()
    }

    /// Takes note of where an object is.
    pub fn note(&self, id: &Id, region: &str) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), region.to_string());
    }

    /// Where an object is that was seen before.
    pub fn seen(&self, id: &Id) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_stands_behind_an_id() {
        check("vpc-1@eu-west-1", "vpc-1", Some("eu-west-1"));
        check("vpc-1", "vpc-1", None);
        check("a@b", "a@b", None);
        check("@us-east-2", "", Some("us-east-2"));
    }

    #[track_caller]
    fn check(text: &str, id: &str, region: Option<&str>) {
        assert_eq!(split(text), (id, region));
        let trace = Trace { token: "t".into(), natural: Some(text.into()), began: 0 };
        let (trace, found) = traced(&trace);
        assert_eq!((trace.natural.as_deref(), found.as_deref()), (Some(id).filter(|i| !i.is_empty()), region));
    }

    #[test]
    fn another_region_needs_another_object() {
        plans(None, "", "us-east-1", false);
        plans(None, "eu-west-1", "eu-west-1", false);
        plans(Some("us-east-1"), "", "us-east-1", false);
        plans(Some("us-east-1"), "us-east-1", "us-east-1", false);
        plans(Some("eu-west-1"), "", "us-east-1", true);
        plans(Some("us-east-1"), "eu-west-1", "eu-west-1", true);
        // A state of version 5.
        plans(Some(""), "", "", false);
        plans(Some(""), "us-east-1", "us-east-1", false);
        plans(Some(""), "eu-west-1", "eu-west-1", true);
    }

    /// The region of the prior object, the one that is written, the planned one, and whether the object is replaced. Empty is null.
    #[track_caller]
    fn plans(prior: Option<&str>, written: &str, planned: &str, replaced: bool) {
        let text = |t: &str| if t.is_empty() { Value::null(Type::String) } else { Value::string(t) };
        let object = |t: &str| Value::object([(REGION, text(t))]);
        let first = if written.is_empty() { prior.unwrap_or_default() } else { written };
        let mut draft = Draft { prior: prior.map(object), config: object(written), planned: object(first), replace: vec![] };
        assert!(plan(Some("us-east-1"), &mut draft).is_empty());
        assert_eq!((draft.planned.get_str(REGION).unwrap_or_default(), !draft.replace.is_empty()), (planned, replaced));
    }

    #[test]
    fn buckets_say_where_they_are_by_another_name() {
        let bucket = Value::object([(REGION, Value::string("eu-west-1"))]);
        let bucket = found("aws_s3_bucket", "eu-west-1", bucket);
        assert_eq!((bucket.get_str(REGION), bucket.get_str(BUCKET_REGION)), (Some("eu-west-1"), Some("eu-west-1")));
        let other = found("aws_eip", "eu-west-1", Value::object([("id", Value::string("x")), ("vpc", true.into())]));
        assert_eq!((other.get_str(REGION), other.get_str(BUCKET_REGION)), (Some("eu-west-1"), None));
        assert!(other.get("vpc").is_none());
    }
}
