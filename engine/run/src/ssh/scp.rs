//! Files by the SCP protocol: what `scp` on the other side speaks when it is told to take files.
//!
//! It has no specification. Each record (a file's `C`, a directory's `D`, its end `E`) is one line, and the other side
//! answers each, and the end of a file's content, with a zero byte, or with 1 or 2 and a line that says what is wrong.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use russh::ChannelMsg;
use russh::ChannelReadHalf;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Exit, Session, signal};

/// Who may do what with a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everybody may read it, as Terraform leaves files.
    File,
    /// Its owner may run it, and nobody else even read it: it may hold secrets.
    Script,
}

const DIRECTORY_MODE: &str = "0755";

/// How much is read from a file at once.
const CHUNK: usize = 32 * 1024;

impl Session {
    /// Writes a file; its directory must be there.
    ///
    /// # Errors
    /// What the other side says.
    pub async fn upload(&self, content: &mut Content<'_>, path: &Destination) -> Result<(), String> {
        let (directory, name) = path.parts();
        let mut scp = Transfer::start(self, &format!("scp -vt {}", path.quote(&directory))).await?;
        let done = scp.file(&name, content).await;
        scp.end(done).await
    }

    /// Writes a directory: into one that is there, under its own name or, when `source` ends in a slash, without it.
    ///
    /// # Errors
    /// What the other side says, or why a file cannot be read.
    pub async fn upload_directory(&self, source: &str, path: &Destination) -> Result<(), String> {
        let mut scp = Transfer::start(self, &format!("scp -rvt {}", path.quote(&path.path))).await?;
        let contents_only = source.ends_with('/');
        let done = scp.directory(Path::new(source), contents_only).await;
        scp.end(done).await
    }
}

/// A file to be written.
pub struct Content<'a> {
    /// What is in it.
    pub bytes: &'a mut (dyn AsyncRead + Send + Unpin),
    /// How many bytes of it.
    pub size: u64,
    /// Who may do what with it.
    pub mode: Mode,
}

/// Where a file goes, in the other side's notation.
pub struct Destination {
    /// The path.
    pub path: String,
    /// Whether the other side runs Windows.
    pub windows: bool,
}

impl Destination {
    /// Directory and name. A path that ends in a slash is a directory, in which the file gets the name of the directory:
    /// no one would ask for that, but configurations may have come to rely on where Terraform puts it.
    fn parts(&self) -> (String, String) {
        let path = if self.windows { self.path.replace('\\', "/") } else { self.path.clone() };
        let Some((directory, name)) = path.rsplit_once('/') else { return (".".into(), path) };
        let directory = directory.trim_end_matches('/');
        let name = if name.is_empty() { directory.rsplit('/').next().unwrap_or_default() } else { name };
        (if directory.is_empty() { "/".into() } else { directory.into() }, name.into())
    }

    fn quote(&self, word: &str) -> String {
        if self.windows { format!("\"{}\"", word.replace('\\', "/").replace('"', "")) } else { quote(word) }
    }
}

/// A word for a POSIX shell.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// A transfer under way.
struct Transfer {
    from: ChannelReadHalf,
    to: Box<dyn AsyncWrite + Send + Unpin>,
    /// Bytes of answers that are not looked at yet.
    answers: VecDeque<u8>,
    exit: Exit,
    closed: bool,
}

impl Transfer {
    async fn start(session: &Session, command: &str) -> Result<Self, String> {
        let channel = session.handle.channel_open_session().await.map_err(|e| e.to_string())?;
        channel.exec(true, command).await.map_err(|e| e.to_string())?;
        let (from, to) = channel.split();
        let to = Box::new(to.make_writer());
        Ok(Self { from, to, answers: VecDeque::new(), exit: Exit::Lost, closed: false })
    }

    /// Waits for the end and tells what came of the transfer.
    async fn end(mut self, done: Result<(), String>) -> Result<(), String> {
        // The other side may have closed already.
        let _ = self.to.shutdown().await;
        while self.receive().await {}
        match (done, self.exit) {
            // Without `scp` there is no answer that would say more.
            (_, Exit::Status(127)) => {
                Err("SCP failed to start. This usually means that SCP is not properly installed on the remote system.".into())
            }
            (Err(e), _) => Err(e),
            (Ok(()), Exit::Status(0) | Exit::Lost) => Ok(()),
            (Ok(()), Exit::Status(code)) => Err(format!("Process exited with status {code}")),
            (Ok(()), Exit::Signal(name)) => Err(format!("Process exited from signal {name}")),
        }
    }

    /// Takes a message. False when no other will come.
    async fn receive(&mut self) -> bool {
        match self.from.wait().await {
            None => self.closed = true,
            Some(ChannelMsg::Data { data }) => self.answers.extend(data.iter()),
            Some(ChannelMsg::ExitStatus { exit_status }) => self.exit = Exit::Status(exit_status),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => self.exit = Exit::Signal(signal(&signal_name)),
            Some(_) => {}
        }
        !self.closed
    }

    async fn byte(&mut self) -> Result<u8, String> {
        loop {
            if let Some(byte) = self.answers.pop_front() {
                return Ok(byte);
            }
            if !self.receive().await {
                return Err("the connection ended in the middle of the transfer".into());
            }
        }
    }

    /// Reads the answer to a record.
    async fn answer(&mut self) -> Result<(), String> {
        if self.byte().await? == 0 {
            return Ok(());
        }
        let mut line = Vec::new();
        loop {
            match self.byte().await? {
                b'\n' => return Err(String::from_utf8_lossy(&line).trim().to_string()),
                byte => line.push(byte),
            }
        }
    }

