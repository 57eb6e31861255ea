//! How many dispatches a second each adapter takes: `cargo nextest run --release -p device --run-ignored only rate --no-capture`.

use std::collections::BTreeMap;
use std::time::Instant;

use device::{BufferDesc, Command, Device, ModuleDesc, PassDesc, Program, Resource, SessionOptions, Workgroups};
use protocol::Tier;

/// Invocations of a dispatch: as many as atoms in the argon example.
const INVOCATIONS: u32 = 864;
/// Dispatches of a step.
const PASSES: usize = 10;

const WORK: &str = "
    @group(0) @binding(0) var<storage, read> source: array<vec4<f32>>;
    @group(0) @binding(1) var<storage, read_write> target_: array<vec4<f32>>;
    @group(0) @binding(2) var<uniform> clock: vec4<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        if id.x < arrayLength(&target_) { target_[id.x] = source[id.x] * 0.5 + f32(clock.x); }
    }";

fn program(tier: Tier) -> Program {
    let buffer = |label: &str, size, indirect| BufferDesc {
        label: label.into(),
        size,
        indirect,
    };
    let size = u64::from(INVOCATIONS) * 16;
    let pass = |number: usize| PassDesc {
        label: format!("work {number}"),
        module: 0,
        entry: "main".into(),
        overrides: BTreeMap::new(),
        bindings: BTreeMap::from([
            (0, Resource::Buffer(number % 2)),
            (1, Resource::Buffer(1 - number % 2)),
            (2, Resource::Clock),
        ]),
    };
    Program {
        tier,
        buffers: vec![buffer("a", size, false), buffer("b", size, false), buffer("counts", 12, true)],
        modules: vec![ModuleDesc {
            label: "work.wgsl".into(),
            source: WORK.into(),
            underflow: device::Underflow::Checked,
        }],
        passes: (0..PASSES).map(pass).collect(),
    }
}

fn steps_per_second(device: &dyn Device, tier: Tier, indirect: usize, steps: u64) -> f64 {
    let mut session = device.open(&program(tier), &SessionOptions::default()).unwrap();
    let groups = INVOCATIONS.div_ceil(64);
    let counts: Vec<u8> = [groups, 1, 1].iter().flat_map(|count| count.to_le_bytes()).collect();
    session.write(2, 0, &counts).unwrap();
    let step = |step: u64| -> Vec<Command> {
        let workgroups = |pass| match pass < indirect {
            true => Workgroups::Indirect(2, 0),
            false => Workgroups::Direct([groups, 1, 1]),
        };
        (0..PASSES)
            .map(|pass| Command::Dispatch {
                pass,
                workgroups: workgroups(pass),
                step,
            })
            .collect()
    };
    for at in 0..200 {
        session.submit(&step(at)).unwrap();
    }
    session.wait().unwrap();
    let started = Instant::now();
    for at in 0..steps {
        session.submit(&step(at)).unwrap();
    }
    session.wait().unwrap();
    steps as f64 / started.elapsed().as_secs_f64()
}

#[test]
#[ignore = "measures, and asserts nothing"]
fn rate() {
    for device in device::gpu::list() {
        println!("{}: {}", device.info().id, device.info().name);
        for indirect in [0, 1, PASSES] {
            let rate = steps_per_second(device.as_ref(), Tier::ClassBound, indirect, 2000);
            println!("  {PASSES} dispatches of {INVOCATIONS} a step, {indirect} of them indirect: {rate:.0} steps/s");
        }
        if device.info().backend == "vulkan" {
            let rate = steps_per_second(device.as_ref(), Tier::Portable, 0, 2000);
            println!("  the same, strict: {rate:.0} steps/s");
        }
    }
}
