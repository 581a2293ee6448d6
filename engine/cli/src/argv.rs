//! Brings command lines into the form that `clap` reads.
//!
//! Terraform writes long options with one dash (`-out=x`), takes arguments from the environment, and has
//! `-chdir` stand before the command.

use std::ffi::OsString;

/// A command line, taken apart.
#[derive(Debug, Default, PartialEq)]
pub struct Line {
    /// The directory to change to first.
    pub chdir: Option<String>,
    /// The command and its arguments, in the form of `clap`.
    pub args: Vec<String>,
}

/// Commands that have commands of their own.
const GROUPS: [&str; 6] = ["state", "workspace", "providers", "metadata", "env", "completion"];

/// Takes a command line apart. `env` gives variables of the environment.
///
/// # Errors
/// In words, when it cannot be understood.
pub fn parse(args: impl IntoIterator<Item = OsString>, env: impl Fn(&str) -> Option<String>) -> Result<Line, String> {
    let mut args = args.into_iter().map(|a| a.into_string().map_err(|a| format!("The argument {a:?} is not valid UTF-8.")));
    let mut line = Line::default();
    let mut rest = Vec::new();
    for arg in args.by_ref() {
        let arg = arg?;
        if let Some(dir) = arg.strip_prefix("-chdir=").or_else(|| arg.strip_prefix("--chdir=")) {
            line.chdir = Some(dir.to_string());
        } else if arg == "-chdir" || arg == "--chdir" {
            return Err("The option -chdir must include an equals sign and the directory: -chdir=DIR.".into());
        } else if matches!(arg.trim_start_matches('-'), "install-autocomplete" | "uninstall-autocomplete") && arg.starts_with('-') {
            return Err("Files of your shell are not changed here. For completion, add this line to them, with the name of your shell: source <(secstack completion bash)".into());
        } else {
            rest.push(arg);
            break;
        }
    }
    for arg in args {
        rest.push(arg?);
    }
    line.args = normalise(with_environment(rest, env)?);
    Ok(line)
}

/// Adds the arguments of `TF_CLI_ARGS` and `TF_CLI_ARGS_command` after the command.
fn with_environment(args: Vec<String>, env: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, String> {
    let Some(first) = args.first().filter(|a| !a.starts_with('-')) else { return Ok(args) };
    let nested = GROUPS.contains(&first.as_str()) && args.get(1).is_some_and(|a| !a.starts_with('-'));
    let words = if nested { 2 } else { 1 };
    let name = args[..words].join("_").replace('-', "_");
    let mut out = args[..words].to_vec();
    for variable in ["TF_CLI_ARGS".to_string(), format!("TF_CLI_ARGS_{name}")] {
        if let Some(text) = env(&variable) {
            out.extend(split_words(&text).ok_or_else(|| format!("The environment variable {variable} has a quote that is not closed."))?);
        }
    }
    out.extend_from_slice(&args[words..]);
    Ok(out)
}

/// Splits text as a shell would. `None` when a quote is not closed.
fn split_words(text: &str) -> Option<Vec<String>> {
    let (mut out, mut word) = (Vec::new(), None::<String>);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' => out.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            c @ ('"' | '\\' | '$' | '`') => word.push(c),
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    Some(out)
}

/// Gives long options their second dash.
fn normalise(args: Vec<String>) -> Vec<String> {
    let mut only_names = false;
    args.into_iter()
        .map(|arg| {
            only_names |= arg == "--";
            let long = arg.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.len() > 1);
            match (long, arg.as_str()) {
                _ if only_names => arg,
                (Some(rest), _) => format!("--{rest}"),
                (None, "-h" | "-?") => "--help".into(),
                (None, "-v") => "--version".into(),
                _ => arg,
            }
        })
        .collect()
}

/// Help as users know it: long options with one dash.
pub fn one_dash(help: &str) -> String {
    let mut out = String::with_capacity(help.len());
    let mut before = ' ';
    let mut rest = help;
    while let Some(c) = rest.chars().next() {
        let is_option = rest.strip_prefix("--").is_some_and(|r| r.starts_with(|c: char| c.is_ascii_lowercase()));
        if is_option && !before.is_alphanumeric() && before != '-' {
            rest = &rest[1..];
        }
        out.push(c);
        before = c;
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_has_one_dash() {
        assert_eq!(one_dash("use '--out' or [--x]; a--b -- c ---d"), "use '-out' or [-x]; a--b -- c ---d");
    }

    #[test]
    fn one_dash_becomes_two() {
        check("plan -out=x -var a=-1 -json", "", "plan --out=x --var a=-1 --json");
        check("fmt -", "", "fmt -");
        check("-version", "", "--version");
        check("state rm -- -x", "", "state rm -- -x");
        check("state list -id=x", "-no-color", "state list --no-color --id=x");
    }

    #[test]
    fn the_environment_adds_arguments() {
        check("plan x", r#"-var 'a b' -var="c\"d""#, r#"plan --var a b --var=c"d x"#);
        let unclosed = parse(["plan".into()], |_| Some("'".into()));
        assert!(unclosed.is_err());
    }

    #[test]
    fn the_directory_comes_first() {
        let line = parse(["-chdir=a/b".into(), "plan".into()], |_| None).unwrap();
        assert_eq!(line, Line { chdir: Some("a/b".into()), args: vec!["plan".into()] });
        assert!(parse(["-chdir".into(), "a".into()], |_| None).is_err());
    }

    #[track_caller]
    fn check(line: &str, environment: &str, want: &str) {
        let args = line.split(' ').map(OsString::from);
        let env = |name: &str| (name != "TF_CLI_ARGS").then(|| environment.to_string());
        assert_eq!(parse(args, env).unwrap().args.join(" "), want);
    }
}
