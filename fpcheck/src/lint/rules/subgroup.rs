//! Subgroups: as many invocations as the hardware runs together, which is another number on each.

use naga::Statement;

use super::Rule;
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "subgroup",
    title: "subgroups",
    why: "a subgroup has 1 to 128 invocations, as device and driver please, and a sum over it has another order on each",
    instead: "use workgroup memory with workgroupBarrier(): a workgroup's size is yours",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

const BUILTINS: [&str; 4] = ["subgroup_size", "subgroup_invocation_id", "subgroup_id", "num_subgroups"];

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let asked = BUILTINS.into_iter().flat_map(|name| scope.builtins(name));
    let mut hits: Vec<Hit> = asked
        .map(|span| Hit::new(span, "a value that depends on the device's subgroups"))
        .collect();
    hits.extend(scope.at_statements(|_, statement| {
        let operates = match statement {
            Statement::SubgroupBallot { .. }
            | Statement::SubgroupGather { .. }
            | Statement::SubgroupCollectiveOperation { .. } => true,
            Statement::ControlBarrier(flags) | Statement::MemoryBarrier(flags) => flags.contains(naga::Barrier::SUB_GROUP),
            _ => false,
        };
        operates.then_some("a subgroup operation")
    }));
    hits
}
