//! `aws_internet_gateway`

use aws_sdk_ec2::types::ResourceType;
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{ErrorKind, Id, Result, Trace};

use super::{arn, filter, given, made, retag, tagged, tags_of};
use crate::Aws;
use crate::error::Answer;

/// Connects a VPC to the internet.
#[derive(Clone, Debug, Schema)]
#[resource("aws_internet_gateway", timeouts(create, delete, update))]
pub struct InternetGateway {
    /// The ARN of the gateway.
    #[attr(output)]
    pub arn: String,
    /// The account that owns the gateway.
    #[attr(output)]
    pub owner_id: String,
    /// Tags of the gateway.
    #[attr(tags)]
    pub tags: Tags,
    /// The VPC that the gateway is attached to.
    #[attr(computed)]
    pub vpc_id: String,
}

impl Resource for InternetGateway {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let tags = tagged(ResourceType::InternetGateway, &want.tags, token);
        let made = cx.ec2().create_internet_gateway().set_tag_specifications(tags).send().await.api()?;
        Id::of(made.internet_gateway.and_then(|g| g.internet_gateway_id))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        made::internet_gateway(cx, trace).await
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        let Some(vpc) = given(&want.vpc_id) else { return Ok(()) };
        match attach(cx, id, &vpc).await {
            Err(e) if e.message.contains("Resource.AlreadyAssociated") => attached_to(cx, id, &vpc, e).await,
            other => other,
        }
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let ids = asks.iter().map(|a| &*a.id.0);
        let call = cx.ec2().describe_internet_gateways().filters(filter("internet-gateway-id", ids));
        let found = call.into_paginator().items().send().try_collect().await.api()?;
        let object = |g: aws_sdk_ec2::types::InternetGateway| {
            let id = Id::of(g.internet_gateway_id.clone())?;
            let owner_id = g.owner_id.clone().unwrap_or_default();
            let object = Self {
                arn: arn(cx, &owner_id, &format!("internet-gateway/{id}")),
                owner_id,
                tags: tags_of(g.tags()),
                vpc_id: g.attachments().first().and_then(|a| a.vpc_id.clone()).unwrap_or_default(),
            };
            Ok(Found::ready(id, object))
        };
        found.into_iter().map(object).collect()
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        if prior.vpc_id != want.vpc_id {
            detach(cx, id, &prior.vpc_id).await?;
            if let Some(vpc) = given(&want.vpc_id) {
                attach(cx, id, &vpc).await?;
            }
        }
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
        detach(cx, id, &prior.vpc_id).await?;
        cx.ec2().delete_internet_gateway().internet_gateway_id(&*id.0).send().await.api()?;
        Ok(())
    }
}

async fn attach(cx: &Aws, id: &Id, vpc: &str) -> Result<()> {
    cx.ec2().attach_internet_gateway().internet_gateway_id(&*id.0).vpc_id(vpc).send().await.api()?;
    Ok(())
}

/// Success when what is attached is this gateway to this VPC, as after a call that is repeated.
async fn attached_to(cx: &Aws, id: &Id, vpc: &str, otherwise: secstack_sdk::Error) -> Result<()> {
    let there = InternetGateway::read(cx, &[Ask::id(id.0.clone())]).await?;
    if there.iter().any(|f| f.object.vpc_id == vpc) { Ok(()) } else { Err(otherwise) }
}

async fn detach(cx: &Aws, id: &Id, vpc: &str) -> Result<()> {
    if vpc.is_empty() {
        return Ok(());
    }
    match cx.ec2().detach_internet_gateway().internet_gateway_id(&*id.0).vpc_id(vpc).send().await.api() {
        Err(e) if e.kind == ErrorKind::NotFound || e.message.contains("Gateway.NotAttached") => Ok(()),
        other => other.map(|_| ()),
    }
}
