//! Makes records durable, many with one write.
//!
//! While the disk works on some records, others arrive; they wait and go together with the next
//! write. So ten thousand steps in flight cost little more than one.

use std::fs::File;
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::closed;
use super::line::{self, Written};
use crate::crypt::Sealer;
use crate::error::{Error, Result};

/// Where a journal is kept.
#[async_trait]
pub trait Sink: Send + 'static {
    /// Appends whole lines. They are durable when it is done; on an error none of them counts.
    async fn commit(&mut self, lines: &str) -> Result<()>;

    /// The same, but `done` may be told later, so that several commits are under way at once. They end in the order in
    /// which they were begun, and after one that failed all fail.
    async fn begin(&mut self, lines: &str, done: Done) {
        done(self.commit(lines).await);
    }

    /// Waits for all commits that are under way.
    async fn wait(&mut self) {}

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

/// Who waits for a record. Whoever waited may have gone; the record stands all the same.
pub(super) type Reply = oneshot::Sender<Result<()>>;

/// The way to the writer of a journal. `None` when it takes no more.
pub(super) struct Committer(Mutex<Option<Open>>);

struct Open {
    to: UnboundedSender<Message>,
    /// Ends with the writer.
    ended: oneshot::Receiver<()>,
}

/// What the writer of a journal is told.
enum Message {
    /// A record, and whether somebody waits for it.
    Record { record: Written, reply: Reply, urgent: bool },
    /// Somebody waits for what was submitted.
    Hurry,
}

struct Writer<S> {
    sink: S,
    next: u64,
    sealer: Sealer,
}

