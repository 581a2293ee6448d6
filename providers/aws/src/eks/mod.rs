//! Kubernetes clusters, their nodes, add-ons and who may enter.

pub mod access_entry;
pub mod access_policy_association;
pub mod addon;
pub mod blocks;
pub mod cluster;
pub mod cluster_data;
pub mod cluster_remote;
pub mod cluster_update;
pub mod node_group;
pub mod node_group_remote;
pub mod token;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_eks::types::{Update, UpdateStatus};
use secstack_base::Value;
use secstack_sdk::typed::{Registry, Tags};
use secstack_sdk::{Error, ErrorKind, Id, Result};

use crate::error::Answer;
use crate::{Aws, tags};

/// Adds the types of this service.
pub fn register(types: Registry<Aws>) -> Registry<Aws> {
    types
        .resource::<access_entry::AccessEntry>()
        .resource::<access_policy_association::AccessPolicyAssociation>()
        .resource::<addon::Addon>()
        .resource::<cluster::Cluster>()
        .resource::<node_group::NodeGroup>()
        .data::<cluster_data::ClusterData>()
        .data::<cluster_data::ClusterAuth>()
}

/// What an update changes.
pub(crate) enum Target<'a> {
    /// The cluster itself.
    Cluster,
    /// A node group.
    NodeGroup(&'a str),
    /// An add-on.
    Addon(&'a str),
}

/// The longest wait for one step of an update of several.
const STEP: Duration = Duration::from_secs(60 * 60);

/// Waits until a step is done. A cluster refuses the next one as long as one is under way, and no description of the
/// cluster says which parts are changed: so this cannot be left to the engine.
pub(crate) async fn done(cx: &Aws, cluster: &str, target: Target<'_>, update: Option<Update>) -> Result<()> {
    let Some(id) = update.and_then(|u| u.id) else { return Ok(()) };
    let (group, addon) = match target {
        Target::Cluster => (None, None),
        Target::NodeGroup(name) => (Some(name.to_string()), None),
        Target::Addon(name) => (None, Some(name.to_string())),
    };
    let until = tokio::time::Instant::now() + STEP;
    let mut pause = Duration::from_millis(100);
    loop {
        let call = cx.eks().describe_update().name(cluster).update_id(&id);
        let call = call.set_nodegroup_name(group.clone()).set_addon_name(addon.clone());
        let update = call.send().await.api()?.update.unwrap_or_else(|| Update::builder().build());
        match &update.status {
            None | Some(UpdateStatus::Successful) => return Ok(()),
            Some(UpdateStatus::InProgress) => {}
            Some(status) => return Err(failed(cluster, status, &update)),
        }
        if tokio::time::Instant::now() > until {
            return Err(Error::other(format!("EKS Cluster ({cluster}) update ({id}) is not done after an hour")));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(15));
    }
}

fn failed(cluster: &str, status: &UpdateStatus, update: &Update) -> Error {
    let reasons = update.errors().iter().map(|e| {
        let code = e.error_code.as_ref().map(|c| c.as_str()).unwrap_or_default();
        format!("{}: {code}: {}", e.resource_ids().join(", "), e.error_message().unwrap_or_default())
    });
    let (id, reasons) = (update.id().unwrap_or_default(), reasons.collect::<Vec<_>>().join("\n"));
    Error::other(format!("EKS Cluster ({cluster}) update ({id}) is {}: {reasons}", status.as_str()))
}

/// Changes the tags of an object.
pub(crate) async fn retag(cx: &Aws, arn: Option<&String>, prior: &Tags, want: &Tags) -> Result<()> {
    let (set, remove) = tags::changes(prior, want);
    let arn = arn.map(String::as_str).unwrap_or_default();
    if !remove.is_empty() {
        cx.eks().untag_resource().resource_arn(arn).set_tag_keys(Some(remove)).send().await.api()?;
    }
    if !set.is_empty() {
        cx.eks().tag_resource().resource_arn(arn).set_tags(Some(to_map(&set))).send().await.api()?;
    }
    Ok(())
}

/// Names and values as the service takes them.
pub(crate) fn to_map(tags: &Tags) -> HashMap<String, String> {
    tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// The same, or nothing when there are none.
pub(crate) fn some_map(tags: &Tags) -> Option<HashMap<String, String>> {
    Some(to_map(tags)).filter(|t| !t.is_empty())
}

/// Names and values as the service gives them.
pub(crate) fn of_map(tags: Option<HashMap<String, String>>) -> Tags {
    tags.unwrap_or_default().into_iter().collect()
}

/// The two parts of an ID such as `cluster:name`.
pub(crate) fn two(id: &Id) -> Result<(&str, &str)> {
    let wrong = || Error::new(ErrorKind::Invalid, format!("unexpected format for ID ({id}), expected two parts with a colon between"));
    id.0.split_once(':').filter(|(a, b)| !a.is_empty() && !b.is_empty()).ok_or_else(wrong)
}

/// The text, unless it is empty.
pub(crate) fn given(text: &Option<String>) -> Option<String> {
    text.clone().filter(|t| !t.is_empty())
}

/// A number for the service.
pub(crate) fn int(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn blocks(v: &Value) -> usize {
    v.as_slice().map_or(0, <[Value]>::len)
}

/// Whether a block appears: a change that needs a new object.
pub(crate) fn added(prior: &Value, planned: &Value) -> bool {
    blocks(prior) == 0 && blocks(planned) > 0
}

/// Whether a block goes.
pub(crate) fn removed(prior: &Value, planned: &Value) -> bool {
    blocks(prior) > 0 && planned.as_slice().is_some_and(<[Value]>::is_empty)
}

/// Whether a block appears or goes.
pub(crate) fn added_or_removed(prior: &Value, planned: &Value) -> bool {
    added(prior, planned) || removed(prior, planned)
}
