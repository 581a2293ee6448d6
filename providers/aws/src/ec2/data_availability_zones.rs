//! `data.aws_availability_zones`

use std::collections::BTreeSet;

use secstack_sdk::typed::{DataSource, Schema};
use secstack_sdk::{Result, check};

use super::query::{FilterBlock, Query};
use crate::Aws;
use crate::error::Answer;

/// The availability zones of the region.
#[derive(Clone, Debug, Schema)]
#[data("aws_availability_zones", timeouts(read))]
pub struct AvailabilityZones {
    /// Whether zones that one did not opt in to count, too.
    pub all_availability_zones: Option<bool>,
    /// Names of zones to leave out.
    pub exclude_names: Option<BTreeSet<String>>,
    /// IDs of zones to leave out.
    pub exclude_zone_ids: Option<BTreeSet<String>>,
    /// What the zones must be like.
    #[attr(block = set)]
    pub filter: BTreeSet<FilterBlock>,
    /// The groups of the zones.
    #[attr(output)]
    pub group_names: BTreeSet<String>,
    /// The region.
    #[attr(computed)]
    pub id: Option<String>,
    /// The names of the zones.
    #[attr(output)]
    pub names: Vec<String>,
    /// The state that the zones must have.
    #[attr(check = check::one_of(["available", "information", "impaired", "unavailable", "constrained"]))]
    pub state: Option<String>,
    /// The IDs of the zones.
    #[attr(output)]
    pub zone_ids: Vec<String>,
}

impl DataSource for AvailabilityZones {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let query = Query::default().with("state", want.state.clone()).blocks(&want.filter);
        let all = want.all_availability_zones;
        let found = cx.cached(query.key("zones", &format!("{all:?}")), async {
            let call = cx.ec2().describe_availability_zones().set_all_availability_zones(all.filter(|a| *a));
            call.set_filters(query.filters()).send().await.api()
        });
        let found = found.await?;
        let mut zones: Vec<_> = found.availability_zones().to_vec();
        zones.sort_by(|a, b| a.zone_name.cmp(&b.zone_name));
        let excluded = |set: &Option<BTreeSet<String>>, value: &Option<String>| {
            set.as_ref().is_some_and(|s| value.as_ref().is_some_and(|v| s.contains(v)))
        };
        zones.retain(|z| !excluded(&want.exclude_names, &z.zone_name) && !excluded(&want.exclude_zone_ids, &z.zone_id));
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        Ok(Self {
            group_names: zones.iter().map(|z| text(&z.group_name)).collect(),
            id: Some(cx.region().into()),
            names: zones.iter().map(|z| text(&z.zone_name)).collect(),
            zone_ids: zones.iter().map(|z| text(&z.zone_id)).collect(),
            ..want
        })
    }
}
