//! A group of nodes that are alike. Its ID is the cluster's name and its own, with a colon between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_eks::types::{self, AmiTypes, CapacityTypes, NodegroupStatus};
use secstack_base::schema::Draft;
use secstack_base::{Diags, Type, Value};
use secstack_sdk::typed::{Ask, Block, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Status, Trace, Wait, check};

use super::{Target, added, added_or_removed, done, given, int, node_group_remote as remote, retag, some_map, two};
use crate::error::{Answer, Missing};
use crate::iam::name_of;
use crate::{Aws, made, plan};

/// A group of nodes that are alike.
#[derive(Clone, Debug, Schema)]
#[resource("aws_eks_node_group", timeouts(create, update, delete), conflicts(node_group_name, node_group_name_prefix))]
pub struct NodeGroup {
    /// The kind of image.
    #[attr(forces_new, computed)]
    pub ami_type: Option<String>,
    /// The ARN of the group.
    #[attr(output)]
    pub arn: Option<String>,
    /// How the nodes are paid for.
    #[attr(forces_new, computed, check = check::one_of(["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"]))]
    pub capacity_type: Option<String>,
    /// The name of the cluster.
    #[attr(forces_new, check = check::length(1, 100))]
    pub cluster_name: String,
    /// The size of a node's disk, in GiB.
    #[attr(forces_new, computed)]
    pub disk_size: Option<i64>,
    /// Whether nodes are replaced although pods cannot move.
    #[attr(local)]
    pub force_update_version: Option<bool>,
    /// The types of instances.
    #[attr(forces_new, computed)]
    pub instance_types: Vec<String>,
    /// Labels of the nodes.
    pub labels: BTreeMap<String, String>,
    /// The name of the group.
    #[attr(forces_new, computed, check = check::length(0, 63))]
    pub node_group_name: Option<String>,
    /// The beginning of a name that is made up.
    #[attr(forces_new, computed, check = check::length(0, 37))]
    pub node_group_name_prefix: Option<String>,
    /// The role of the nodes.
    #[attr(forces_new, check = check::arn)]
    pub node_role_arn: String,
    /// The release of the image.
    #[attr(computed)]
    pub release_version: Option<String>,
    /// What the group consists of.
    #[attr(output)]
    pub resources: Vec<Resources>,
    /// What the group is doing.
    #[attr(output)]
    pub status: Option<String>,
    /// The subnets.
    #[attr(forces_new, required)]
    pub subnet_ids: BTreeSet<String>,
    /// Tags of the group.
    #[attr(tags)]
    pub tags: Tags,
    /// The version of Kubernetes.
    #[attr(computed)]
    pub version: Option<String>,
    /// What the nodes are launched from.
    #[attr(block = list, max = 1, forces_new = added)]
    pub launch_template: Option<LaunchTemplate>,
    /// Whether unhealthy nodes are replaced.
    #[attr(block = list, computed, max = 1)]
    pub node_repair_config: Option<Repair>,
    /// How people log in to nodes.
    #[attr(block = list, max = 1, forces_new = added_or_removed)]
    pub remote_access: Option<RemoteAccess>,
    /// How many nodes.
    #[attr(block = list, min = 1, max = 1)]
    pub scaling_config: Option<Scaling>,
    /// What keeps pods away.
    #[attr(block = set, max = 50)]
    pub taint: BTreeSet<Taint>,
    /// How many nodes are replaced at once.
    #[attr(block = list, computed, max = 1)]
    pub update_config: Option<UpdateConfig>,
}

/// What a group consists of.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Resources {
    /// Its scaling groups.
    pub autoscaling_groups: Vec<ScalingGroup>,
    /// The security group for logging in.
    pub remote_access_security_group_id: Option<String>,
}

/// A scaling group.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct ScalingGroup {
    /// Its name.
    pub name: Option<String>,
}

/// What nodes are launched from.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct LaunchTemplate {
    /// The ID of the template.
    #[attr(forces_new, computed)]
    pub id: Option<String>,
    /// The name of the template.
    #[attr(forces_new, computed)]
    pub name: Option<String>,
    /// The version of the template.
    #[attr(check = check::length(1, 255))]
    pub version: String,
}

