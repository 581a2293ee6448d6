//! All cases below `tests/suite`: what is expected compared with what is seen.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use secstack_base::{Diagnostic, Diags};
use secstack_eval::Config;

use crate::case::{Case, EXPECTED, Note};
use crate::play::{run, sentence, strays};
use crate::setting::Setting;
use crate::shown;

/// What a case was seen to do.
#[derive(Default)]
struct Seen {
    notes: Vec<Note>,
    sections: Vec<(&'static str, String)>,
    /// What no case may do.
    wrong: Vec<String>,
}

/// The files of the cases whose path contains `filter`, in order.
///
/// # Errors
/// When the directory cannot be read.
pub fn find(filter: &str) -> Result<Vec<PathBuf>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite");
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "txt") && path.display().to_string().contains(filter) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Plays the case in a file.
///
/// # Errors
/// With the difference between what it expects and what was seen.
pub fn check(path: &Path) -> Result<(), String> {
    let (case, seen) = play_file(path)?;
    let mut wrong = seen.wrong.clone();
    let (expected, found): (BTreeSet<_>, BTreeSet<_>) = (case.notes().into_iter().collect(), seen.notes.iter().cloned().collect());
    wrong.extend(expected.difference(&found).map(|n| format!("expected at {}:{}: {}", n.file, n.line, n.text)));
    wrong.extend(found.difference(&expected).map(|n| format!("found at {}:{}: {}", n.file, n.line, n.text)));
    for name in EXPECTED {
        let found = seen.sections.iter().find(|(n, _)| *n == name).map(|(_, t)| t.as_str());
        match (case.get(name), found) {
            (None, Some(found)) if name == "errors" && !found.is_empty() => wrong.push(format!("unexpected errors:\n{found}")),
            (Some(expected), found) if expected.trim_end() != found.unwrap_or_default().trim_end() => {
                wrong.push(format!("-- {name} --\n{}", difference(expected, found.unwrap_or_default())));
            }
            _ => {}
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Writes into the file of a case what was seen. Returns whether the file changed.
///
/// # Errors
/// When the case does what no case may do.
pub fn bless(path: &Path) -> Result<bool, String> {
    let (mut case, seen) = play_file(path)?;
    let before = case.to_string();
    for (name, text) in &seen.sections {
        if case.get(name).is_some() || (*name == "errors" && !text.is_empty()) {
            case.set(name, text);
        }
    }
    for name in EXPECTED {
        if seen.sections.iter().all(|(n, _)| *n != name) && case.get(name).is_some() {
            case.set(name, "");
        }
    }
    case.set_notes(&seen.notes);
    let after = case.to_string();
    if after != before {
        std::fs::write(path, after).map_err(|e| e.to_string())?;
    }
    if seen.wrong.is_empty() { Ok(case.to_string() != before) } else { Err(seen.wrong.join("\n")) }
}

fn play_file(path: &Path) -> Result<(Case, Seen), String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let case = Case::parse(&text)?;
    let setting = Setting::of(&case)?;
    let seen = run(play(&case, &setting))??;
    Ok((case, seen))
}

async fn play(case: &Case, setting: &Setting) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let mut diags = setting.diags.clone();
    if !diags.has_errors() {
        diags.extend(setting.validate().await);
    }
    if diags.has_errors() || setting.options.validating {
        seen.tell(&setting.config, &diags);
        return Ok(seen);
    }
    let providers = setting.providers();
    let plan = setting.plan(&providers, &setting.state, setting.options.clone()).await;
    diags.extend(plan.diags.clone());
    seen.sections.push(("plan", shown::plan(&plan, &providers)));
    if case.get("drift").is_some() {
        seen.sections.push(("drift", setting.drift().await));
    }
    let wants_apply = EXPECTED[3..].iter().any(|n| case.get(n).is_some());
    if plan.errored || !wants_apply {
        seen.tell(&setting.config, &diags);
        return Ok(seen);
    }
    setting.cloud.take_calls();
    let (applied, steps) = setting.apply(&providers, plan, &setting.state).await?;
    diags.extend(applied.diags.clone());
    let failed = applied.diags.has_errors();
    seen.tell(&setting.config, &diags);
    seen.sections.push(("apply", lines(steps)));
    seen.sections.push(("calls", lines(setting.cloud.take_calls())));
    let outputs = applied.snapshot.outputs.iter();
    seen.sections.push((
        "outputs",
        lines(outputs.map(|(n, o)| format!("{n} = {}", if o.sensitive { "(sensitive)".into() } else { shown::value(&o.value) }))),
    ));
    seen.sections.push(("after", shown::state(&applied.snapshot, &providers)));
    if !setting.options.refresh || case.get("again").is_some() {
        // The case says itself what is left over.
    } else {
        seen.wrong.extend(strays(&setting.cloud, &applied.snapshot));
    }
    let again = setting.plan(&setting.providers(), &applied.snapshot, setting.options.clone()).await;
    let again = shown::plan(&again, &providers);
    let partial =
        failed || !setting.options.targets.is_empty() || !setting.options.excludes.is_empty() || !setting.options.replace.is_empty();
    if again != "(no changes)\n" && case.get("again").is_none() && !partial {
        seen.wrong.push(format!("after the apply a plan is not empty:\n{again}"));
    }
    seen.sections.push(("again", again));
    Ok(seen)
}

fn lines(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|l| l + "\n").collect()
}

impl Seen {
    /// Sorts diagnostics to their lines; those without a place in a file of the case become a section.
    fn tell(&mut self, config: &Config, diags: &Diags) {
        let mut rest = String::new();
        for d in diags.iter() {
            match note(config, d) {
                Some(note) if !self.notes.contains(&note) => self.notes.push(note),
                Some(_) => {}
                None => {
                    let line = sentence(d) + "\n";
                    if !rest.contains(&line) {
                        rest.push_str(&line);
                    }
                }
            }
        }
        self.notes.sort();
        self.sections.push(("errors", rest));
    }
}

fn note(config: &Config, d: &Diagnostic) -> Option<Note> {
    let span = d.span?;
    let file = config.sources.path(span)?.display().to_string();
    let (start, end) = (config.sources.position(span.file, span.start), config.sources.position(span.file, span.end));
    let columns = if end.line == start.line { format!("{}-{}", start.column, end.column) } else { start.column.to_string() };
    let word = if d.is_error() { "error" } else { "warning" };
    Some(Note { file, line: start.line, text: format!("{word} {columns}: {}", d.summary) })
}

/// The lines that only one of two texts has.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[same..].iter().rev().zip(new[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let cut = |sign: &str, lines: &[&str]| lines.iter().map(|l| format!("{sign}{l}\n")).collect::<String>();
    cut("expected: ", &old[same..old.len() - tail]) + &cut("found:    ", &new[same..new.len() - tail])
}
