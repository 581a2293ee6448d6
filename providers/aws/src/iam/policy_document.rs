//! A policy written in the language instead of JSON.
//!
//! The text is a promise to other tools: it must be the one Terraform's provider writes, to the byte. Hence the
//! order of keys, lists in falling order, single values outside of lists, and Go's escapes.

use std::collections::{BTreeMap, BTreeSet};

use secstack_sdk::typed::{Block, DataSource, Schema};
use secstack_sdk::{Error, ErrorKind, Result, check, naming};
use serde_json::{Value as Json, json};

use super::policy_json::{Condition, Document, Principals, Statement};
use crate::Aws;

/// A policy document.
#[derive(Clone, Debug, Schema)]
#[data("aws_iam_policy_document")]
pub struct PolicyDocument {
    /// A checksum of the document.
    #[attr(computed)]
    pub id: Option<String>,
    /// The document, as JSON.
    #[attr(output)]
    pub json: Option<String>,
    /// The document, as JSON without space.
    #[attr(output)]
    pub minified_json: Option<String>,
    /// Was a document whose statements replace those with the same `sid`.
    #[attr(
        check = check::empty,
        deprecated = "This argument is retained only for backward compatibility with previous versions of this data source."
    )]
    pub override_json: Option<String>,
    /// Documents whose statements replace those with the same `sid`.
    #[attr(check = check::each(check::json))]
    pub override_policy_documents: Vec<Option<String>>,
    /// The ID of the document.
    pub policy_id: Option<String>,
    /// Was a document that this one adds to.
    #[attr(
        check = check::empty,
        deprecated = "This argument is retained only for backward compatibility with previous versions of this data source."
    )]
    pub source_json: Option<String>,
    /// Documents that this one adds to.
    #[attr(check = check::each(check::json))]
    pub source_policy_documents: Vec<Option<String>>,
    /// The version of the language of policies.
    #[attr(check = check::one_of(["2008-10-17", "2012-10-17"]))]
    pub version: Option<String>,
    /// What the policy says.
    #[attr(block = list)]
    pub statement: Vec<StatementBlock>,
}

/// What is allowed or denied.
#[derive(Clone, Debug, Block)]
pub struct StatementBlock {
    /// What may be done.
    pub actions: BTreeSet<String>,
    /// `Allow` or `Deny`.
    #[attr(check = check::one_of(["Allow", "Deny"]))]
    pub effect: Option<String>,
    /// Everything but this may be done.
    pub not_actions: BTreeSet<String>,
    /// With everything but this.
    pub not_resources: BTreeSet<String>,
    /// With what.
    pub resources: BTreeSet<String>,
    /// The name of the statement.
    pub sid: Option<String>,
    /// When.
    #[attr(block = set)]
    pub condition: Vec<ConditionBlock>,
    /// By everyone but these.
    #[attr(block = set)]
    pub not_principals: Vec<PrincipalBlock>,
    /// By whom.
    #[attr(block = set)]
    pub principals: Vec<PrincipalBlock>,
}

/// A condition.
#[derive(Clone, Debug, Block)]
pub struct ConditionBlock {
    /// The operator.
    pub test: String,
    /// What the variable is compared with.
    #[attr(required)]
    pub values: Vec<String>,
    /// The variable.
    pub variable: String,
}

/// Users, roles, services or accounts.
#[derive(Clone, Debug, Block)]
pub struct PrincipalBlock {
    /// Who.
    #[attr(required)]
    pub identifiers: BTreeSet<String>,
    /// Of what kind, such as `AWS` or `Service`.
    pub r#type: String,
}

impl DataSource for PolicyDocument {
    type Cx = Aws;

    async fn read(_cx: &Aws, mut want: Self) -> Result<Self> {
        let document = want.merged()?;
        let (json, minified) = (document.pretty(), document.minified());
        want.id = Some(naming::hash(&json).to_string());
        (want.json, want.minified_json) = (Some(json), Some(minified));
        want.version = Some(want.version.filter(|v| !v.is_empty()).unwrap_or_else(|| VERSION.into()));
        want.statement.iter_mut().for_each(|s| {
            s.effect.get_or_insert_with(|| "Allow".into());
            s.sid.get_or_insert_default();
        });
        Ok(want)
    }
}

const VERSION: &str = "2012-10-17";

