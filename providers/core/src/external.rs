//! `hashicorp/external`: what a program of the user's answers.

use std::collections::BTreeMap;
use std::process::Stdio;

use async_trait::async_trait;
use secstack_base::schema::Schema;
use secstack_base::{ProviderAddr, Str, Type, Value};
use secstack_sdk::{Error, Result};
use tokio::io::AsyncWriteExt;

use crate::framework::{text, with_all};
use crate::kind::{DataKind, Native, Parts, fail};
use crate::schema::{computed, optional, required, schema};

/// The provider.
pub(crate) fn provider() -> Native {
    let parts = Parts { versions: vec!["2.3.5", "2.3.4", "2.3.3"], data: vec![Box::new(External)], ..Parts::default() };
    Native::new(ProviderAddr::hashicorp("external"), parts)
}

struct External;

#[async_trait]
impl DataKind for External {
    fn name(&self) -> &'static str {
        "external"
    }

    fn schema(&self) -> Schema {
        schema(
            "Runs a program that reads JSON and writes JSON.",
            [
                required("program", Type::list(Type::String), "The program and its arguments."),
                optional("working_dir", Type::String, "The directory to run it in."),
                optional("query", Type::map(Type::String), "What the program reads."),
                computed("result", Type::map(Type::String), "What the program wrote."),
                computed("id", Type::String, "Always `-`."),
            ],
        )
    }

    async fn read(&self, _provider: &Value, config: &Value) -> Result<Value> {
        let words = config.get("program").and_then(Value::as_slice).unwrap_or_default();
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).filter(|w| !w.is_empty()).collect();
        let [program, arguments @ ..] = &words[..] else {
            return Err(fail(
                "External Program Missing",
                "The data source was configured without a program to execute. Verify the configuration contains at least one non-empty value.",
            ));
        };
        let answer = run(program, arguments, text(config, "working_dir"), &query(config)).await?;
        let answer: BTreeMap<String, Option<String>> = serde_json::from_slice(&answer).map_err(|e| unexpected(program, &e))?;
        // A null is an empty string: that is what Go makes of it.
        let answer = answer.into_iter().map(|(k, v)| (k, Value::from(v.unwrap_or_default())));
        Ok(with_all(config, [("result", Value::map(Type::String, answer)), ("id", "-".into())]))
    }
}

/// The query as JSON. Elements that are null are left out.
fn query(config: &Value) -> String {
    let empty = BTreeMap::new();
    let query = config.get("query").and_then(Value::as_map).unwrap_or(&empty);
    let query: BTreeMap<&Str, &str> = query.iter().filter_map(|(k, v)| Some((k, v.as_str()?))).collect();
    let json = serde_json::to_string(&query).unwrap_or_default();
    // Go escapes what could end a script in HTML.
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

async fn run(program: &str, arguments: &[&str], dir: &str, query: &str) -> Result<Vec<u8>> {
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if !dir.is_empty() {
        command.current_dir(dir);
    }
    let mut child = command.spawn().map_err(|e| not_found(program, &e))?;
    let input = child.stdin.take();
    let feed = async {
        if let Some(mut input) = input {
            // A program may end without having read everything.
            let _ = input.write_all(query.as_bytes()).await;
        }
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output.map_err(|e| failed(program, "", &e))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let state = output.status.code().map_or_else(|| output.status.to_string(), |code| format!("exit status {code}"));
    Err(failed(program, &String::from_utf8_lossy(&output.stderr), &state))
}

fn failed(program: &str, stderr: &str, state: &dyn std::fmt::Display) -> Error {
    let said = if stderr.is_empty() {
        format!("\n\nThe program was executed, however it returned no additional error messaging.\n\nProgram: {program}")
    } else {
        format!("\n\nProgram: {program}\nError Message: {stderr}")
    };
    let what = "The data source received an unexpected error while attempting to execute the program.";
    fail("External Program Execution Failed", format!("{what}{said}\nState: {state}"))
}

fn not_found(program: &str, e: &std::io::Error) -> Error {
    let what = "The data source received an unexpected error while attempting to find the program.\n\nThe program must be accessible and executable according to the platform where secstack is running. If it is relative to the configuration, name it with path.module, such as \"${path.module}/my-program\".";
    fail("External Program Lookup Failed", format!("{what}\n\nPlatform: {}\nProgram: {program}\nError: {e}", std::env::consts::OS))
}

fn unexpected(program: &str, e: &serde_json::Error) -> Error {
    let what = "The data source received unexpected results after executing the program.\n\nProgram output must be a JSON encoded map of string keys and string values.";
    fail("Unexpected External Program Results", format!("{what}\n\nProgram: {program}\nResult Error: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(words: &[&str]) -> Value {
        let query = Value::map(Type::String, [("x", Value::from("<y>")), ("z", Value::null(Type::String))]);
        let program = Value::list(Type::String, words.iter().map(|w| Value::from(*w)));
        with_all(&External.schema().block.empty_value(), [("program", program), ("query", query)])
    }

    #[tokio::test]
    async fn a_program_gets_the_query() {
        let script = r#"read q; printf '{"got":"%s"}' "$(echo "$q" | tr -d '"{}\\')""#;
        let read = External.read(&Value::NULL, &config(&["sh", "-c", script, ""])).await;
        // `read` fails at the end of input without a newline, and has read all the same.
        let read = read.unwrap();
        assert_eq!(read.get("result").unwrap().get_str("got"), Some("x:u003cyu003e"));
    }

    #[tokio::test]
    async fn errors() {
        check(&["sh", "-c", "echo bad >&2; exit 3"], "Error Message: bad\n\nState: exit status 3").await;
        check(&["sh", "-c", "exit 1"], "no additional error messaging").await;
        check(&["sh", "-c", "echo '{\"a\":1}'"], "Unexpected External Program Results").await;
        check(&["/nonexistent/program"], "External Program Lookup Failed").await;
        check(&[""], "External Program Missing").await;
    }

    async fn check(words: &[&str], want: &str) {
        let e = External.read(&Value::NULL, &config(words)).await.unwrap_err();
        assert!(e.message.contains(want), "{e}");
    }
}
