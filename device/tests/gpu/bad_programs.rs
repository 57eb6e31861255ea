//! What does not fit is refused, each kind with an error of its own, and the session goes on.

use device::{Command, DeviceError, Program, Resource, Workgroups};

use crate::{Build, b, dispatch, on_every_adapter, options, words};

const INCREMENT: &str = "
    @group(0) @binding(0) var<storage, read_write> value: array<u32>;
    @compute @workgroup_size(1) fn main() { value[0] += 1u; }";

/// The error of a program that must not open.
fn refusal(device: &dyn device::Device, program: &Program) -> DeviceError {
    match device.open(program, &options()) {
        Ok(_) => panic!("it opens"),
        Err(error) => error,
    }
}

#[track_caller]
fn says(error: &DeviceError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "'{text}' does not say '{part}'");
    }
}

#[test]
fn wrong_wgsl_is_refused_with_its_place() {
    let cases = [
        (
            "@compute @workgroup_size(1) fn main() { let x = ; }",
            ";",
            "expected expression",
        ),
        ("@compute @workgroup_size(1) fn main() { let x = nope; }", "nope", "nope"),
        (
            "@compute @workgroup_size(1) fn main() { let x: u32 = 1.5; }",
            "x",
            "expected to be `u32`",
        ),
        (
            "@group(0) @binding(0) var<storage> flags: array<bool>; @compute @workgroup_size(1) fn main() { }",
            "flags",
            "",
        ),
        (
            "enable f16; @compute @workgroup_size(1) fn main() { let x = 1.0h; }",
            "1.0h",
            "f16",
        ),
    ];
    on_every_adapter("wrong_wgsl_is_refused_with_its_place", |device| {
        for (source, place, message) in cases {
            let error = refusal(device, &Build::new().pass("wrong", source, &[]).0);
            let DeviceError::Shader {
                label,
                message: found,
                span,
            } = &error
            else {
                panic!("{source}: {error:?}")
            };
            assert_eq!(label, "wrong.wgsl");
            assert!(found.contains(message), "{source}: {found}");
            let span = span.clone().unwrap_or_else(|| panic!("{source}: no place: {found}"));
            assert!(source[span.clone()].contains(place), "{source}: {found}: '{}'", &source[span]);
        }
    });
}

#[test]
fn bindings_that_do_not_fit_are_refused() {
    let with = |source: &str, bindings: &[Resource]| Build::new().buffer("a", 2).buffer("b", 2).pass("p", source, bindings).0;
    let body = "@compute @workgroup_size(1) fn main() { _ = &x; }";
    let source = |declaration: &str| format!("@group(0) @binding(0) var<{declaration}; {body}");
    let cases: Vec<(Program, &[&str])> = vec![
        (with(INCREMENT, &[]), &["'p'", "binding 0", "'value'", "nothing"]),
        (with(INCREMENT, &[b(2)]), &["'p'", "buffer 2", "there are 2"]),
        (with(INCREMENT, &[b(0), b(1)]), &["'p'", "binds 1"]),
        (with(INCREMENT, &[Resource::Clock]), &["clock", "uniform"]),
        (with(&source("storage> x: array<vec4<u32>, 3>"), &[b(0)]), &["at least 48 bytes", "'a' has 8"]),
        (with(&source("uniform> x: array<vec4<u32>, 2>"), &[Resource::Clock]), &["32 bytes", "clock has 16"]),
        (
            with(
                "@group(0) @binding(0) var<storage> x: array<u32>; @group(0) @binding(1) var<storage, read_write> y: array<u32>;
                @compute @workgroup_size(1) fn main() { y[0] = x[0]; }",
                &[b(1), b(1)],
            ),
            &["bindings 0 and 1", "'b'", "writes"],
        ),
        (Build::new().buffer("a", 2).pass("p", INCREMENT, &[b(0)]).set("nope", 1.0).0, &["'p'", "'nope'"]),
        (Build::new().buffer("a", 0).0, &["'a'", "0 bytes"]),
    ];
    on_every_adapter("bindings_that_do_not_fit_are_refused", |device| {
        for (program, parts) in &cases {
            let error = refusal(device, program);
            assert!(matches!(error, DeviceError::Program(_)), "{error:?}");
            says(&error, parts);
        }
        let error = refusal(device, &with(&INCREMENT.replace("group(0)", "group(1)"), &[b(0)]));
        assert!(matches!(error, DeviceError::Shader { span: Some(_), .. }), "{error:?}");
        says(&error, &["'value' in @group(1)", "expected @group(0)"]);
        let mut program = with(INCREMENT, &[b(0)]);
        program.passes[0].entry = "other".into();
        says(&refusal(device, &program), &["'p'", "no compute entry point 'other'", "main"]);
        program.passes[0].module = 5;
        says(&refusal(device, &program), &["'p'", "no module 5"]);
    });
}

