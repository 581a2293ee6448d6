//! The one place that prints.
//!
//! A reader who goes away (`secstack show | head`) must not end an apply half way: what cannot be written any more
//! is dropped, and the run goes on.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::text::Style;

/// Where text goes. Clones write to the same place.
#[derive(Clone)]
pub struct Out {
    shared: Arc<Mutex<Drawn>>,
    /// Whether colours are wanted.
    pub colour: bool,
    /// Everything goes where errors go.
    aside: bool,
}

/// What stands below the last line on a terminal, to be drawn over.
#[derive(Default)]
struct Drawn {
    status: bool,
}

impl Out {
    /// Prints with colours if a terminal reads and nobody asked for none.
    pub fn new(colour: bool) -> Self {
        let wanted = colour && io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Self { shared: Arc::default(), colour: wanted, aside: false }
    }

    /// Prints everything to where errors go: the command's own output is a document.
    #[must_use]
    pub fn aside(&self) -> Self {
        Self { colour: false, aside: true, ..self.clone() }
    }

    /// How text is to be dressed.
    pub fn style(&self) -> Style {
        Style { colour: self.colour, width: width() }
    }

    /// Prints a line, or several.
    pub fn line(&self, text: impl AsRef<str>) {
        self.text(&format!("{}\n", text.as_ref()));
    }

    /// Prints text as it is.
    pub fn text(&self, text: &str) {
        self.raw(text.as_bytes());
    }

    /// Prints bytes as they are.
    pub fn raw(&self, bytes: &[u8]) {
        let mut drawn = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if self.aside {
            let _ = io::stderr().lock().write_all(bytes);
            return;
        }
        let mut out = io::stdout().lock();
        clear(&mut drawn, &mut out);
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    /// Prints to where errors go.
    pub fn error(&self, text: impl AsRef<str>) {
        let mut drawn = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        clear(&mut drawn, &mut io::stdout().lock());
        let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
    }

    /// Draws a line that the next line takes the place of. Only on a terminal.
    pub fn status(&self, text: &str) {
        if self.aside {
            return;
        }
        let mut drawn = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = io::stdout().lock();
        clear(&mut drawn, &mut out);
        drawn.status = !text.is_empty();
        let _ = write!(out, "{text}").and_then(|()| out.flush());
    }

    /// Whether a terminal reads.
    pub fn is_terminal(&self) -> bool {
        !self.aside && io::stdout().is_terminal()
    }

    /// Asks a question and reads a line. `None` when there is no answer to be had.
    pub fn ask(&self, question: &str) -> Option<String> {
        self.text(question);
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).unwrap_or(0);
        if !io::stdin().is_terminal() {
            self.text("\n");
        }
        (read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_string())
    }
}

/// Writes a file that only its owner can read, since it may hold secrets.
///
/// # Errors
/// When that is not possible.
pub fn write_private(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

fn clear(drawn: &mut Drawn, out: &mut impl Write) {
    if std::mem::take(&mut drawn.status) {
        let _ = out.write_all(b"\r\x1b[K");
    }
}

/// The columns of the terminal, or 80.
fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let found = || terminal_size::terminal_size().map(|(w, _)| usize::from(w.0));
    asked.or_else(found).filter(|w| *w >= 40).unwrap_or(80)
}
