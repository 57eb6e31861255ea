//! One buffer read and written by different invocations of a pass.

use naga::AddressSpace;

use super::{Rule, races};
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "buffer-race",
    title: "invocations meet in a buffer",
    why: "invocations run in any order, and no barrier reaches beyond a workgroup: whether the old or the new value is read is chance",
    instead: "read from one buffer and write to another, or split the work into two passes; sum into integers with atomicAdd",
    portable: Level::Error,
    class_bound: Some(Level::Error),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    races::hits(scope, |space| matches!(space, AddressSpace::Storage { .. }))
}
