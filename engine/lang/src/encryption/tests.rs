use secstack_base::Sources;

use super::*;
use crate::{Module, SourceFile};

const NATIVE: &str = r#"
key_provider "pbkdf2" "a" {
  passphrase = var.p
  iterations = 300000
}
method "aes_gcm" "m" { keys = key_provider.pbkdf2.a }
method "unencrypted" "u" {}
state {
  method   = method.aes_gcm.m
  enforced = true
  fallback {
    method = method.unencrypted.u
    fallback { method = method.aes_gcm.m }
  }
}
remote_state_data_sources {
  default { method = method.aes_gcm.m }
  remote_state_data_source "net" { method = method.unencrypted.u }
}
"#;

fn read(text: &str) -> (Option<Encryption>, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("TF_ENCRYPTION", text);
    let (found, diags) = parse_encryption(file, text);
    (found, diags.iter().map(|d| format!("{}: {}", d.summary, d.detail)).collect())
}

fn shown(e: &Encryption) -> String {
    let target = |t: &Option<Target>| {
        let mut names = Vec::new();
        let mut next = t.as_ref();
        while let Some(t) = next {
            names.push(t.method.as_ref().map_or("?".to_string(), |m| format!("{}.{}", m.ty, m.name)));
            next = t.fallback.as_deref();
        }
        names.join(" or ")
    };
    let parts = |all: &[Part]| {
        let one = |p: &Part| {
            let args: Vec<&str> = p.attributes.iter().map(|a| &*a.name).collect();
            format!("{}.{}({})", p.ty, p.name, args.join(" "))
        };
        all.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let remotes: Vec<String> = e.remotes.iter().map(|(n, t)| format!("{n}={}", target(&Some(t.clone())))).collect();
    format!(
        "{} | {} | {}{} | {} | {} {}",
        parts(&e.key_providers),
        parts(&e.methods),
        target(&e.state),
        if e.state.as_ref().is_some_and(|s| s.enforced) { "!" } else { "" },
        target(&e.plan),
        target(&e.remote_default),
        remotes.join(" ")
    )
}

const SHOWN: &str = "pbkdf2.a(passphrase iterations) | aes_gcm.m(keys) unencrypted.u() | aes_gcm.m or unencrypted.u or aes_gcm.m! |  | aes_gcm.m net=unencrypted.u";

#[test]
fn both_syntaxes_say_the_same() {
    let json = r#"{
      "key_provider": { "pbkdf2": { "a": { "passphrase": "${var.p}", "iterations": 300000 } } },
      "method": { "aes_gcm": { "m": { "keys": "${key_provider.pbkdf2.a}" } }, "unencrypted": { "u": {} } },
      "state": { "method": "method.aes_gcm.m", "enforced": true, "fallback": { "method": "method.unencrypted.u", "fallback": { "method": "method.aes_gcm.m" } } },
      "remote_state_data_sources": { "default": { "method": "method.aes_gcm.m" }, "remote_state_data_source": { "net": { "method": "method.unencrypted.u" } } }
    }"#;
    for text in [NATIVE, json] {
        let (found, diags) = read(text);
        assert_eq!((shown(&found.unwrap()).as_str(), diags), (SHOWN, vec![]));
    }
}

#[test]
fn keys_are_named_in_three_ways() {
    for keys in ["key_provider.pbkdf2.a", "\"${key_provider.pbkdf2.a}\"", "\"key_provider.pbkdf2.a\""] {
        let (found, _) = read(&format!("method \"aes_gcm\" \"m\" {{ keys = {keys} }}"));
        let found = Reference::key_provider(&found.unwrap().methods[0].get("keys").unwrap().expr).unwrap();
        assert_eq!((&*found.ty, &*found.name), ("pbkdf2", "a"));
    }
    for keys in ["key_provider.pbkdf2", "var.a", "\"text\"", "1"] {
        let (found, _) = read(&format!("method \"aes_gcm\" \"m\" {{ keys = {keys} }}"));
        assert!(Reference::key_provider(&found.unwrap().methods[0].get("keys").unwrap().expr).is_err(), "{keys}");
    }
}

