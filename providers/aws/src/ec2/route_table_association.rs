//! `aws_route_table_association`. Choosing another table gives the association another ID. As in Terraform the plan does not
//! say so: until the next one, what refers to the ID has the old one.

use aws_sdk_ec2::types::{self, RouteTableAssociationStateCode};
use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Error, ErrorKind, Id, Result, Status};

use super::{filter, given, shared};
use crate::Aws;
use crate::error::Answer;

/// Says which route table a subnet or gateway uses.
#[derive(Clone, Debug, Schema)]
#[resource("aws_route_table_association", timeouts(create, delete, update), exactly_one(gateway_id, subnet_id))]
pub struct RouteTableAssociation {
    /// The gateway.
    #[attr(optional, forces_new)]
    pub gateway_id: String,
    /// What EC2 calls the association.
    #[attr(computed)]
    pub id: String,
    /// The route table.
    pub route_table_id: String,
    /// The subnet.
    #[attr(optional, forces_new)]
    pub subnet_id: String,
}

impl Resource for RouteTableAssociation {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        let call = cx.ec2().associate_route_table().route_table_id(&want.route_table_id);
        let call = call.set_subnet_id(given(&want.subnet_id)).set_gateway_id(given(&want.gateway_id));
        Id::of(call.send().await.api()?.association_id)
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        let target = given(&want.subnet_id).unwrap_or_else(|| want.gateway_id.clone());
        Some(format!("{target}/{}", want.route_table_id))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let known = asks.iter().filter_map(|a| Some(a.prior.as_ref()?.route_table_id.clone()));
        let mut tables: Vec<_> = shared::route_tables(cx, known).await?.into_values().collect();
        let found = |ask: &Ask<Self>, tables: &[std::sync::Arc<types::RouteTable>]| {
            tables.iter().flat_map(|t| t.associations()).find_map(|a| from_remote(a, ask))
        };
        let missing: Vec<_> = asks.iter().filter(|a| found(a, &tables).is_none()).map(|a| a.id.0.to_string()).collect();
        if !missing.is_empty() {
            let call = cx.ec2().describe_route_tables();
            let call = call.filters(filter("association.route-table-association-id", missing));
            let more = call.into_paginator().items().send().try_collect().await.api()?;
            tables.extend(more.into_iter().map(std::sync::Arc::new));
        }
        Ok(asks.iter().filter_map(|a| found(a, &tables)).collect())
    }

    async fn update(cx: &Aws, id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        let call = cx.ec2().replace_route_table_association().association_id(&*id.0);
        call.route_table_id(&want.route_table_id).send().await.api()?;
        Ok(())
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.ec2().disassociate_route_table().association_id(&*id.0).send().await.api()?;
        Ok(())
    }

    /// The text is `SUBNET/TABLE` or `GATEWAY/TABLE`.
    async fn parse_import(cx: &Aws, text: &str) -> Result<Ask<Self>> {
        let Some((target, table)) = text.split_once('/') else {
            let text = format!("{text:?} is not of the form SUBNETID/ROUTETABLEID or GATEWAYID/ROUTETABLEID");
            return Err(Error::new(ErrorKind::Invalid, text));
        };
        let tables = shared::route_tables(cx, [table]).await?;
        let of = |a: &&types::RouteTableAssociation| [&a.subnet_id, &a.gateway_id].iter().any(|t| t.as_deref() == Some(target));
        let found = tables.get(table).and_then(|t| t.associations().iter().find(of));
        let id = found.and_then(|a| a.route_table_association_id.clone());
        let id = id.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("{target} is not associated with {table}")))?;
        Ok(Ask::id(id))
    }
}

/// The association that was asked for: by its ID, or, once the table was changed, by what it concerns.
fn from_remote(a: &types::RouteTableAssociation, ask: &Ask<RouteTableAssociation>) -> Option<Found<RouteTableAssociation>> {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let object = RouteTableAssociation {
        gateway_id: text(&a.gateway_id),
        id: text(&a.route_table_association_id),
        route_table_id: text(&a.route_table_id),
        subnet_id: text(&a.subnet_id),
    };
    let by_target = |p: &RouteTableAssociation| {
        (&p.route_table_id, &p.subnet_id, &p.gateway_id) == (&object.route_table_id, &object.subnet_id, &object.gateway_id)
    };
    if object.id != *ask.id.0 && !ask.prior.as_ref().is_some_and(by_target) {
        return None;
    }
    let state = a.association_state.as_ref().and_then(|s| s.state.as_ref());
    let status = match state {
        Some(RouteTableAssociationStateCode::Disassociated) => return None,
        Some(RouteTableAssociationStateCode::Associated) | None => Status::Ready,
        Some(RouteTableAssociationStateCode::Failed) => {
            let why = a.association_state.as_ref().and_then(|s| s.status_message.clone());
            Status::Failed(why.unwrap_or_else(|| "the association failed".into()))
        }
        Some(_) => Status::Pending,
    };
    Some(Found { id: ask.id.clone(), status, object })
}
