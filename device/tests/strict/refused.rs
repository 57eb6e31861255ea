//! What has no portable meaning is refused, with its place and a way out; the same text runs class-bound.

use device::{DeviceError, SessionOptions, Underflow};
use protocol::Tier;

use crate::support::{cpu, program, vulkan};

fn kernel(before: &str, expression: &str) -> String {
    format!(
        "{before}
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
// sin(1.0) in a comment /* cos(2.0) */ is no call
@compute @workgroup_size(1) fn main() {{
    x[0] = {expression};
}}"
    )
}

/// The refused piece of text.
fn refused(before: &str, expression: &str) -> String {
    let source = kernel(before, expression);
    let portable = program(&source, &[4], Tier::Portable, Underflow::Canonical);
    let devices = vulkan().into_iter().chain([cpu()]);
    let mut piece = None;
    for device in devices {
        let error = device
            .open(&portable, &SessionOptions::default())
            .err()
            .expect("it must not open");
        let DeviceError::Shader { message, span, .. } = error else {
            panic!("{error}");
        };
        assert!(
            message.contains("math library") && message.contains("write the number"),
            "{message}"
        );
        let here = source[span.expect("a place")].to_owned();
        assert!(piece.replace(here.clone()).is_none_or(|other| other == here));
    }
    let mut class_bound = portable;
    class_bound.tier = Tier::ClassBound;
    cpu()
        .open(&class_bound, &SessionOptions::default())
        .expect("class-bound, it opens");
    piece.expect("a device refused it")
}

#[test]
fn transcendentals_of_constants_are_refused_at_their_place() {
    assert_eq!(refused("", "x[1] + sin(2.0)"), "sin");
    assert_eq!(refused("const half_life = 3.0;", "exp(-x[1]) * exp(-half_life)"), "exp");
    assert_eq!(refused("", "x[1] + log2 /* of */ (8.0)"), "log2");
    assert_eq!(refused("const k: f32 = tanh(0.5);", "x[1] * k"), "tanh");
    assert_eq!(refused("", "pow(2.0, 0.5) * pow(x[1], 0.5)"), "pow");
    assert_eq!(refused("override k: f32 = 1.0; override l: f32 = cos(k);", "x[1] * l"), "cos");
}

#[test]
fn transcendentals_of_what_is_not_constant_run() {
    for (before, expression) in [
        ("override k: f32 = 1.0;", "sin(k) + cos(x[1])"),
        ("fn sin(a: f32) -> f32 { return a; }", "sin(1.0)"),
        ("", "exp(x[1]) + sqrt(2.0) + floor(1.5)"),
    ] {
        let portable = program(&kernel(before, expression), &[4], Tier::Portable, Underflow::Canonical);
        for device in vulkan().into_iter().chain([cpu()]) {
            let opened = device.open(&portable, &SessionOptions::default());
            assert!(opened.is_ok(), "{expression}: {}", opened.err().expect("an error"));
        }
    }
}
