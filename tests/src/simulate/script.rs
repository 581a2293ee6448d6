//! What happens in a simulation.

use crate::random::{Random, configuration};

use super::Weather;

/// A sensitive value, which may stand in the state and nowhere else.
pub const SECRET: &str = "Sensitive-5d1c";
/// The beginning of an ephemeral value, which may stand nowhere.
pub const SESSION: &str = "opened Ephemeral-9b";

/// What is always there besides what is random.
const ALWAYS: &str = r#"
provider "fake" {
  token = ephemeral.fake_session.s.value
}
provider "fake" {
  alias = "opener"
}
ephemeral "fake_session" "s" {
  provider = fake.opener
  name     = "Ephemeral-9b"
}
variable "secret" {
  default   = "Sensitive-5d1c"
  sensitive = true
}
resource "fake_vm" "guarded" {
  password = var.secret
}
"#;

/// What happens: everything else follows from the seed.
#[derive(Clone, Debug)]
pub struct Script {
    /// Where all numbers come from.
    pub seed: u64,
    /// One configuration after the other.
    pub steps: Vec<Step>,
}

/// A configuration, and the runs that are disturbed before one may go undisturbed.
#[derive(Clone, Debug)]
pub struct Step {
    /// The text of `main.tf`.
    pub configuration: String,
    /// What happens to each run.
    pub disturbances: Vec<Disturbance>,
}

/// What happens to a run.
#[derive(Clone, Copy, Debug)]
pub struct Disturbance {
    /// How it is cut off.
    pub how: How,
    /// After so many times that it could go on.
    pub polls: u64,
    /// How often the other run can go on before it does.
    pub others: u64,
    /// How its calls fare.
    pub weather: Weather,
}

/// How a run is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is gone.
    Kill,
    /// It goes on when another run has taken over and is done.
    Freeze,
    /// It goes on while another run is at work that has taken over, or is about to.
    Overlap,
}

impl Script {
    /// The script of a seed.
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5eed);
        let steps = (0..=random.below(2)).map(|_| Step::of(&mut random)).collect();
        Self { seed, steps }
    }

    /// Scripts that leave something out.
    pub fn shorter(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for (n, step) in self.steps.iter().enumerate() {
            if self.steps.len() > 1 {
                let mut one = self.clone();
                one.steps.remove(n);
                all.push(one);
            }
            let with = |changed: Step| {
                let mut one = self.clone();
                one.steps[n] = changed;
                one
            };
            for at in 0..step.disturbances.len() {
                let mut less = step.clone();
                less.disturbances.remove(at);
                all.push(with(less));
                if !step.disturbances[at].weather.is_fair() {
                    let mut fair = step.clone();
                    fair.disturbances[at].weather = Weather::default();
                    all.push(with(fair));
                }
            }
            let blocks: Vec<&str> = step.configuration.split_inclusive("\n}\n").collect();
            for without in 0..blocks.len() {
                let kept = blocks.iter().enumerate().filter(|(i, _)| *i != without).map(|(_, b)| *b);
                all.push(with(Step { configuration: kept.collect(), ..step.clone() }));
            }
        }
        all
    }
}

impl Step {
    fn of(random: &mut Random) -> Self {
        let configuration = format!("{ALWAYS}{}", configuration(random));
        let disturbances = (0..random.below(3)).map(|_| Disturbance::of(random)).collect();
        Self { configuration, disturbances }
    }
}

impl Disturbance {
    fn of(random: &mut Random) -> Self {
        let how = match random.below(8) {
            0 => How::Freeze,
            1 => How::Overlap,
            _ => How::Kill,
        };
        // Most runs take less than two hundred.
        let mut polls = || 1 + if random.once_in(3) { random.below(30) } else { random.below(200) };
        Self { how, polls: polls(), others: polls(), weather: Weather::of(random) }
    }
}
