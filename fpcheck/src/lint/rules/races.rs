//! Races as findings, for the two rules about them.

use naga::AddressSpace;

use crate::lint::scope::{Hit, Scope};
use crate::lint::trace::Use;

/// Races of variables in an address space.
pub(super) fn hits(scope: &Scope<'_>, wanted: impl Fn(AddressSpace) -> bool) -> Vec<Hit> {
    let module = scope.module();
    let mut hits: Vec<Hit> = Vec::new();
    let races = scope.traces().iter().flat_map(|trace| &trace.races);
    for race in races.filter(|race| wanted(module.global_variables[race.variable].space)) {
        let name = scope.name(race.variable);
        let (first, second) = (&race.first, &race.second);
        let hit = if first.span == second.span {
            let message = format!("different invocations write different values to one place of '{name}' here");
            Hit::new(second.span.clone(), message)
        } else {
            let verb = |one: &Use| if one.write { "write" } else { "read" };
            let past = |one: &Use| if one.write { "written" } else { "read" };
            let message = format!(
                "an invocation may {} here what another one {}s of '{name}', and nothing orders the two",
                verb(second),
                verb(first)
            );
            let mut hit = Hit::new(second.span.clone(), message);
            hit.related = Some((first.span.clone(), format!("'{name}' is {} here", past(first))));
            hit
        };
        // One finding for a statement: the first is as good as the others.
        if hits.iter().all(|other| other.span != hit.span) {
            hits.push(hit);
        }
    }
    hits
}
