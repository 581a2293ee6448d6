//! The tag by which an object is found that a run has created and not heard of.

use aws_sdk_ec2::types::{Filter, Tag};
use futures::future::try_join_all;
use secstack_sdk::{Id, Result, Trace};

use super::filter;
use crate::Aws;
use crate::error::{Answer, Missing};
use crate::made::INTENT;

/// The most objects that a call takes tags from.
const UNTAG_MOST: usize = 1000;
/// How many calls for one object each are under way at once.
const AT_ONCE: usize = 8;

/// The condition that an object has the tag of a creation.
pub fn has_tag(trace: &Trace) -> Filter {
    filter(&format!("tag:{INTENT}"), [&*trace.token])
}

/// Whether an object has the tag of a creation. Checked again, since emulators overlook some conditions.
pub fn is_marked(tags: &[Tag], trace: &Trace) -> bool {
    tags.iter().any(|t| t.key.as_deref() == Some(INTENT) && t.value.as_deref() == Some(&*trace.token))
}

macro_rules! finders {
    ($($(#[$doc:meta])* $name:ident: $describe:ident, $id:ident;)*) => {$(
        $(#[$doc])*
        pub async fn $name(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
            let call = cx.ec2().$describe().filters(has_tag(trace));
            let found: Vec<_> = call.into_paginator().items().send().try_collect().await.api()?;
            let made = found.into_iter().find(|o| is_marked(o.tags(), trace)).and_then(|o| o.$id);
            Ok(made.map(|id| Id(id.into())))
        }
    )*};
}

finders! {
    /// The VPC of a creation.
    vpc: describe_vpcs, vpc_id;
    /// The subnet of a creation.
    subnet: describe_subnets, subnet_id;
    /// The internet gateway of a creation.
    internet_gateway: describe_internet_gateways, internet_gateway_id;
    /// The egress-only internet gateway of a creation.
    egress_only_internet_gateway: describe_egress_only_internet_gateways, egress_only_internet_gateway_id;
    /// The route table of a creation.
    route_table: describe_route_tables, route_table_id;
    /// The network ACL of a creation.
    network_acl: describe_network_acls, network_acl_id;
    /// The security group of a creation.
    security_group: describe_security_groups, group_id;
    /// The rule of a security group of a creation.
    security_group_rule: describe_security_group_rules, security_group_rule_id;
    /// The DHCP options of a creation.
    dhcp_options: describe_dhcp_options, dhcp_options_id;
}

/// Takes the tag away. Objects that are gone do not matter.
pub async fn unmark(cx: &Aws, ids: &[&Id]) -> Result<()> {
    for batch in ids.chunks(UNTAG_MOST) {
        if delete_tag(cx, batch).await.or_missing()?.is_some() {
            continue;
        }
        // One that is gone fails the call for all.
        for some in batch.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|id| delete_tag_if_there(cx, id))).await?;
        }
    }
    Ok(())
}

async fn delete_tag_if_there(cx: &Aws, id: &Id) -> Result<()> {
    delete_tag(cx, &[id]).await.or_missing().map(drop)
}

async fn delete_tag(cx: &Aws, ids: &[&Id]) -> Result<()> {
    let ids = ids.iter().map(|id| id.0.to_string()).collect();
    let tag = Tag::builder().key(INTENT).build();
    cx.ec2().delete_tags().set_resources(Some(ids)).tags(tag).send().await.api()?;
    Ok(())
}
