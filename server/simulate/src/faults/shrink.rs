//! Fewer faults that break the same: delta debugging (Zeller and Hildebrandt 2002) over the faults of a world.
//!
//! Invariant: what is returned breaks, and would not if any one of its faults were left out, unless the most plays were reached.

use super::chance::{Script, Strike};
use super::{Broken, Mutant, replay};

/// Plays, at most.
const PLAYS_MAX: usize = 3000;

/// A world that breaks by as few of its faults as could be found.
#[must_use]
pub fn shrink(broken: &Broken, mutant: Option<Mutant>) -> Broken {
    let wanted = broken.kind();
    let mut least = broken.clone();
    let mut chunk = least.script.len().div_ceil(2).max(1);
    let mut plays = 0;
    loop {
        let mut shrunk = false;
        let mut from = 0;
        while from < least.script.len() && plays < PLAYS_MAX {
            plays += 1;
            let strikes: Vec<Strike> = least.script.iter().map(|struck| struck.strike).collect();
            let rest: Script = strikes
                .iter()
                .enumerate()
                .filter(|(at, _)| !(from..from + chunk).contains(at))
                .map(|(_, strike)| *strike)
                .collect();
            match replay(broken.seed, mutant, rest) {
                Err(found) if found.kind() == wanted => {
                    least = *found;
                    shrunk = true;
                }
                _ => from += chunk,
            }
        }
        if plays >= PLAYS_MAX || chunk == 1 && !shrunk {
            return least;
        }
        if !shrunk {
            chunk = chunk.div_ceil(2);
        }
    }
}