#[test]
fn mistakes() {
    for (text, want) in [
        (
            "key_provider \"pbkdf\" \"a\" {}",
            "Unknown key_provider type: There is no key provider type \"pbkdf\" in this version; it has \"pbkdf2\" and \"aws_kms\".",
        ),
        ("method \"aes\" \"a\" {}", "Unknown encryption method type: "),
        ("key_provider \"pbkdf2\" \"a\" { pass = 1 }", "Unsupported argument: An argument named \"pass\" is not expected here."),
        ("key_provider \"pbkdf2\" \"a b\" {}", "Invalid name: "),
        (
            "method \"unencrypted\" \"a\" {}\nmethod \"unencrypted\" \"a\" {}",
            "Duplicate method: There is another method \"unencrypted\" \"a\" already.",
        ),
        ("key_provider \"pbkdf2\" \"a\" {}\nkey_provider \"pbkdf2\" \"a\" {}", "Duplicate key_provider: "),
        ("state {}\nstate {}", "Duplicate block: There is another state block already."),
        ("state { method = var.m }", "Invalid encryption method identifier: "),
        ("state { method = method.aes_gcm }", "Invalid encryption method identifier: "),
        ("state { method = \"x\" }", "Invalid expression: "),
        (
            "remote_state_data_sources {\n remote_state_data_source \"a\" {}\n remote_state_data_source \"a\" {}\n}",
            "Duplicate remote_state_data_source: ",
        ),
        ("state {", "Unclosed configuration block: "),
        ("{\"state\": 1}", "Incorrect JSON value type: "),
    ] {
        let (_, diags) = read(text);
        assert!(diags.first().is_some_and(|d| d.starts_with(want)), "{text}\n{diags:#?}");
    }
}

#[test]
fn one_block_on_top_of_another() {
    let (base, _) = read(NATIVE);
    let over = "key_provider \"pbkdf2\" \"a\" { passphrase = \"x\" }\nkey_provider \"pbkdf2\" \"b\" { encrypted_metadata_alias = \"c\" }\nstate { method = method.unencrypted.u }\nplan { method = method.aes_gcm.m }\nremote_state_data_sources {\n remote_state_data_source \"other\" { method = method.aes_gcm.m }\n}";
    let (over, diags) = read(over);
    assert_eq!(diags, Vec::<String>::new());
    let merged = base.unwrap().merge(over.unwrap());
    assert_eq!(
        shown(&merged),
        "pbkdf2.a(iterations passphrase) pbkdf2.b(encrypted_metadata_alias) | aes_gcm.m(keys) unencrypted.u() | unencrypted.u or unencrypted.u or aes_gcm.m! | aes_gcm.m | aes_gcm.m net=unencrypted.u other=aes_gcm.m"
    );
    assert_eq!(merged.key_providers[1].alias.as_deref(), Some("c"));
}

#[test]
fn a_module_has_one_and_an_override_changes_it() {
    let decode = |files: &[(&str, &str)]| {
        let mut sources = Sources::default();
        let mut all = Vec::new();
        for (name, text) in files {
            let file = sources.add(*name, *text);
            let (body, diags) = parse_file(file, text);
            assert!(!diags.has_errors(), "{diags:?}");
            all.push(SourceFile { file, name: (*name).into(), body, is_override: SourceFile::overrides(name) });
        }
        let (module, diags) = Module::decode(all);
        (module.encryption.map(|e| shown(&e)), diags.iter().map(|d| d.summary.to_string()).collect::<Vec<_>>())
    };
    let one = "terraform {\n  encryption {\n    method \"unencrypted\" \"u\" {}\n  }\n}\n";
    let two = "terraform {\n  encryption {\n    plan {\n      method = method.unencrypted.u\n    }\n  }\n}\n";
    assert_eq!(decode(&[("a.tf", one), ("b.tf", two)]).1, ["Duplicate encryption configuration"]);
    let (found, diags) = decode(&[("a.tf", one), ("b_override.tf", two)]);
    assert_eq!((found.as_deref(), diags), (Some(" | unencrypted.u() |  | unencrypted.u |  "), vec![]));
}
