//! A directory with a configuration, in which tests run the program.
#![allow(dead_code, reason = "each test uses a part")]

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A directory with a configuration.
pub struct Place {
    pub dir: TempDir,
    /// The environment of the program, besides `PATH`.
    pub env: Vec<(String, String)>,
}

/// How a run ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new(main: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap(), env: Vec::new() };
        place.write("main.tf", main);
        place
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// The same directory with something else in the environment; an empty text takes it away.
    pub fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.env.retain(|(n, _)| n != name);
        if !value.is_empty() {
            self.env.push((name.into(), value.into()));
        }
        self
    }

    /// Starts a command.
    pub fn spawn(&self, line: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secstack"));
        command.args(line.split_whitespace()).current_dir(self.path()).env_clear().envs(self.env.iter().cloned());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn run(&self, line: &str) -> Ran {
        self.answer(line, "")
    }

    /// Runs a command whose standard input is `answers`.
    pub fn answer(&self, line: &str, answers: &str) -> Ran {
        let mut child = self.spawn(line);
        // A command that asks nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(answers.as_bytes());
        let ran = child.wait_with_output().unwrap();
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        Ran { code: ran.status.code().unwrap_or(-1), out: text(&ran.stdout), err: text(&ran.stderr) }
    }

    /// Runs a command that must succeed, and gives what it printed.
    #[track_caller]
    pub fn ok(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line}: {}{}", ran.out, ran.err);
        ran.out
    }

    /// Runs a command that must fail with a mistake whose words are these, wherever lines are broken.
    #[track_caller]
    pub fn fails(&self, line: &str, words: &[&str]) {
        let ran = self.run(line);
        assert_eq!(ran.code, 1, "{line}: {}{}", ran.out, ran.err);
        let shown: Vec<&str> = ran.err.split(|c: char| c.is_whitespace() || "│╷╵".contains(c)).filter(|w| !w.is_empty()).collect();
        let shown = shown.join(" ");
        for part in words {
            assert!(shown.contains(part), "{line}: no {part:?} in\n{}", ran.err);
        }
    }

    /// The names of files, those in directories below included, that hold a text.
    pub fn holding(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        search(self.path(), self.path(), text.as_bytes(), &mut found);
        found.sort();
        found
    }
}

fn search(root: &Path, dir: &Path, text: &[u8], found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(root, &path, text, found);
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|w| w == text) {
            found.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
}
