//! `aws_network_acl`

use std::collections::BTreeSet;

use aws_sdk_ec2::types::ResourceType;
use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::{Known, Shared, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Trace};

use super::drift;
use super::entries::{self, Entry};
use super::{arn, made, retag, sets, shared, tagged, tags_of};
use crate::Aws;
use crate::error::Answer;

/// Rules on the traffic of subnets.
#[derive(Clone, Debug, Schema)]
#[resource("aws_network_acl")]
pub struct NetworkAcl {
    /// The ARN of the ACL.
    #[attr(output)]
    pub arn: String,
    /// All entries for traffic out. Use either these or resources of type `aws_network_acl_rule`.
    #[attr(computed, as_blocks)]
    pub egress: BTreeSet<Entry>,
    /// All entries for traffic in. Use either these or resources of type `aws_network_acl_rule`.
    #[attr(computed, as_blocks)]
    pub ingress: BTreeSet<Entry>,
    /// The account that owns the ACL.
    #[attr(output)]
    pub owner_id: String,
    /// The subnets that use the ACL.
    #[attr(computed)]
    pub subnet_ids: BTreeSet<String>,
    /// Tags of the ACL.
    #[attr(tags)]
    pub tags: Tags,
    /// The VPC of the ACL.
    #[attr(forces_new)]
    pub vpc_id: String,
}

impl Resource for NetworkAcl {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let tags = tagged(ResourceType::NetworkAcl, &want.tags, token);
        let call = cx.ec2().create_network_acl().vpc_id(&want.vpc_id).client_token(token);
        let made = call.set_tag_specifications(tags).send().await.api()?;
        Id::of(made.network_acl.and_then(|a| a.network_acl_id))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        made::network_acl(cx, trace).await
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        if !want.egress.is_empty() || !want.ingress.is_empty() {
            let there = shared::network_acls(cx, [&*id.0]).await?.remove(&*id.0);
            for (egress, wanted) in [(true, &want.egress), (false, &want.ingress)] {
                let old = there.as_ref().map(|a| entries::made(a, egress)).unwrap_or_default();
                entries::change(cx, &id.0, egress, &old, wanted).await?;
            }
        }
        entries::assign(cx, &id.0, &want.subnet_ids).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let acls = shared::network_acls(cx, asks.iter().map(|a| &*a.id.0)).await?;
        let object = |ask: &Ask<Self>| {
            let a = acls.get(&*ask.id.0)?;
            let owner_id = a.owner_id.clone().unwrap_or_default();
            let object = Self {
                arn: arn(cx, &owner_id, &format!("network-acl/{}", ask.id)),
                egress: entries::made(a, true),
                ingress: entries::made(a, false),
                owner_id,
                subnet_ids: entries::subnets(a),
                tags: tags_of(a.tags()),
                vpc_id: a.vpc_id.clone().unwrap_or_default(),
            };
            Some(Found::ready(ask.id.clone(), object))
        };
        Ok(asks.iter().filter_map(object).collect())
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        entries::change(cx, &id.0, true, &prior.egress, &want.egress).await?;
        entries::change(cx, &id.0, false, &prior.ingress, &want.ingress).await?;
        entries::release(cx, &want.vpc_id, prior.subnet_ids.difference(&want.subnet_ids)).await?;
        entries::assign(cx, &id.0, want.subnet_ids.difference(&prior.subnet_ids)).await?;
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
        entries::release(cx, &prior.vpc_id, &prior.subnet_ids).await?;
        cx.ec2().delete_network_acl().network_acl_id(&*id.0).send().await.api()?;
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        sets::plan(draft, "ingress", entries::canonical);
        sets::plan(draft, "egress", entries::canonical);
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let Some(now) = now else { return Vec::new() };
        let mut found = drift::entries_opened("ingress", &was.ingress, &now.ingress);
        found.extend(drift::entries_opened("egress", &was.egress, &now.egress));
        found
    }

    fn shared(id: &Id, _now: &Self, known: &Known) -> Vec<Shared> {
        drift::acl_entries(id, known)
    }
}
