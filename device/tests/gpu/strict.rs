//! The portable tier computes what IEEE-754 says, where stock compilation does not.

use device::DeviceError;

use crate::{Build, b, bytes, dispatch, on_every_adapter, options, words};

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
        let strict = wrong(build().portable().0);
        eprintln!("  strict compilation: {strict} of {COUNT}");
        if device.info().name.contains("llvmpipe") {
            assert!(stock > 0, "stock compilation is exact: this test sees nothing any more");
            assert_eq!(strict, 0);
        }
    });
}
