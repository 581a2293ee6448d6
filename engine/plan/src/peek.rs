//! What a walk came to know, for those who want its facts rather than its plan.

use std::collections::BTreeMap;

use secstack_base::{Addr, Diags, Str, Value};
use secstack_eval::World;

use crate::planner::Planner;

impl Planner {
    /// Ends the walk and gives its facts with what was found on the way: for expressions that are evaluated afterwards.
    pub fn into_world(self) -> (World, Diags) {
        (self.world, self.diags)
    }

    /// The objects that were imported, with the IDs they were found by, and what was found wrong on the way.
    pub fn into_imported(self) -> (BTreeMap<Addr, (Str, Value)>, Diags) {
        let found = self.imported.into_iter().filter_map(|(addr, (id, value))| Some((addr, (id, value?))));
        (found.collect(), self.diags)
    }
}
