//! The record of what a run does, durable step by step, so that a run that is cut off loses nothing.
//!
//! A finished step costs what it changed: one line appended to a file beside the state. The snapshot
//! is written once, at the end, and then the journal is removed. Whoever reads the state in between
//! replays the journal onto it.

mod commit;
mod line;
mod replay;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use secstack_base::{Addr, ProviderConfigAddr, Str};
use tokio::sync::oneshot;

use crate::check;
use crate::crypt::{Cipher, Sealer};
use crate::error::{Error, Result};
use crate::model::{CheckResult, InstanceState, Object, OutputValue, Snapshot, Version};

pub(crate) use commit::FileSink;
use commit::{Committer, Reply};
pub use commit::{Done, Guard, Sink};
pub(crate) use replay::{Stored, check_spent, go_on, open_intents, recover};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Record {
    /// An effect is about to happen.
    Intent(Intent),
    /// An object exists, and this is its ID. The intent stays open.
    Id {
        /// The instance.
        addr: Addr,
        /// Which deposed object of the instance, if it is one.
        deposed: Option<Str>,
        /// The ID.
        id: Str,
    },
    /// An effect has happened and this is all that the state holds of the instance now. Closes the intents of
    /// the instance that it tells the end of.
    Done {
        /// The instance.
        addr: Addr,
        /// What the state holds; empty when the instance is gone.
        entry: InstanceState,
        /// The provider configuration.
        provider: ProviderConfigAddr,
    },
    /// An effect has certainly not happened. Closes the intents of the instance.
    Void {
        /// The instance.
        addr: Addr,
    },
    /// Instances have these addresses now, and hold this there. Nothing is left under the earlier addresses, unless another
    /// instance moved there.
    Moved(Vec<Move>),
    /// The tokens of all effects that are done were taken off their objects.
    Settled,
    /// An output of the root module has this value now; `None` when it is gone.
    Output {
        /// The name.
        name: Str,
        /// The value.
        value: Option<OutputValue>,
    },
    /// The results of conditions and checks, all of them.
    Checks(Vec<CheckResult>),
}

/// An instance that has another address than before.
#[derive(Clone, Debug)]
pub struct Move {
    /// The address it had.
    pub from: Addr,
    /// The address it has.
    pub addr: Addr,
    /// What the state holds of it.
    pub entry: InstanceState,
    /// The provider configuration.
    pub provider: ProviderConfigAddr,
}

/// An effect that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The instance.
    pub addr: Addr,
    /// Which deposed object of the instance it is about, if it is about one.
    pub deposed: Option<Str>,
    /// What was to be done.
    pub operation: Operation,
    /// What tells this effect from any other.
    pub token: Str,
    /// When it was begun, in seconds since 1970.
    pub began: u64,
    /// The name or composite ID that a new object is found by when its ID did not get recorded.
    pub natural: Option<Str>,
    /// What a new object was to be, but for what is secret. It holds what no service tells of it.
    pub planned: Option<Arc<Object>>,
    /// The token is left on a new object. The intent stays open until it was taken off: [`Record::Settled`].
    pub token_left: bool,
    /// It was written ahead of its effect, which may not have been begun, and not all that was to be done was known.
    pub ahead: bool,
    /// The provider configuration.
    pub provider: ProviderConfigAddr,
    /// The ID of the object, when the effect got far enough to have one.
    pub id: Option<Str>,
}

/// What was to be done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Create it.
    Create,
    /// Change it in place.
    Update,
    /// Delete it.
    Delete,
}

/// A snapshot with its journal replayed.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The state as far as it is known.
    pub snapshot: Snapshot,
    /// Effects whose end is not known, in the order they were begun.
    pub open_intents: Vec<Intent>,
    /// Whether a journal was there, so that the snapshot holds more than the stored one.
    pub from_journal: bool,
}

/// The journal of one run. Clones write the same journal.
#[derive(Clone)]
pub struct Journal {
    committer: Arc<Committer>,
    open: Arc<Mutex<OpenIntents>>,
    guard: Option<Guard>,
    forgets: Option<Forgets>,
}

/// Which records a journal loses that is broken on purpose.
pub type Forgets = Arc<dyn Fn(&Record) -> bool + Send + Sync>;

