//! Configurations and what Terraform 1.11.4 said of them without evaluating anything.

#![allow(clippy::unwrap_used)] // helpers of tests, which fail by panicking

use secstack_base::{FileId, Severity, Sources, Type};
use secstack_lang::{Module, SourceFile, parse_file, parse_json_file, type_constraint};

#[test]
fn configurations_are_judged_as_by_terraform() {
    let mut wrong = Vec::new();
    for line in include_str!("decode.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = case["text"].as_str().unwrap();
        let mut sources = Sources::default();
        let file = sources.add("main.tf", text);
        let (body, mut diags) = parse_file(file, text);
        diags.extend(Module::decode(vec![SourceFile { file, name: "main.tf".into(), body, is_override: false }]).1);
        let mut got: Vec<(&str, usize, String)> = Vec::new();
        for d in diags.iter() {
            let severity = if d.severity == Severity::Error { "error" } else { "warning" };
            let line = sources.position(file, d.span.unwrap().start).line;
            got.push((severity, line, d.summary.to_string()));
        }
        got.sort();
        let got = serde_json::to_value(got).unwrap();
        if got != case["diags"] {
            wrong.push(format!("{text}\nwant {}\n got {got}", case["diags"]));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

#[test]
fn override_files_change_what_they_name() {
    let main = "variable \"v\" {\n  type = number\n  description = \"d\"\n}\nlocals {\n  a = 1\n  b = 2\n}\nresource \"t\" \"r\" {\n  count = 1\n  x = 1\n  y = 2\n  blk {}\n  blk {}\n  lifecycle {\n    prevent_destroy = true\n    create_before_destroy = true\n  }\n}\n";
    let over = "variable \"v\" {\n  default = 5\n}\nlocals {\n  b = 3\n}\nresource \"t\" \"r\" {\n  x = 9\n  blk {\n    z = 1\n  }\n  lifecycle {\n    create_before_destroy = false\n  }\n}\nresource \"t\" \"missing\" {}\nmoved {\n  from = t.a\n  to = t.r\n}\n";
    let (m, summaries) = decode(&[("main.tf", main), ("x_override.tf", over)]);
    assert_eq!(summaries, ["Missing resource to override", "Cannot override 'moved' blocks"]);
    let v = &m.variables["v"];
    assert!(v.ty == Type::Number && v.default.is_some() && v.description.is_some());
    assert_eq!(m.locals.len(), 2);
    let r = m.resources.values().next().unwrap();
    assert!(r.count.is_some() && r.lifecycle.prevent_destroy.is_some());
    assert_eq!(r.lifecycle.create_before_destroy, Some(false));
    let (view, _) = r.body.view(&[]);
    assert_eq!((view.attributes.len(), view.blocks.len()), (2, 1));
}

#[test]
fn json_declares_the_same_as_native() {
    let json = r#"{
  "variable": { "v": { "type": "list(object({ a = optional(string, \"x\") }))", "default": [] } },
  "resource": { "t": { "r": { "depends_on": ["t.s"], "provider": "aws.west", "x": "${t.s.id}",
    "lifecycle": { "ignore_changes": ["x", "tags[\"a\"]"], "replace_triggered_by": ["t.s.id"] },
    "provisioner": [{ "local-exec": { "command": "x", "when": "destroy" } }] }, "s": {} } },
  "moved": [{ "from": "t.a", "to": "t.r" }],
  "module": { "m": { "source": "./m", "providers": { "aws": "aws.west", "aws.b": "aws" } } },
  "terraform": { "required_providers": { "aws": { "source": "hashicorp/aws", "configuration_aliases": ["aws.west"] } } },
  "locals": { "a": 1 }, "output": { "o": { "value": "${local.a}" } }
}"#;
    let (m, summaries) = decode(&[("main.tf.json", json)]);
    assert_eq!(summaries, [] as [&str; 0]);
    assert!(m.variables["v"].defaults.is_some());
    let r = m.resources.values().next().unwrap();
    assert_eq!((r.depends_on.len(), r.provisioners[0].on_destroy), (1, true));
    assert_eq!(r.provider.as_ref().and_then(|p| p.alias.as_deref()), Some("west"));
    assert_eq!(r.lifecycle.replace_triggered_by.len(), 1);
    assert_eq!((m.moved.len(), m.calls["m"].providers.len()), (1, 2));
    assert_eq!(m.required_providers["aws"].configuration_aliases.len(), 1);
}

#[test]
fn type_constraints_are_read() {
    for (text, want) in [
        ("map(any)", "map(any)"),
        ("list", "list(any)"),
        (
            "object({ a = optional(list(string), []), \"b\" = tuple([bool, number]) })",
            "object({a=optional(list(string)),b=tuple([bool,number])})",
        ),
        ("\"set(string)\"", "set(string)"),
    ] {
        let expr = secstack_lang::parse_expression(FileId(0), text, 0).unwrap();
        assert_eq!(type_constraint(&expr).unwrap().0.to_string(), want);
    }
}

fn decode(files: &[(&str, &str)]) -> (Module, Vec<String>) {
    let mut sources = Sources::default();
    let mut summaries = Vec::new();
    let mut all = Vec::new();
    for (name, text) in files {
        let file = sources.add(*name, *text);
        let parse = if name.ends_with(".json") { parse_json_file } else { parse_file };
        let (body, diags) = parse(file, text);
        assert!(diags.is_empty(), "{diags:?}");
        all.push(SourceFile { file, name: (*name).into(), body, is_override: SourceFile::overrides(name) });
    }
    let (module, diags) = Module::decode(all);
    summaries.extend(diags.iter().map(|d| d.summary.to_string()));
    (module, summaries)
}
