//! `local-exec`: a command on this machine.

use std::process::Stdio;

use secstack_base::{Data, Value};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::{Output, Provision, text};

/// Runs the command. The error is what is told of its failure.
pub(super) async fn run(p: &Provision, root: &std::path::Path, output: &Output<'_>) -> Result<(), String> {
    let Some(command) = text(&p.arguments, "command").filter(|c| !c.is_empty()) else {
        return Err("The argument \"command\" must be a text that is not empty.".into());
    };
    let interpreter: Vec<String> = match p.arguments.get("interpreter") {
        Some(v) if !v.is_null() => v.parts().filter_map(|w| w.as_str().map(String::from)).collect(),
        _ if cfg!(windows) => vec!["cmd".into(), "/C".into()],
        _ => vec!["/bin/sh".into(), "-c".into()],
    };
    let (program, args) = interpreter.split_first().map_or((command.as_str(), &[][..]), |(p, a)| (p.as_str(), a));
    let mut child = Command::new(program);
    child.args(args);
    if !interpreter.is_empty() {
        child.arg(&command);
    }
    let directory = text(&p.arguments, "working_dir").map_or_else(|| root.to_path_buf(), |d| root.join(d));
    child.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if let Some(Data::Map(_, variables)) = p.arguments.get("environment").map(|v| &v.data) {
        for (name, value) in variables.iter() {
            if let Some(value) = value.as_str() {
                child.env(&**name, value);
            }
        }
    }
    output.begin();
    if p.arguments.get("quiet").and_then(Value::as_bool) != Some(true) {
        let shown: Vec<String> = interpreter.iter().chain([&command]).map(|w| format!("{w:?}")).collect();
        output.line(&format!("Executing: [{}]", shown.join(" ")));
    }
    let failure = match output.secret {
        true => "Error running command (suppressed due to sensitive value in config)".to_string(),
        false => format!("Error running command '{command}'"),
    };
    let mut running = child.spawn().map_err(|e| format!("{failure}: {e}. Output: "))?;
    let (out, err) = (running.stdout.take(), running.stderr.take());
    let (a, b) = futures::join!(lines(out, output), lines(err, output));
    let status = running.wait().await.map_err(|e| format!("{failure}: {e}. Output: "))?;
    if status.success() {
        return Ok(());
    }
    let code = status.code().map_or_else(|| "signal: killed".to_string(), |c| format!("exit status {c}"));
    let written = if output.secret { "(suppressed)".to_string() } else { format!("{a}{b}") };
    Err(format!("{failure}: {code}. Output: {written}"))
}

async fn lines(from: Option<impl tokio::io::AsyncRead + Unpin>, output: &Output<'_>) -> String {
    let Some(from) = from else { return String::new() };
    let mut reader = BufReader::new(from).lines();
    let mut all = String::new();
    while let Ok(Some(line)) = reader.next_line().await {
        output.line(&line);
        all.push_str(&line);
        all.push('\n');
    }
    all
}
