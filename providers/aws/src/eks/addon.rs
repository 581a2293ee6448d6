//! An add-on of a cluster, which the service keeps up to date.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_eks::types::{self, AddonStatus, ResolveConflicts};
use secstack_base::schema::Draft;
use secstack_base::{Diags, Type, Value};
use secstack_sdk::typed::{Ask, Block, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Status, Trace, Wait, check};

use super::{Target, done, given, of_map, retag, some_map, two};
use crate::error::{Answer, Missing};
use crate::{Aws, made, plan};

/// An add-on of a cluster.
#[derive(Clone, Debug, Schema)]
#[resource(
    "aws_eks_addon",
    timeouts(create, update, delete),
    conflicts(resolve_conflicts, resolve_conflicts_on_create),
    conflicts(resolve_conflicts, resolve_conflicts_on_update)
)]
pub struct Addon {
    /// The name of the add-on.
    #[attr(forces_new)]
    pub addon_name: String,
    /// The version of the add-on.
    #[attr(computed)]
    pub addon_version: Option<String>,
    /// The ARN of the add-on.
    #[attr(output)]
    pub arn: Option<String>,
    /// The name of the cluster.
    #[attr(forces_new, check = check::length(1, 100))]
    pub cluster_name: String,
    /// What is set besides, as JSON or YAML.
    #[attr(computed, same = crate::policy::same_json)]
    pub configuration_values: Option<String>,
    /// When the add-on was created.
    #[attr(output)]
    pub created_at: Option<String>,
    /// When the add-on was last changed.
    #[attr(output)]
    pub modified_at: Option<String>,
    /// Whether its objects stay in the cluster when the add-on is deleted.
    #[attr(local)]
    pub preserve: Option<bool>,
    /// What happens to objects that somebody changed.
    #[attr(local, deprecated = "The resolve_conflicts attribute can't be set to \"PRESERVE\" on initial resource creation. Use resolve_conflicts_on_create and/or resolve_conflicts_on_update instead.", check = check::one_of(["OVERWRITE", "NONE", "PRESERVE"]))]
    pub resolve_conflicts: Option<String>,
    /// What happens to objects that are there already.
    #[attr(local, check = check::one_of(["NONE", "OVERWRITE"]))]
    pub resolve_conflicts_on_create: Option<String>,
    /// What happens to objects that somebody changed.
    #[attr(local, check = check::one_of(["NONE", "OVERWRITE", "PRESERVE"]))]
    pub resolve_conflicts_on_update: Option<String>,
    /// The role of the add-on's service account.
    #[attr(check = check::arn)]
    pub service_account_role_arn: Option<String>,
    /// Tags of the add-on.
    #[attr(tags)]
    pub tags: Tags,
    /// Roles of the add-on's service accounts.
    #[attr(block = set)]
    pub pod_identity_association: BTreeSet<PodIdentity>,
}

/// The role of a service account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct PodIdentity {
    /// The role.
    #[attr(check = check::arn)]
    pub role_arn: String,
    /// The service account.
    pub service_account: String,
}

