//! Calls of functions that make random numbers, for the two rules about them.

use crate::lint::scope::Scope;
use crate::lint::trace::Call;

/// How the names of such functions begin.
const BEGINNINGS: [&str; 7] = ["threefry", "philox", "pcg", "squares", "xorshift", "wang_hash", "splitmix"];
/// What the names of such functions may hold.
const PARTS: [&str; 3] = ["random", "rand_", "rng"];

/// Calls of random functions by others.
pub(super) fn calls<'a>(scope: &'a Scope<'_>) -> impl Iterator<Item = &'a Call> {
    let calls = scope.traces().iter().flat_map(|trace| &trace.calls);
    calls.filter(|call| is_random(&call.function) && !call.within.iter().any(|name| is_random(name)))
}

fn is_random(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    BEGINNINGS.iter().any(|start| name.starts_with(start)) || PARTS.iter().any(|part| name.contains(part))
}
