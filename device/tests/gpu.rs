//! What every GPU back end must do, run on each adapter of this machine.
//!
//! `VK_ICD_FILENAMES` chooses Vulkan drivers. Without any adapter each test prints that it skips; `BATON_REQUIRE_GPU=1`
//! makes that a failure.

#[path = "gpu/bad_programs.rs"]
mod bad_programs;
#[path = "gpu/commands.rs"]
mod commands;
#[path = "gpu/cutting.rs"]
mod cutting;
#[path = "gpu/strict.rs"]
mod strict;

use std::collections::BTreeMap;
use std::sync::Arc;

use device::{BufferDesc, Command, Device, ModuleDesc, PassDesc, Program, Resource, SessionOptions, Underflow, Workgroups};
use protocol::Tier;

/// Run a test on every adapter, and say how many there were.
fn on_every_adapter(test: &str, body: impl Fn(&dyn Device)) {
    let devices: Vec<Arc<dyn Device>> = device::gpu::list();
    if devices.is_empty() {
        assert_ne!(
            std::env::var("BATON_REQUIRE_GPU").as_deref(),
            Ok("1"),
            "{test}: no adapter, and BATON_REQUIRE_GPU=1"
        );
        eprintln!("skipped: {test}: no adapter on this machine (1 test)");
        return;
    }
    for device in devices {
        eprintln!("{test}: {} ({})", device.info().id, device.info().name);
        body(device.as_ref());
    }
}

/// A program that is built up in a test.
struct Build(Program);

impl Build {
    fn new() -> Self {
        Self(Program {
            tier: Tier::ClassBound,
            buffers: Vec::new(),
            modules: Vec::new(),
            passes: Vec::new(),
        })
    }

    fn portable(mut self) -> Self {
        self.0.tier = Tier::Portable;
        self
    }

    fn buffer(mut self, label: &str, words: u64) -> Self {
        self.0.buffers.push(BufferDesc {
            label: label.into(),
            size: words * 4,
            indirect: false,
        });
        self
    }

    fn indirect(mut self, label: &str, words: u64) -> Self {
        self.0.buffers.push(BufferDesc {
            label: label.into(),
            size: words * 4,
            indirect: true,
        });
        self
    }

    /// A module with one entry point `main`, and a pass that runs it.
    fn pass(mut self, label: &str, source: &str, bindings: &[Resource]) -> Self {
        self.0.modules.push(ModuleDesc {
            label: format!("{label}.wgsl"),
            source: source.into(),
            underflow: Underflow::default(),
        });
        self.0.passes.push(PassDesc {
            label: label.into(),
            module: self.0.modules.len() - 1,
            entry: "main".into(),
            overrides: BTreeMap::new(),
            bindings: (0..).zip(bindings.iter().copied()).collect(),
        });
        self
    }

    /// Without `canonical`: what a device does by itself shows.
    fn checked(mut self) -> Self {
        self.0
            .modules
            .iter_mut()
            .for_each(|module| module.underflow = Underflow::Checked);
        self
    }

    fn set(mut self, name: &str, value: f64) -> Self {
        let pass = self.0.passes.last_mut().expect("a pass comes before its overrides");
        pass.overrides.insert(name.into(), value);
        self
    }
}

/// Shorthand for a buffer bound to a pass.
fn b(id: usize) -> Resource {
    Resource::Buffer(id)
}

fn dispatch(pass: usize, x: u32) -> Command {
    dispatch_at(pass, x, 0)
}

fn dispatch_at(pass: usize, x: u32, step: u64) -> Command {
    Command::Dispatch {
        pass,
        workgroups: Workgroups::Direct([x, 1, 1]),
        step,
    }
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().expect("4 bytes")))
        .collect()
}

fn options() -> SessionOptions {
    SessionOptions::default()
}
