//! Which variables are the same in all lanes that read them.
//!
//! A variable is, when some assignment comes before all reads in its own block, and no lane that reads misses a later one. As more is
//! found to diverge, that first assignment is looked for further up.

use super::uniform::{Analysis, Spread, join};
use crate::ir::Var;

/// How many of a variable's last assignments are tried.
const CANDIDATES_MAX: usize = 32;

impl Analysis<'_> {
    /// Find the first assignment that counts, and what the variable's spread is then.
    pub(super) fn settle(&mut self, var: Var) {
        let index = var.0 as usize;
        let tree = self.tree;
        if tree.gets[index].is_none() {
            return;
        }
        let sets = &tree.sets[index];
        let lowest = sets.len().saturating_sub(CANDIDATES_MAX);
        // Those after the one that counted so far have failed before.
        let from = match self.firsts[index].take() {
            Some(first) => sets.partition_point(|set| *set <= first),
            None if self.vars[index].is_some() => lowest,
            None => sets.len(),
        };
        for candidate in (lowest..from).rev() {
            if self.rules(var, candidate) {
                self.firsts[index] = Some(sets[candidate]);
                break;
            }
        }
        match self.firsts[index] {
            Some(first) => {
                let start = tree.assignments[first].at;
                let later = sets[sets.partition_point(|set| *set < first)..].iter();
                let mut spread = None;
                for set in later.map(|set| &tree.assignments[*set]) {
                    self.steps += 1;
                    if tree.within(start.block, set.at.block) {
                        spread = join(spread, self.spread(set.value));
                    }
                }
                self.widen(var, spread);
            }
            None => {
                self.blend[index] = true;
                self.widen(var, Some(Spread::Varying));
            }
        }
    }

    /// An assigned value's spread has changed.
    pub(super) fn assigned(&mut self, set: usize) {
        let set = self.tree.assignments[set];
        if let Some(first) = self.firsts[set.var.0 as usize] {
            let first = self.tree.assignments[first].at;
            if first.order <= set.at.order && self.tree.within(first.block, set.at.block) {
                let spread = self.spread(set.value);
                self.widen(set.var, spread);
            }
        }
    }

    /// Whether an assignment, by its number among the variable's, comes before all reads, and all lanes take part in those after it.
    fn rules(&mut self, var: Var, candidate: usize) -> bool {
        let tree = self.tree;
        let sets = &tree.sets[var.0 as usize];
        let first = tree.assignments[sets[candidate]].at;
        if !tree.reads_within(var, first.order, tree.blocks[first.block].end) {
            return false;
        }
        sets[candidate + 1..].iter().all(|set| {
            self.steps += 1;
            let at = tree.assignments[*set].at;
            !tree.within(first.block, at.block) || !self.apart(first.block, at, var)
        })
    }
}
