//! Makes records durable, many with one write.
//!
//! While the disk works on some records, others arrive; they wait and go together with the next
//! write. So ten thousand steps in flight cost little more than one.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{closed, line};
use crate::crypt::Sealer;
use crate::error::{Error, Result};

/// Where a journal is kept.
pub trait Sink: Send + 'static {
    /// Appends whole lines. They are durable when it returns; on an error none of them counts.
    fn commit(&mut self, lines: &str) -> Result<()>;

    /// The same, but `done` may be told later, so that several commits are under way at once. They end in the order in
    /// which they were begun, and after one that failed all fail.
    fn begin(&mut self, lines: &str, done: Done) {
        done(self.commit(lines));
    }

    /// Waits for all commits that are under way.
    fn wait(&mut self) {}

    /// How long records may wait for others to go with, when nobody waits for them. `None` where commits cost little.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// What tells whether the run that writes this may still change anything. `None` where nobody can take over from it.
    fn guard(&self) -> Option<Guard> {
        None
    }
}

/// Fails when a run may not change anything any more.
pub type Guard = Arc<dyn Fn() -> Result<()> + Send + Sync>;

/// Is told what came of a commit.
pub type Done = Box<dyn FnOnce(Result<()>) + Send>;

/// Who waits for a record.
pub(super) enum Reply {
    Async(oneshot::Sender<Result<()>>),
    Blocking(SyncSender<Result<()>>),
}

impl Reply {
    /// Whoever waited may have gone; the record stands all the same.
    pub(super) fn send(self, result: Result<()>) {
        match self {
            Reply::Async(to) => drop(to.send(result)),
            Reply::Blocking(to) => drop(to.send(result)),
        }
    }
}

pub(super) struct Committer(Mutex<State>);

enum State {
    Threaded { to: Sender<Message>, thread: JoinHandle<()> },
    Inline(Box<Writer>),
    Closed,
}

/// What the thread of a journal is told.
enum Message {
    /// A record, and whether somebody waits for it.
    Record { text: String, reply: Reply, urgent: bool },
    /// Somebody waits for what was submitted.
    Hurry,
}

struct Writer {
    sink: Box<dyn Sink>,
    next: u64,
    sealer: Option<Sealer>,
}

