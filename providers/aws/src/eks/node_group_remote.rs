//! A node group as the service takes and gives it.

use std::collections::BTreeSet;

use aws_sdk_eks::types;

use super::node_group::{LaunchTemplate, NodeGroup, RemoteAccess, Repair, Resources, Scaling, ScalingGroup, Taint, UpdateConfig};
use super::{given, int, of_map};

/// What nodes are launched from. The service takes the ID or the name, not both.
pub fn launch_template(t: &LaunchTemplate) -> types::LaunchTemplateSpecification {
    let id = given(&t.id);
    let name = given(&t.name).filter(|_| id.is_none());
    types::LaunchTemplateSpecification::builder().set_id(id).set_name(name).version(&t.version).build()
}

/// How people log in.
pub fn remote_access(r: &RemoteAccess) -> types::RemoteAccessConfig {
    let groups: Vec<String> = r.source_security_group_ids.iter().cloned().collect();
    types::RemoteAccessConfig::builder()
        .set_ec2_ssh_key(given(&r.ec2_ssh_key))
        .set_source_security_groups(Some(groups).filter(|g| !g.is_empty()))
        .build()
}

/// How many nodes.
pub fn scaling(s: &Scaling) -> types::NodegroupScalingConfig {
    let builder = types::NodegroupScalingConfig::builder().desired_size(int(s.desired_size));
    builder.max_size(int(s.max_size)).min_size(int(s.min_size)).build()
}

/// How many nodes are replaced at once.
pub fn update_config(u: &UpdateConfig) -> types::NodegroupUpdateConfig {
    let some = |n: Option<i64>| n.filter(|n| *n > 0).map(int);
    types::NodegroupUpdateConfig::builder()
        .set_max_unavailable(some(u.max_unavailable))
        .set_max_unavailable_percentage(some(u.max_unavailable_percentage))
        .build()
}

/// Whether unhealthy nodes are replaced.
pub fn repair(r: &Repair) -> types::NodeRepairConfig {
    types::NodeRepairConfig::builder().enabled(r.enabled).build()
}

/// What keeps pods away.
pub fn taint(t: &Taint) -> types::Taint {
    let effect = types::TaintEffect::from(&*t.effect);
    types::Taint::builder().key(&t.key).set_value(given(&t.value)).effect(effect).build()
}

/// From old taints to new ones. A taint is known by its key and effect.
pub fn taint_changes(prior: &BTreeSet<Taint>, want: &BTreeSet<Taint>) -> types::UpdateTaintsPayload {
    let known = |t: &Taint| (t.key.clone(), t.effect.clone());
    let kept: BTreeSet<_> = want.iter().map(known).collect();
    let remove: Vec<_> = prior.iter().filter(|t| !kept.contains(&known(t))).map(taint).collect();
    let set: Vec<_> = want.difference(prior).map(taint).collect();
    types::UpdateTaintsPayload::builder()
        .set_add_or_update_taints(Some(set).filter(|s| !s.is_empty()))
        .set_remove_taints(Some(remove).filter(|r| !r.is_empty()))
        .build()
}

/// Why a group is not as it should be.
pub fn trouble(g: &types::Nodegroup) -> String {
    let issue = |i: &types::Issue| {
        let code = i.code.as_ref().map(|c| c.as_str()).unwrap_or_default();
        format!("{}: {code}: {}", i.resource_ids().join(", "), i.message().unwrap_or_default())
    };
    let issues: Vec<String> = g.health.iter().flat_map(|h| h.issues()).map(issue).collect();
    let (cluster, name) = (g.cluster_name().unwrap_or_default(), g.nodegroup_name().unwrap_or_default());
    let status = g.status.as_ref().map(|s| s.as_str()).unwrap_or_default();
    format!("EKS Node Group ({cluster}:{name}) is {status}. {}", issues.join("\n"))
}

/// A group that was found.
pub fn from_remote(g: types::Nodegroup) -> NodeGroup {
    let number = |n: Option<i32>| i64::from(n.unwrap_or_default());
    let name = g.nodegroup_name.unwrap_or_default();
    NodeGroup {
        ami_type: Some(g.ami_type.map(|t| t.as_str().into()).unwrap_or_default()),
        arn: g.nodegroup_arn,
        capacity_type: Some(g.capacity_type.map(|t| t.as_str().into()).unwrap_or_default()),
        cluster_name: g.cluster_name.unwrap_or_default(),
        disk_size: Some(number(g.disk_size)),
        force_update_version: None,
        instance_types: g.instance_types.unwrap_or_default(),
        labels: of_map(g.labels),
        node_group_name_prefix: crate::iam::prefix_of(&name),
        node_group_name: Some(name),
        node_role_arn: g.node_role.unwrap_or_default(),
        release_version: Some(g.release_version.unwrap_or_default()),
        resources: g.resources.map(resources).into_iter().collect(),
        status: g.status.map(|s| s.as_str().into()),
        subnet_ids: g.subnets.unwrap_or_default().into_iter().collect(),
        tags: of_map(g.tags),
        version: Some(g.version.unwrap_or_default()),
        launch_template: g.launch_template.map(|t| LaunchTemplate {
            id: Some(t.id.unwrap_or_default()),
            name: Some(t.name.unwrap_or_default()),
            version: t.version.unwrap_or_default(),
        }),
        node_repair_config: g.node_repair_config.map(|r| Repair { enabled: r.enabled.unwrap_or_default() }),
        remote_access: g.remote_access.map(|r| RemoteAccess {
            ec2_ssh_key: Some(r.ec2_ssh_key.unwrap_or_default()),
            source_security_group_ids: r.source_security_groups.unwrap_or_default().into_iter().collect(),
        }),
        scaling_config: g.scaling_config.map(|s| Scaling {
            desired_size: number(s.desired_size),
            max_size: number(s.max_size),
            min_size: number(s.min_size),
        }),
        taint: g.taints.unwrap_or_default().into_iter().map(taint_of).collect(),
        update_config: g.update_config.map(|u| UpdateConfig {
            max_unavailable: Some(number(u.max_unavailable)),
            max_unavailable_percentage: Some(number(u.max_unavailable_percentage)),
        }),
    }
}

fn taint_of(t: types::Taint) -> Taint {
    Taint {
        effect: t.effect.map(|e| e.as_str().into()).unwrap_or_default(),
        key: t.key.unwrap_or_default(),
        value: Some(t.value.unwrap_or_default()),
    }
}

fn resources(r: types::NodegroupResources) -> Resources {
    let groups = r.auto_scaling_groups.unwrap_or_default();
    Resources {
        autoscaling_groups: groups.into_iter().map(|g| ScalingGroup { name: g.name }).collect(),
        remote_access_security_group_id: Some(r.remote_access_security_group.unwrap_or_default()),
    }
}
