//! What the simulation finds: nothing as things are, and everything that is broken on purpose.

use secstack_tests::simulate::{Broken, Disturbance, How, Script, Step, Weather, explained, simulate};

const SEEDS: u64 = 2000;

#[test]
fn runs_that_are_cut_off_are_taken_up() {
    holds(0..SEEDS);
}

/// Seeds beyond those that failed once.
#[test]
fn seeds_that_failed_hold_now() {
    holds([307, 537, 639, 1186, 3739, 3847, 6220, 6263, 7002, 7342, 7444, 9005, 9215, 9298, 9363, 9843, 9961]);
}

fn holds(seeds: impl IntoIterator<Item = u64>) {
    let failed: Vec<u64> = seeds.into_iter().filter(|seed| simulate(&Script::of(*seed), Broken::Nothing).wrong.is_some()).collect();
    assert!(failed.is_empty(), "{failed:?}\n{}", failed.first().map(|seed| explained(*seed)).unwrap_or_default());
}

#[test]
fn a_seed_always_goes_the_same_way() {
    for seed in 0..50 {
        let [one, other] = [(); 2].map(|()| simulate(&Script::of(seed), Broken::Nothing));
        // Tokens are random by nature, and stand in nothing that is told.
        assert_eq!((one.told, one.seen), (other.told, other.seen), "seed {seed}");
    }
}

/// Every instant of one run: creations that depend on each other, then a change with a move, a replacement and a deletion.
#[test]
fn a_run_may_die_at_any_instant() {
    let first = r#"
resource "fake_net" "a" {
  range = "10.0.0.0/16"
}
resource "fake_vm" "b" {
  count = 2
  net   = fake_net.a.id
}
resource "fake_secret" "c" {}
"#;
    let second = r#"
resource "fake_net" "a" {
  range = "10.1.0.0/16"
  lifecycle {
    create_before_destroy = true
  }
}
resource "fake_vm" "b" {
  net  = fake_net.a.id
  size = 2
}
"#;
    let (mut cut_off, mut announced) = (0, 0);
    for how in [How::Kill, How::Freeze, How::Overlap] {
        for polls in 1..250 {
            let disturbance = Disturbance { how, polls, others: polls, weather: Weather::default() };
            let step = |text: &str| Step { configuration: text.into(), disturbances: vec![disturbance] };
            let script = Script { seed: polls, steps: vec![step(first), step(second)] };
            let outcome = simulate(&script, Broken::Nothing);
            assert_eq!(outcome.wrong, None, "{how:?} at {polls}:\n{}", outcome.told);
            let seen = |what| outcome.seen.get(what).unwrap_or(&0);
            cut_off += seen("killed") + seen("frozen");
            announced += seen("creations announced");
        }
    }
    assert!(cut_off > 100, "only {cut_off} runs were cut off");
    assert!(announced > 100, "only {announced} times creations were announced before they could begin");
}

#[test]
fn what_is_broken_on_purpose_is_noticed() {
    for (broken, says) in [
        (Broken::Intents, "in the cloud and not in the state"),
        (Broken::Settling, "in the cloud and not in the state"),
        (Broken::Fence, "a run that had lost its lock"),
    ] {
        let wrong = (0..SEEDS).find_map(|seed| simulate(&Script::of(seed), broken).wrong.filter(|w| w.contains(says)));
        assert!(wrong.is_some(), "{broken:?} goes unnoticed");
    }
}