    /// Writes, and takes answers meanwhile: the other side may stop to read and say why.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Self { from, to, answers, exit, closed } = self;
        let writing = to.write_all(bytes);
        tokio::pin!(writing);
        loop {
            tokio::select! {
                done = &mut writing => return done.map_err(|e| e.to_string()),
                message = from.wait(), if !*closed => match message {
                    None => {
                        *closed = true;
                        return Err("the connection ended in the middle of the transfer".into());
                    }
                    Some(ChannelMsg::Data { data }) => answers.extend(data.iter()),
                    Some(ChannelMsg::ExitStatus { exit_status }) => *exit = Exit::Status(exit_status),
                    Some(_) => {}
                },
            }
        }
    }

    async fn record(&mut self, line: String) -> Result<(), String> {
        self.write(line.as_bytes()).await?;
        self.answer().await
    }

    async fn file(&mut self, name: &str, content: &mut Content<'_>) -> Result<(), String> {
        check_name(name)?;
        self.answer().await?;
        self.file_record(name, content).await
    }

    async fn file_record(&mut self, name: &str, content: &mut Content<'_>) -> Result<(), String> {
        let mode = if content.mode == Mode::Script { "0700" } else { "0644" };
        self.record(format!("C{mode} {} {name}\n", content.size)).await?;
        let mut left = content.size;
        let mut bytes = (&mut *content.bytes).take(left);
        let mut buffer = vec![0; CHUNK];
        while left > 0 {
            let read = bytes.read(&mut buffer).await.map_err(|e| e.to_string())?;
            if read == 0 {
                return Err(format!("{name} became shorter while it was read"));
            }
            self.write(&buffer[..read]).await?;
            left -= read as u64;
        }
        self.write(&[0]).await?;
        self.answer().await
    }

    async fn directory(&mut self, source: &Path, contents_only: bool) -> Result<(), String> {
        self.answer().await?;
        // What is still to be sent, the next one last.
        let mut stack = if contents_only { entries(source)? } else { vec![Entry::Path(source.to_path_buf())] };
        while let Some(entry) = stack.pop() {
            let Entry::Path(path) = entry else {
                self.record("E\n".into()).await?;
                continue;
            };
            let about = |e: std::io::Error| format!("{}: {e}", path.display());
            let name = name_of(&path)?;
            // Links are followed.
            let kind = std::fs::metadata(&path).map_err(about)?;
            if kind.is_dir() {
                self.record(format!("D{DIRECTORY_MODE} 0 {name}\n")).await?;
                stack.push(Entry::End);
                stack.extend(entries(&path)?);
            } else {
                let mut file = tokio::fs::File::open(&path).await.map_err(about)?;
                self.file_record(&name, &mut Content { bytes: &mut file, size: kind.len(), mode: Mode::File }).await?;
            }
        }
        Ok(())
    }
}

/// What is to be sent of a directory.
enum Entry {
    /// A file or a directory.
    Path(PathBuf),
    /// The end of a directory.
    End,
}

/// What is in a directory, by name, the first one last.
fn entries(directory: &Path) -> Result<Vec<Entry>, String> {
    let about = |e: std::io::Error| format!("{}: {e}", directory.display());
    let found = std::fs::read_dir(directory).map_err(about)?.map(|e| e.map(|e| e.path()).map_err(about));
    let mut paths = found.collect::<Result<Vec<PathBuf>, String>>()?;
    paths.sort();
    Ok(paths.into_iter().rev().map(Entry::Path).collect())
}

fn name_of(path: &Path) -> Result<String, String> {
    // A path such as `.` or `a/..` has no name before it is looked up.
    let named = match path.file_name() {
        Some(_) => path.to_path_buf(),
        None => path.canonicalize().map_err(|e| format!("{}: {e}", path.display()))?,
    };
    let name = named.file_name().and_then(|n| n.to_str()).ok_or_else(|| format!("{} has no name in UTF-8", path.display()))?;
    check_name(name)?;
    Ok(name.into())
}

/// A record ends with its line.
fn check_name(name: &str) -> Result<(), String> {
    match name {
        "" => Err("the name of the file is empty".into()),
        _ if name.contains(['\n', '\0']) => Err(format!("the name {name:?} cannot be sent")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_have_a_directory_and_a_name() {
        for (path, windows, directory, name) in [
            ("/tmp/x", false, "/tmp", "x"),
            ("/tmp/x/", false, "/tmp/x", "x"),
            ("x/", false, "x", "x"),
            ("/", false, "/", ""),
            ("/x", false, "/", "x"),
            ("x", false, ".", "x"),
            ("", false, ".", ""),
            ("a\\b", false, ".", "a\\b"),
            ("C:\\Temp\\x", true, "C:/Temp", "x"),
            ("C:/Temp/x", true, "C:/Temp", "x"),
        ] {
            let parts = Destination { path: path.into(), windows }.parts();
            assert_eq!(parts, (directory.to_string(), name.to_string()), "{path}");
        }
    }

    #[test]
    fn words_are_quoted_for_the_shell_of_the_other_side() {
        for (word, quoted) in [("/tmp/a", "/tmp/a"), ("", "''"), ("a b", "'a b'"), ("it's $x", r"'it'\''s $x'"), ("~/x", "'~/x'")] {
            assert_eq!(quote(word), quoted);
        }
        let windows = Destination { path: String::new(), windows: true };
        assert_eq!(windows.quote("C:\\a b"), "\"C:/a b\"");
    }
}
