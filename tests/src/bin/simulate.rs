//! Plays seeds of the simulation and says how they went.
//!
//!     simulate [SEEDS] [--from FIRST]
//!
//! Exits with 1 when a seed fails, after the shortest case of it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use secstack_tests::simulate::{Broken, Script, explained, simulate};

/// What must have happened in a run of this many seeds or more, for it to say anything.
const ENOUGH: u64 = 1000;
const MUST_HAPPEN: [&str; 14] = [
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
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut seeds, mut from) = (2000, 0);
    while let Some(a) = arguments.next() {
        let number =
            if a == "--from" { arguments.next().and_then(|n| n.parse().ok()).map(|n| from = n) } else { a.parse().ok().map(|n| seeds = n) };
        if number.is_none() {
            eprintln!("usage: simulate [SEEDS] [--from FIRST]");
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
        if outcome.wrong.is_some() {
            failed.push(seed);
        }
    }
    let took = began.elapsed().as_secs_f64();
    println!("{seeds} seeds in {took:.1} s, {} failed", failed.len());
    for (what, times) in &seen {
        println!("{times:9} {what}");
    }
    if let Some(first) = failed.first() {
        println!("failed: {failed:?}\n\n{}", explained(*first));
        return ExitCode::FAILURE;
    }
    let missing: Vec<&str> = MUST_HAPPEN.into_iter().filter(|w| !seen.contains_key(w)).collect();
    if seeds >= ENOUGH && !missing.is_empty() {
        println!("these never happened, so that nothing is known of them: {}", missing.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
