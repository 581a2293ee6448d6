//! `aws_default_network_acl`: the network ACL that AWS made with a VPC, taken over with all its entries. It is never
//! deleted, and subnets that leave it do so by using another.

use std::collections::BTreeSet;
use std::time::Duration;

use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::{Known, Shared, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Error, ErrorKind, Id, Result, Trace, Wait};

use super::drift;
use super::entries::{self, Entry};
use super::{arn, retag, sets, shared, tags_of};
use crate::Aws;

/// The network ACL that AWS made with a VPC.
#[derive(Clone, Debug, Schema)]
#[resource("aws_default_network_acl")]
pub struct DefaultNetworkAcl {
    /// The ARN of the ACL.
    #[attr(output)]
    pub arn: String,
    /// The ACL.
    #[attr(forces_new)]
    pub default_network_acl_id: String,
    /// All entries for traffic out.
    #[attr(block = set)]
    pub egress: BTreeSet<Entry>,
    /// All entries for traffic in.
    #[attr(block = set)]
    pub ingress: BTreeSet<Entry>,
    /// The account that owns the ACL.
    #[attr(output)]
    pub owner_id: String,
    /// The subnets that use the ACL.
    pub subnet_ids: BTreeSet<String>,
    /// Tags of the ACL.
    #[attr(tags)]
    pub tags: Tags,
    /// The VPC of the ACL.
    #[attr(output)]
    pub vpc_id: String,
}

impl Resource for DefaultNetworkAcl {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    // Deleting only forgets.
    const WAIT: Wait = Wait { delete: Duration::ZERO, ..Wait::DEFAULT };

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        let id = &want.default_network_acl_id;
        match shared::network_acls(cx, [id]).await?.get(id) {
            Some(acl) if acl.is_default == Some(true) => Ok(Id(id.as_str().into())),
            Some(_) => Err(Error::new(ErrorKind::Invalid, format!("{id} is not the default network ACL of its VPC"))),
            None => Err(Error::new(ErrorKind::NotFound, format!("there is no network ACL {id}"))),
        }
    }

    /// The object was there before: taking it over again does no harm.
    async fn find_made(_cx: &Aws, _trace: &Trace) -> Result<Option<Id>> {
        Ok(None)
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        let Some(acl) = shared::network_acls(cx, [&*id.0]).await?.remove(&*id.0) else { return Ok(()) };
        entries::change(cx, &id.0, true, &entries::made(&acl, true), &want.egress).await?;
        entries::change(cx, &id.0, false, &entries::made(&acl, false), &want.ingress).await?;
        entries::assign(cx, &id.0, want.subnet_ids.difference(&entries::subnets(&acl))).await?;
        retag(cx, &id.0, &tags_of(acl.tags()), &want.tags).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let acls = shared::network_acls(cx, asks.iter().map(|a| &*a.id.0)).await?;
        let object = |ask: &Ask<Self>| {
            let a = acls.get(&*ask.id.0)?;
            let owner_id = a.owner_id.clone().unwrap_or_default();
            let object = Self {
                arn: arn(cx, &owner_id, &format!("network-acl/{}", ask.id)),
                default_network_acl_id: ask.id.0.to_string(),
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
        entries::assign(cx, &id.0, want.subnet_ids.difference(&prior.subnet_ids)).await?;
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(_cx: &Aws, _id: &Id, _prior: &Self) -> Result<()> {
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
