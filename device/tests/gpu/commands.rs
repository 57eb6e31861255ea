//! Commands do what they say, in order.

use device::{Command, Workgroups};

use crate::{Build, b, bytes, dispatch, on_every_adapter, options, words};

const ADD: &str = "
    @group(0) @binding(0) var<storage, read> left: array<u32>;
    @group(0) @binding(1) var<storage, read> right: array<u32>;
    @group(0) @binding(2) var<storage, read_write> sum: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        if id.x < arrayLength(&sum) { sum[id.x] = left[id.x] + right[id.x]; }
    }";

const INCREMENT: &str = "
    @group(0) @binding(0) var<storage, read_write> value: array<u32>;
    @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) { value[id.x] += 1u; }";

#[test]
fn vectors_are_added() {
    on_every_adapter("vectors_are_added", |device| {
        let program = Build::new().buffer("left", 1000).buffer("right", 1000).buffer("sum", 1000);
        let program = program.pass("add", ADD, &[b(0), b(1), b(2)]).0;
        let mut session = device.open(&program, &options()).unwrap();
        let left: Vec<u32> = (0..1000).collect();
        let right: Vec<u32> = (0..1000).map(|i| i * i).collect();
        session.write(0, 0, &bytes(&left)).unwrap();
        session.write(1, 0, &bytes(&right)).unwrap();
        session.submit(&[dispatch(0, 16)]).unwrap();
        let read = session.read(&[2, 0, 2]).unwrap();
        let expected: Vec<u32> = (0..1000).map(|i| i + i * i).collect();
        assert_eq!(words(&read[0]), expected);
        assert_eq!(words(&read[1]), left);
        assert_eq!(read[2], read[0]);
    });
}

#[test]
fn buffers_start_as_zero() {
    on_every_adapter("buffers_start_as_zero", |device| {
        let program = Build::new().buffer("a", 100_000).0;
        for _ in 0..3 {
            let mut session = device.open(&program, &options()).unwrap();
            assert!(session.read(&[0]).unwrap()[0].iter().all(|byte| *byte == 0));
            session.write(0, 0, &vec![0xFF; 400_000]).unwrap();
            assert!(session.read(&[0]).unwrap()[0].iter().all(|byte| *byte == 0xFF));
        }
    });
}

#[test]
fn commands_take_effect_in_order() {
    on_every_adapter("commands_take_effect_in_order", |device| {
        let program = Build::new()
            .buffer("value", 4)
            .buffer("kept", 16)
            .pass("increment", INCREMENT, &[b(0)])
            .0;
        let mut session = device.open(&program, &options()).unwrap();
        let keep = |slot: u64| Command::Copy {
            source: 0,
            source_offset: 0,
            target: 1,
            target_offset: slot * 16,
            size: 16,
        };
        session
            .submit(&[dispatch(0, 4), dispatch(0, 3), keep(0), Command::Clear(0), dispatch(0, 2)])
            .unwrap();
        session.submit(&[keep(1)]).unwrap();
        session.write(0, 4, &bytes(&[10])).unwrap();
        session.submit(&[dispatch(0, 2), dispatch(0, 0), keep(2)]).unwrap();
        let kept = words(&session.read(&[1]).unwrap()[0]);
        assert_eq!(kept, [2, 2, 2, 1, 1, 1, 0, 0, 2, 11, 0, 0, 0, 0, 0, 0]);
    });
}

#[test]
fn indirect_dispatch_reads_counts_that_an_earlier_pass_wrote() {
    const COUNT: &str = "
        @group(0) @binding(0) var<storage, read_write> counts: array<u32>;
        @compute @workgroup_size(1) fn main() {
            counts[1] = 3u; counts[2] = 1u; counts[3] = 1u;
            counts[4] = 65536u; counts[5] = 1u; counts[6] = 1u;
            counts[7] = 7u; counts[8] = 0u; counts[9] = 1u;
        }";
    const USE: &str = "
        @group(0) @binding(0) var<storage, read_write> value: array<u32>;
        @group(0) @binding(1) var<storage, read> counts: array<u32>;
        @compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) all: vec3<u32>) {
            if id.x < 8u { value[id.x] += 10u * all.x + counts[1]; }
        }";
    on_every_adapter("indirect_dispatch_reads_counts_that_an_earlier_pass_wrote", |device| {
        let program = Build::new().buffer("value", 8).indirect("counts", 10);
        let program = program.pass("count", COUNT, &[b(1)]).pass("use", USE, &[b(0), b(1)]).0;
        let mut session = device.open(&program, &options()).unwrap();
        let from = |offset| Command::Dispatch {
            pass: 1,
            workgroups: Workgroups::Indirect(1, offset),
            step: 0,
        };
        // Before `count` ran there are zero workgroups; 65,536 are more than a device has; a zero in any place runs none.
        session
            .submit(&[from(4), dispatch(0, 1), from(4), from(16), from(28), from(4)])
            .unwrap();
        assert_eq!(words(&session.read(&[0]).unwrap()[0]), [66, 66, 66, 0, 0, 0, 0, 0]);
    });
}

