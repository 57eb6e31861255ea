//! Contract: the suite can fail. Each way to spoil determinism that people really write, or that a bug in Baton would amount to, is caught by a
//! check of a known name. (What keeps an impostor out of the portable class: `impostors.rs`.)

mod impostor;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use device::{Command, Device, DeviceError, DeviceInfo, Program, Session, SessionOptions, Underflow};
use fpcheck::conformance::{Outcome, Settings, conformance};
use kernels::package::Package;

use impostor::{Impostor, Mutation, cpu, llvmpipe, replace};

fn settings(checks: &[&str]) -> Settings {
    Settings {
        steps: 40,
        orders: 4,
        repeats: 2,
        cases: 1024,
        only: checks.iter().map(|check| (*check).to_owned()).collect(),
    }
}

/// The checks that fail for a package on a device, of those asked for.
fn failing(device: Arc<dyn Device>, package: Package, checks: &[&str]) -> Vec<String> {
    let report = conformance(&[device], &[package], &settings(checks), &mut |_| ()).expect("the reference runs");
    for check in checks {
        let made = report
            .cells
            .iter()
            .any(|cell| cell.check == *check && cell.outcome != Outcome::Absent);
        assert!(made, "{check} was not made");
    }
    report.failures().map(|cell| cell.check.clone()).collect()
}

/// A shipped example with one of its texts changed.
fn mutant(example: &str, file: &str, from: &str, to: &str) -> Package {
    let package = kernels::examples::load(example).expect("a shipped example");
    let mut shaders = package.shaders().clone();
    let text = shaders.get_mut(file).expect("a file of the example");
    assert!(text.contains(from), "{file} has no '{from}' any more");
    *text = text.replace(from, to);
    let init: BTreeMap<String, Vec<u8>> = (package.manifest().buffers.iter().enumerate())
        .filter(|(_, buffer)| buffer.init.is_some())
        .map(|(at, buffer)| (buffer.name.clone(), package.initial(at)))
        .collect();
    Package::new(package.manifest().clone(), shaders, init).expect("still a package")
}

/// A package of one pass over `count` invocations, out of its text.
fn small(buffers: &str, bindings: &str, wgsl: &str) -> Package {
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = format!(
        "format = 1\nname = \"small\"\nversion = \"1\"\ntier = \"portable\"\n\
         [run]\nsteps_per_segment = 4\nsegments = 10\n[constants]\ncount = 4096\n{buffers}\n\
         [[pass]]\nname = \"main\"\nshader = [\"main.wgsl\"]\ninvocations = [\"count\"]\nbindings = {bindings}\n"
    );
    write(folder.path(), "kernel.toml", &manifest);
    write(folder.path(), "main.wgsl", wgsl);
    Package::load(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("it can be written");
}

/// What a check says of a device that changes what it is given.
fn caught(inner: Arc<dyn Device>, mutate: Mutation, check: &str) -> Vec<String> {
    failing(Arc::new(Impostor::new(inner, mutate)), counter(), &[check])
}

#[test]
fn no_contraction_left_out_is_caught_by_probes() {
    let Some(llvmpipe) = llvmpipe() else { return };
    let stripped = |_: &mut Program, options: &mut SessionOptions| options.loose = true;
    assert_eq!(caught(llvmpipe.clone(), stripped, "probes"), ["probes"]);
    assert_eq!(caught(llvmpipe, |_, _| (), "probes"), [""; 0]);
}

#[test]
fn canonical_left_out_is_caught_by_probes() {
    let raw = |program: &mut Program, _: &mut SessionOptions| {
        program
            .modules
            .iter_mut()
            .for_each(|module| module.underflow = Underflow::Checked);
    };
    assert_eq!(caught(cpu(), raw, "probes"), ["probes"]);
}

#[test]
fn a_root_or_a_logarithm_one_digit_off_is_caught_by_library() {
    assert_eq!(caught(cpu(), |_, _| (), "library"), [""; 0]);
    let root =
        |program: &mut Program, _: &mut SessionOptions| replace(program, "return sqrt(a);", "return sqrt(a) * 1.0000001;");
    assert_eq!(caught(cpu(), root, "library"), ["library"]);
    let log = |program: &mut Program, _: &mut SessionOptions| replace(program, "return log(a);", "return log2(a) * 0.6931472;");
    assert_eq!(caught(cpu(), log, "library"), ["library"]);
}

#[test]
fn a_sum_of_floats_in_no_order_is_caught_by_orders() {
    let package = small(
        "[[buffer]]\nname = \"values\"\ntype = \"f32\"\nshape = [\"count\"]\nrole = \"state\"\nfill = 0.1\n\
         [[buffer]]\nname = \"sum\"\ntype = \"u32\"\nshape = [1]\nrole = \"state\"\nfill = 0",
        "{ values = \"values\", sum = \"sum\" }",
        "@group(0) @binding(0) var<storage, read_write> values: array<f32>;
         @group(0) @binding(1) var<storage, read_write> sum: array<atomic<u32>>;
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
             let value = 0.1 + f32(id.x % 1000u) * 0.37;
             values[id.x] = value;
             var seen = atomicLoad(&sum[0]);
             for (var tries = 0u; tries < 10000u; tries++) {
                 let wanted = bitcast<u32>(bitcast<f32>(seen) + value);
                 let swapped = atomicCompareExchangeWeak(&sum[0], seen, wanted);
                 if swapped.exchanged { break; }
                 seen = swapped.old_value;
             }
         }",
    );
    assert_eq!(failing(cpu(), package, &["orders"]), ["orders"]);
}

