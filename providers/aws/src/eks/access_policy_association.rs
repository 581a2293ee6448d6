//! What somebody who may enter a cluster may do there. The ID is cluster, principal and policy, separated by `#`.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_eks::types;
use secstack_sdk::typed::{Ask, Block, Found, Resource, Schema};
use secstack_sdk::{Error, ErrorKind, Id, Result, Wait, check};

use super::added_or_removed;
use crate::Aws;
use crate::error::{Answer, Missing};

/// What somebody may do in a cluster.
#[derive(Clone, Debug, Schema)]
#[resource("aws_eks_access_policy_association", timeouts(create, delete))]
pub struct AccessPolicyAssociation {
    /// When this was said.
    #[attr(output)]
    pub associated_at: Option<String>,
    /// The name of the cluster.
    #[attr(forces_new)]
    pub cluster_name: String,
    /// When this was last changed.
    #[attr(output)]
    pub modified_at: Option<String>,
    /// The policy of EKS.
    #[attr(forces_new)]
    pub policy_arn: String,
    /// The user or role.
    #[attr(forces_new)]
    pub principal_arn: String,
    /// Where in the cluster.
    #[attr(block = list, min = 1, max = 1, forces_new = added_or_removed)]
    pub access_scope: Option<Scope>,
}

/// Where in a cluster.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Scope {
    /// The namespaces.
    #[attr(forces_new)]
    pub namespaces: BTreeSet<String>,
    /// `cluster` or `namespace`.
    #[attr(forces_new, check = check::one_of(["cluster", "namespace"]))]
    pub r#type: String,
}

impl Resource for AccessPolicyAssociation {
    type Cx = Aws;
    const WAIT: Wait = Wait { every: Duration::from_secs(1), ..Wait::DEFAULT };

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        let scope = want.access_scope.as_ref().map(|s| {
            let namespaces = s.namespaces.iter().cloned().collect();
            let ty = types::AccessScopeType::from(&*s.r#type);
            types::AccessScope::builder().r#type(ty).set_namespaces(Some(namespaces)).build()
        });
        let call = cx
            .eks()
            .associate_access_policy()
            .cluster_name(&want.cluster_name)
            .principal_arn(&want.principal_arn)
            .policy_arn(&want.policy_arn)
            .set_access_scope(scope);
        call.send().await.api()?;
        Ok(Id(want.id().into()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(want.id())
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let (cluster, principal, policy) = three(&ask.id)?;
            let all = cx.cached(format!("eks:ListAssociatedAccessPolicies:{cluster}:{principal}"), async {
                let call = cx.eks().list_associated_access_policies().cluster_name(cluster).principal_arn(principal);
                call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.api()
            });
            let all = all.await.or_missing()?;
            let Some(p) = all.iter().flat_map(|a| a.iter()).find(|p| p.policy_arn() == Some(policy)) else { continue };
            let object = Self {
                associated_at: p.associated_at.as_ref().map(rfc3339),
                cluster_name: cluster.into(),
                modified_at: p.modified_at.as_ref().map(rfc3339),
                policy_arn: policy.into(),
                principal_arn: principal.into(),
                access_scope: p.access_scope.as_ref().map(|s| Scope {
                    namespaces: s.namespaces().iter().cloned().collect(),
                    r#type: s.r#type.as_ref().map(|t| t.as_str().into()).unwrap_or_default(),
                }),
            };
            found.push(Found::ready(ask.id.clone(), object));
        }
        Ok(found)
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        let (cluster, principal, policy) = three(id)?;
        let call = cx.eks().disassociate_access_policy().cluster_name(cluster).principal_arn(principal);
        call.policy_arn(policy).send().await.api()?;
        Ok(())
    }
}

impl AccessPolicyAssociation {
    fn id(&self) -> String {
        format!("{}#{}#{}", self.cluster_name, self.principal_arn, self.policy_arn)
    }
}

/// As Go prints a time when nobody says how.
fn rfc3339(t: &aws_smithy_types::DateTime) -> String {
    let text = crate::iam::time(t).unwrap_or_default();
    text.trim_end_matches('Z').replace('T', " ") + " +0000 UTC"
}

fn three(id: &Id) -> Result<(&str, &str, &str)> {
    let wrong =
        || Error::new(ErrorKind::Invalid, format!("unexpected format for ID ({id}), expected cluster-name#principal-arn#policy-arn"));
    let (cluster, rest) = id.0.split_once('#').ok_or_else(wrong)?;
    let (principal, policy) = rest.split_once('#').ok_or_else(wrong)?;
    Ok((cluster, principal, policy))
}