impl PolicyDocument {
    fn merged(&self) -> Result<Document> {
        let mut merged = Document::default();
        let mut sids = BTreeSet::new();
        for (i, text) in self.source_policy_documents.iter().enumerate() {
            let Some(text) = text.as_deref().filter(|t| !t.is_empty()) else { continue };
            let source = Document::parse(text).map_err(|e| unusable(&format!("merging source document {i}"), &e))?;
            for (n, statement) in source.statements.iter().enumerate().filter(|(_, s)| !s.sid.is_empty()) {
                if !sids.insert(statement.sid.clone()) {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        format!(
                            "duplicate Sid ({}) in source_policy_documents (item {i}; statement {n}). Remove the Sid or ensure Sids are unique.",
                            statement.sid,
                        ),
                    ));
                }
            }
            merged.merge(source);
        }
        merged.merge(self.own()?);
        for (i, text) in self.override_policy_documents.iter().enumerate() {
            let Some(text) = text.as_deref().filter(|t| !t.is_empty()) else { continue };
            merged.merge(Document::parse(text).map_err(|e| unusable(&format!("merging override document {i}"), &e))?);
        }
        Ok(merged)
    }

    fn own(&self) -> Result<Document> {
        let version = self.version.clone().filter(|v| !v.is_empty()).unwrap_or_else(|| VERSION.into());
        let mut sids = BTreeSet::new();
        let mut statements = Vec::new();
        for block in &self.statement {
            let sid = block.sid.clone().unwrap_or_default();
            if !sid.is_empty() && !sids.insert(sid.clone()) {
                let text = format!("duplicate Sid ({sid}). Remove the Sid or ensure the Sid is unique.");
                return Err(Error::new(ErrorKind::Invalid, text));
            }
            let in_version = |set: &BTreeSet<String>| in_version(falling(set), &version);
            statements.push(Statement {
                sid,
                effect: block.effect.clone().unwrap_or_else(|| "Allow".into()),
                actions: falling(&block.actions),
                not_actions: falling(&block.not_actions),
                resources: in_version(&block.resources)?,
                not_resources: in_version(&block.not_resources)?,
                principals: principals(&block.principals, &version)?,
                not_principals: principals(&block.not_principals, &version)?,
                conditions: conditions(&block.condition, &version)?,
            });
        }
        Ok(Document { version, id: self.policy_id.clone().unwrap_or_default(), statements })
    }
}

fn unusable(which: &str, e: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("writing IAM Policy Document: {which}: {e}"))
}

/// One value by itself, more in falling order, none as null.
fn falling(set: &BTreeSet<String>) -> Json {
    match set.len() {
        0 => Json::Null,
        1 => set.first().map_or(Json::Null, |s| json!(s)),
        _ => set.iter().rev().map(|s| json!(s)).collect(),
    }
}

/// Variables are written `&{...}`, since `${...}` belongs to the language.
fn in_version(value: Json, version: &str) -> Result<Json> {
    let one = |text: &str| {
        if version == "2008-10-17" && text.contains("&{") {
            let text = format!("found &{{ sequence in ({text}), which is not supported in document version 2008-10-17");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(json!(text.replace("&{", "${")))
    };
    match value {
        Json::String(s) => one(&s),
        Json::Array(items) => items.iter().map(|v| one(v.as_str().unwrap_or_default())).collect(),
        other => Ok(other),
    }
}

fn principals(blocks: &[PrincipalBlock], version: &str) -> Result<Principals> {
    let mut ordered: Vec<&PrincipalBlock> = blocks.iter().collect();
    ordered.sort_by_key(|b| naming::hash(&b.hashed()).to_string());
    let who = |b: &PrincipalBlock| if b.identifiers.is_empty() { json!([]) } else { falling(&b.identifiers) };
    let one = |b: &&PrincipalBlock| Ok((b.r#type.clone(), in_version(who(b), version)?));
    ordered.iter().map(one).collect::<Result<_>>().map(Principals)
}

fn conditions(blocks: &[ConditionBlock], version: &str) -> Result<Vec<Condition>> {
    let mut ordered: Vec<&ConditionBlock> = blocks.iter().collect();
    ordered.sort_by_key(|b| naming::hash(&b.hashed()).to_string());
    let one = |b: &&ConditionBlock| {
        let values = in_version(b.values.iter().map(|s| json!(s)).collect(), version)?;
        let values = match values {
            Json::Array(mut items) if items.len() == 1 => items.remove(0),
            other => other,
        };
        Ok(Condition { test: b.test.clone(), variable: b.variable.clone(), values })
    };
    ordered.iter().map(one).collect()
}

/// Blocks in a set come in the order of checksums of these texts, which shows when two are about the same thing.
impl PrincipalBlock {
    fn hashed(&self) -> String {
        let by_hash: BTreeMap<String, &String> = self.identifiers.iter().map(|s| (naming::hash(s).to_string(), s)).collect();
        let identifiers: String = by_hash.values().map(|s| format!("{s};")).collect();
        format!("identifiers:{{{identifiers}}};type:{};", self.r#type)
    }
}

impl ConditionBlock {
    fn hashed(&self) -> String {
        let values: String = self.values.iter().map(|s| format!("{s};")).collect();
        format!("test:{};values:({values});variable:{};", self.test, self.variable)
    }
}