#[test]
fn a_random_stream_that_all_share_is_caught_by_orders() {
    let package = small(
        "[[buffer]]\nname = \"values\"\ntype = \"u32\"\nshape = [\"count\"]\nrole = \"state\"\nfill = 0\n\
         [[buffer]]\nname = \"stream\"\ntype = \"u32\"\nshape = [1]\nrole = \"state\"\nfill = 1",
        "{ values = \"values\", stream = \"stream\" }",
        "@group(0) @binding(0) var<storage, read_write> values: array<u32>;
         @group(0) @binding(1) var<storage, read_write> stream: array<atomic<u32>>;
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
             let drawn = atomicAdd(&stream[0], 0x9e3779b9u);
             values[id.x] += (drawn ^ (drawn >> 15u)) * 0x2c1b3c6du;
         }",
    );
    assert_eq!(failing(cpu(), package, &["orders"]), ["orders"]);
}

#[test]
fn a_missing_barrier_is_caught_by_checked() {
    let without = mutant("gray-scott", "measure_rows.wgsl", "workgroupBarrier();", "");
    assert_eq!(failing(cpu(), without, &["checked"]), ["checked"]);
    let whole = kernels::examples::load("gray-scott").expect("a shipped example");
    assert_eq!(failing(cpu(), whole, &["checked"]), [""; 0]);
}

#[test]
fn underflow_that_shows_is_caught_by_checked() {
    let decays = mutant("gray-scott", "euler.wgsl", "select(v, 0.0, v < 1e-15)", "v * 1e-20");
    assert_eq!(failing(cpu(), decays, &["checked"]), ["checked"]);
}

/// A device that forgets what an executor's bug would make it forget.
struct Forgetful {
    inner: Arc<dyn Device>,
    /// Scratch keeps its contents over boundaries.
    never_clears: bool,
    /// The buffer of this name is written once, when the run begins, and never again from a checkpoint.
    leaves_out: Option<&'static str>,
    written: Arc<AtomicBool>,
}

struct ForgetfulSession {
    inner: Box<dyn Session>,
    never_clears: bool,
    leaves_out: Option<usize>,
    written: Arc<AtomicBool>,
}

impl Device for Forgetful {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }

    fn open(&self, program: &Program, options: &SessionOptions) -> Result<Box<dyn Session>, DeviceError> {
        Ok(Box::new(ForgetfulSession {
            inner: self.inner.open(program, options)?,
            never_clears: self.never_clears,
            leaves_out: (program.buffers.iter()).position(|buffer| Some(buffer.label.as_str()) == self.leaves_out),
            written: self.written.clone(),
        }))
    }
}

impl Session for ForgetfulSession {
    fn write(&mut self, buffer: usize, offset: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        if self.leaves_out == Some(buffer) && self.written.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.inner.write(buffer, offset, bytes)
    }

    fn submit(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        let kept: Vec<Command> = commands
            .iter()
            .filter(|command| !(self.never_clears && matches!(command, Command::Clear(_))))
            .copied()
            .collect();
        self.inner.submit(&kept)
    }

    fn wait(&mut self) -> Result<(), DeviceError> {
        self.inner.wait()
    }

    fn read(&mut self, buffers: &[usize]) -> Result<Vec<Vec<u8>>, DeviceError> {
        self.inner.read(buffers)
    }
}

/// Counts in scratch, and adds the count to its state.
fn counter() -> Package {
    small(
        "[[buffer]]\nname = \"total\"\ntype = \"u32\"\nshape = [\"count\"]\nrole = \"state\"\nfill = 0\n\
         [[buffer]]\nname = \"count_here\"\ntype = \"u32\"\nshape = [\"count\"]\nrole = \"scratch\"",
        "{ total = \"total\", here = \"count_here\" }",
        "@group(0) @binding(0) var<storage, read_write> total: array<u32>;
         @group(0) @binding(1) var<storage, read_write> here: array<u32>;
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
             here[id.x] += 1u;
             total[id.x] += here[id.x];
         }",
    )
}

fn forgetful(never_clears: bool, leaves_out: Option<&'static str>) -> Arc<dyn Device> {
    Arc::new(Forgetful {
        inner: cpu(),
        never_clears,
        leaves_out,
        written: Arc::default(),
    })
}

#[test]
fn scratch_that_is_not_cleared_is_caught_by_interruptions() {
    let failed = failing(forgetful(true, None), counter(), &["golden", "interruptions"]);
    assert_eq!(failed, ["golden", "interruptions"]);
    assert_eq!(
        failing(forgetful(false, None), counter(), &["golden", "interruptions"]),
        [""; 0]
    );
}

#[test]
fn a_buffer_left_out_of_the_checkpoint_is_caught_by_interruptions() {
    // While nothing is interrupted, memory keeps what the checkpoint lacks: only an interruption tells.
    assert_eq!(
        failing(forgetful(false, Some("total")), counter(), &["golden", "interruptions"]),
        ["interruptions"]
    );
}
