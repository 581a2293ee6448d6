//! Descriptions that more than one type needs, each asked for once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_ec2::types::{NetworkAcl, RouteTable, SecurityGroup, SecurityGroupRule, Vpc};
use futures::future::try_join_all;
use secstack_sdk::Result;

use super::{FILTER_MOST, filter};
use crate::Aws;
use crate::error::{Answer, Missing};
use crate::loader::Loader;

/// Objects by ID.
pub type ById<T> = BTreeMap<String, Arc<T>>;

macro_rules! described {
    ($($(#[$doc:meta])* $name:ident: $ty:ty, $describe:ident, $filter:literal, $id:ident;)*) => {$(
        $(#[$doc])*
        pub async fn $name(cx: &Aws, ids: impl IntoIterator<Item = impl Into<String>>) -> Result<ById<$ty>> {
            let ids: BTreeSet<String> = ids.into_iter().map(Into::into).filter(|id| !id.is_empty()).collect();
            if ids.is_empty() {
                return Ok(ById::new());
            }
            let loader = cx.cached(concat!("ec2 ", stringify!($name)), async { Ok(Loader::<$ty>::default()) }).await?;
            let fetch = |ids: Vec<String>| async move {
                let call = cx.ec2().$describe().filters(filter($filter, ids));
                let found: Vec<$ty> = call.into_paginator().items().send().try_collect().await.api()?;
                Ok(found.into_iter().filter_map(|o| Some((o.$id.clone()?, o))).collect())
            };
            loader.load(&ids, FILTER_MOST, fetch).await
        }
    )*};
}

described! {
    /// VPCs.
    vpcs: Vpc, describe_vpcs, "vpc-id", vpc_id;
    /// Route tables, with their routes and associations.
    route_tables: RouteTable, describe_route_tables, "route-table-id", route_table_id;
    /// Security groups, with their rules.
    security_groups: SecurityGroup, describe_security_groups, "group-id", group_id;
    /// Rules of security groups.
    security_group_rules: SecurityGroupRule, describe_security_group_rules, "security-group-rule-id", security_group_rule_id;
}

/// Network ACLs, with their entries and associations.
pub async fn network_acls(cx: &Aws, ids: impl IntoIterator<Item = impl Into<String>>) -> Result<ById<NetworkAcl>> {
    let ids: BTreeSet<String> = ids.into_iter().map(Into::into).filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Ok(ById::new());
    }
    let loader = cx.cached("ec2 network_acls", async { Ok(Loader::<NetworkAcl>::default()) }).await?;
    let fetch = |ids: Vec<String>| async move {
        // Emulators lack the filter by ID, so a missing ACL fails the call: then each is asked for by itself.
        let found = match network_acls_by_id(cx, ids.clone()).await? {
            Some(found) => found,
            None if ids.len() == 1 => vec![],
            None => {
                let each = try_join_all(ids.into_iter().map(|id| network_acls_by_id(cx, vec![id]))).await?;
                each.into_iter().flatten().flatten().collect()
            }
        };
        Ok(found.into_iter().filter_map(|a| Some((a.network_acl_id.clone()?, a))).collect())
    };
    loader.load(&ids, FILTER_MOST, fetch).await
}

/// The ACLs of these IDs; `None` when one does not exist.
async fn network_acls_by_id(cx: &Aws, ids: Vec<String>) -> Result<Option<Vec<NetworkAcl>>> {
    let call = cx.ec2().describe_network_acls().set_network_acl_ids(Some(ids));
    call.into_paginator().items().send().try_collect().await.api().or_missing()
}