impl Resource for Addon {
    type Cx = Aws;
    const DATED: bool = true;
    const WAIT: Wait = Wait {
        every: Duration::from_secs(10),
        create: Duration::from_secs(20 * 60),
        update: Duration::from_secs(20 * 60),
        delete: Duration::from_secs(40 * 60),
    };

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let conflicts = given(&want.resolve_conflicts_on_create).or_else(|| given(&want.resolve_conflicts));
        let call = cx
            .eks()
            .create_addon()
            .cluster_name(&want.cluster_name)
            .addon_name(&want.addon_name)
            .client_request_token(token)
            .set_addon_version(given(&want.addon_version))
            .set_configuration_values(given(&want.configuration_values))
            .set_pod_identity_associations(some(identities(&want.pod_identity_association)?))
            .set_resolve_conflicts(conflicts.map(|c| ResolveConflicts::from(&*c)))
            .set_service_account_role_arn(given(&want.service_account_role_arn))
            .set_tags(some_map(&want.tags));
        call.send().await.api()?;
        Ok(Id(format!("{}:{}", want.cluster_name, want.addon_name).into()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(format!("{}:{}", want.cluster_name, want.addon_name))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let id = Id(made::name(trace)?.into());
        let (cluster, name) = two(&id)?;
        let call = cx.eks().describe_addon().cluster_name(cluster).addon_name(name);
        let found = call.send().await.api().or_missing()?.and_then(|a| a.addon);
        Ok(found.and_then(|a| made::ours(trace, id.0.clone(), a.created_at())))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let (cluster, name) = two(&ask.id)?;
            let answer = cx.eks().describe_addon().cluster_name(cluster).addon_name(name).send().await.api().or_missing()?;
            let Some(addon) = answer.and_then(|a| a.addon) else { continue };
            // A degraded add-on may still become active: it waits for nodes.
            let status = match &addon.status {
                Some(AddonStatus::Active) => Status::Ready,
                Some(AddonStatus::CreateFailed | AddonStatus::DeleteFailed) => Status::Failed(trouble(&addon)),
                _ => Status::Pending,
            };
            let object = from_remote(cx, cluster, addon).await?;
            found.push(Found { id: ask.id.clone(), status, object });
        }
        Ok(found)
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        let (cluster, name) = two(id)?;
        retag(cx, prior.arn.as_ref(), &prior.tags, &want.tags).await?;
        let says = |a: &Self| {
            let values = given(&a.configuration_values);
            (given(&a.addon_version), values, given(&a.service_account_role_arn), a.pod_identity_association.clone())
        };
        if says(prior) == says(want) {
            return Ok(());
        }
        let conflicts = given(&want.resolve_conflicts_on_update).or_else(|| given(&want.resolve_conflicts));
        let identities = match prior.pod_identity_association == want.pod_identity_association {
            true => None,
            false => Some(identities(&want.pod_identity_association)?),
        };
        // Values that are taken away must be said to be empty; a role that is not said stays.
        let values = want.configuration_values.clone().filter(|_| prior.configuration_values != want.configuration_values);
        let call = cx
            .eks()
            .update_addon()
            .cluster_name(cluster)
            .addon_name(name)
            .set_addon_version(given(&want.addon_version).filter(|_| prior.addon_version != want.addon_version))
            .set_configuration_values(values)
            .set_pod_identity_associations(identities)
            .set_resolve_conflicts(conflicts.map(|c| ResolveConflicts::from(&*c)))
            .set_service_account_role_arn(given(&want.service_account_role_arn));
        done(cx, cluster, Target::Addon(name), call.send().await.api()?.update).await
    }

    async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
        let (cluster, name) = two(id)?;
        let call = cx.eks().delete_addon().cluster_name(cluster).addon_name(name);
        call.set_preserve(prior.preserve.filter(|p| *p)).send().await.api()?;
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        let told = ["addon_version", "configuration_values", "service_account_role_arn", "pod_identity_association", "tags_all"];
        if plan::changes(draft, &told) {
            draft.planned = draft.planned.with("modified_at", Value::unknown(Type::String));
        }
        Diags::new()
    }
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn identities(all: &BTreeSet<PodIdentity>) -> Result<Vec<types::AddonPodIdentityAssociations>> {
    let one = |p: &PodIdentity| {
        let builder = types::AddonPodIdentityAssociations::builder().role_arn(&p.role_arn).service_account(&p.service_account);
        builder.build().map_err(|e| secstack_sdk::Error::other(e.to_string()))
    };
    all.iter().map(one).collect()
}

fn trouble(a: &types::Addon) -> String {
    let issue = |i: &types::AddonIssue| {
        let code = i.code.as_ref().map(|c| c.as_str()).unwrap_or_default();
        format!("{code}: {}", i.message().unwrap_or_default())
    };
    let issues: Vec<String> = a.health.iter().flat_map(|h| h.issues()).map(issue).collect();
    let (cluster, name) = (a.cluster_name().unwrap_or_default(), a.addon_name().unwrap_or_default());
    let status = a.status.as_ref().map(|s| s.as_str()).unwrap_or_default();
    format!("EKS Add-On ({cluster}:{name}) is {status}. {}", issues.join("\n"))
}

async fn from_remote(cx: &Aws, cluster: &str, a: types::Addon) -> Result<Addon> {
    let mut identities = BTreeSet::new();
    for arn in a.pod_identity_associations.unwrap_or_default() {
        let id = arn.rsplit('/').next().unwrap_or_default();
        let call = cx.eks().describe_pod_identity_association().cluster_name(cluster).association_id(id);
        let Some(found) = call.send().await.api().or_missing()?.and_then(|p| p.association) else { continue };
        identities.insert(PodIdentity {
            role_arn: found.role_arn.unwrap_or_default(),
            service_account: found.service_account.unwrap_or_default(),
        });
    }
    Ok(Addon {
        addon_name: a.addon_name.unwrap_or_default(),
        addon_version: a.addon_version,
        arn: a.addon_arn,
        cluster_name: a.cluster_name.unwrap_or_default(),
        configuration_values: Some(a.configuration_values.unwrap_or_default()),
        created_at: a.created_at.as_ref().and_then(crate::iam::time),
        modified_at: a.modified_at.as_ref().and_then(crate::iam::time),
        preserve: None,
        resolve_conflicts: None,
        resolve_conflicts_on_create: None,
        resolve_conflicts_on_update: None,
        service_account_role_arn: Some(a.service_account_role_arn.unwrap_or_default()),
        tags: of_map(a.tags),
        pod_identity_association: identities,
    })
}
