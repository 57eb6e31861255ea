//! Contract: no device is of the portable class by its name. Devices that say they are strict and are not have no class.

use device::{Command, Device, DeviceError, DeviceInfo, Program, Session, SessionOptions};
use fpcheck::Fingerprint;
use protocol::Tier;

/// A device that gives portable programs something else than strict execution.
struct Impostor {
    inner: std::sync::Arc<dyn Device>,
    mutate: fn(&mut Program),
    flip: bool,
}

impl Device for Impostor {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }

    fn open(&self, program: &Program, options: &SessionOptions) -> Result<Box<dyn Session>, DeviceError> {
        let mut program = program.clone();
        (self.mutate)(&mut program);
        let session = self.inner.open(&program, options)?;
        Ok(if self.flip { Box::new(Flips(session)) } else { session })
    }
}

/// Memory with one bit that is stuck.
struct Flips(Box<dyn Session>);

impl Session for Flips {
    fn write(&mut self, buffer: usize, offset: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.0.write(buffer, offset, bytes)
    }

    fn submit(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        self.0.submit(commands)
    }

    fn wait(&mut self) -> Result<(), DeviceError> {
        self.0.wait()
    }

    fn read(&mut self, buffers: &[usize]) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut read = self.0.read(buffers)?;
        read.iter_mut().for_each(|bytes| bytes[40] |= 1);
        Ok(read)
    }
}

fn obstacles(impostor: &Impostor) -> Vec<String> {
    let fingerprint = Fingerprint::measure(impostor, Tier::Portable).expect("it runs");
    assert_eq!(fingerprint.class().is_none(), !fingerprint.obstacles().is_empty());
    fingerprint.obstacles()
}

fn cpu() -> std::sync::Arc<dyn Device> {
    device::select("cpu").expect("every machine has it")
}

#[test]
fn without_no_contraction_llvmpipe_is_out() {
    let Some(lavapipe) = device::automatic()
        .into_iter()
        .find(|device| device.info().name.starts_with("llvmpipe"))
    else {
        assert!(
            std::env::var_os("BATON_REQUIRE_GPU").is_none(),
            "BATON_REQUIRE_GPU is set, and there is no llvmpipe"
        );
        return println!("skipped: no llvmpipe on this machine");
    };
    let with = |mutate| Impostor {
        inner: lavapipe.clone(),
        mutate,
        flip: false,
    };
    assert_eq!(obstacles(&with(|_| ())), [""; 0]);
    // Stock compilation: the same WGSL, without the decoration.
    let out = obstacles(&with(|program| program.tier = Tier::ClassBound));
    assert!(out.iter().any(|why| why.starts_with("(a + b) - a: a cancels")), "{out:?}");
    assert!(
        out.iter().any(|why| why.starts_with("a * c + b * c: c is factored out")),
        "{out:?}"
    );
}

#[test]
fn a_device_that_fuses_reorders_or_miscounts_is_out() {
    let replaced = |mutate| Impostor {
        inner: cpu(),
        mutate,
        flip: false,
    };
    type Mutation = fn(&mut Program);
    fn replace(program: &mut Program, from: &str, to: &str) {
        program.modules[0].source = program.modules[0].source.replace(from, to);
    }
    let cases: [(Mutation, &str); 5] = [
        (
            |program| replace(program, "(a * b + c)", "((a * b + c) * 1.0000001)"),
            "a * b + c:",
        ),
        (
            |program| replace(program, "(a + b) + c", "a + (b + c)"),
            "(a + b) + c: the terms are reordered",
        ),
        (|program| replace(program, "workgroupBarrier();", ""), "one tree sum"),
        (
            |program| {
                replace(
                    program,
                    "atomicAdd(&y[0], value);",
                    "atomicStore(&y[0], atomicLoad(&y[0]) + value + 1u);",
                )
            },
            "sums, maxima and bits",
        ),
        (|program| replace(program, "round(a)", "floor(a + 0.5)"), "round(a)"),
    ];
    for (mutate, why) in cases {
        let out = obstacles(&replaced(mutate));
        assert!(out.iter().any(|text| text.starts_with(why)), "'{why}' was not seen: {out:?}");
    }
    assert_eq!(obstacles(&replaced(|_| ())), [""; 0]);
}

#[test]
fn a_stuck_bit_is_out() {
    let out = obstacles(&Impostor {
        inner: cpu(),
        mutate: |_| (),
        flip: true,
    });
    assert!(!out.is_empty());
}