#[test]
fn uniform_buffers_and_overrides_reach_the_shader() {
    const SCALE: &str = "
        override factor: u32 = 1;
        override width: u32 = 1;
        struct Shift { by: vec4<u32> }
        @group(0) @binding(0) var<uniform> shift: Shift;
        @group(0) @binding(7) var<storage, read_write> value: array<u32>;
        var<workgroup> shared_value: array<u32, width>;
        @compute @workgroup_size(width) fn main(@builtin(local_invocation_index) id: u32) {
            shared_value[id] = id * factor + shift.by.y;
            workgroupBarrier();
            value[id] = shared_value[width - 1u - id];
        }";
    on_every_adapter("uniform_buffers_and_overrides_reach_the_shader", |device| {
        for portable in [false, true] {
            let build = Build::new().buffer("shift", 4).buffer("value", 8);
            let mut program = build.pass("scale", SCALE, &[b(0)]).set("factor", 3.0).set("width", 8.0).0;
            program.passes[0].bindings.insert(7, b(1));
            if portable {
                program.tier = protocol::Tier::Portable;
                if device.info().backend != "vulkan" {
                    continue;
                }
            }
            let mut session = device.open(&program, &options()).unwrap();
            session.write(0, 0, &bytes(&[5, 100, 5, 5])).unwrap();
            session.submit(&[dispatch(0, 1)]).unwrap();
            let value = words(&session.read(&[1]).unwrap()[0]);
            assert_eq!(value, [121, 118, 115, 112, 109, 106, 103, 100]);
        }
    });
}

#[test]
fn a_large_buffer_survives_upload_and_read_back() {
    on_every_adapter("a_large_buffer_survives_upload_and_read_back", |device| {
        // Larger than the staging buffer, and not a multiple of it.
        let count = (64 << 20) / 4 + 1001;
        let program = Build::new().buffer("small", 5).buffer("large", count).0;
        let mut session = device.open(&program, &options()).unwrap();
        let content: Vec<u32> = (0..count as u32).map(|i| i.wrapping_mul(2_654_435_761)).collect();
        session.write(1, 0, &bytes(&content)).unwrap();
        session.write(0, 0, &bytes(&[1, 2, 3, 4, 5])).unwrap();
        let read = session.read(&[0, 1]).unwrap();
        assert_eq!(words(&read[0]), [1, 2, 3, 4, 5]);
        assert!(words(&read[1]) == content, "the large buffer came back changed");
    });
}

#[test]
fn loops_run_as_often_as_they_say() {
    // 65,535 rounds are the most that llvmpipe runs: of all loops of an invocation together, with those that only find the end.
    const COUNT: &str = "
        @group(0) @binding(0) var<storage, read_write> value: array<u32>;
        @compute @workgroup_size(1) fn main() {
            for (var i = 0u; i < value[1]; i++) {
                for (var j = 0u; j < value[2]; j++) { value[0] += 1u; }
            }
        }";
    on_every_adapter("loops_run_as_often_as_they_say", |device| {
        let mut programs = vec![Build::new().buffer("value", 3).pass("count", COUNT, &[b(0)]).0];
        if device.info().backend == "vulkan" {
            programs.push(Build::new().portable().buffer("value", 3).pass("count", COUNT, &[b(0)]).0);
        }
        for program in programs {
            for (outer, inner) in [(1, 65_000), (20_000, 1), (250, 250)] {
                let mut session = device.open(&program, &options()).unwrap();
                session.write(0, 4, &bytes(&[outer, inner])).unwrap();
                session.submit(&[dispatch(0, 1)]).unwrap();
                assert_eq!(
                    words(&session.read(&[0]).unwrap()[0])[0],
                    outer * inner,
                    "{outer} times {inner}"
                );
            }
        }
    });
}

#[test]
fn indirect_dispatch_follows_every_change_of_its_counts() {
    const SET: &str = "
        @group(0) @binding(0) var<storage, read_write> counts: array<u32>;
        @compute @workgroup_size(1) fn main() { counts[0] += 1u; counts[1] = 1u; counts[2] = 1u; }";
    on_every_adapter("indirect_dispatch_follows_every_change_of_its_counts", |device| {
        for commands_per_submit_max in [None, Some(1), Some(2)] {
            let program = Build::new().buffer("value", 8).indirect("counts", 3).buffer("other", 3);
            let program = program.pass("increment", INCREMENT, &[b(0)]).pass("set", SET, &[b(1)]).0;
            let options = device::SessionOptions {
                commands_per_submit_max,
                ..options()
            };
            let mut session = device.open(&program, &options).unwrap();
            let run = Command::Dispatch {
                pass: 0,
                workgroups: Workgroups::Indirect(1, 0),
                step: 0,
            };
            let copy = Command::Copy {
                source: 2,
                source_offset: 0,
                target: 1,
                target_offset: 0,
                size: 12,
            };
            session.write(2, 0, &bytes(&[5, 1, 1])).unwrap();
            // 1, 2, none, 5, 6, 3 and, beyond what a device runs, none.
            session
                .submit(&[dispatch(1, 1), run, dispatch(1, 1), run, Command::Clear(1), run, copy, run])
                .unwrap();
            session.submit(&[dispatch(1, 1), run]).unwrap();
            session.write(1, 0, &bytes(&[3])).unwrap();
            session.submit(&[run]).unwrap();
            session.write(1, 0, &bytes(&[u32::MAX])).unwrap();
            session.submit(&[run, run]).unwrap();
            assert_eq!(
                words(&session.read(&[0]).unwrap()[0]),
                [5, 4, 3, 2, 2, 1, 0, 0],
                "{commands_per_submit_max:?}"
            );
        }
    });
}
