//! `aws_vpc_dhcp_options_association`. Its ID is made of both ends, so that other options give it another one. As in Terraform
//! the plan does not say so: until the next one, what refers to the ID has the old one.

use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Error, ErrorKind, Id, Result, Trace};

use super::shared;
use crate::Aws;
use crate::error::Answer;
use crate::made::name;

/// Says which DHCP options a VPC uses.
#[derive(Clone, Debug, Schema)]
#[resource("aws_vpc_dhcp_options_association")]
pub struct VpcDhcpOptionsAssociation {
    /// The DHCP options, or `default`.
    pub dhcp_options_id: String,
    /// The IDs of both.
    #[attr(computed)]
    pub id: String,
    /// The VPC.
    #[attr(forces_new)]
    pub vpc_id: String,
}

impl Resource for VpcDhcpOptionsAssociation {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        want.associate(cx).await?;
        Ok(Id(want.id().into()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(want.id())
    }

    /// By its ID, since what is imported is whatever the VPC uses.
    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let found = Self::read(cx, &[Ask::id(name(trace)?)]).await?;
        Ok(found.into_iter().next().map(|f| f.id))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let ends = |ask: &Ask<Self>| match &ask.prior {
            Some(p) => Some((p.dhcp_options_id.clone(), p.vpc_id.clone())),
            None => ask.id.0.split_once("-vpc-").map(|(options, vpc)| (options.to_string(), format!("vpc-{vpc}"))),
        };
        let vpcs = shared::vpcs(cx, asks.iter().filter_map(|a| Some(ends(a)?.1))).await?;
        let object = |ask: &Ask<Self>| {
            let (options, vpc) = ends(ask)?;
            let used = vpcs.get(&vpc)?.dhcp_options_id.clone().unwrap_or_default();
            let object = Self { id: format!("{options}-{vpc}"), dhcp_options_id: options, vpc_id: vpc };
            (used == object.dhcp_options_id).then(|| Found::ready(ask.id.clone(), object))
        };
        Ok(asks.iter().filter_map(object).collect())
    }

    async fn update(cx: &Aws, _id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        want.associate(cx).await
    }

    async fn delete(cx: &Aws, _id: &Id, prior: &Self) -> Result<()> {
        Self { dhcp_options_id: "default".into(), ..prior.clone() }.associate(cx).await
    }

    /// The text is the ID of the VPC.
    async fn parse_import(cx: &Aws, text: &str) -> Result<Ask<Self>> {
        let vpc = shared::vpcs(cx, [text]).await?.remove(text);
        let options = vpc.and_then(|v| v.dhcp_options_id.clone());
        let options = options.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no VPC {text:?}")))?;
        Ok(Ask::id(format!("{options}-{text}")))
    }
}

impl VpcDhcpOptionsAssociation {
    fn id(&self) -> String {
        format!("{}-{}", self.dhcp_options_id, self.vpc_id)
    }

    async fn associate(&self, cx: &Aws) -> Result<()> {
        let call = cx.ec2().associate_dhcp_options().vpc_id(&self.vpc_id).dhcp_options_id(&self.dhcp_options_id);
        call.send().await.api()?;
        Ok(())
    }
}
