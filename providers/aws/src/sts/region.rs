//! A region, by name or by the host name of its EC2 endpoint.

use secstack_sdk::typed::{DataSource, Schema};
use secstack_sdk::{Error, ErrorKind, Result};

use crate::{Aws, partition};

/// A region: the provider's own unless the arguments say another.
#[derive(Clone, Debug, Schema)]
#[data("aws_region", framework)]
pub struct RegionData {
    /// What people call the region.
    #[attr(output)]
    pub description: Option<String>,
    /// The host name of the region's EC2 endpoint.
    #[attr(computed)]
    pub endpoint: Option<String>,
    /// The name of the region.
    #[attr(computed)]
    pub id: Option<String>,
    /// The name of the region.
    #[attr(computed)]
    pub name: Option<String>,
}

impl DataSource for RegionData {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let by_endpoint = want.endpoint.as_deref().map(|e| e.split('.').nth(1).unwrap_or_default());
        let name = want.name.as_deref().or(by_endpoint).unwrap_or_else(|| cx.region()).to_string();
        let endpoint = format!("ec2.{name}.{}", partition::of(&name).dns_suffix);
        if !partition::is_region(&name) || want.endpoint.is_some_and(|e| e != endpoint) {
            return Err(Error::new(ErrorKind::Invalid, "finding Region: no Region matches the given name and endpoint"));
        }
        let description = DESCRIPTIONS.iter().find(|(n, _)| *n == name).map_or("", |(_, d)| d);
        Ok(Self { description: Some(description.into()), endpoint: Some(endpoint), id: Some(name.clone()), name: Some(name) })
    }
}

const DESCRIPTIONS: &[(&str, &str)] = &[
    ("af-south-1", "Africa (Cape Town)"),
    ("ap-east-1", "Asia Pacific (Hong Kong)"),
    ("ap-northeast-1", "Asia Pacific (Tokyo)"),
    ("ap-northeast-2", "Asia Pacific (Seoul)"),
    ("ap-northeast-3", "Asia Pacific (Osaka)"),
    ("ap-south-1", "Asia Pacific (Mumbai)"),
    ("ap-south-2", "Asia Pacific (Hyderabad)"),
    ("ap-southeast-1", "Asia Pacific (Singapore)"),
    ("ap-southeast-2", "Asia Pacific (Sydney)"),
    ("ap-southeast-3", "Asia Pacific (Jakarta)"),
    ("ap-southeast-4", "Asia Pacific (Melbourne)"),
    ("ap-southeast-5", "Asia Pacific (Malaysia)"),
    ("ap-southeast-7", "Asia Pacific (Thailand)"),
    ("ca-central-1", "Canada (Central)"),
    ("ca-west-1", "Canada West (Calgary)"),
    ("cn-north-1", "China (Beijing)"),
    ("cn-northwest-1", "China (Ningxia)"),
    ("eu-central-1", "Europe (Frankfurt)"),
    ("eu-central-2", "Europe (Zurich)"),
    ("eu-north-1", "Europe (Stockholm)"),
    ("eu-south-1", "Europe (Milan)"),
    ("eu-south-2", "Europe (Spain)"),
    ("eu-west-1", "Europe (Ireland)"),
    ("eu-west-2", "Europe (London)"),
    ("eu-west-3", "Europe (Paris)"),
    ("il-central-1", "Israel (Tel Aviv)"),
    ("me-central-1", "Middle East (UAE)"),
    ("me-south-1", "Middle East (Bahrain)"),
    ("mx-central-1", "Mexico (Central)"),
    ("sa-east-1", "South America (Sao Paulo)"),
    ("us-east-1", "US East (N. Virginia)"),
    ("us-east-2", "US East (Ohio)"),
    ("us-gov-east-1", "AWS GovCloud (US-East)"),
    ("us-gov-west-1", "AWS GovCloud (US-West)"),
    ("us-west-1", "US West (N. California)"),
    ("us-west-2", "US West (Oregon)"),
];
