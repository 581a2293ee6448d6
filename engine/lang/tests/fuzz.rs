//! No text makes this crate panic: the corpus, broken in a few thousand ways.

use secstack_base::FileId;
use secstack_lang::{Module, SourceFile, fmt, source::ModuleSource, version::Constraint};

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "=",
    ",",
    ".",
    "...",
    "?",
    ":",
    "::",
    "=>",
    "${",
    "%{",
    "~}",
    "<<-E\n",
    "\nE\n",
    "\n",
    "#",
    "/*",
    "*/",
    "for",
    "in",
    "if",
    " ",
    "1e999999999",
    "-",
    "!",
    "&&",
    "\\",
    "\\u12",
    "%{if x}",
    "%{endif}",
    ".*",
    "[*]",
    "é",
    "\u{feff}",
    "😀",
    "\r\n",
    "dynamic",
    "null",
    "$${",
    "e\u{301}",
];

/// A small generator of numbers, the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }

    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

fn corpus() -> Vec<String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance");
    let mut out = Vec::new();
    for line in std::fs::read_to_string(format!("{root}/expressions.jsonl")).expect("the corpus is there").lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case a line");
        out.push(format!("locals {{\n  x = {}\n}}\n", case["expr"].as_str().expect("an expression")));
    }
    let mut dirs = vec![std::path::PathBuf::from(format!("{root}/scenarios"))];
    while let Some(dir) = dirs.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(dir).expect("a directory").map(|e| e.expect("an entry").path()).collect();
        entries.sort();
        for path in entries {
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                dirs.push(path);
            } else if [".tf", ".tf.json", ".tfvars", ".hcl"].iter().any(|e| name.ends_with(e)) {
                out.push(std::fs::read_to_string(path).expect("text"));
            }
        }
    }
    out
}

#[test]
fn nothing_panics() {
    let corpus = corpus();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..4000 {
        let mut text = corpus[random.below(corpus.len())].clone();
        for _ in 0..random.below(4) {
            let at = random.place(&text);
            match random.below(3) {
                0 => text.insert_str(at, PIECES[random.below(PIECES.len())]),
                1 => {
                    let end = random.place(&text);
                    text.replace_range(at.min(end)..at.max(end).min(text.len()), "");
                }
                _ => text.truncate(at),
            }
        }
        try_all(&text);
    }
}

fn try_all(text: &str) {
    let file = FileId(0);
    let (native, _) = secstack_lang::parse_file(file, text);
    let (json, _) = secstack_lang::parse_json_file(file, text);
    for body in [native, json] {
        let source = |is_override| SourceFile { file, name: "main.tf".into(), body: body.clone(), is_override };
        let (_, _) = Module::decode(vec![source(false), source(true)]);
    }
    let _ = secstack_lang::parse_expression(file, text, 7);
    let _ = secstack_lang::parse_template(file, text, 7);
    let _ = secstack_lang::parse_tfvars(file, text);
    let _ = secstack_lang::parse_tfvars_json(file, text);
    if let Ok(formatted) = fmt::format(text) {
        assert_eq!(fmt::format(&formatted).as_ref(), Ok(&formatted), "formatting is stable");
    }
    let short: String = text.chars().take(40).collect();
    let _ = ModuleSource::parse(&short);
    let _ = Constraint::parse(&short);
}