/// Whether unhealthy nodes are replaced.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Repair {
    /// Whether they are.
    #[attr(default = false)]
    pub enabled: bool,
}

/// How people log in to nodes.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct RemoteAccess {
    /// The key pair.
    #[attr(forces_new)]
    pub ec2_ssh_key: Option<String>,
    /// Security groups of those who may.
    #[attr(forces_new)]
    pub source_security_group_ids: BTreeSet<String>,
}

/// How many nodes.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Scaling {
    /// As many as there should be.
    #[attr(check = check::between(0, i64::MAX))]
    pub desired_size: i64,
    /// The most.
    #[attr(check = check::between(1, i64::MAX))]
    pub max_size: i64,
    /// The fewest.
    #[attr(check = check::between(0, i64::MAX))]
    pub min_size: i64,
}

/// What keeps pods away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Taint {
    /// How much.
    #[attr(check = check::one_of(["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"]))]
    pub effect: String,
    /// The key.
    #[attr(check = check::length(1, 63))]
    pub key: String,
    /// The value.
    #[attr(check = check::length(0, 63))]
    pub value: Option<String>,
}

/// How many nodes are replaced at once.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct UpdateConfig {
    /// In number.
    #[attr(check = check::between(1, 100))]
    pub max_unavailable: Option<i64>,
    /// In percent.
    #[attr(check = check::between(1, 100))]
    pub max_unavailable_percentage: Option<i64>,
}

impl Resource for NodeGroup {
    type Cx = Aws;
    const DATED: bool = true;
    const WAIT: Wait = Wait {
        every: Duration::from_secs(15),
        create: Duration::from_secs(60 * 60),
        update: Duration::from_secs(60 * 60),
        delete: Duration::from_secs(60 * 60),
    };

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let name = want.name_for(token);
        let taints: Vec<_> = want.taint.iter().map(remote::taint).collect();
        let call = cx
            .eks()
            .create_nodegroup()
            .cluster_name(&want.cluster_name)
            .nodegroup_name(&name)
            .node_role(&want.node_role_arn)
            .client_request_token(token)
            .set_subnets(Some(want.subnet_ids.iter().cloned().collect()))
            .set_ami_type(given(&want.ami_type).map(|t| AmiTypes::from(&*t)))
            .set_capacity_type(given(&want.capacity_type).map(|t| CapacityTypes::from(&*t)))
            .set_disk_size(want.disk_size.filter(|s| *s > 0).map(int))
            .set_instance_types(Some(want.instance_types.clone()).filter(|t| !t.is_empty()))
            .set_labels(some_map(&want.labels))
            .set_launch_template(want.launch_template.as_ref().map(remote::launch_template))
            .set_release_version(given(&want.release_version))
            .set_remote_access(want.remote_access.as_ref().map(remote::remote_access))
            .set_scaling_config(want.scaling_config.as_ref().map(remote::scaling))
            .set_taints(Some(taints).filter(|t| !t.is_empty()))
            .set_tags(some_map(&want.tags))
            .set_update_config(want.update_config.as_ref().map(remote::update_config))
            .set_node_repair_config(want.node_repair_config.as_ref().map(remote::repair))
            .set_version(given(&want.version));
        call.send().await.api()?;
        Ok(Id(format!("{}:{name}", want.cluster_name).into()))
    }

    fn natural(want: &Self, token: &str) -> Option<String> {
        Some(format!("{}:{}", want.cluster_name, want.name_for(token)))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let id = Id(made::name(trace)?.into());
        let (cluster, name) = two(&id)?;
        let call = cx.eks().describe_nodegroup().cluster_name(cluster).nodegroup_name(name);
        let found = call.send().await.api().or_missing()?.and_then(|a| a.nodegroup);
        Ok(found.and_then(|g| made::ours(trace, id.0.clone(), g.created_at())))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let (cluster, name) = two(&ask.id)?;
            let call = cx.eks().describe_nodegroup().cluster_name(cluster).nodegroup_name(name);
            let Some(group) = call.send().await.api().or_missing()?.and_then(|a| a.nodegroup) else { continue };
            let status = match &group.status {
                Some(NodegroupStatus::Active) => Status::Ready,
                Some(NodegroupStatus::CreateFailed | NodegroupStatus::DeleteFailed | NodegroupStatus::Degraded) => {
                    Status::Failed(remote::trouble(&group))
                }
                _ => Status::Pending,
            };
            found.push(Found { id: ask.id.clone(), status, object: remote::from_remote(group) });
        }
        Ok(found)
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        let (cluster, name) = two(id)?;
        retag(cx, prior.arn.as_ref(), &prior.tags, &want.tags).await?;
        // A configuration that the new version needs must come first.
        configure(cx, (cluster, name), prior, want).await?;
        let runs = |g: &Self| (given(&g.version), given(&g.release_version), g.launch_template.as_ref().map(|t| t.version.clone()));
        if runs(prior) == runs(want) {
            return Ok(());
        }
        let changed = |f: fn(&Self) -> Option<String>| f(want).filter(|w| f(prior).as_ref() != Some(w));
        let template = want.launch_template.as_ref().filter(|_| prior.launch_template != want.launch_template);
        let call = cx
            .eks()
            .update_nodegroup_version()
            .cluster_name(cluster)
            .nodegroup_name(name)
            .force(want.force_update_version == Some(true))
            .set_version(changed(|g| given(&g.version)))
            .set_release_version(changed(|g| given(&g.release_version)))
            .set_launch_template(template.map(remote::launch_template));
        done(cx, cluster, Target::NodeGroup(name), call.send().await.api()?.update).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        let (cluster, name) = two(id)?;
        match cx.eks().delete_nodegroup().cluster_name(cluster).nodegroup_name(name).send().await.api() {
            // Asked before, and still at it.
            Err(e) if e.message.contains("DELETING") => Ok(()),
            other => other.map(drop),
        }
    }

    fn plan(draft: &mut Draft) -> Diags {
        let written = draft.config.get("release_version").is_some_and(|v| !v.is_null());
        if plan::changes(draft, &["version"]) && !written {
            draft.planned = draft.planned.with("release_version", Value::unknown(Type::String));
        }
        Diags::new()
    }
}

