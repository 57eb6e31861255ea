//! A device that goes away, runs out of memory or does not come back gives three different errors, and no panic.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::Tier;

use super::list::{Gpu, adapters};
use super::open::open;
use super::session::GpuSession;
use crate::{
    BufferDesc, Command, DeviceError, DeviceKind, ModuleDesc, PassDesc, Program, Resource, Session, SessionOptions, Workgroups,
};

const SLOW: &str = "
    @group(0) @binding(0) var<storage, read_write> value: array<u32>;
    @compute @workgroup_size(1) fn main() {
        var x = value[0];
        for (var i = 0u; i < value[1]; i++) { x = x * 1664525u + 1013904223u; }
        value[0] = x;
    }";

fn slow() -> Program {
    Program {
        tier: Tier::ClassBound,
        buffers: vec![BufferDesc {
            label: "value".into(),
            size: 8,
            indirect: false,
        }],
        modules: vec![ModuleDesc {
            label: "slow.wgsl".into(),
            source: SLOW.into(),
            underflow: crate::Underflow::Checked,
        }],
        passes: vec![PassDesc {
            label: "slow".into(),
            module: 0,
            entry: "main".into(),
            overrides: BTreeMap::new(),
            bindings: BTreeMap::from([(0, Resource::Buffer(0))]),
        }],
    }
}

const RUN: Command = Command::Dispatch {
    pass: 0,
    workgroups: Workgroups::Direct([1, 1, 1]),
    step: 0,
};

/// Many workgroups, not many rounds: llvmpipe leaves a shader's loops after 65,535 rounds.
const LONG: Command = Command::Dispatch {
    pass: 0,
    workgroups: Workgroups::Direct([2_000, 1, 1]),
    step: 0,
};

/// A session of [`slow`], a command a submit, on each adapter that is wanted.
fn sessions(wanted: fn(&Gpu) -> bool) -> Vec<GpuSession> {
    let sessions: Vec<GpuSession> = adapters()
        .iter()
        .filter(|gpu| wanted(gpu))
        .map(|gpu| {
            open(
                gpu,
                &slow(),
                &SessionOptions {
                    commands_per_submit_max: Some(1),
                    ..SessionOptions::default()
                },
            )
            .expect("it opens")
        })
        .collect();
    if adapters().is_empty() {
        assert_ne!(
            std::env::var("BATON_REQUIRE_GPU").as_deref(),
            Ok("1"),
            "no adapter, and BATON_REQUIRE_GPU=1"
        );
        eprintln!("skipped: no adapter on this machine (1 test)");
    }
    sessions
}

#[test]
fn a_lost_device_is_an_error_on_every_call() {
    for mut session in sessions(|_| true) {
        session.submit(&[RUN]).unwrap();
        session.opened.device.destroy();
        assert!(matches!(session.wait(), Err(DeviceError::Lost(_))));
        assert!(matches!(session.submit(&[RUN]), Err(DeviceError::Lost(_))));
        assert!(matches!(session.write(0, 0, &[0; 8]), Err(DeviceError::Lost(_))));
        assert!(matches!(session.read(&[0]), Err(DeviceError::Lost(_))));
    }
}

#[test]
fn a_device_lost_before_a_read_gives_no_bytes() {
    for mut session in sessions(|_| true) {
        session.opened.device.destroy();
        assert!(matches!(session.read(&[0]), Err(DeviceError::Lost(_))));
    }
}

#[test]
fn a_pass_that_does_not_end_is_named() {
    // A real GPU is too fast for this one; a software GL driver computes inside the call that submits.
    for mut session in sessions(|gpu| gpu.info.backend != "gl" && gpu.info.kind == DeviceKind::SoftwareGpu) {
        session.endless = Duration::from_millis(200);
        session.write(0, 4, &60_000_u32.to_le_bytes()).unwrap();
        let started = Instant::now();
        let error = session.submit(&[LONG, LONG]).and_then(|()| session.wait()).unwrap_err();
        assert!(
            matches!(&error, DeviceError::Endless { pass, .. } if pass == "slow"),
            "{error:?}"
        );
        assert!(matches!(session.submit(&[RUN]), Err(DeviceError::Lost(_))));
        drop(session);
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "it was waited for: {:?}",
            started.elapsed()
        );
    }
}

/// Allocate more than 8 GiB, in a process that may have 6 GB: software drivers take memory only when it is touched.
#[cfg(unix)]
#[test]
fn more_than_the_memory_is_out_of_memory() {
    const INSIDE: &str = "BATON_TEST_LITTLE_MEMORY";
    if std::env::var_os(INSIDE).is_none() {
        let status = std::process::Command::new("sh")
            .args([
                "-c",
                "ulimit -v 6000000 && exec \"$0\" --exact gpu::failure_tests::more_than_the_memory_is_out_of_memory",
            ])
            .arg(std::env::current_exe().unwrap())
            .env(INSIDE, "1")
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
        return;
    }
    // wgpu does not ask GL whether an allocation came about.
    for gpu in adapters().iter().filter(|gpu| gpu.info.backend != "gl") {
        let buffer = |number| BufferDesc {
            label: format!("big {number}"),
            size: 1 << 27,
            indirect: false,
        };
        let buffers = (0..64).map(buffer).collect();
        let program = Program {
            buffers,
            passes: Vec::new(),
            ..slow()
        };
        let error = open(gpu, &program, &SessionOptions::default())
            .err()
            .expect("6 GB do not hold it");
        assert!(error.to_string().contains("allocates buffer 'big "), "{error}");
        assert!(matches!(error, DeviceError::OutOfMemory(_)), "{error:?}");
    }
}