#[test]
fn what_exceeds_the_device_is_a_limit() {
    const WIDE: &str = "
        override x: u32 = 1; override y: u32 = 1; override z: u32 = 1;
        @compute @workgroup_size(x, y, z) fn main() { }";
    const MEMORY: &str = "
        var<workgroup> memory: array<u32, 1000000>;
        @compute @workgroup_size(1) fn main() { memory[0] = 1u; }";
    let cases = [
        (Build::new().buffer("huge", 1 << 60).0, "buffer 'huge'"),
        (Build::new().pass("wide", WIDE, &[]).set("x", 16_000.0).0, "invocations"),
        (Build::new().pass("wide", WIDE, &[]).set("z", 2000.0).0, "invocations"),
        (
            Build::new().pass("wide", WIDE, &[]).set("x", 128.0).set("y", 128.0).0,
            "invocations",
        ),
        (Build::new().pass("full", MEMORY, &[]).0, "4000000"),
    ];
    on_every_adapter("what_exceeds_the_device_is_a_limit", |device| {
        for (program, part) in &cases {
            let error = refusal(device, program);
            assert!(matches!(error, DeviceError::Limit { .. }), "{error:?}");
            says(&error, &[part, "the device's limit is"]);
        }
    });
}

#[test]
fn commands_that_do_not_fit_are_refused_and_the_session_goes_on() {
    const READ: &str = "
        @group(0) @binding(0) var<storage, read> counts: array<u32>;
        @compute @workgroup_size(1) fn main() { _ = counts[0]; }";
    let copy = |source, source_offset, target, target_offset, size| Command::Copy {
        source,
        source_offset,
        target,
        target_offset,
        size,
    };
    let indirect = |pass, buffer, offset| Command::Dispatch {
        pass,
        workgroups: Workgroups::Indirect(buffer, offset),
        step: 0,
    };
    let cases: Vec<(Command, &[&str])> = vec![
        (dispatch(7, 1), &["no pass 7"]),
        (dispatch(0, 65_536), &["'increment'", "65536", "65535"]),
        (indirect(1, 0, 0), &["'value'", "not declared indirect"]),
        (indirect(1, 1, 4), &["12 bytes at 4", "'counts'", "12 bytes"]),
        (indirect(1, 1, 2), &["multiples of 4"]),
        (indirect(2, 1, 0), &["'own'", "'counts'", "its own workgroup counts"]),
        (Command::Clear(9), &["no buffer 9"]),
        (copy(0, 0, 0, 4, 4), &["both 'value'"]),
        (copy(0, 0, 1, 8, 8), &["'counts'", "8 bytes at 8"]),
        (copy(0, u64::MAX - 3, 1, 0, 4), &["'value'", "exceed"]),
        (copy(0, 1, 1, 0, 4), &["multiples of 4"]),
    ];
    on_every_adapter("commands_that_do_not_fit_are_refused_and_the_session_goes_on", |device| {
        let program = Build::new()
            .buffer("value", 4)
            .indirect("counts", 3)
            .pass("increment", INCREMENT, &[b(0)]);
        let program = program.pass("read", READ, &[b(1)]).pass("own", INCREMENT, &[b(1)]).0;
        let mut session = device.open(&program, &options()).unwrap();
        for (command, parts) in &cases {
            // Nothing of a list with a bad command runs.
            let error = session.submit(&[dispatch(0, 1), *command]).unwrap_err();
            assert!(
                matches!(error, DeviceError::Program(_) | DeviceError::Limit { .. }),
                "{error:?}"
            );
            says(&error, parts);
        }
        says(&session.write(0, 12, &[0; 8]).unwrap_err(), &["'value'", "8 bytes at 12"]);
        says(&session.write(0, 0, &[0; 3]).unwrap_err(), &["multiples of 4"]);
        says(&session.read(&[0, 5]).unwrap_err(), &["no buffer 5"]);
        session.submit(&[dispatch(0, 1)]).unwrap();
        assert_eq!(words(&session.read(&[0]).unwrap()[0]), [1, 0, 0, 0]);
    });
}

#[test]
fn a_kernel_cannot_reach_beyond_its_buffers() {
    const WILD: &str = "
        @group(0) @binding(0) var<storage, read_write> value: array<u32>;
        @group(0) @binding(1) var<storage, read> index: array<u32>;
        @compute @workgroup_size(1) fn main() { value[index[0]] = 7u; value[1] = value[index[1]] + index[index[1]]; }";
    on_every_adapter("a_kernel_cannot_reach_beyond_its_buffers", |device| {
        let build = || {
            Build::new()
                .buffer("before", 64)
                .buffer("value", 64)
                .buffer("index", 2)
                .buffer("after", 64)
                .pass("wild", WILD, &[b(1), b(2)])
        };
        let mut programs = vec![build().0];
        if device.info().backend == "vulkan" {
            programs.push(build().portable().0);
        }
        for program in programs {
            let mut session = device.open(&program, &options()).unwrap();
            for index in [64, 65, 70, 1 << 20, u32::MAX] {
                session.write(2, 0, &crate::bytes(&[index, index])).unwrap();
                session.submit(&[dispatch(0, 1)]).unwrap();
                let read = session.read(&[0, 3, 1]).unwrap();
                assert!(read[..2].iter().flatten().all(|byte| *byte == 0), "index {index}");
                if device.info().backend == "vulkan" {
                    // A load gives 0, a store does nothing.
                    assert!(words(&read[2]).iter().all(|word| *word == 0), "index {index}");
                }
            }
        }
    });
}
