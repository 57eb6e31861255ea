//! The neighbor list: the order that atoms are sorted in, and how much room lists need.
//!
//! | module | owns |
//! |---|---|
//! | [`order`] | the host's twin of the sort, from which the list's capacity is taken |
//! | `sizes` | counts, room for lists, units of pairs |

pub mod order;
pub(super) mod sizes;
