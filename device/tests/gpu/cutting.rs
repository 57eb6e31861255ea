//! Where submits are cut shows nowhere.

use device::{Command, Device, Resource, Session, SessionOptions, Workgroups};

use crate::{Build, b, dispatch_at, on_every_adapter, options, words};

/// Every dispatch adds a mixture of the step and of what the dispatch before it left.
const MIX: &str = "
    @group(0) @binding(0) var<storage, read_write> value: array<u32>;
    @group(0) @binding(1) var<uniform> clock: vec4<u32>;
    @compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        let next = value[(id.x + 1u) % 32u];
        workgroupBarrier();
        value[id.x] = (next ^ clock.x) * 2654435769u + clock.y + id.x;
    }";

const LOG: &str = "
    @group(0) @binding(0) var<storage, read_write> log: array<vec4<u32>>;
    @group(0) @binding(1) var<uniform> clock: vec4<u32>;
    @compute @workgroup_size(1) fn main() { log[clock.x % arrayLength(&log)] += clock + vec4(0u, 0u, 1u, 0u); }";

fn open(device: &dyn Device, options: &SessionOptions) -> Box<dyn Session> {
    let program = Build::new().buffer("value", 32).buffer("kept", 32).indirect("one", 3);
    let program = program.pass("mix", MIX, &[b(0), Resource::Clock]).0;
    let mut session = device.open(&program, options).unwrap();
    session.write(2, 0, &crate::bytes(&[1, 1, 1])).unwrap();
    session
}

fn run(device: &dyn Device, options: &SessionOptions, commands: &[Command], at_once: usize) -> Vec<Vec<u8>> {
    let mut session = open(device, options);
    for part in commands.chunks(at_once) {
        session.submit(part).unwrap();
    }
    session.read(&[0, 1]).unwrap()
}

#[test]
fn results_do_not_depend_on_where_submits_are_cut() {
    let mut commands = Vec::new();
    for step in 0..700_u64 {
        commands.push(dispatch_at(0, 1, step * 0x1_2345_6789));
        if step % 3 == 0 {
            commands.push(Command::Dispatch {
                pass: 0,
                workgroups: Workgroups::Indirect(2, 0),
                step,
            });
        }
        if step % 7 == 0 {
            commands.push(Command::Copy {
                source: 0,
                source_offset: 0,
                target: 1,
                target_offset: 0,
                size: 128,
            });
        }
        if step % 50 == 0 {
            commands.push(Command::Clear(0));
            commands.push(Command::Copy {
                source: 1,
                source_offset: 4,
                target: 0,
                target_offset: 8,
                size: 64,
            });
        }
    }
    on_every_adapter("results_do_not_depend_on_where_submits_are_cut", |device| {
        let cut = |max| SessionOptions {
            commands_per_submit_max: Some(max),
            ..options()
        };
        let whole = run(device, &cut(100_000), &commands, commands.len());
        assert!(whole[0].iter().any(|byte| *byte != 0));
        for (max, at_once) in [(1, 1000), (7, 1000), (64, 13), (4096, 1)] {
            assert_eq!(
                run(device, &cut(max), &commands, at_once),
                whole,
                "{max} commands a submit, {at_once} at once"
            );
        }
        for submit_ms in [0.01, 5.0, 1000.0] {
            let options = SessionOptions {
                submit_ms: Some(submit_ms),
                ..options()
            };
            assert_eq!(run(device, &options, &commands, 100), whole, "submits of {submit_ms} ms");
        }
        let mut timed = open(device, &options());
        for part in commands.chunks(5) {
            timed.time(part).unwrap();
        }
        assert_eq!(timed.read(&[0, 1]).unwrap(), whole, "dispatches that are timed");
    });
}

#[test]
fn every_dispatch_sees_its_own_step() {
    const STEPS: u64 = 6000;
    on_every_adapter("every_dispatch_sees_its_own_step", |device| {
        let program = Build::new()
            .buffer("log", STEPS * 4)
            .pass("log", LOG, &[b(0), Resource::Clock])
            .0;
        let mut session = device.open(&program, &options()).unwrap();
        let commands: Vec<Command> = (0..STEPS).map(|step| dispatch_at(0, 1, step | (step << 33))).collect();
        session.submit(&commands).unwrap();
        let log = words(&session.read(&[0]).unwrap()[0]);
        for (step, entry) in (0_u32..).zip(log.chunks_exact(4)) {
            assert_eq!(entry, [step, step << 1, 1, 0], "step {step}");
        }
    });
}
