//! The part of AWS that the region belongs to.

use secstack_sdk::Result;
use secstack_sdk::typed::{DataSource, Schema};

use crate::{Aws, partition};

/// The partition that the region belongs to.
#[derive(Clone, Debug, Schema)]
#[data("aws_partition")]
pub struct PartitionData {
    /// The end of host names.
    #[attr(output)]
    pub dns_suffix: Option<String>,
    /// The name of the partition.
    #[attr(computed)]
    pub id: Option<String>,
    /// The name of the partition.
    #[attr(output)]
    pub partition: Option<String>,
    /// The end of host names, turned around.
    #[attr(output)]
    pub reverse_dns_prefix: Option<String>,
}

impl DataSource for PartitionData {
    type Cx = Aws;

    async fn read(cx: &Aws, _want: Self) -> Result<Self> {
        let found = partition::of(cx.region());
        Ok(Self {
            dns_suffix: Some(found.dns_suffix.into()),
            id: Some(found.name.into()),
            partition: Some(found.name.into()),
            reverse_dns_prefix: Some(found.reverse_dns_prefix.into()),
        })
    }
}
