//! What a host is told of a check, beside what it is told of a job that ends one segment on: byte for byte the same but for numbers.

use protocol::http::{Committed, SubmitJob};
use protocol::{HostId, Outcome, Verify};
use serde_json::Value;

use super::checks::{checked, commit, does, enrol, only_lease};
use super::driver::{MINUTE, World, is_check};
use crate::Reply;

/// Numbers that differ between any two leases.
const NUMBERS: [&str; 7] = ["job", "attempt", "epoch", "batch", "sequence", "host", "canary"];

fn masked(value: &mut Value) {
    match value {
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(name, value)| match NUMBERS.contains(&name.as_str()) {
                true => *value = Value::Null,
                false => masked(value),
            }),
        Value::Array(items) => items.iter_mut().for_each(masked),
        Value::String(text) => {
            // Numbers in sentences.
            let kept = text
                .split_inclusive(' ')
                .map(|word| match word.trim_end_matches([' ', ',', ':', ';']).parse::<u64>() {
                    Ok(_) => "N ",
                    Err(_) => word,
                });
            *text = kept.collect();
        }
        _ => {}
    }
}

fn seen(world: &World, host: HostId) -> String {
    let mut orders = serde_json::to_value(world.core.orders(host).expect("it is there")).expect("JSON");
    masked(&mut orders);
    serde_json::to_string_pretty(&orders).expect("JSON")
}

/// All that a host sees, from before it has the lease to after it.
fn conversation(world: &mut World, host: HostId, is_a_check: bool) -> Vec<String> {
    let mut said = vec![seen(world, host)];
    let leases = world.take(host);
    said.push(seen(world, host));
    let lease = leases.last().expect("it has a lease").clone();
    assert_eq!(is_check(&world.core, &lease), is_a_check);
    if leases.len() > 1 {
        // It stops what it has, as told.
        world.end(host, &leases[0], Outcome::Preempted);
        said.push(seen(world, host));
    }
    world.beat(host, 0);
    said.push(seen(world, host));
    let Reply::Committed(Committed { segment, state }) = world.apply(commit(&world.core, host, &lease, 1, None)) else {
        panic!("a commit is answered");
    };
    said.push(format!("segment {segment}, {state}"));
    let after: Value = serde_json::from_str(&seen(world, host)).expect("JSON");
    said.push(format!(
        "{} leases afterwards",
        after["leases"].as_array().map_or(0, Vec::len)
    ));
    said
}

/// A job of which the first segment is committed and confirmed; the host that computes it.
fn begun(world: &mut World, body: SubmitJob) -> HostId {
    let ann = enrol(world, "ann", false);
    let verified = body.verify == Verify::Full;
    world.submit("sue", body);
    does(world, ann, 1, None);
    if verified {
        let cay = enrol(world, "cay", false);
        does(world, cay, 1, None);
        world.leave(cay, 0);
    }
    ann
}

fn ends_here(segments: u64, priority: u8) -> SubmitJob {
    SubmitJob {
        priority,
        ..checked(segments, Verify::None)
    }
}

#[test]
fn a_check_on_a_free_device_looks_like_a_job_that_ends_one_segment_on() {
    let mut world = World::new();
    let ann = begun(&mut world, checked(50, Verify::Full));
    does(&mut world, ann, 1, None);
    let bob = enrol(&mut world, "bob", false);
    let check = conversation(&mut world, bob, true);

    let mut world = World::new();
    let ann = begun(&mut world, ends_here(2, 3));
    world.leave(ann, 0);
    let work = world.leases(ann)[0].clone();
    world.end(ann, &work, Outcome::Migrated);
    let bob = enrol(&mut world, "bob", false);
    let job = conversation(&mut world, bob, false);
    assert_eq!(check, job);
}

#[test]
fn a_check_that_takes_the_place_of_a_job_looks_like_a_more_urgent_job_that_does() {
    let other = || SubmitJob {
        name: "other".to_owned(),
        segment_ms: Some(20 * MINUTE),
        ..checked(100, Verify::None)
    };
    let mut world = World::new();
    let ann = begun(&mut world, checked(50, Verify::Full));
    let bob = enrol(&mut world, "bob", false);
    world.submit("sue", other());
    let had = only_lease(&mut world, bob);
    does(&mut world, ann, 1, None);
    world.pass(11 * MINUTE, &[ann, bob]);
    let check = conversation(&mut world, bob, true);

    let mut world = World::new();
    let ann = begun(&mut world, ends_here(2, 8));
    let bob = enrol(&mut world, "bob", false);
    world.submit("sue", other());
    assert_eq!(only_lease(&mut world, bob).name, had.name);
    world.pass(11 * MINUTE, &[ann, bob]);
    world.leave(ann, 0);
    let work = world.leases(ann)[0].clone();
    world.end(ann, &work, Outcome::Migrated);
    let job = conversation(&mut world, bob, false);
    assert_eq!(check, job);
}
