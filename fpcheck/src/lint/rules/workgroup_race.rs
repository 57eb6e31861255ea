//! Workgroup memory read and written by different invocations with no barrier between.

use naga::AddressSpace;

use super::{Rule, races};
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "workgroup-race",
    title: "invocations meet in workgroup memory without a barrier",
    why: "the invocations of a workgroup run in any order between two barriers: a sum made this way misses terms, others each time",
    instead: "put a workgroupBarrier() between what one invocation writes and another reads, in every round of a loop",
    portable: Level::Error,
    class_bound: Some(Level::Error),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    races::hits(scope, |space| space == AddressSpace::WorkGroup)
}