impl Committer {
    /// A committer, and the work of its writer, which somebody has to do.
    pub(super) fn new(sink: impl Sink, next: u64, sealer: Sealer) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (to, from) = unbounded_channel();
        let (end, ended) = oneshot::channel();
        let mut writer = Writer { sink, next, sealer };
        let work = async move {
            writer.run(from).await;
            let _ = end.send(());
        };
        (Self(Mutex::new(Some(Open { to, ended }))), work)
    }

    pub(super) fn submit(&self, record: Written, reply: Reply, urgent: bool) {
        self.tell(Message::Record { record, reply, urgent });
    }

    /// Makes what was submitted durable without delay.
    pub(super) fn hurry(&self) {
        self.tell(Message::Hurry);
    }

    fn tell(&self, message: Message) {
        let refused = match &*self.open() {
            // A writer that is gone answers nobody.
            Some(open) => open.to.send(message).err().map(|e| e.0),
            None => Some(message),
        };
        if let Some(Message::Record { reply, .. }) = refused {
            let _ = reply.send(Err(closed()));
        }
    }

    /// Waits for what was submitted and takes no more.
    pub(super) async fn close(&self) {
        let open = self.open().take();
        if let Some(Open { to, ended }) = open {
            drop(to);
            // A writer that was given up has answered nobody, and those who waited saw that.
            let _ = ended.await;
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records that are made durable together.
#[derive(Default)]
struct Batch {
    records: Vec<Written>,
    replies: Vec<Reply>,
    urgent: bool,
}

impl Batch {
    fn take(&mut self, message: Message) {
        match message {
            Message::Record { record, reply, urgent } => {
                self.records.push(record);
                self.replies.push(reply);
                self.urgent |= urgent;
            }
            Message::Hurry => self.urgent = true,
        }
    }
}

impl<S: Sink> Writer<S> {
    async fn run(&mut self, mut from: UnboundedReceiver<Message>) {
        while let Some(batch) = next_batch(&mut from, self.sink.patience()).await {
            if !batch.records.is_empty() {
                self.write(batch).await;
            }
        }
        self.sink.wait().await;
    }

    async fn write(&mut self, Batch { records, replies, .. }: Batch) {
        let tell = |result: Result<()>| {
            for reply in replies {
                let _ = reply.send(result.clone());
            }
        };
        let lines = match line::write_batch(self.next, &records, &self.sealer) {
            Ok(lines) => lines,
            Err(e) => return tell(Err(e)),
        };
        // A sink that finishes at once may fail and go on: only what counts takes numbers.
        let counts = Arc::new(AtomicBool::new(true));
        let counted = counts.clone();
        let done = move |result: Result<()>| {
            counted.store(result.is_ok(), Ordering::SeqCst);
            tell(result);
        };
        self.sink.begin(&lines, Box::new(done)).await;
        if counts.load(Ordering::SeqCst) {
            self.next += records.len() as u64;
        }
    }
}

/// What is written next: what has come, and what comes while nobody waits. `None` when nothing more comes.
async fn next_batch(from: &mut UnboundedReceiver<Message>, patience: Option<Duration>) -> Option<Batch> {
    let mut batch = Batch::default();
    batch.take(from.recv().await?);
    if let Some(patience) = patience {
        let until = Instant::now() + patience;
        while !batch.urgent {
            let Ok(Some(next)) = tokio::time::timeout_at(until, from.recv()).await else { break };
            batch.take(next);
        }
    }
    while let Ok(next) = from.try_recv() {
        batch.take(next);
    }
    Some(batch)
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

#[async_trait]
impl Sink for FileSink {
    /// Blocks: a file's journal has a thread of its own.
    async fn commit(&mut self, lines: &str) -> Result<()> {
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
    use crate::crypt::Cipher;
    use crate::model::Version;

    #[tokio::test]
    async fn a_disk_that_is_full_is_told_to_every_waiting_record() {
        // It takes nothing and cannot be cut back either, so that nothing may follow.
        let file = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut sink = FileSink::new(file, "j".into(), 0);
        for _ in 0..2 {
            let e = sink.commit("x\n").await.unwrap_err();
            assert_eq!(e.diagnostic().summary, "No space for the state");
            assert!(e.to_string().contains("write the journal \"j\""), "{e}");
        }
        assert!(sink.broken.is_some());
    }

    /// Tells how many records came with each write.
    struct Count(UnboundedSender<usize>, Option<Duration>);

    #[async_trait]
    impl Sink for Count {
        async fn commit(&mut self, lines: &str) -> Result<()> {
            self.0.send(lines.lines().count()).map_err(|_| closed())
        }

        fn patience(&self) -> Option<Duration> {
            self.1
        }
    }

    fn counted(patience: Option<Duration>) -> (Committer, UnboundedReceiver<usize>) {
        let (to, from) = unbounded_channel();
        let (committer, work) =
            Committer::new(Count(to, patience), 1, Cipher::default().sealer(&Version { lineage: "l".into(), serial: 1 }).unwrap());
        tokio::spawn(work);
        (committer, from)
    }

    fn submit(committer: &Committer, urgent: bool) -> oneshot::Receiver<Result<()>> {
        let (reply, done) = oneshot::channel();
        committer.submit(Written { text: "{}".into(), has_values: false }, reply, urgent);
        done
    }

    async fn all(mut from: UnboundedReceiver<usize>) -> Vec<usize> {
        let mut got = Vec::new();
        while let Some(n) = from.recv().await {
            got.push(n);
        }
        got
    }

    #[tokio::test]
    async fn records_nobody_waits_for_go_with_the_next_that_somebody_waits_for() {
        let (committer, from) = counted(Some(Duration::from_secs(3600)));
        let lazy = [submit(&committer, false), submit(&committer, false)];
        submit(&committer, true).await.unwrap().unwrap();
        for done in lazy {
            done.await.unwrap().unwrap();
        }
        let last = submit(&committer, false);
        committer.hurry();
        last.await.unwrap().unwrap();
        let at_the_end = submit(&committer, false);
        committer.close().await;
        at_the_end.await.unwrap().unwrap();
        assert_eq!(all(from).await, [3, 1, 1]);
    }

    #[tokio::test]
    async fn after_the_close_nothing_is_taken() {
        let (committer, from) = counted(None);
        let waiting: Vec<_> = (0..10).map(|_| submit(&committer, true)).collect();
        committer.close().await;
        for done in waiting {
            done.await.unwrap().unwrap();
        }
        assert_eq!(all(from).await.iter().sum::<usize>(), 10);
        assert!(submit(&committer, true).await.unwrap().is_err());
    }
}
