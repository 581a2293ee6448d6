//! `remote-exec`: scripts on another machine.

use std::path::Path;

use secstack_base::Value;

use super::connection::Connection;
use super::{Output, Provision, text};
use crate::ssh::{Content, Destination, Exit, Mode, Session, Stream, quote};

const SHEBANG: &[u8] = b"#!/bin/sh\n";

/// A line that is longer is shown in pieces.
const LONGEST_LINE: usize = 64 * 1024;

/// Runs the scripts one after another. The error is what is told of the first that fails.
pub(super) async fn run(p: &Provision, root: &Path, output: &Output<'_>) -> Result<(), String> {
    let connection = Connection::of(p)?;
    let scripts = scripts(&p.arguments, root)?;
    output.begin();
    let mut session = connection.open(Some(output)).await?;
    for script in &scripts {
        if session.is_closed() {
            // The script before may have started the machine anew.
            session = connection.open(Some(output)).await?;
        }
        let done = run_script(&session, &connection, script, output).await;
        if done.is_err() {
            session.close().await;
            return done;
        }
    }
    session.close().await;
    Ok(())
}

/// The texts of the scripts.
fn scripts(arguments: &Value, root: &Path) -> Result<Vec<Vec<u8>>, String> {
    let list = |name: &str| arguments.get(name).filter(|v| !v.is_null()).map(|v| v.parts().cloned().collect::<Vec<_>>());
    if let Some(commands) = list("inline") {
        let mut all = String::new();
        for command in &commands {
            match command.as_str() {
                None => return Err("invalid null string in 'scripts'".into()),
                Some("") => return Err("invalid empty string in 'scripts'".into()),
                Some(command) => {
                    all.push_str(command);
                    all.push('\n');
                }
            }
        }
        return Ok(vec![all.into_bytes()]);
    }
    let mut paths = Vec::new();
    if let Some(given) = list("scripts") {
        for path in &given {
            match path.as_str() {
                None => return Err("invalid null string in 'script'".into()),
                Some("") => return Err("invalid empty string in 'script'".into()),
                Some(path) => paths.push(path.to_string()),
            }
        }
    }
    match text(arguments, "script").as_deref() {
        Some("") => return Err("invalid empty string in 'script'".into()),
        script => paths.extend(script.map(String::from)),
    }
    paths.iter().map(|path| std::fs::read(root.join(path)).map_err(|e| cannot_open(path, &e))).collect()
}

fn cannot_open(path: &str, e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => format!("Failed to open script '{path}': open {path}: no such file or directory"),
        _ => format!("Failed to open script '{path}': {e}"),
    }
}

async fn run_script(session: &Session, connection: &Connection, script: &[u8], output: &Output<'_>) -> Result<(), String> {
    let number = uuid::Uuid::new_v4().as_u128() as u32 >> 1;
    let path = connection.script_path.replace("%RAND%", &number.to_string());
    let mut bytes = script.to_vec();
    if !connection.windows && !script.starts_with(b"#!") {
        bytes.splice(..0, SHEBANG.iter().copied());
    }
    let to = Destination { path: path.clone(), windows: connection.windows };
    let content = &mut Content { bytes: &mut &bytes[..], size: bytes.len() as u64, mode: Mode::Script };
    session.upload(content, &to).await.map_err(|e| format!("Failed to upload script: {e}"))?;
    let done = execute(session, connection, &path, output).await;
    // The script may hold secrets, so it goes also when it failed. A machine that is gone keeps it.
    if connection.windows {
        let _ = session.upload(&mut Content { bytes: &mut &b""[..], size: 0, mode: Mode::Script }, &to).await;
    } else {
        let _ = session.execute(&format!("rm -f {}", quote(&path)), false, |_, _| {}).await;
    }
    done
}

async fn execute(session: &Session, connection: &Connection, path: &str, output: &Output<'_>) -> Result<(), String> {
    if !connection.windows {
        let command = format!("chmod 0700 {}", quote(path));
        let mut said = Vec::new();
        let exit = session.execute(&command, false, |_, bytes| said.extend_from_slice(bytes)).await;
        let exit = exit.map_err(|e| format!("Error chmodding script file to 0700 in remote machine: {e}"))?;
        if let Some(how) = failed(&exit) {
            let said = String::from_utf8_lossy(&said);
            return Err(format!("Error chmodding script file to 0700 in remote machine {how}: {}", said.trim()));
        }
    }
    let mut lines = [Lines::default(), Lines::default()];
    let command = if connection.windows { path.to_string() } else { quote(path) };
    let exit = session
        .execute(&command, !connection.windows, |stream, bytes| {
            let lines = &mut lines[usize::from(stream == Stream::Err)];
            lines.take(bytes, &mut |line| output.line(line));
        })
        .await
        .map_err(|e| format!("Error starting script: {e}"))?;
    lines.iter_mut().for_each(|l| l.end(&mut |line| output.line(line)));
    failed(&exit).map_or(Ok(()), |how| Err(format!("error executing {path:?}: {how}")))
}

/// How a command failed. Nothing when it did not.
fn failed(exit: &Exit) -> Option<String> {
    match exit {
        Exit::Status(0) => None,
        Exit::Status(code) => Some(format!("Process exited with status {code}")),
        Exit::Signal(name) => Some(match number(name) {
            Some(n) => format!("Process exited with status {} from signal {name}", 128 + n),
            None => format!("Process exited from signal {name}"),
        }),
        Exit::Lost => Some("wait: remote command exited without exit status or exit signal".into()),
    }
}

/// The number of a signal, for the status that a shell would give.
fn number(signal: &str) -> Option<u32> {
    const NUMBERS: &[(&str, u32)] = &[
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("ILL", 4),
        ("ABRT", 6),
        ("FPE", 8),
        ("KILL", 9),
        ("SEGV", 11),
        ("PIPE", 13),
        ("ALRM", 14),
        ("TERM", 15),
    ];
    NUMBERS.iter().find(|(name, _)| *name == signal).map(|(_, n)| *n)
}

/// Lines put together from pieces.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn take(&mut self, bytes: &[u8], show: &mut dyn FnMut(&str)) {
        for byte in bytes {
            if *byte == b'\n' || self.0.len() >= LONGEST_LINE {
                self.show(show);
            }
            if *byte != b'\n' {
                self.0.push(*byte);
            }
        }
    }

    fn end(&mut self, show: &mut dyn FnMut(&str)) {
        if !self.0.is_empty() {
            self.show(show);
        }
    }

    fn show(&mut self, show: &mut dyn FnMut(&str)) {
        // Terminals end lines with both characters.
        show(String::from_utf8_lossy(&self.0).trim_end_matches('\r'));
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut shown = Vec::new();
        let mut lines = Lines::default();
        for piece in ["on", "e\r\ntwo\n", "\n", "thr\u{e9}", "e"] {
            lines.take(piece.as_bytes(), &mut |l| shown.push(l.to_string()));
        }
        lines.end(&mut |l| shown.push(l.to_string()));
        assert_eq!(shown, ["one", "two", "", "thr\u{e9}e"]);
    }
}
