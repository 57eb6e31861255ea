//! The canary: which host is given one, and when.

use protocol::http::lease::canary;
use protocol::{Outcome, Tier, Verify};

use super::checks::{checked, computed, does, enrol, only_lease};
use super::driver::{World, is_check};

#[test]
fn a_host_that_goes_on_with_class_bound_work_is_given_a_canary_of_boundary_one_unless_that_is_being_checked() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    world.submit("sue", checked(9, Verify::Sampled));
    let lease = does(&mut world, ann, 2, None);
    assert_eq!(world.leases(ann)[0].canary, None, "it is her own");
    world.leave(ann, 0);
    world.end(ann, &lease, Outcome::Migrated);
    let (bob, cay) = (enrol(&mut world, "bob", false), enrol(&mut world, "cay", false));
    let check = only_lease(&mut world, bob);
    assert!(is_check(&world.core, &check) && check.canary.is_none(), "it begins at C0");
    let lease = only_lease(&mut world, cay);
    assert_eq!(
        (lease.checkpoint.is_some(), lease.canary),
        (true, None),
        "it may be wrong itself"
    );
    does(&mut world, bob, 2, None);
    let start = computed(lease.package, None, None);
    let first = computed(lease.package, Some(&start), None);
    let given = only_lease(&mut world, cay).canary;
    assert_eq!(given, Some(canary(lease.epoch, first.digest)));
    // Another lease has another one: what is known of one does not answer the other.
    does(&mut world, cay, 2, None);
    let check = only_lease(&mut world, bob);
    assert!(is_check(&world.core, &check) && check.canary.is_some_and(|other| Some(other) != given));

    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let portable = protocol::http::SubmitJob {
        tier: Tier::Portable,
        ..checked(9, Verify::None)
    };
    world.submit("sue", portable);
    let lease = does(&mut world, ann, 2, None);
    world.leave(ann, 0);
    world.end(ann, &lease, Outcome::Migrated);
    let bob = enrol(&mut world, "bob", false);
    let lease = only_lease(&mut world, bob);
    assert_eq!((lease.checkpoint.is_some(), lease.canary), (true, None));
}
