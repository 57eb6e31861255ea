//! Commands of a session: indirect dispatches, copies and clears, with counts and ranges that no honest program has.

use std::time::{Duration, Instant};

use device::cpu::CpuDevice;
use device::{Command, Device, DeviceError, ModuleDesc, PassDesc, Program, Resource, Session, SessionOptions, Workgroups};

use crate::support::{Case, words};

/// Buffer 0: how many workgroups ran, and the largest group id; 1: counts, declared indirect; 2: some words.
fn session() -> Box<dyn Session> {
    let tally = "@group(0) @binding(0) var<storage, read_write> tally: array<atomic<u32>>;
        @compute @workgroup_size(1) fn main(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
            atomicAdd(&tally[0], 1u); atomicMax(&tally[1], g.x + 10u * g.y + 100u * g.z); tally_size(n);
        }
        fn tally_size(n: vec3<u32>) { atomicMax(&tally[2], n.x + 10u * n.y + 100u * n.z); }";
    let counts = "@group(0) @binding(1) var<storage, read_write> counts: array<u32>;
        @compute @workgroup_size(1) fn main() { counts[1] = 3u; counts[2] = 2u; counts[3] = 4u; }";
    let mut program: Program = Case::new(tally, vec![vec![0; 4], vec![0; 8], vec![0; 8]], 1).program();
    program.buffers[1].indirect = true;
    program.passes[0].bindings = [(0, Resource::Buffer(0))].into();
    program.modules.push(ModuleDesc {
        label: "counts".to_owned(),
        source: counts.to_owned(),
        underflow: device::Underflow::default(),
    });
    program.passes.push(PassDesc {
        label: "counts".to_owned(),
        module: 1,
        bindings: [(1, Resource::Buffer(1))].into(),
        ..program.passes[0].clone()
    });
    let device = CpuDevice::with_dispatch_limit(Duration::from_millis(500));
    device.open(&program, &SessionOptions::default()).expect("it is sound")
}

fn write(session: &mut dyn Session, buffer: usize, values: &[u32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    session.write(buffer, 0, &bytes).expect("it fits");
}

fn contents(session: &mut dyn Session, buffer: usize) -> Vec<u32> {
    words(&session.read(&[buffer]).expect("it can be read")[0])
}

fn indirect(buffer: usize, offset: u64) -> Command {
    Command::Dispatch {
        pass: 0,
        workgroups: Workgroups::Indirect(buffer, offset),
        step: 0,
    }
}

#[test]
fn an_indirect_dispatch_reads_the_counts_that_a_pass_before_it_wrote() {
    let mut session = session();
    let make = Command::Dispatch {
        pass: 1,
        workgroups: Workgroups::Direct([1, 1, 1]),
        step: 0,
    };
    session.submit(&[make, indirect(1, 4)]).expect("it runs");
    assert_eq!(contents(session.as_mut(), 0), [24, 2 + 10 + 300, 3 + 20 + 400, 0]);
}

#[test]
fn counts_beyond_the_limit_or_zero_run_nothing() {
    let mut session = session();
    for counts in [
        [u32::MAX, 1, 1],
        [1, u32::MAX, u32::MAX],
        [65_536, 1, 1],
        [1, 1, 65_536],
        [0, 5, 5],
        [5, 0, 5],
        [0, 0, u32::MAX],
    ] {
        write(session.as_mut(), 1, &counts);
        session.submit(&[indirect(1, 0)]).expect("it is no error");
        assert_eq!(contents(session.as_mut(), 0), [0; 4], "{counts:?}");
    }
    write(session.as_mut(), 1, &[65_535, 1, 1]);
    session.submit(&[indirect(1, 0)]).expect("it runs");
    assert_eq!(contents(session.as_mut(), 0), [65_535, 65_534, 65_535 + 110, 0]);
}

#[test]
fn as_many_workgroups_as_counts_allow_are_stopped_in_time() {
    let mut session = session();
    write(session.as_mut(), 1, &[65_535; 3]);
    let start = Instant::now();
    let error = session.submit(&[indirect(1, 0)]).expect_err("it takes years");
    assert!(matches!(error, DeviceError::Endless { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10), "it took {:?}", start.elapsed());
    session.submit(&[Command::Clear(0)]).expect("the session goes on");
    assert_eq!(contents(session.as_mut(), 0), [0; 4]);
}

#[test]
fn counts_outside_a_buffer_or_in_one_not_meant_for_them_are_refused() {
    let mut session = session();
    for (command, part) in [
        (indirect(1, 24), "not within"),
        (indirect(1, u64::MAX - 3), "not within"),
        (indirect(1, 2), "multiples of 4"),
        (indirect(7, 0), "no buffer 7"),
        (indirect(2, 0), "not declared indirect"),
    ] {
        let error = session.submit(&[command]).expect_err("it does not fit");
        assert!(
            matches!(&error, DeviceError::Program(text) if text.contains(part)),
            "{command:?}: {error}"
        );
    }
}

fn copy(source: usize, source_offset: u64, target: usize, target_offset: u64, size: u64) -> Command {
    Command::Copy {
        source,
        source_offset,
        target,
        target_offset,
        size,
    }
}

#[test]
fn copies_move_words_in_order_and_clears_zero_them() {
    let mut session = session();
    write(session.as_mut(), 2, &[1, 2, 3, 4, 5, 6, 7, 8]);
    session
        .submit(&[
            copy(2, 8, 1, 4, 12),
            copy(1, 4, 0, 0, 16),
            copy(2, 32, 1, 32, 0),
            Command::Clear(2),
            copy(2, 0, 1, 28, 4),
        ])
        .expect("it runs");
    assert_eq!(contents(session.as_mut(), 1), [0, 3, 4, 5, 0, 0, 0, 0]);
    assert_eq!(contents(session.as_mut(), 0), [3, 4, 5, 0]);
    assert_eq!(contents(session.as_mut(), 2), [0; 8]);
}

#[test]
fn copies_that_do_not_fit_are_refused_and_change_nothing() {
    let mut session = session();
    write(session.as_mut(), 2, &[9; 8]);
    for (command, part) in [
        (copy(2, 0, 0, 0, 20), "not within"),
        (copy(2, 16, 1, 0, 20), "not within"),
        (copy(2, u64::MAX - 3, 1, 0, 8), "not within"),
        (copy(2, 0, 1, u64::MAX - 7, 8), "not within"),
        (copy(2, 0, 1, 0, u64::MAX - 3), "not within"),
        (copy(2, 2, 1, 0, 4), "multiples of 4"),
        (copy(2, 0, 1, 0, 5), "multiples of 4"),
        (copy(2, 0, 2, 16, 4), "copy within"),
        (copy(9, 0, 1, 0, 4), "no buffer 9"),
        (copy(2, 0, 9, 0, 4), "no buffer 9"),
    ] {
        let error = session.submit(&[command]).expect_err("it does not fit");
        assert!(
            matches!(&error, DeviceError::Program(text) if text.contains(part)),
            "{command:?}: {error}"
        );
    }
    assert_eq!(contents(session.as_mut(), 0), [0; 4]);
    assert_eq!(contents(session.as_mut(), 1), [0; 8]);
}
