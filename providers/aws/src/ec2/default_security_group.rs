//! `aws_default_security_group`: the group that AWS made with a VPC, taken over with all its rules. It is never deleted.

use std::collections::BTreeSet;
use std::time::Duration;

use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::{Known, Shared, Weakness};
use secstack_sdk::naming::prefix_of;
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Error, ErrorKind, Id, Result, Trace, Wait};

use super::drift;
use super::rules::{self, Rule, Way};
use super::{arn, filter, retag, shared, tags_of};
use crate::Aws;
use crate::error::Answer;

/// The security group that AWS made with a VPC.
#[derive(Clone, Debug, Schema)]
#[resource("aws_default_security_group", version = 1)]
pub struct DefaultSecurityGroup {
    /// The ARN of the group.
    #[attr(output)]
    pub arn: String,
    /// What the group is for.
    #[attr(output)]
    pub description: String,
    /// All rules on traffic out.
    #[attr(computed, as_blocks)]
    pub egress: BTreeSet<Rule>,
    /// All rules on traffic in.
    #[attr(computed, as_blocks)]
    pub ingress: BTreeSet<Rule>,
    /// The name: `default`.
    #[attr(output)]
    pub name: String,
    /// How a name that is made up begins.
    #[attr(output)]
    pub name_prefix: String,
    /// The account that owns the group.
    #[attr(output)]
    pub owner_id: String,
    /// Has no effect, since the group is never deleted.
    #[attr(default = false, local, unset_by_import)]
    pub revoke_rules_on_delete: bool,
    /// Tags of the group.
    #[attr(tags)]
    pub tags: Tags,
    /// The VPC of the group.
    #[attr(computed, forces_new)]
    pub vpc_id: String,
}

impl Resource for DefaultSecurityGroup {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    // Deleting only forgets.
    const WAIT: Wait = Wait { delete: Duration::ZERO, ..Wait::DEFAULT };

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        let vpc = match want.vpc_id.as_str() {
            "" => default_vpc(cx).await?,
            vpc => vpc.to_string(),
        };
        let call = cx.ec2().describe_security_groups().filters(filter("vpc-id", [&vpc]));
        let found = call.filters(filter("group-name", ["default"])).send().await.api()?;
        let id = found.security_groups().first().and_then(|g| g.group_id.clone());
        let id = id.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no default security group in {vpc}")))?;
        Ok(Id(id.into()))
    }

    /// The object was there before: taking it over again does no harm.
    async fn find_made(_cx: &Aws, _trace: &Trace) -> Result<Option<Id>> {
        Ok(None)
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        let group = rules::converge(cx, id, &want.ingress, &want.egress).await?;
        retag(cx, &id.0, &tags_of(group.tags()), &want.tags).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let groups = shared::security_groups(cx, asks.iter().map(|a| &*a.id.0)).await?;
        let object = |ask: &Ask<Self>| {
            let g = groups.get(&*ask.id.0)?;
            let known = |f: fn(&Self) -> &BTreeSet<Rule>| ask.prior.as_ref().map(|p| f(p).clone()).unwrap_or_default();
            let owner_id = g.owner_id.clone().unwrap_or_default();
            let name = g.group_name.clone().unwrap_or_default();
            let object = Self {
                arn: arn(cx, &owner_id, &format!("security-group/{}", ask.id)),
                description: g.description.clone().unwrap_or_default(),
                egress: rules::grouped(rules::atoms_of(g, Way::Out), &known(|p| &p.egress)),
                ingress: rules::grouped(rules::atoms_of(g, Way::In), &known(|p| &p.ingress)),
                name_prefix: prefix_of(&name).unwrap_or_default().into(),
                name,
                owner_id,
                revoke_rules_on_delete: false,
                tags: tags_of(g.tags()),
                vpc_id: g.vpc_id.clone().unwrap_or_default(),
            };
            Some(Found::ready(ask.id.clone(), object))
        };
        Ok(asks.iter().filter_map(object).collect())
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        rules::change(cx, &id.0, Way::In, &rules::atoms(&prior.ingress), &rules::atoms(&want.ingress)).await?;
        rules::change(cx, &id.0, Way::Out, &rules::atoms(&prior.egress), &rules::atoms(&want.egress)).await?;
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(_cx: &Aws, _id: &Id, _prior: &Self) -> Result<()> {
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        rules::spell(draft, "ingress");
        rules::spell(draft, "egress");
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        now.map(|now| drift::group_opened((&was.ingress, &was.egress), (&now.ingress, &now.egress))).unwrap_or_default()
    }

    fn shared(id: &Id, now: &Self, known: &Known) -> Vec<Shared> {
        drift::group_rules(id, &now.ingress, &now.egress, known)
    }
}

async fn default_vpc(cx: &Aws) -> Result<String> {
    let found = cx.ec2().describe_vpcs().filters(filter("is-default", ["true"])).send().await.api()?;
    let id = found.vpcs().first().and_then(|v| v.vpc_id.clone());
    id.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no default VPC in the region"))
}
