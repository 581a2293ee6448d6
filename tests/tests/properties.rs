//! What holds for every configuration, state and fault.
//!
//! A seed makes a sequence of configurations. Each is applied to what the one before it left, with faults on the way,
//! and then again without.

#![allow(clippy::unwrap_used)] // helpers of tests, which fail by panicking

use secstack_fake::Cloud;
use secstack_state::model::Snapshot;
use secstack_tests::play::{errors, run, strays};
use secstack_tests::random::{Random, case, configuration, faults};
use secstack_tests::setting::{Setting, providers};
use secstack_tests::shown;

const SEEDS: u64 = 300;
const STEPS: usize = 4;

#[test]
fn runs_converge_whatever_fails() {
    let seeds = asked().unwrap_or(0..SEEDS);
    let count = seeds.end - seeds.start;
    let failed: Vec<String> = seeds
        .filter_map(|seed| {
            let mut told = String::new();
            let result = run(sequence(seed, &mut told)).and_then(|r| r);
            result.err().map(|e| format!("seed {seed}: {e}\n{told}"))
        })
        .collect();
    let summary: String = failed.iter().filter_map(|f| f.lines().next()).map(|l| format!("{l}\n")).collect();
    let first = failed.iter().min_by_key(|f| f.len()).cloned().unwrap_or_default();
    assert!(failed.is_empty(), "{} of {count} seeds fail:\n{summary}The shortest:\n{first}", failed.len());
}

/// The seeds that `SEED` asks for: one, or those of a range such as `1000..2000`.
fn asked() -> Option<std::ops::Range<u64>> {
    let text = std::env::var("SEED").ok()?;
    let (first, end) = text.split_once("..").unwrap_or((&text, ""));
    let first = first.parse().unwrap();
    Some(first..if end.is_empty() { first + 1 } else { end.parse().unwrap() })
}

async fn sequence(seed: u64, told: &mut String) -> Result<(), String> {
    let mut random = Random::new(seed);
    let cloud = Cloud::new();
    let mut state = Snapshot { lineage: "lineage".into(), serial: 1, ..Snapshot::new() };
    for _ in 0..STEPS {
        let text = configuration(&mut random);
        told.push_str(&format!("-- state --\n{}-- main.tf --\n{text}", shown::state(&state, &providers(&cloud))));
        let setting = Setting { cloud: cloud.clone(), ..Setting::of(&case(&text))? };
        for line in faults(&mut random) {
            told.push_str(&format!("-- cloud --\n{line}\n"));
            cloud.script(&line)?;
        }
        state = round(&setting, &state, told).await?.0;
        cloud.heal();
        let (after, ok) = round(&setting, &state, told).await?;
        if !ok {
            return Err("a run without faults fails".into());
        }
        state = after;
        let set = setting.providers();
        let again = shown::plan(&setting.plan(&set, &state, setting.options.clone()).await, &set);
        if again != "(no changes)\n" {
            return Err(format!("the plan after a successful apply is not empty:\n{again}"));
        }
    }
    Ok(())
}

/// One plan and apply. Returns the state and whether it went well.
async fn round(setting: &Setting, state: &Snapshot, told: &mut String) -> Result<(Snapshot, bool), String> {
    let set = setting.providers();
    let plan = setting.plan(&set, state, setting.options.clone()).await;
    let twice = setting.plan(&setting.providers(), state, setting.options.clone()).await;
    let text = shown::plan(&plan, &set);
    if text != shown::plan(&twice, &set) || format!("{:?}", plan.changes) != format!("{:?}", twice.changes) {
        return Err("two plans of the same input differ".into());
    }
    told.push_str(&format!("-- plan --\n{text}"));
    if plan.errored {
        return Err(format!("the plan fails: {}", errors(&plan.diags).join("\n")));
    }
    setting.cloud.take_calls();
    let (applied, _) = setting.apply(&set, plan, state).await?;
    let calls = setting.cloud.take_calls();
    told.push_str(&format!("-- calls --\n{}\n-- errors --\n{}\n", calls.join("\n"), errors(&applied.diags).join("\n")));
    let strays = strays(&setting.cloud, &applied.snapshot);
    if !strays.is_empty() {
        return Err(format!("{}\nafter:\n{}", strays.join("\n"), shown::state(&applied.snapshot, &set)));
    }
    // An object that is only changed may be left without its net for a moment, as Terraform does too.
    for (at, call) in calls.iter().enumerate() {
        let mut users = call.split(" used by ").skip(1);
        if let Some(user) = users.find(|u| calls[at..].contains(&format!("delete fake_vm {u}"))) {
            return Err(format!("{call}, which is deleted later: {user}"));
        }
    }
    Ok((applied.snapshot, !applied.diags.has_errors()))
}
