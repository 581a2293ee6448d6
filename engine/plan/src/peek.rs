//! What a walk came to know, for those who want its facts rather than its plan.

use secstack_base::Diags;
use secstack_eval::World;

use crate::planner::Planner;

impl Planner {
    /// Ends the walk and gives its facts with what was found on the way: for expressions that are evaluated afterwards.
    pub fn into_world(self) -> (World, Diags) {
        (self.world, self.diags)
    }
}
