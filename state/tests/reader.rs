//! What the reader says of files that are no sound state, and that nothing makes it panic.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use secstack_state::{Error, file};

const GOOD: &str = include_str!("fixtures/tainted_deposed.tfstate");

#[test]
fn what_is_wrong_is_said() {
    let cut = &GOOD[..GOOD.len() / 2];
    for (text, summary, said) in [
        (cut, "Truncated state file", "s.tfstate, line 66: The state file ends in the middle."),
        ("{}", "Unsupported state file format", "s.tfstate: The state file does not have a \"version\" attribute"),
        ("<html>", "Invalid state file", "s.tfstate, line 1: The state file could not be parsed as JSON: expected value."),
        ("{\"version\":3,\"modules\":[]}", "Unsupported state file format", "format version 3, which Terraform 0.11 and earlier wrote."),
        (
            "{\"version\":5,\"terraform_version\":\"9.1.0\"}",
            "Unsupported state file format",
            "format version 5, which is not supported. This state file was created by Terraform 9.1.0.",
        ),
        ("{\"version\":\"x\"}", "Unsupported state file format", "The version in the state file is \"x\"."),
        (
            "{\"version\":4,\n\"serial\":\"x\"}",
            "Invalid state file",
            "s.tfstate, line 2: The state file is not what Terraform writes: invalid type",
        ),
        (
            "{\"version\":4,\"resources\":[{\"mode\":\"odd\",\"type\":\"a\",\"name\":\"b\",\"provider\":\"p\"}]}",
            "Invalid state file",
            "mode \"odd\"",
        ),
        (
            "{\"version\":4,\"resources\":[{\"mode\":\"managed\",\"type\":\"a\",\"name\":\"b\",\"provider\":\"p\"}]}",
            "Invalid state file",
            "Invalid provider configuration address",
        ),
        (
            "{\"version\":4,\"outputs\":{\"o\":{\"value\":1,\"type\":\"bool\"}}}",
            "Invalid state file",
            "invalid value for output \"o\": bool is required",
        ),
    ] {
        let e = file::read(text.as_bytes(), "s.tfstate").unwrap_err();
        assert_eq!(e.diagnostic().summary, summary, "{text}");
        assert!(e.to_string().contains(said), "{e}");
    }
    assert!(matches!(file::read(b"\n\xff", "s"), Err(Error::Format { line: Some(2), .. })));
    assert!(file::read(b"", "s").unwrap().is_none());
}

#[test]
fn what_stands_twice_is_refused() {
    let resource = |instances: &str| {
        format!(
            r#"{{"version":4,"resources":[{{"mode":"managed","type":"a","name":"b","provider":"provider[\"x/y/z\"]","instances":[{instances}]}}]}}"#
        )
    };
    for (instances, said) in [
        (r#"{"attributes":{}},{"attributes":{}}"#, "Instance a.b appears multiple times"),
        (r#"{"index_key":"k"},{"index_key":"k"}"#, "Instance a.b[\"k\"] appears multiple times"),
        (r#"{"deposed":"01234567"},{"deposed":"01234567"}"#, "deposed object \"01234567\" appears multiple times"),
        (r#"{"deposed":"short"}"#, "not correctly formatted"),
        (r#"{"index_key":-1}"#, "invalid instance key"),
        (r#"{"index_key":{}}"#, "invalid instance key"),
        (r#"{"status":"sleepy"}"#, "invalid status \"sleepy\""),
        (r#"{"attributes":[]}"#, "not a JSON object"),
        (r#"{"attributes_flat":{"id":"1"}}"#, "Terraform 0.11"),
        (r#"{"dependencies":["a"]}"#, "invalid dependency"),
        (r#"{"sensitive_attributes":[[{"type":"odd","value":1}]]}"#, "invalid sensitive attributes"),
    ] {
        let e = file::read(resource(instances).as_bytes(), "s").unwrap_err().to_string();
        assert!(e.contains(said), "{instances}: {e}");
    }
}

#[test]
fn states_of_other_programs_are_read() {
    let text = r#"{"version":4,"terraform_version":"1.12.0","serial":1,"lineage":"l","outputs":{},"resources":[
        {"mode":"managed","type":"a","name":"b","provider":"provider.aws.west","instances":[
            {"index_key":1.0,"schema_version":0,"attributes":{},"sensitive_attributes":[],"identity_schema_version":2,"identity":{"id":"x"}}]},
        {"mode":"managed","type":"a","name":"c","instances":[
            {"index_key":0,"provider":"provider[\"x/y/z\"].r[\"eu\"]","schema_version":0,"attributes":{},"sensitive_attributes":[]}]}],
        "check_results":null}"#;
    let read = file::read(text.as_bytes(), "s").unwrap().unwrap();
    let written = file::write(&read).unwrap();
    for part in [
        r#""provider": "provider[\"registry.terraform.io/-/aws\"].west""#,
        r#""index_key": 1,"#,
        r#""identity_schema_version": 2,"#,
        r#""provider": "provider[\"x/y/z\"].r[\"eu\"]","#,
    ] {
        assert!(written.contains(part), "{part}\n{written}");
    }
    assert_eq!(file::write(&file::read(written.as_bytes(), "s").unwrap().unwrap()).unwrap(), written);
}

/// A generator that gives the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn nothing_makes_the_reader_panic() {
    let parts: [&[u8]; 16] = [
        b"\"",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"-1",
        b"1e999999999",
        b"\\u",
        b"\xff",
        b"4",
        b"\"version\"",
        b"\"x\\\"",
        b"[[[[[[[[",
    ];
    let mut random = Random(7);
    for seed in [GOOD, include_str!("fixtures/one.tfstate")] {
        for _ in 0..4_000 {
            let mut text = seed.as_bytes().to_vec();
            for _ in 0..=random.below(4) {
                let (at, part) = (random.below(text.len()), parts[random.below(parts.len())]);
                let end = (at + random.below(12)).min(text.len());
                text.splice(at..end, part.iter().copied());
            }
            if let Ok(Some(snapshot)) = file::read(&text, "fuzz") {
                let written = file::write(&snapshot).unwrap();
                let again = file::read(written.as_bytes(), "fuzz").unwrap().unwrap();
                assert_eq!(file::write(&again).unwrap(), written);
            }
        }
    }
}
