//! Who may enter a cluster, and as whom. The ID is the cluster's name and the ARN, with a colon between.

use std::collections::BTreeSet;
use std::time::Duration;

use secstack_base::schema::Draft;
use secstack_base::{Diags, Type, Value};
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Trace, Wait, check};

use super::{given, of_map, retag, some_map, two};
use crate::error::{Answer, Missing};
use crate::{Aws, made, plan};

/// Who may enter a cluster.
#[derive(Clone, Debug, Schema)]
#[resource("aws_eks_access_entry", timeouts(create, delete))]
pub struct AccessEntry {
    /// The ARN of the entry.
    #[attr(output)]
    pub access_entry_arn: Option<String>,
    /// The name of the cluster.
    #[attr(forces_new, check = check::length(1, 100))]
    pub cluster_name: String,
    /// When the entry was created.
    #[attr(output)]
    pub created_at: Option<String>,
    /// The groups of the user in the cluster.
    #[attr(computed)]
    pub kubernetes_groups: BTreeSet<String>,
    /// When the entry was last changed.
    #[attr(output)]
    pub modified_at: Option<String>,
    /// The user or role.
    #[attr(forces_new, check = check::arn)]
    pub principal_arn: String,
    /// Tags of the entry.
    #[attr(tags)]
    pub tags: Tags,
    /// What kind of principal it is.
    #[attr(forces_new, default = "STANDARD", check = check::one_of(["EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "STANDARD"]))]
    pub r#type: String,
    /// The name of the user in the cluster.
    #[attr(computed)]
    pub user_name: Option<String>,
}

impl Resource for AccessEntry {
    type Cx = Aws;
    const DATED: bool = true;
    const WAIT: Wait = Wait { every: Duration::from_secs(1), ..Wait::DEFAULT };

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let call = cx
            .eks()
            .create_access_entry()
            .cluster_name(&want.cluster_name)
            .principal_arn(&want.principal_arn)
            .client_request_token(token)
            .set_kubernetes_groups(Some(want.kubernetes_groups.iter().cloned().collect::<Vec<_>>()).filter(|g| !g.is_empty()))
            .set_tags(some_map(&want.tags))
            .r#type(&want.r#type)
            .set_username(given(&want.user_name));
        call.send().await.api()?;
        Ok(Id(format!("{}:{}", want.cluster_name, want.principal_arn).into()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(format!("{}:{}", want.cluster_name, want.principal_arn))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let id = Id(made::name(trace)?.into());
        let (cluster, principal) = two(&id)?;
        let call = cx.eks().describe_access_entry().cluster_name(cluster).principal_arn(principal);
        let found = call.send().await.api().or_missing()?.and_then(|a| a.access_entry);
        Ok(found.and_then(|e| made::ours(trace, id.0.clone(), e.created_at())))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let (cluster, principal) = two(&ask.id)?;
            let call = cx.eks().describe_access_entry().cluster_name(cluster).principal_arn(principal);
            let Some(e) = call.send().await.api().or_missing()?.and_then(|a| a.access_entry) else { continue };
            let object = Self {
                access_entry_arn: e.access_entry_arn,
                cluster_name: e.cluster_name.unwrap_or_default(),
                created_at: e.created_at.as_ref().and_then(crate::iam::time),
                kubernetes_groups: e.kubernetes_groups.unwrap_or_default().into_iter().collect(),
                modified_at: e.modified_at.as_ref().and_then(crate::iam::time),
                principal_arn: e.principal_arn.unwrap_or_default(),
                tags: of_map(e.tags),
                r#type: e.r#type.unwrap_or_default(),
                user_name: Some(e.username.unwrap_or_default()),
            };
            found.push(Found::ready(ask.id.clone(), object));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        let (cluster, principal) = two(id)?;
        retag(cx, prior.access_entry_arn.as_ref(), &prior.tags, &want.tags).await?;
        if (&prior.kubernetes_groups, &prior.user_name) == (&want.kubernetes_groups, &want.user_name) {
            return Ok(());
        }
        let call = cx
            .eks()
            .update_access_entry()
            .cluster_name(cluster)
            .principal_arn(principal)
            .set_kubernetes_groups(Some(want.kubernetes_groups.iter().cloned().collect()))
            .set_username(given(&want.user_name));
        call.send().await.api()?;
        Ok(())
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        let (cluster, principal) = two(id)?;
        cx.eks().delete_access_entry().cluster_name(cluster).principal_arn(principal).send().await.api()?;
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        if plan::changes(draft, &["kubernetes_groups", "user_name", "tags_all"]) {
            draft.planned = draft.planned.with("modified_at", Value::unknown(Type::String));
        }
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let groups =
            now.map(|now| now.kubernetes_groups.difference(&was.kubernetes_groups).cloned().collect::<Vec<_>>()).unwrap_or_default();
        let weak = |g: String| Weakness::new(Severity::High, "kubernetes_groups", format!("the principal is in the group {g:?} now"));
        groups.into_iter().map(weak).collect()
    }
}
