//! `aws_vpc_ipv4_cidr_block_association`

use aws_sdk_ec2::types::{self, VpcCidrBlockStateCode};
use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Error, Id, Result, Status, Trace, check};

use super::{filter, given, int, shared};
use crate::Aws;
use crate::error::Answer;
use crate::made::name;

/// A further IPv4 range of a VPC.
#[derive(Clone, Debug, Schema)]
#[resource("aws_vpc_ipv4_cidr_block_association", timeouts(create, delete))]
pub struct VpcIpv4CidrBlockAssociation {
    /// The IPv4 range, in CIDR notation.
    #[attr(computed, forces_new, check = check::network_v4(16, 28))]
    pub cidr_block: String,
    /// The address pool that the range is taken from.
    #[attr(forces_new, local)]
    pub ipv4_ipam_pool_id: Option<String>,
    /// The length of the prefix, when the range is taken from a pool.
    #[attr(forces_new, local, check = check::between(16, 28))]
    pub ipv4_netmask_length: Option<i64>,
    /// The VPC.
    #[attr(forces_new)]
    pub vpc_id: String,
}

impl Resource for VpcIpv4CidrBlockAssociation {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        let call = cx.ec2().associate_vpc_cidr_block().vpc_id(&want.vpc_id).set_cidr_block(given(&want.cidr_block));
        let call = call.set_ipv4_ipam_pool_id(want.ipv4_ipam_pool_id.clone());
        let made = call.set_ipv4_netmask_length(want.ipv4_netmask_length.map(int)).send().await.api()?;
        Id::of(made.cidr_block_association.and_then(|a| a.association_id))
    }

    /// The VPC, and the range or, when that comes from a pool, the length of its prefix.
    fn natural(want: &Self, _token: &str) -> Option<String> {
        let length = || want.ipv4_netmask_length.map(|n| format!("/{n}")).unwrap_or_default();
        Some(format!("{} {}", want.vpc_id, given(&want.cidr_block).unwrap_or_else(length)))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let (vpc, range) = name(trace)?.split_once(' ').unwrap_or_default();
        let vpc = shared::vpcs(cx, [vpc]).await?.remove(vpc);
        let Some(found) = vpc.as_deref().and_then(|v| added(v, range)) else { return Ok(None) };
        let there = found.cidr_block.as_deref().unwrap_or_default();
        if there == range {
            return Ok(found.association_id.clone().map(|id| Id(id.into())));
        }
        let text = format!(
            "it cannot be told whether the range {there} of {} was added by the run that was cut off: import it, or take it away",
            vpc.as_deref().and_then(types::Vpc::vpc_id).unwrap_or_default()
        );
        Err(Error::other(text))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let known = asks.iter().filter_map(|a| Some(a.prior.as_ref()?.vpc_id.clone()));
        let mut vpcs: Vec<_> = shared::vpcs(cx, known).await?.into_values().collect();
        let strange: Vec<_> = asks.iter().filter(|a| a.prior.is_none()).map(|a| a.id.0.to_string()).collect();
        if !strange.is_empty() {
            let call = cx.ec2().describe_vpcs().filters(filter("cidr-block-association.association-id", strange));
            let more = call.into_paginator().items().send().try_collect().await.api()?;
            vpcs.extend(more.into_iter().map(std::sync::Arc::new));
        }
        Ok(asks.iter().filter_map(|ask| vpcs.iter().find_map(|v| from_remote(v, ask))).collect())
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.ec2().disassociate_vpc_cidr_block().association_id(&*id.0).send().await.api()?;
        Ok(())
    }
}

/// A range that was added to a VPC: a certain one, or one with a certain length of the prefix, or any.
fn added<'a>(vpc: &'a types::Vpc, range: &str) -> Option<&'a types::VpcCidrBlockAssociation> {
    let live = |a: &&types::VpcCidrBlockAssociation| {
        let state = a.cidr_block_state.as_ref().and_then(|s| s.state.as_ref());
        matches!(state, None | Some(VpcCidrBlockStateCode::Associated | VpcCidrBlockStateCode::Associating))
    };
    let own = vpc.cidr_block.as_deref();
    let others = vpc.cidr_block_association_set().iter().filter(live).filter(|a| a.cidr_block.as_deref() != own);
    let open = range.is_empty() || range.starts_with('/');
    let fits = |r: &str| r == range || open && r.ends_with(range);
    others.into_iter().find(|a| a.cidr_block.as_deref().is_some_and(fits))
}

fn from_remote(vpc: &types::Vpc, ask: &Ask<VpcIpv4CidrBlockAssociation>) -> Option<Found<VpcIpv4CidrBlockAssociation>> {
    let all = vpc.cidr_block_association_set();
    let a = all.iter().find(|a| a.association_id.as_deref() == Some(&*ask.id.0))?;
    let state = a.cidr_block_state.as_ref();
    let status = match state.and_then(|s| s.state.as_ref()) {
        Some(VpcCidrBlockStateCode::Disassociated) => return None,
        Some(VpcCidrBlockStateCode::Failed | VpcCidrBlockStateCode::Failing) => {
            Status::Failed(state.and_then(|s| s.status_message.clone()).unwrap_or_else(|| "the association failed".into()))
        }
        Some(VpcCidrBlockStateCode::Associated) | None => Status::Ready,
        Some(_) => Status::Pending,
    };
    let object = VpcIpv4CidrBlockAssociation {
        cidr_block: a.cidr_block.clone().unwrap_or_default(),
        ipv4_ipam_pool_id: None,
        ipv4_netmask_length: None,
        vpc_id: vpc.vpc_id.clone().unwrap_or_default(),
    };
    Some(Found { id: ask.id.clone(), status, object })
}
