//! `data.aws_subnets`

use std::collections::BTreeSet;

use secstack_sdk::Result;
use secstack_sdk::typed::{DataSource, Schema, Tags};

use super::query::{FilterBlock, Query};
use crate::Aws;
use crate::error::Answer;

/// The subnets that answer to conditions.
#[derive(Clone, Debug, Schema)]
#[data("aws_subnets", timeouts(read))]
pub struct SubnetsData {
    /// What the subnets must be like.
    #[attr(block = set)]
    pub filter: BTreeSet<FilterBlock>,
    /// The region.
    #[attr(computed)]
    pub id: Option<String>,
    /// The subnets.
    #[attr(output)]
    pub ids: Vec<String>,
    /// Tags that the subnets must have.
    #[attr(computed)]
    pub tags: Option<Tags>,
}

impl DataSource for SubnetsData {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let tags = want.tags.clone().unwrap_or_default();
        let query = Query::default().tags(&tags).blocks(&want.filter);
        let found = cx.cached(query.key("subnets", "None"), async {
            let call = cx.ec2().describe_subnets().set_filters(query.filters());
            call.into_paginator().items().send().try_collect().await.api()
        });
        let ids = found.await?.iter().filter_map(|s: &aws_sdk_ec2::types::Subnet| s.subnet_id.clone()).collect();
        Ok(Self { id: Some(cx.region().into()), ids, ..want })
    }
}
