//! `aws_security_group`

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::ResourceType;
use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::{Known, Shared, Weakness};
use secstack_sdk::naming::{prefix_of, unique_for};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Trace, check};

use super::drift;
use super::rules::{self, Rule, Way};
use super::{arn, given, made, retag, shared, tagged, tags_of};
use crate::Aws;
use crate::error::Answer;

/// Rules on the traffic of network interfaces.
#[derive(Clone, Debug, Schema)]
#[resource("aws_security_group", version = 1, timeouts(create, delete), conflicts(name, name_prefix))]
pub struct SecurityGroup {
    /// The ARN of the group.
    #[attr(output)]
    pub arn: String,
    /// What the group is for.
    #[attr(default = "Managed by Terraform", forces_new, check = check::length(0, 255))]
    pub description: String,
    /// All rules on traffic out. Use either these or resources for single rules.
    #[attr(computed, as_blocks)]
    pub egress: BTreeSet<Rule>,
    /// All rules on traffic in. Use either these or resources for single rules.
    #[attr(computed, as_blocks)]
    pub ingress: BTreeSet<Rule>,
    /// The name.
    #[attr(computed, forces_new, check = check::length(0, 255), check = check::no_prefix("sg-"))]
    pub name: String,
    /// How a name that is made up begins.
    #[attr(computed, forces_new, check = check::length(0, 100), check = check::no_prefix("sg-"))]
    pub name_prefix: String,
    /// The account that owns the group.
    #[attr(output)]
    pub owner_id: String,
    /// Whether all rules are taken away before the group is deleted.
    #[attr(default = false, local, unset_by_import)]
    pub revoke_rules_on_delete: bool,
    /// Tags of the group.
    #[attr(tags)]
    pub tags: Tags,
    /// The VPC of the group.
    #[attr(computed, forces_new)]
    pub vpc_id: String,
}

impl Resource for SecurityGroup {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let name = given(&want.name).unwrap_or_else(|| match want.name_prefix.as_str() {
            "" => unique_for("terraform-", token),
            prefix => unique_for(prefix, token),
        });
        let call = cx.ec2().create_security_group().group_name(name).set_description(given(&want.description));
        let call = call.set_vpc_id(given(&want.vpc_id));
        let made = call.set_tag_specifications(tagged(ResourceType::SecurityGroup, &want.tags, token)).send().await.api()?;
        Id::of(made.group_id)
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        made::security_group(cx, trace).await
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        rules::converge(cx, id, &want.ingress, &want.egress).await?;
        Ok(())
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let groups = shared::security_groups(cx, asks.iter().map(|a| &*a.id.0)).await?;
        let prior: BTreeMap<&str, &Self> = asks.iter().filter_map(|a| Some((&*a.id.0, a.prior.as_ref()?))).collect();
        let mut out = vec![];
        for (id, g) in &groups {
            let known = |f: fn(&Self) -> &BTreeSet<Rule>| prior.get(&**id).map(|p| f(p).clone()).unwrap_or_default();
            let owner_id = g.owner_id.clone().unwrap_or_default();
            let name = g.group_name.clone().unwrap_or_default();
            let object = Self {
                arn: arn(cx, &owner_id, &format!("security-group/{id}")),
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
            out.push(Found::ready(Id(id.as_str().into()), object));
        }
        Ok(out)
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        rules::change(cx, &id.0, Way::In, &rules::atoms(&prior.ingress), &rules::atoms(&want.ingress)).await?;
        rules::change(cx, &id.0, Way::Out, &rules::atoms(&prior.egress), &rules::atoms(&want.egress)).await?;
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
        if prior.revoke_rules_on_delete {
            rules::converge(cx, id, &BTreeSet::new(), &BTreeSet::new()).await?;
        }
        cx.ec2().delete_security_group().group_id(&*id.0).send().await.api()?;
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
