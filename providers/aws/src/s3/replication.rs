//! Where a bucket's objects are copied to, as its own block tells it.

use std::collections::BTreeSet;

use aws_sdk_s3::types;
use secstack_sdk::typed::{Block, Tags};

/// Where objects are copied to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Replication {
    /// The role that copies.
    pub role: String,
    /// What is copied where.
    #[attr(block = set, min = 1)]
    pub rules: BTreeSet<Rule>,
}

/// What is copied where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Rule {
    /// Whether marks of deletion are copied.
    pub delete_marker_replication_status: Option<String>,
    /// The name of the rule.
    pub id: Option<String>,
    /// The beginning of the names of objects.
    pub prefix: Option<String>,
    /// Which rule counts more.
    pub priority: Option<i64>,
    /// Whether the rule holds.
    pub status: String,
    /// Where to.
    #[attr(block = list, min = 1, max = 1)]
    pub destination: Option<Destination>,
    /// Which objects.
    #[attr(block = list, max = 1)]
    pub filter: Option<Filter>,
    /// Which objects besides.
    #[attr(block = list, max = 1)]
    pub source_selection_criteria: Option<Criteria>,
}

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Destination {
    /// The account of the bucket.
    pub account_id: Option<String>,
    /// The ARN of the bucket.
    pub bucket: String,
    /// The key that encrypts the copies.
    pub replica_kms_key_id: Option<String>,
    /// The class of the copies.
    pub storage_class: Option<String>,
    /// Who owns the copies.
    #[attr(block = list, max = 1)]
    pub access_control_translation: Option<Owner>,
    /// Whether copying is measured.
    #[attr(block = list, max = 1)]
    pub metrics: Option<Minutes>,
    /// How long copying may take.
    #[attr(block = list, max = 1)]
    pub replication_time: Option<Minutes>,
}

/// Who owns the copies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Owner {
    /// `Destination`.
    pub owner: String,
}

/// A limit of time, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Minutes {
    /// The limit.
    #[attr(default = 15)]
    pub minutes: i64,
    /// Whether it holds.
    #[attr(default = "Enabled")]
    pub status: String,
}

/// Which objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Filter {
    /// The beginning of their names.
    pub prefix: Option<String>,
    /// Their tags.
    pub tags: Tags,
}

/// Which objects besides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Criteria {
    /// Encrypted ones.
    #[attr(block = list, max = 1)]
    pub sse_kms_encrypted_objects: Option<Encrypted>,
}

/// Encrypted objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Encrypted {
    /// Whether they are copied.
    pub enabled: bool,
}

/// The configuration as the service gives it.
pub fn from_remote(r: types::ReplicationConfiguration) -> Replication {
    Replication { role: r.role, rules: r.rules.into_iter().map(rule).collect() }
}

fn rule(r: types::ReplicationRule) -> Rule {
    let criteria = r
        .source_selection_criteria
        .and_then(|c| c.sse_kms_encrypted_objects)
        .map(|e| Criteria { sse_kms_encrypted_objects: Some(Encrypted { enabled: e.status.as_str() == "Enabled" }) });
    let marks = r.delete_marker_replication.and_then(|d| d.status).filter(|s| s.as_str() == "Enabled");
    Rule {
        delete_marker_replication_status: Some(marks.map(|s| s.as_str().into()).unwrap_or_default()),
        id: Some(r.id.unwrap_or_default()),
        #[allow(deprecated)]
        prefix: Some(r.prefix.unwrap_or_default()),
        priority: Some(r.priority.unwrap_or_default().into()),
        status: r.status.as_str().into(),
        destination: r.destination.map(destination),
        filter: r.filter.map(filter),
        source_selection_criteria: criteria,
    }
}

fn destination(d: types::Destination) -> Destination {
    let minutes = |m: Option<i32>, status: &str| Minutes { minutes: m.unwrap_or_default().into(), status: status.into() };
    Destination {
        account_id: Some(d.account.unwrap_or_default()),
        bucket: d.bucket,
        replica_kms_key_id: Some(d.encryption_configuration.and_then(|e| e.replica_kms_key_id).unwrap_or_default()),
        storage_class: Some(d.storage_class.map(|c| c.as_str().into()).unwrap_or_default()),
        access_control_translation: d.access_control_translation.map(|a| Owner { owner: a.owner.as_str().into() }),
        metrics: d.metrics.map(|m| minutes(m.event_threshold.and_then(|t| t.minutes), m.status.as_str())),
        replication_time: d.replication_time.map(|t| minutes(t.time.and_then(|t| t.minutes), t.status.as_str())),
    }
}

fn filter(f: types::ReplicationRuleFilter) -> Filter {
    let (prefix, tags) = match f.and {
        Some(and) => (and.prefix, and.tags.unwrap_or_default()),
        None => (f.prefix, f.tag.into_iter().collect()),
    };
    Filter { prefix: Some(prefix.unwrap_or_default()), tags: tags.into_iter().map(|t| (t.key, t.value)).collect() }
}
