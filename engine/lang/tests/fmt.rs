//! Texts and what `terraform fmt` 1.11.4 made of them.

#![allow(clippy::unwrap_used)] // helpers of tests, which fail by panicking

#[test]
fn texts_are_formatted_as_by_terraform() {
    for line in include_str!("fmt.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let (given, want) = (case["in"].as_str().unwrap(), case["out"].as_str().unwrap());
        assert_eq!(secstack_lang::fmt::format(given).as_deref(), Ok(want), "{given}");
        assert_eq!(secstack_lang::fmt::format(want).as_deref(), Ok(want), "formatting is stable");
    }
}

#[test]
fn what_does_not_parse_is_refused() {
    assert!(secstack_lang::fmt::format("a = [").is_err());
}
