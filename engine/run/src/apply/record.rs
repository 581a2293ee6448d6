//! What makes finished steps durable.

use futures::{FutureExt, StreamExt};
use secstack_base::{Diagnostic, Str};
use secstack_state::journal::{Move, Record};
use secstack_state::model::OutputValue;

use super::Run;

impl Run {
    /// Sets a root output in the state.
    pub(crate) fn set_output(&mut self, name: &Str, value: Option<OutputValue>) {
        let same = match (self.snapshot.outputs.get(name), &value) {
            (Some(a), Some(b)) => a.sensitive == b.sensitive && a.value.same(&b.value),
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        match &value {
            Some(v) => self.snapshot.outputs.insert(name.clone(), v.clone()),
            None => self.snapshot.outputs.remove(name),
        };
        if self.journal.is_some() {
            self.records.push(Record::Output { name: name.clone(), value });
        }
    }

    /// Records which instances of the stored state have other addresses now. Whatever follows is about the new ones.
    pub(crate) fn record_moves(&mut self) {
        if self.journal.is_none() {
            return;
        }
        let mut moves: Vec<Move> = Vec::new();
        for change in &self.plan.changes {
            let Some(from) = change.previous.as_ref().filter(|from| **from != change.addr) else { continue };
            if moves.iter().any(|m| m.addr == change.addr) {
                continue;
            }
            let Some(entry) = self.snapshot.instance(&change.addr).cloned() else { continue };
            let Some(resource) = self.snapshot.resources.get(&change.addr.resource) else { continue };
            moves.push(Move { from: from.clone(), addr: change.addr.clone(), entry, provider: resource.provider.clone() });
        }
        if !moves.is_empty() {
            self.records.push(Record::Moved(moves));
        }
    }

    /// Sends everything recorded so far on its way to the journal. Whatever is begun after this is recorded after it: an
    /// intent that is durable stands behind the results that it was built on, so that nothing has to wait for them here.
    pub(crate) fn send_records(&mut self) {
        let records = std::mem::take(&mut self.records);
        let Some(journal) = self.journal.clone() else { return };
        self.writing.extend(records.into_iter().map(|r| journal.append_lazily(r).boxed()));
        // What is done by now is taken off, so that a failure is seen at once.
        while let Some(Some(written)) = self.writing.next().now_or_never() {
            self.written(written);
        }
    }

    /// Sends what was recorded on its way without waiting for more to go with it.
    pub(crate) fn hurry(&self) {
        if let Some(journal) = &self.journal {
            journal.hurry();
        }
    }

    /// Waits until everything recorded so far is durable.
    pub(crate) async fn flush(&mut self) {
        self.send_records();
        self.hurry();
        while let Some(written) = self.writing.next().await {
            self.written(written);
        }
    }

    fn written(&mut self, written: secstack_state::Result<()>) {
        const SUMMARY: &str = "Failed to write the journal";
        let Err(e) = written else { return };
        self.stop.store(true, std::sync::atomic::Ordering::SeqCst);
        if !self.diags.iter().any(|d| d.summary == SUMMARY) {
            self.fail(Diagnostic::error(SUMMARY, format!("What was done cannot be recorded, and nothing new is started. {e}")));
        }
    }
}