impl NodeGroup {
    fn name_for(&self, token: &str) -> String {
        name_of(self.node_group_name.as_ref(), self.node_group_name_prefix.as_ref(), "terraform-", token)
    }
}

async fn configure(cx: &Aws, (cluster, name): (&str, &str), prior: &NodeGroup, want: &NodeGroup) -> Result<()> {
    let same = (&prior.labels, &prior.taint, &prior.scaling_config, &prior.update_config, &prior.node_repair_config)
        == (&want.labels, &want.taint, &want.scaling_config, &want.update_config, &want.node_repair_config);
    if same {
        return Ok(());
    }
    let (set, remove) = crate::tags::changes(&prior.labels, &want.labels);
    let labels = types::UpdateLabelsPayload::builder()
        .set_add_or_update_labels(some_map(&set))
        .set_remove_labels(Some(remove.clone()).filter(|r| !r.is_empty()))
        .build();
    let call = cx
        .eks()
        .update_nodegroup_config()
        .cluster_name(cluster)
        .nodegroup_name(name)
        .set_labels((!set.is_empty() || !remove.is_empty()).then_some(labels))
        .set_taints((prior.taint != want.taint).then(|| remote::taint_changes(&prior.taint, &want.taint)))
        .set_scaling_config(want.scaling_config.as_ref().filter(|_| prior.scaling_config != want.scaling_config).map(remote::scaling))
        .set_update_config(want.update_config.as_ref().filter(|_| prior.update_config != want.update_config).map(remote::update_config))
        .set_node_repair_config(
            want.node_repair_config.as_ref().filter(|_| prior.node_repair_config != want.node_repair_config).map(remote::repair),
        );
    done(cx, cluster, Target::NodeGroup(name), call.send().await.api()?.update).await
}