impl Committer {
    pub(super) fn threaded(sink: impl Sink, next: u64, sealer: Option<Sealer>) -> Result<Self> {
        let (to, from) = mpsc::channel();
        let mut writer = Writer { sink: Box::new(sink), next, sealer };
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(&from))
            .map_err(|e| Error::io("start the thread of the journal", &e))?;
        Ok(Self(Mutex::new(State::Threaded { to, thread })))
    }

    pub(super) fn inline(sink: impl Sink, next: u64, sealer: Option<Sealer>) -> Self {
        Self(Mutex::new(State::Inline(Box::new(Writer { sink: Box::new(sink), next, sealer }))))
    }

    pub(super) fn submit(&self, record: String, reply: Reply, urgent: bool) {
        match &mut *self.state() {
            State::Threaded { to, .. } => {
                let sent = to.send(Message::Record { text: record, reply, urgent });
                if let Err(mpsc::SendError(Message::Record { reply, .. })) = sent {
                    reply.send(Err(closed()));
                }
            }
            State::Inline(writer) => {
                let result = writer.commit(&[record]);
                reply.send(result);
            }
            State::Closed => reply.send(Err(closed())),
        }
    }

    /// Makes what was submitted durable without delay.
    pub(super) fn hurry(&self) {
        if let State::Threaded { to, .. } = &*self.state() {
            // A thread that is gone has nothing left to do.
            let _ = to.send(Message::Hurry);
        }
    }

    /// Waits for what was submitted and takes no more.
    pub(super) fn close(&self) {
        let state = std::mem::replace(&mut *self.state(), State::Closed);
        if let State::Threaded { to, thread } = state {
            drop(to);
            // A thread that panicked has answered nobody, and those who waited saw that.
            let _ = thread.join();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn run(&mut self, from: &Receiver<Message>) {
        while let Ok(first) = from.recv() {
            let (mut records, mut replies, mut urgent) = (Vec::new(), Vec::new(), false);
            let mut take = |message: Message| match message {
                Message::Record { text, reply, urgent: waited_for } => {
                    records.push(text);
                    replies.push(reply);
                    urgent |= waited_for;
                    urgent
                }
                Message::Hurry => {
                    urgent = true;
                    urgent
                }
            };
            let mut hurry = take(first);
            if let Some(patience) = self.sink.patience() {
                let until = Instant::now() + patience;
                while !hurry {
                    let Ok(next) = from.recv_timeout(until.saturating_duration_since(Instant::now())) else { break };
                    hurry = take(next);
                }
            }
            for message in from.try_iter() {
                take(message);
            }
            if records.is_empty() {
                continue;
            }
            let lines = match line::write_batch(self.next, &records, self.sealer.as_ref()) {
                Ok(lines) => lines,
                Err(e) => {
                    replies.into_iter().for_each(|reply| reply.send(Err(e.clone())));
                    continue;
                }
            };
            // A sink that finishes at once may fail and go on: only what counts takes numbers.
            let counts = Arc::new(AtomicBool::new(true));
            let counted = counts.clone();
            self.sink.begin(
                &lines,
                Box::new(move |result| {
                    counted.store(result.is_ok(), Ordering::SeqCst);
                    for reply in replies {
                        reply.send(result.clone());
                    }
                }),
            );
            if counts.load(Ordering::SeqCst) {
                self.next += records.len() as u64;
            }
        }
        self.sink.wait();
    }

    fn commit(&mut self, records: &[String]) -> Result<()> {
        self.sink.commit(&line::write_batch(self.next, records, self.sealer.as_ref())?)?;
        self.next += records.len() as u64;
        Ok(())
    }
}

/// A journal in a file.
pub(crate) struct FileSink {
    file: File,
    path: PathBuf,
    /// How much of the file counts.
    len: u64,
    /// Why the file can take no more: it could not be put back after a write that failed.
    broken: Option<Error>,
}

impl FileSink {
    /// Appends to `file`, all of whose `len` bytes count, at the place where it stands.
    pub(crate) fn new(file: File, path: PathBuf, len: u64) -> Self {
        Self { file, path, len, broken: None }
    }
}

impl Sink for FileSink {
    fn commit(&mut self, lines: &str) -> Result<()> {
        if let Some(e) = &self.broken {
            return Err(e.clone());
        }
        let written = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data());
        let Err(e) = written else {
            self.len += lines.len() as u64;
            return Ok(());
        };
        let e = Error::io(format!("write the journal {:?}", self.path), &e);
        // What was written in part goes away again, or later records would follow a torn one.
        let back = std::io::Seek::seek(&mut self.file, std::io::SeekFrom::Start(self.len));
        if back.and_then(|_| self.file.set_len(self.len)).and_then(|()| self.file.sync_data()).is_err() {
            self.broken = Some(e.clone());
        }
        Err(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_full_is_told_to_every_waiting_record() {
        // It takes nothing and cannot be cut back either, so that nothing may follow.
        let file = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut sink = FileSink::new(file, "j".into(), 0);
        for _ in 0..2 {
            let e = sink.commit("x\n").unwrap_err();
            assert_eq!(e.diagnostic().summary, "No space for the state");
            assert!(e.to_string().contains("write the journal \"j\""), "{e}");
        }
        assert!(sink.broken.is_some());
    }

    #[test]
    fn records_nobody_waits_for_go_with_the_next_that_somebody_waits_for() {
        struct Patient(mpsc::Sender<usize>);
        impl Sink for Patient {
            fn commit(&mut self, lines: &str) -> Result<()> {
                self.0.send(lines.lines().count()).map_err(|_| closed())
            }
            fn patience(&self) -> Option<Duration> {
                Some(Duration::from_secs(3600))
            }
        }
        let (to, from) = mpsc::channel();
        let committer = Committer::threaded(Patient(to), 1, None).unwrap();
        let submit = |urgent: bool| {
            let (reply, done) = mpsc::sync_channel(1);
            committer.submit("{}".into(), Reply::Blocking(reply), urgent);
            done
        };
        let lazy = [submit(false), submit(false)];
        submit(true).recv().unwrap().unwrap();
        assert!(lazy.iter().all(|done| done.recv().unwrap().is_ok()));
        let last = submit(false);
        committer.hurry();
        last.recv().unwrap().unwrap();
        let at_the_end = submit(false);
        committer.close();
        at_the_end.recv().unwrap().unwrap();
        assert_eq!(from.iter().collect::<Vec<_>>(), [3, 1, 1]);
    }

    #[test]
    fn after_the_close_nothing_is_taken() {
        struct Count(mpsc::Sender<usize>);
        impl Sink for Count {
            fn commit(&mut self, lines: &str) -> Result<()> {
                self.0.send(lines.lines().count()).map_err(|_| closed())
            }
        }
        let (to, from) = mpsc::channel();
        let committer = Committer::threaded(Count(to), 1, None).unwrap();
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let (reply, done) = mpsc::sync_channel(1);
                committer.submit("{}".into(), Reply::Blocking(reply), true);
                done
            })
            .collect();
        committer.close();
        assert!(waiting.iter().all(|done| done.recv().unwrap().is_ok()));
        assert_eq!(from.iter().sum::<usize>(), 10);
        let (reply, done) = mpsc::sync_channel(1);
        committer.submit("{}".into(), Reply::Blocking(reply), true);
        assert!(done.recv().unwrap().is_err());
    }
}
