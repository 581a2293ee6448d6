//! What makes finished steps durable.

use secstack_base::{Diagnostic, Str};
use secstack_state::journal::Record;
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

    /// Waits until everything recorded so far is durable. All records go to the journal together.
    pub(crate) async fn flush(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let records = std::mem::take(&mut self.records);
        let Some(journal) = self.journal.clone() else { return };
        let results = futures::future::join_all(records.into_iter().map(|r| journal.append(r))).await;
        if let Some(Err(e)) = results.into_iter().find(Result::is_err) {
            let what = format!("What was done cannot be recorded: {e}. Nothing new is started.");
            self.fail(Diagnostic::error("Failed to write the journal", what));
            self.stop.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
}