impl Journal {
    /// A journal whose records are written by a thread of its own, together when they wait together.
    /// `text` is what [`begin`] gave and stands in the sink already.
    pub(crate) fn threaded(sink: impl Sink, beginning: Beginning) -> Result<Self> {
        let failed = |e: std::io::Error| Error::io("start the thread of the journal", &e);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let (journal, work) = Self::new(sink, beginning);
        std::thread::Builder::new().name("journal".into()).spawn(move || runtime.block_on(work)).map_err(failed)?;
        Ok(journal)
    }

    /// A journal, and the work of writing its records, which somebody has to do as long as there is any.
    pub(crate) fn new(sink: impl Sink, beginning: Beginning) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let guard = sink.guard();
        let (committer, work) = Committer::new(sink, beginning.next, beginning.sealer);
        (Self { committer: Arc::new(committer), open: Arc::new(Mutex::new(beginning.open)), guard, forgets: None }, work)
    }

    /// Records something; it is durable when the future resolves. The record is on its way at once,
    /// whether or not the future is polled. Records that wait together are written together.
    pub fn append(&self, record: Record) -> impl Future<Output = Result<()>> + Send + 'static {
        let (reply, done) = oneshot::channel();
        self.submit(&record, reply, true);
        async move { done.await.unwrap_or_else(|_| Err(closed())) }
    }

    /// The same for a record that nobody waits for yet: where a write costs much it may go with a later one. Whoever comes
    /// to wait for it calls [`Journal::hurry`].
    pub fn append_lazily(&self, record: Record) -> impl Future<Output = Result<()>> + Send + 'static {
        let (reply, done) = oneshot::channel();
        self.submit(&record, reply, false);
        async move { done.await.unwrap_or_else(|_| Err(closed())) }
    }

    /// Makes everything durable without delay that was recorded so far.
    pub fn hurry(&self) {
        self.committer.hurry();
    }

    /// Takes note that the tokens of all effects that are done were taken off their objects, without writing it down: the
    /// state that is stored next says so, and until then taking them off once more does no harm.
    pub fn settled(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).apply(&Record::Settled);
    }

    /// The same journal, broken: it says of some records that they are durable and loses them. Tests show with it what
    /// the journal is good for.
    #[must_use]
    pub fn forgetting(self, forgets: Forgets) -> Self {
        Self { forgets: Some(forgets), ..self }
    }

    /// The same journal, broken: it does not tell whether this run may still change anything.
    #[must_use]
    pub fn unguarded(self) -> Self {
        Self { guard: None, ..self }
    }

    /// What tells whether this run may still change anything. `None` where no other run can take over from it.
    pub fn guard(&self) -> Option<Guard> {
        self.guard.clone()
    }

    /// The effects that were begun and not ended.
    pub fn open_intents(&self) -> Vec<Intent> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).list()
    }

    /// Waits for what was submitted and takes no more, whoever still holds a clone.
    pub(crate) async fn close(&self) {
        self.committer.close().await;
    }

    /// Closes the journal, and gives what is open as the records of the next one.
    pub(crate) async fn end(&self) -> Vec<Record> {
        self.close().await;
        self.open_intents().into_iter().map(Record::Intent).collect()
    }

    fn submit(&self, record: &Record, reply: Reply, urgent: bool) {
        if self.forgets.as_ref().is_some_and(|forgets| forgets(record)) {
            drop(reply.send(Ok(())));
            return;
        }
        match line::write_record(record) {
            Ok(written) => {
                self.open.lock().unwrap_or_else(PoisonError::into_inner).apply(record);
                self.committer.submit(written, reply, urgent);
            }
            Err(e) => drop(reply.send(Err(e))),
        }
    }
}

fn closed() -> Error {
    Error::Journal {
        file: "The journal".into(),
        problem: "It takes no more records, since the snapshot was written.".into(),
        help: "This is a bug in secstack: a step ended after its run.".into(),
    }
}

/// Whether text consists of whole lines of a journal.
pub(crate) fn is_whole(text: &[u8]) -> bool {
    text.strip_suffix(b"\n").is_some_and(|lines| lines.split(|b| *b == b'\n').all(|l| line::read_line(l).is_some()))
}

