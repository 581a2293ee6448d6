//! An emulated AWS for tests in Rust: `moto.py serve`, which installs moto on first use and stops it again.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A server, gone with this value.
pub struct Server {
    process: Child,
    /// Where it listens, on this machine.
    pub port: u16,
    /// It goes on writing there.
    _said: BufReader<ChildStdout>,
}

impl Server {
    /// Starts one, on a port of its choice.
    pub fn start() -> Self {
        // The script stands above the crate that includes this file.
        let above = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|d| d.join("tests/harness/moto.py"));
        let script = above.into_iter().find(|s| s.exists()).expect("the harness is part of the repository");
        let mut process =
            Command::new("python3").arg(script).arg("serve").stdout(Stdio::piped()).spawn().expect("these tests need python3");
        let mut said = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            assert_ne!(said.read_line(&mut line).expect("its output can be read"), 0, "the emulated AWS did not start");
            if let Some(port) = line.trim().strip_prefix("export AWS_ENDPOINT_URL=http://127.0.0.1:") {
                break port.parse().expect("a port");
            }
        };
        Self { process, port, _said: said }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that it stops what it has started. One that is gone already is as good as stopped.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}
