//! `aws_egress_only_internet_gateway`

use aws_sdk_ec2::types::{self, AttachmentStatus, ResourceType};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Trace};

use super::{made, retag, tagged, tags_of};
use crate::Aws;
use crate::error::Answer;

/// Lets instances of a VPC reach the internet over IPv6, but not be reached.
#[derive(Clone, Debug, Schema)]
#[resource("aws_egress_only_internet_gateway")]
pub struct EgressOnlyInternetGateway {
    /// Tags of the gateway.
    #[attr(tags)]
    pub tags: Tags,
    /// The VPC of the gateway.
    #[attr(forces_new)]
    pub vpc_id: String,
}

impl Resource for EgressOnlyInternetGateway {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let call = cx.ec2().create_egress_only_internet_gateway().vpc_id(&want.vpc_id).client_token(token);
        let tags = tagged(ResourceType::EgressOnlyInternetGateway, &want.tags, token);
        let made = call.set_tag_specifications(tags).send().await.api()?;
        Id::of(made.egress_only_internet_gateway.and_then(|g| g.egress_only_internet_gateway_id))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        made::egress_only_internet_gateway(cx, trace).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        // There is no filter by ID and one missing ID fails the call, but a region has no more than a few of them.
        let all = cx.ec2().describe_egress_only_internet_gateways().into_paginator().items().send();
        let found: Vec<types::EgressOnlyInternetGateway> = all.try_collect().await.api()?;
        let object = |ask: &Ask<Self>| {
            let g = found.iter().find(|g| g.egress_only_internet_gateway_id.as_deref() == Some(&*ask.id.0))?;
            let attached = g.attachments().iter().find(|a| a.state == Some(AttachmentStatus::Attached));
            let vpc_id = attached.and_then(|a| a.vpc_id.clone()).unwrap_or_default();
            Some(Found::ready(ask.id.clone(), Self { tags: tags_of(g.tags()), vpc_id }))
        };
        Ok(asks.iter().filter_map(object).collect())
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.ec2().delete_egress_only_internet_gateway().egress_only_internet_gateway_id(&*id.0).send().await.api()?;
        Ok(())
    }
}