/// How a journal file begins: its text, and what the writer goes on with.
pub(crate) struct Beginning {
    pub text: String,
    /// What tells this journal from any other.
    pub run: String,
    next: u64,
    open: OpenIntents,
    sealer: Sealer,
}

/// The first records of a journal that extends `base`: the ones given, which an earlier journal held.
pub(crate) fn begin(base: &Version, records: &[Record], cipher: &Cipher) -> Result<Beginning> {
    let sealer = cipher.sealer(base)?;
    let run = uuid::Uuid::new_v4().to_string();
    let mut lines = vec![line::write_header(base, &run, &sealer)];
    let mut open = OpenIntents::default();
    for record in records {
        open.apply(record);
        lines.push(line::write_record(record)?);
    }
    Ok(Beginning { text: line::write_batch(0, &lines, &sealer)?, run, next: lines.len() as u64, open, sealer })
}

/// The effects that were begun and not ended, in the order they were begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenIntents {
    next: u64,
    by_addr: BTreeMap<Addr, Vec<Open>>,
}

/// An intent that is open.
#[derive(Clone, Debug)]
struct Open {
    number: u64,
    intent: Intent,
    /// The effect is done, and only the token is left on the object.
    done: bool,
}

impl OpenIntents {
    fn apply(&mut self, record: &Record) {
        match record {
            Record::Intent(intent) => {
                let of_addr = self.by_addr.entry(intent.addr.clone()).or_default();
                of_addr.retain(|o| o.done || o.intent.deposed != intent.deposed || o.intent.operation != intent.operation);
                of_addr.push(Open { number: self.next, intent: intent.clone(), done: false });
                self.next += 1;
            }
            Record::Id { addr, deposed, id } => {
                let of_addr = self.by_addr.get_mut(addr).into_iter().flatten();
                for open in of_addr.filter(|o| !o.done && o.intent.deposed == *deposed) {
                    open.intent.id = Some(id.clone());
                }
            }
            Record::Done { addr, entry, .. } => self.close(addr, |i| is_over(i, entry)),
            Record::Void { addr } => self.void(addr),
            Record::Settled => {
                self.by_addr.values_mut().for_each(|of_addr| of_addr.retain(|o| !o.done));
                self.by_addr.retain(|_, of_addr| !of_addr.is_empty());
            }
            Record::Moved(_) | Record::Output { .. } | Record::Checks(_) => {}
        }
    }

    /// Closes the intents of an instance whose effect was had. Those whose token is left on an object are only done.
    fn close(&mut self, addr: &Addr, is_over: impl Fn(&Intent) -> bool) {
        let Some(of_addr) = self.by_addr.get_mut(addr) else { return };
        of_addr.retain_mut(|open| {
            let over = is_over(&open.intent);
            open.done |= over && open.intent.token_left && open.intent.id.is_some();
            open.done || !over
        });
        if of_addr.is_empty() {
            self.by_addr.remove(addr);
        }
    }

    /// Closes the intents of an instance whose effect was not had.
    fn void(&mut self, addr: &Addr) {
        let Some(of_addr) = self.by_addr.get_mut(addr) else { return };
        of_addr.retain(|o| o.done);
        if of_addr.is_empty() {
            self.by_addr.remove(addr);
        }
    }

    fn list(&self) -> Vec<Intent> {
        let mut all: Vec<&Open> = self.by_addr.values().flatten().collect();
        all.sort_by_key(|o| o.number);
        all.into_iter().map(|o| o.intent.clone()).collect()
    }
}

/// Whether what the state holds of an instance now says that an effect is over. Of one instance, a deposed object may be
/// deleted while another object is created.
fn is_over(intent: &Intent, entry: &InstanceState) -> bool {
    match (intent.operation, &intent.deposed) {
        (Operation::Create | Operation::Update, _) => entry.current.is_some(),
        (Operation::Delete, None) => entry.current.is_none(),
        (Operation::Delete, Some(key)) => !entry.deposed.contains_key(key),
    }
}

impl Record {
    /// Whether the record may be kept: a state is valid or is not written.
    fn check(&self) -> Result<()> {
        match self {
            Record::Done { addr, entry, provider } => check::check_instance(addr, provider, entry),
            Record::Moved(moves) => moves.iter().try_for_each(|m| check::check_instance(&m.addr, &m.provider, &m.entry)),
            _ => Ok(()),
        }
    }
}
