//! Options that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// Reads the value of an option that is on or off, in the spellings that Go takes.
///
/// # Errors
/// When the text is neither.
pub fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("it must be true or false".into()),
    }
}

/// Reads a duration such as `1m30s`.
///
/// # Errors
/// When the text is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let fail = || format!("{text:?} is not a duration such as 30s or 5m");
    let (mut total, mut rest) = (0.0, text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(fail)?;
        let amount: f64 = rest[..digits].parse().map_err(|_| fail())?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |i| digits + i);
        total += amount
            * match &rest[digits..unit] {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(fail()),
            };
        rest = &rest[unit..];
    }
    if text.is_empty() { Err(fail()) } else { Duration::try_from_secs_f64(total).map_err(|_| fail()) }
}

/// How the command speaks.
#[derive(Args, Clone, Debug)]
pub struct Look {
    /// Print without colours.
    #[arg(long = "no-color", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true, hide_possible_values = true)]
    pub no_color: bool,
}

/// Whether questions may be asked.
#[derive(Args, Clone, Debug)]
pub struct Ask {
    /// Ask for values of variables that are not set, and for approval.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = switch)]
    input: Option<bool>,
}

impl Ask {
    /// Whether questions may be asked.
    pub fn allowed(&self) -> bool {
        let environment = std::env::var("TF_INPUT").ok().and_then(|t| switch(&t).ok());
        self.input.or(environment).unwrap_or(true)
    }
}

/// Locking of the state.
#[derive(Args, Clone, Debug)]
pub struct Lock {
    /// Hold a lock on the state. Without it, another run may change the state meanwhile.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", value_parser = switch)]
    pub lock: bool,
    /// How long to try for a lock that another run holds.
    #[arg(long = "lock-timeout", value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: Duration,
}

/// Where the state is, for the local backend.
#[derive(Args, Clone, Debug, Default)]
pub struct StatePaths {
    /// Read the state from this file, and write it there unless -state-out is given. Old; only for local states.
    #[arg(long, value_name = "PATH")]
    pub state: Option<PathBuf>,
    /// Write the state to this file. Old; only for local states.
    #[arg(long = "state-out", value_name = "PATH")]
    pub state_out: Option<PathBuf>,
    /// Where the state that was there before is kept; "-" for nowhere. Old; only for local states.
    #[arg(long, value_name = "PATH")]
    pub backup: Option<PathBuf>,
}

impl StatePaths {
    /// The first of the options that was given.
    #[cfg(feature = "aws")]
    pub fn used(&self) -> Option<&'static str> {
        let given = [("-state", &self.state), ("-state-out", &self.state_out), ("-backup", &self.backup)];
        given.into_iter().find(|(_, path)| path.is_some()).map(|(name, _)| name)
    }
}

/// Warnings.
#[derive(Args, Clone, Debug)]
pub struct Warnings {
    /// Show warnings without errors as a list of their summaries.
    #[arg(long = "compact-warnings", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    pub compact_warnings: bool,
}

/// What a plan is made of.
#[derive(Args, Clone, Debug)]
pub struct Planning {
    /// Plan the destruction of everything that the state holds.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    pub destroy: bool,
    /// Only bring the state up to date with the objects that exist; propose no change to them.
    #[arg(long = "refresh-only", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    pub refresh_only: bool,
    /// Read the objects that the state lists before planning.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", value_parser = switch)]
    pub refresh: bool,
    /// Replace this resource instance, even if no argument asks for it. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<String>,
    /// Plan only this module, resource or instance, and what it depends on. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// Plan everything but this module, resource or instance, and what depends on it. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
    /// How many operations run at once at most.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub parallelism: usize,
}

/// Values of variables, in the order they were given: the last one wins.
#[derive(Clone, Debug, Default)]
pub struct Variables(pub Vec<Assignment>);

/// One `-var` or `-var-file`.
#[derive(Clone, Debug, PartialEq)]
pub enum Assignment {
    /// `-var 'name=value'`
    Value(String),
    /// `-var-file=path`
    File(String),
}

impl Args for Variables {
    fn augment_args(cmd: Command) -> Command {
        cmd.arg(
            Arg::new("var")
                .long("var")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("Set a variable of the root module. May be repeated"),
        )
        .arg(
            Arg::new("var-file")
                .long("var-file")
                .value_name("PATH")
                .action(ArgAction::Append)
                .help("Read values of variables from a file, besides terraform.tfvars and *.auto.tfvars. May be repeated"),
        )
    }

    fn augment_args_for_update(cmd: Command) -> Command {
        Self::augment_args(cmd)
    }
}

impl FromArgMatches for Variables {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let of = |id: &str| {
            let values = matches.get_many::<String>(id).into_iter().flatten().cloned();
            matches.indices_of(id).into_iter().flatten().zip(values).collect::<Vec<_>>()
        };
        let values = of("var").into_iter().map(|(i, v)| (i, Assignment::Value(v)));
        let mut all: Vec<_> = values.chain(of("var-file").into_iter().map(|(i, v)| (i, Assignment::File(v)))).collect();
        all.sort_by_key(|(i, _)| *i);
        Ok(Self(all.into_iter().map(|(_, a)| a).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_in_go() {
        for (text, ms) in [("0", 0), ("0s", 0), ("1m30s", 90_000), ("1.5s", 1500), ("250ms", 250)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "5", "s", "1x", "-1s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn variables_keep_their_order() {
        let cmd = Variables::augment_args(Command::new("x"));
        let matches = cmd.get_matches_from(["x", "--var", "a=1", "--var-file=f", "--var=a=2"]);
        let got = Variables::from_arg_matches(&matches).unwrap();
        assert_eq!(got.0, [Assignment::Value("a=1".into()), Assignment::File("f".into()), Assignment::Value("a=2".into())]);
    }
}
