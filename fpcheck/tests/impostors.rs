//! Contract: no device is of the portable class by its name. Devices that say they are strict and are not have no class.

mod impostor;

use fpcheck::Fingerprint;
use protocol::Tier;

use impostor::{Impostor, Mutation, cpu, llvmpipe, replace};

fn obstacles(impostor: &Impostor) -> Vec<String> {
    let fingerprint = Fingerprint::measure(impostor, Tier::Portable).expect("it runs");
    assert_eq!(fingerprint.class().is_none(), !fingerprint.obstacles().is_empty());
    fingerprint.obstacles()
}

#[test]
fn without_no_contraction_llvmpipe_is_out() {
    let Some(llvmpipe) = llvmpipe() else { return };
    assert_eq!(obstacles(&Impostor::new(llvmpipe.clone(), |_, _| ())), [""; 0]);
    let mutations: [Mutation; 2] = [
        |_, options| options.loose = true,
        |program, _| program.tier = Tier::ClassBound,
    ];
    for mutate in mutations {
        let out = obstacles(&Impostor::new(llvmpipe.clone(), mutate));
        for (what, how) in [("(a + b) - a", "a cancels"), ("a * c + b * c", "c is factored out")] {
            let seen = out.iter().any(|text| text.starts_with(what) && text.contains(how));
            assert!(seen, "'{what}: {how}' was not seen: {out:?}");
        }
    }
}

#[test]
fn a_device_that_fuses_reorders_or_miscounts_is_out() {
    let cases: [(Mutation, &str); 6] = [
        (
            |program, _| replace(program, "k < wanted", "k < min(wanted, 65535u)"),
            "rounds of a loop: loops are left after 65,535 rounds",
        ),
        (
            |program, _| replace(program, "(a * b + c)", "((a * b + c) * 1.0000001)"),
            "a * b + c:",
        ),
        (
            |program, _| replace(program, "(a + b) + c", "a + (b + c)"),
            "(a + b) + c: the terms are reordered",
        ),
        (|program, _| replace(program, "workgroupBarrier();", ""), "one tree sum"),
        (
            |program, _| {
                replace(
                    program,
                    "atomicAdd(&y[0], value);",
                    "atomicStore(&y[0], atomicLoad(&y[0]) + value + 1u);",
                )
            },
            "sums, maxima and bits",
        ),
        (|program, _| replace(program, "round(a)", "floor(a + 0.5)"), "round(a)"),
    ];
    for (mutate, why) in cases {
        let out = obstacles(&Impostor::new(cpu(), mutate));
        assert!(out.iter().any(|text| text.starts_with(why)), "'{why}' was not seen: {out:?}");
    }
    assert_eq!(obstacles(&Impostor::new(cpu(), |_, _| ())), [""; 0]);
}

#[test]
fn a_stuck_bit_is_out() {
    let mut stuck = Impostor::new(cpu(), |_, _| ());
    stuck.flip = true;
    assert!(!obstacles(&stuck).is_empty());
}
