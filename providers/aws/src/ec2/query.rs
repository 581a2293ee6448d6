//! Looking for objects by what they are like: the arguments that data sources of EC2 share.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, Tag};
use secstack_sdk::typed::{Block, Tags};
use secstack_sdk::{Error, ErrorKind, Result};

use super::{filter, tags_of};
use crate::Aws;

/// A condition on objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct FilterBlock {
    /// The name, as in the service's documentation.
    pub name: String,
    /// The values of which an object must have one.
    #[attr(required)]
    pub values: BTreeSet<String>,
}

/// All conditions on objects.
#[derive(Default)]
pub struct Query(Vec<(String, Vec<String>)>);

impl Query {
    /// And a value of a name, if there is one.
    pub fn with(mut self, name: &str, value: Option<String>) -> Self {
        let value = value.filter(|v| !v.is_empty());
        self.0.extend(value.map(|v| (name.to_string(), vec![v])));
        self
    }

    /// And tags.
    pub fn tags(mut self, tags: &Tags) -> Self {
        self.0.extend(tags.iter().map(|(k, v)| (format!("tag:{k}"), vec![v.clone()])));
        self
    }

    /// And those that are written as blocks.
    pub fn blocks(mut self, blocks: &BTreeSet<FilterBlock>) -> Self {
        self.0.extend(blocks.iter().map(|b| (b.name.clone(), b.values.iter().cloned().collect())));
        self
    }

    /// The conditions as a call takes them; `None` when there are none.
    pub fn filters(&self) -> Option<Vec<Filter>> {
        (!self.0.is_empty()).then(|| self.0.iter().map(|(name, values)| filter(name, values)).collect())
    }

    /// What the answer to the call is kept under.
    pub fn key(&self, what: &str, more: &str) -> String {
        format!("ec2 {what} {more} {:?}", self.0)
    }
}

/// The tags of an object, less those that are overlooked.
pub fn visible(cx: &Aws, tags: &[Tag]) -> Tags {
    let mut tags = tags_of(tags);
    tags.retain(|k, _| !k.starts_with("aws:") && !cx.tag_rules().ignores(k));
    tags
}

/// The only object that answers to the arguments.
///
/// # Errors
/// When there are none or more.
pub fn only<'a, T>(found: &'a [T], what: &str) -> Result<&'a T> {
    match found {
        [one] => Ok(one),
        [] => Err(Error::new(ErrorKind::Invalid, format!("no matching EC2 {what} found"))),
        _ => Err(Error::new(
            ErrorKind::Invalid,
            format!("multiple EC2 {what}s matched; use additional constraints to reduce matches to a single EC2 {what}"),
        )),
    }
}
