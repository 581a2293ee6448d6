//! `cargo suite [filter] [--bless]`: plays the cases of `tests/suite`.
#![allow(clippy::print_stdout, reason = "this is a program for people")]

use std::process::ExitCode;

use secstack_tests::suite;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let blessing = arguments.iter().any(|a| a == "--bless");
    let filter = arguments.iter().find(|a| !a.starts_with('-')).map_or("", String::as_str);
    let cases = match suite::find(filter) {
        Ok(cases) => cases,
        Err(e) => {
            println!("{e}");
            return ExitCode::FAILURE;
        }
    };
    let mut failed = 0;
    for path in &cases {
        let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let result = if blessing {
            suite::bless(path).map(|changed| {
                if changed {
                    println!("blessed {name}");
                }
            })
        } else {
            suite::check(path)
        };
        if let Err(e) = result {
            failed += 1;
            println!("FAILED {name}\n{e}\n");
        }
    }
    println!("{} cases, {failed} failed", cases.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
