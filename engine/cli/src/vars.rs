//! Collects the values given to root variables.
//!
//! Later ones win: the environment, `terraform.tfvars`, `terraform.tfvars.json`, `*.auto.tfvars` by name, then
//! `-var` and `-var-file` in the order they were given.

use std::collections::BTreeMap;
use std::path::Path;

use secstack_base::{Diagnostic, Diags, FileId, Sources, Str};
use secstack_lang::{Encryption, Module, parse_encryption, parse_tfvars, parse_tfvars_json};
use secstack_plan::inputs::{Given, Input, Origin};
use secstack_run::load::is_ignored;

use crate::encryption::ENVIRONMENT;
use crate::flags::{Assignment, Variables};
use crate::output::Out;

/// The values given, and the files they come from.
#[derive(Clone, Default)]
pub struct Collected {
    /// By name; names that no variable has included.
    pub inputs: BTreeMap<Str, Input>,
    /// The files.
    pub sources: Sources,
    /// What is wrong with them.
    pub diags: Diags,
    /// What `TF_ENCRYPTION` says, which goes on top of the `encryption` block.
    pub encryption: Option<Encryption>,
}

/// Collects values from the environment, from files in `root` and from the command line.
pub fn collect(root: &Path, given: &Variables) -> Collected {
    collect_from(root, &[Path::new("")], given, Sources::default())
}

/// The same, with files in several directories below `root`, of which later ones win. The files are added to `sources`.
pub fn collect_from(root: &Path, dirs: &[&Path], given: &Variables, sources: Sources) -> Collected {
    let mut c = Collected { sources, ..Collected::default() };
    c.environment();
    c.encryption();
    for dir in dirs {
        c.automatic(root, dir);
    }
    for assignment in &given.0 {
        match assignment {
            Assignment::Value(text) => c.value(text),
            Assignment::File(path) => c.file(root, path, path),
        }
    }
    c
}

impl Collected {
    fn set(&mut self, name: &str, given: Given, origin: Origin) {
        self.inputs.insert(name.into(), Input { given, origin });
    }

    fn text(&mut self, name: &str, text: String, origin: Origin) {
        let file = self.sources.add(format!("<value for var.{name}>"), text.as_str());
        self.set(name, Given::Text(text, file), origin);
    }

    fn environment(&mut self) {
        let mut found: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .filter_map(|(k, v)| Some((k.strip_prefix("TF_VAR_")?.to_string(), v)))
            .collect();
        found.sort();
        for (name, text) in found {
            self.text(&name, text, Origin::Environment);
        }
    }

    fn encryption(&mut self) {
        let Some(text) = std::env::var(ENVIRONMENT).ok().filter(|t| !t.trim().is_empty()) else { return };
        let file = self.sources.add(ENVIRONMENT, text.as_str());
        let (found, diags) = parse_encryption(file, &text);
        self.diags.extend(diags);
        self.encryption = found;
    }

    fn automatic(&mut self, root: &Path, dir: &Path) {
        for name in ["terraform.tfvars", "terraform.tfvars.json"] {
            let path = dir.join(name);
            if root.join(&path).is_file() {
                self.file(root, &path.to_string_lossy(), &path.to_string_lossy());
            }
        }
        let entries = std::fs::read_dir(root.join(dir)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter(|e| !e.path().is_dir())
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .filter(|n| (n.ends_with(".auto.tfvars") || n.ends_with(".auto.tfvars.json")) && !is_ignored(n))
            .collect();
        names.sort();
        for name in names {
            let path = dir.join(name);
            self.file(root, &path.to_string_lossy(), &path.to_string_lossy());
        }
    }

    fn file(&mut self, root: &Path, path: &str, shown: &str) {
        let text = match std::fs::read(root.join(path)).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(_)) => {
                return self.diags.push(Diagnostic::error(
                    "Invalid character encoding",
                    format!("The variables file {shown:?} is not valid UTF-8 text."),
                ));
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let what = format!("Given variables file {shown} does not exist.");
                return self.diags.push(Diagnostic::error("Failed to read variables file", what));
            }
            Err(e) => {
                return self.diags.push(Diagnostic::error(
                    "Failed to read variables file",
                    format!("The variables file {shown:?} cannot be read: {e}."),
                ));
            }
        };
        let file = self.sources.add(shown, text.as_str());
        let (attributes, found) = if path.ends_with(".json") { parse_tfvars_json(file, &text) } else { parse_tfvars(file, &text) };
        let broken = found.has_errors();
        self.diags.extend(found);
        if broken {
            return;
        }
        for a in attributes {
            self.set(&a.name, Given::Expr(a.expr), Origin::File(shown.into()));
        }
    }

    fn value(&mut self, text: &str) {
        let summary = "Invalid -var option";
        match text.split_once('=') {
            None => {
                let what = format!(
                    "The given -var option {text:?} is not correctly specified. Must be a variable name and value separated by an equals sign, like -var=\"key=value\"."
                );
                self.diags.push(Diagnostic::error(summary, what));
            }
            Some((name, _)) if name.ends_with(' ') => {
                let what = format!(
                    "Variable name {name:?} is invalid due to trailing space. Did you mean -var=\"{}={}\"?",
                    name.trim_end(),
                    text.split_once('=').map_or("", |p| p.1).trim_start()
                );
                self.diags.push(Diagnostic::error(summary, what));
            }
            Some((name, value)) => self.text(name, value.into(), Origin::Argument),
        }
    }
}

/// Asks for the variables that have no value. Where there is no answer, they stay without.
pub fn prompt(out: &Out, module: &Module, inputs: &mut BTreeMap<Str, Input>) {
    for variable in module.variables.values() {
        if variable.default.is_some() || inputs.contains_key(&variable.name) {
            continue;
        }
        let description = variable.description.as_ref().map(|d| format!("  {}\n", d.replace('\n', "\n  "))).unwrap_or_default();
        let Some(answer) = out.ask(&format!("var.{}\n{description}\n  Enter a value: ", variable.name)) else { return };
        out.text("\n");
        inputs.insert(variable.name.clone(), Input { given: Given::Text(answer, FileId(u32::MAX)), origin: Origin::Prompt });
    }
}
