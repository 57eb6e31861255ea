//! The portable tier computes what IEEE-754 says, where stock compilation does not.

use device::{Command, Device, DeviceError, Resource, Workgroups};

use crate::{Build, b, bytes, dispatch, dispatch_at, on_every_adapter, options, words};

const COUNT: u32 = 16_384;

/// Two factors that a compiler likes to fold into one, whose product underflows where the two steps do not.
const FOLD: &str = "
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        y[id.x] = (x[id.x] * 1e-38) * 0.01;
    }";

fn inputs() -> Vec<u32> {
    let mut state = 1_u32;
    (0..COUNT)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (1.0 + (state >> 9) as f32 / 8_388_608.0 * 1000.0).to_bits()
        })
        .collect()
}

#[test]
fn folded_factors_differ_in_stock_compilation_alone() {
    let inputs = inputs();
    let exact: Vec<u32> = inputs
        .iter()
        .map(|x| ((f32::from_bits(*x) * 1e-38) * 0.01).to_bits())
        .collect();
    on_every_adapter("folded_factors_differ_in_stock_compilation_alone", |device| {
        let build = || {
            Build::new()
                .buffer("x", COUNT.into())
                .buffer("y", COUNT.into())
                .pass("fold", FOLD, &[b(0), b(1)])
        };
        let wrong = |program| {
            let mut session = device.open(&program, &options()).unwrap();
            session.write(0, 0, &bytes(&inputs)).unwrap();
            session.submit(&[dispatch(0, COUNT / 64)]).unwrap();
            let found = words(&session.read(&[1]).unwrap()[0]);
            found.iter().zip(&exact).filter(|(found, exact)| found != exact).count()
        };
        let stock = wrong(build().0);
        eprintln!("  stock compilation: {stock} of {COUNT} differ from IEEE-754");
        if device.info().backend != "vulkan" {
            let refused = device
                .open(&build().portable().0, &options())
                .err()
                .expect("it must not open");
            assert!(
                matches!(&refused, DeviceError::Program(text) if text.contains("portable tier")),
                "{refused}"
            );
            return;
        }
        let strict = wrong(build().portable().checked().0);
        eprintln!("  strict compilation: {strict} of {COUNT}");
        if device.info().name.contains("llvmpipe") {
            assert!(stock > 0, "stock compilation is exact: this test sees nothing any more");
            assert_eq!(strict, 0);
        }
    });
}

/// Sums of products in many shapes, that a compiler likes to fuse, and an integer sum.
const SHAPES: &str = "
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
    @group(0) @binding(2) var<storage, read_write> n: array<atomic<u32>, 8>;
    @group(0) @binding(3) var<uniform> clock: vec4<u32>;
    var<workgroup> tile: array<f32, 64>;
    @compute @workgroup_size(64) fn main(
        @builtin(global_invocation_id) id: vec3<u32>,
        @builtin(local_invocation_index) lane: u32,
    ) {
        let a = x[id.x];
        let b = x[id.x + 7u];
        let c = x[id.x * 3u];
        tile[lane] = a * b - c;
        workgroupBarrier();
        let other = tile[63u - lane];
        let v = vec3(a, b, c) * other + vec3(c, a, b) * f32(clock.x);
        let square = v.x * v.x + v.y * v.y + v.z * v.z;
        y[id.x] = vec4(square, (a + b) - a, other * 0.1 - square * 0.3, a * 3.0 + b * -5.0 + c * 7.0);
        y[id.x + 300u].w += 1.0 / 4.0;
        atomicAdd(&n[id.x % 8u], bitcast<u32>(square));
    }";

#[test]
fn portable_programs_give_the_bytes_of_the_cpu_device() {
    let cpu = device::cpu::list()
        .into_iter()
        .next()
        .expect("every machine has the cpu device");
    let build = || {
        let build = Build::new()
            .portable()
            .buffer("x", COUNT.into())
            .buffer("y", 4 * 4096)
            .buffer("n", 8)
            .indirect("go", 6);
        build.pass("shapes", SHAPES, &[b(0), b(1), b(2), Resource::Clock]).0
    };
    let run = |device: &dyn Device| {
        let mut session = device.open(&build(), &options()).unwrap();
        session.write(0, 0, &bytes(&inputs())).unwrap();
        session.write(3, 0, &bytes(&[64, 1, 1, 70_000, 1, 1])).unwrap();
        let indirect = |offset| Command::Dispatch {
            pass: 0,
            workgroups: Workgroups::Indirect(3, offset),
            step: 9,
        };
        session
            .submit(&[
                dispatch(0, 3),
                indirect(12),
                dispatch_at(0, 1, 3),
                Command::Clear(1),
                dispatch_at(0, 2, 5),
            ])
            .unwrap();
        session.read(&[1, 2]).unwrap()
    };
    let expected = run(cpu.as_ref());
    assert!(expected.iter().flatten().any(|byte| *byte != 0));
    on_every_adapter("portable_programs_give_the_bytes_of_the_cpu_device", |device| {
        if device.info().backend == "vulkan" {
            assert!(run(device) == expected, "{} differs from the cpu device", device.info().id);
        }
    });
}
