//! Plays seeds of the simulation and says how they went.
//!
//!     simulate [SEEDS] [--from FIRST] [--as-it-is]
//!
//! Exits with 1 when a seed fails, after the shortest case of it; `--as-it-is` shows the case without looking for a shorter
//! one, which takes a while.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use secstack_tests::simulate::{Broken, Script, explained, simulate};

/// What must have happened in a run of this many seeds or more, for it to say anything.
const ENOUGH: u64 = 1000;
const MUST_HAPPEN: [&str; 19] = [
    "killed",
    "frozen",
    "took up",
    "found: adopted",
    "found: known",
    "found: not made",
    "found: read",
    "throttled",
    "refused",
    "lost on its way there",
    "lost on its way back",
    "credentials expired",
    "call of a run that had lost its lock",
    "left with open intents",
    "woken in the middle",
    "write of a run that had lost its lock",
    "bucket: busy",
    "bucket: condition refused",
    "bucket: write failed",
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut seeds, mut from, mut as_it_is) = (2000, 0, false);
    while let Some(a) = arguments.next() {
        if a == "--as-it-is" {
            as_it_is = true;
            continue;
        }
        let number =
            if a == "--from" { arguments.next().and_then(|n| n.parse().ok()).map(|n| from = n) } else { a.parse().ok().map(|n| seeds = n) };
        if number.is_none() {
            eprintln!("usage: simulate [SEEDS] [--from FIRST] [--as-it-is]");
            return ExitCode::from(2);
        }
    }
    let began = Instant::now();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let mut failed = Vec::new();
    for seed in from..from + seeds {
        let outcome = simulate(&Script::of(seed), Broken::Nothing);
        for (what, times) in outcome.seen {
            *seen.entry(what).or_default() += times;
        }
        if let Some(wrong) = outcome.wrong {
            failed.push((seed, wrong, outcome.told));
        }
    }
    let took = began.elapsed().as_secs_f64();
    println!("{seeds} seeds in {took:.1} s, {} failed", failed.len());
    for (what, times) in &seen {
        println!("{times:9} {what}");
    }
    for (seed, wrong, _) in &failed {
        println!("seed {seed}: {}", wrong.lines().next().unwrap_or_default());
    }
    if let Some((first, wrong, told)) = failed.first() {
        println!("\n{}", if as_it_is { format!("{told}{wrong}") } else { explained(*first) });
        return ExitCode::FAILURE;
    }
    let missing: Vec<&str> = MUST_HAPPEN.into_iter().filter(|w| !seen.contains_key(w)).collect();
    if seeds >= ENOUGH && !missing.is_empty() {
        println!("these never happened, so that nothing is known of them: {}", missing.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
