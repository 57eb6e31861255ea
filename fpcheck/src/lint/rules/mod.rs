//! The rules, one file each. `docs/lint.md` lists them; a test holds the two against each other.

use protocol::Tier;

use super::report::Level;
use super::scope::{Hit, Scope};

mod atomic_result;
mod barrier;
mod buffer_race;
mod device_limits;
mod division_by_zero;
mod f16;
mod float_atomic;
mod float_compare_exchange;
mod folded_math;
mod nan_test;
mod negative_zero;
mod num_workgroups;
mod other_widths;
mod out_of_bounds;
mod random_without_step;
mod shared_random_stream;
mod subgroup;
mod subnormal_literal;
mod texture;
mod workgroup_race;

mod races;
mod random;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, in reports and in comments that accept a finding.
    pub id: &'static str,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// Why that is bad.
    pub why: &'static str,
    /// What to write instead.
    pub instead: &'static str,
    /// How bad it is in the portable tier.
    pub portable: Level,
    /// How bad it is in the class-bound tier; `None` where it is all right there.
    pub class_bound: Option<Level>,
    pub(super) check: fn(&Scope<'_>) -> Vec<Hit>,
}

impl Rule {
    /// How bad a finding is in a tier.
    pub fn level(&self, tier: Tier) -> Option<Level> {
        match tier {
            Tier::Portable => Some(self.portable),
            Tier::ClassBound => self.class_bound,
        }
    }
}

/// All rules, in alphabetical order.
pub static ALL: &[Rule] = &[
    atomic_result::RULE,
    barrier::RULE,
    buffer_race::RULE,
    device_limits::RULE,
    division_by_zero::RULE,
    f16::RULE,
    float_atomic::RULE,
    float_compare_exchange::RULE,
    folded_math::RULE,
    nan_test::RULE,
    negative_zero::RULE,
    num_workgroups::RULE,
    other_widths::RULE,
    out_of_bounds::RULE,
    random_without_step::RULE,
    shared_random_stream::RULE,
    subgroup::RULE,
    subnormal_literal::RULE,
    texture::RULE,
    workgroup_race::RULE,
];
