//! Who and where we are: the caller, the region, the partition.

pub mod caller_identity;
pub mod partition;
pub mod region;

use secstack_sdk::typed::Registry;

use crate::Aws;

/// Adds the types of this service.
pub fn register(types: Registry<Aws>) -> Registry<Aws> {
    types.data::<caller_identity::CallerIdentity>().data::<partition::PartitionData>().data::<region::RegionData>()
}
