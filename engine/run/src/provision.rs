//! Provisioners: what runs beside an object once it is created, or before it is deleted.

use std::process::Stdio;

use secstack_base::{Addr, Data, Diagnostic, Marks, Span, Str, Type, Value, convert};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::event::{Event, Events};

/// A provisioner with its arguments evaluated.
#[derive(Clone, Debug)]
pub struct Provision {
    /// `local-exec`, `remote-exec` or `file`.
    pub ty: Str,
    /// The arguments.
    pub arguments: Value,
    /// A failure does not stop the operation.
    pub continue_on_failure: bool,
    /// Where the failing argument stands.
    pub span: Span,
}

/// Runs provisioners one after another. The failure of one that may fail is told as an event.
///
/// # Errors
/// The diagnostic of the first that fails and may not.
pub async fn run(list: &[Provision], addr: &Addr, root: &std::path::Path, events: &Events) -> Result<(), Box<Diagnostic>> {
    for p in list {
        events.send(Event::ProvisionStart { addr: addr.clone(), provisioner: p.ty.clone() });
        let result = match &*p.ty {
            "local-exec" => local_exec(p, addr, root, events).await,
            other => {
                Err(format!("The provisioner {other:?} is not supported yet: run the command with local-exec, for instance through ssh."))
            }
        };
        events.send(Event::ProvisionComplete { addr: addr.clone(), provisioner: p.ty.clone(), ok: result.is_ok() });
        if let Err(text) = result {
            let d = Diagnostic::error(format!("{} provisioner error", p.ty), text).at(p.span).about(addr.to_string());
            if !p.continue_on_failure {
                return Err(Box::new(d));
            }
            events.send(Event::Note(format!("{addr}: {} (on_failure = continue)", d.detail)));
        }
    }
    Ok(())
}

fn text(arguments: &Value, name: &str) -> Option<String> {
    let value = arguments.get(name)?.unmark_deep(Marks::ALL);
    convert::convert(&value, &Type::String).ok()?.as_str().map(String::from)
}

async fn local_exec(p: &Provision, addr: &Addr, root: &std::path::Path, events: &Events) -> Result<(), String> {
    let Some(command) = text(&p.arguments, "command").filter(|c| !c.is_empty()) else {
        return Err("The argument \"command\" must be a text that is not empty.".into());
    };
    let interpreter: Vec<String> = match p.arguments.get("interpreter").map(|v| v.unmark_deep(Marks::ALL)) {
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
    if let Some(Data::Map(_, m) | Data::Object(m)) = p.arguments.get("environment").map(|v| v.unmark_deep(Marks::ALL).data) {
        for (name, value) in m.iter() {
            if let Some(value) = convert::convert(value, &Type::String).ok().as_ref().and_then(Value::as_str) {
                child.env(&**name, value);
            }
        }
    }
    let secret = p.arguments.deep_marks().has(Marks::SENSITIVE);
    let quiet = p.arguments.get("quiet").and_then(Value::as_bool) == Some(true);
    let say = |line: &str| {
        events.send(Event::ProvisionProgress { addr: addr.clone(), provisioner: p.ty.clone(), output: line.into() });
    };
    if secret {
        say("(output suppressed due to sensitive value in config)");
    } else if !quiet {
        let shown: Vec<String> = interpreter.iter().chain([&command]).map(|w| format!("{w:?}")).collect();
        say(&format!("Executing: [{}]", shown.join(" ")));
    }
    let mut running = child.spawn().map_err(|e| format!("Error running command '{command}': {e}. Output: "))?;
    let (out, err) = (running.stdout.take(), running.stderr.take());
    let show = |line: &str| {
        if !secret {
            say(line);
        }
    };
    let (a, b) = futures::join!(lines(out, &show), lines(err, &show));
    let status = running.wait().await.map_err(|e| format!("Error running command '{command}': {e}. Output: "))?;
    if status.success() {
        return Ok(());
    }
    let code = status.code().map_or_else(|| "signal: killed".to_string(), |c| format!("exit status {c}"));
    let output = if secret { "(suppressed)".to_string() } else { format!("{a}{b}") };
    Err(format!("Error running command '{command}': {code}. Output: {output}"))
}

async fn lines(from: Option<impl tokio::io::AsyncRead + Unpin>, show: &impl Fn(&str)) -> String {
    let Some(from) = from else { return String::new() };
    let mut reader = BufReader::new(from).lines();
    let mut all = String::new();
    while let Ok(Some(line)) = reader.next_line().await {
        show(&line);
        all.push_str(&line);
        all.push('\n');
    }
    all
}
