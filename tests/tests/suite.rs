//! Plays every case of `tests/suite`.

#![allow(clippy::unwrap_used)] // helpers of tests, which fail by panicking

#[test]
fn all_cases_do_what_they_say() {
    let cases = secstack_tests::suite::find("").unwrap();
    assert!(!cases.is_empty());
    let failed: Vec<String> =
        cases.iter().filter_map(|path| secstack_tests::suite::check(path).err().map(|e| format!("{}\n{e}", path.display()))).collect();
    assert!(failed.is_empty(), "{} of {} cases failed:\n{}", failed.len(), cases.len(), failed.join("\n\n"));
}
