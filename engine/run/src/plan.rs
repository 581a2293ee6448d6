//! Planning with a world to ask: what the walk wants is answered as it comes, widely at once.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use secstack_plan::{Plan, Planner, Start};

use crate::answer::{answer, group};
use crate::event::Events;
use crate::load::editions;
use crate::providers::ProviderSet;

/// Makes a plan. All mistakes are in [`Plan::diags`].
pub async fn plan(start: Start, providers: &ProviderSet, events: &Events) -> Plan {
    walk(start, providers, events).await.into_plan()
}

/// Goes as far as planning goes, and leaves to the caller what to make of it.
pub async fn walk(start: Start, providers: &ProviderSet, events: &Events) -> Planner {
    editions::choose(Some(&start.config), Some(&start.state), providers);
    let mut planner = Planner::new(start);
    let mut running = FuturesUnordered::new();
    loop {
        for work in group(planner.advance()) {
            running.push(answer(work, providers, events));
        }
        let Some(answers) = running.next().await else { break };
        for a in answers {
            planner.answer(a);
        }
    }
    planner
}
