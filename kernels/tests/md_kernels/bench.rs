//! A few passes over a few buffers as a package of its own, run on every device of this machine, which must all give the same bits.

use std::collections::BTreeMap;

use device::SessionOptions;
use kernels::md::fixed_cell::FixedCell;
use kernels::md::terms::pme::driver::Pme;
use kernels::package::Package;
use kernels::package::manifest::{Buffer, Count, Element, Layout, Manifest, Number, Pass, Role, Run, Underflow};
use kernels::run::{Executor, RunError, initial_state};
use protocol::Tier;

/// Passes, buffers and constants.
#[derive(Clone)]
pub(crate) struct Bench {
    manifest: Manifest,
    init: BTreeMap<String, Vec<u8>>,
    shaders: BTreeMap<String, String>,
}

/// What the buffers hold afterwards, by name.
#[derive(PartialEq)]
pub(crate) struct Results(BTreeMap<String, Vec<u8>>);

impl Bench {
    pub(crate) fn new(cell: &FixedCell) -> Self {
        let manifest = Manifest {
            format: 1,
            name: "bench".into(),
            version: "1".into(),
            description: String::new(),
            tier: Tier::Portable,
            run: Run {
                steps_per_segment: 1,
                segments: 1,
                time_per_step: None,
                time_unit: None,
                start_time: None,
                start_step: None,
                done: None,
            },
            constants: BTreeMap::new(),
            buffers: Vec::new(),
            passes: Vec::new(),
            outputs: Vec::new(),
            faults: (1..20).map(|k| (k.to_string(), format!("fault {k}"))).collect(),
            grow: BTreeMap::new(),
            parent: None,
            evaluate: None,
            settings: BTreeMap::new(),
        };
        let mut bench = Self {
            manifest,
            init: BTreeMap::new(),
            shaders: BTreeMap::new(),
        };
        bench.add("fault", Element::U32, &[1], Role::Observable, None);
        for (name, value) in cell.constants() {
            bench.float(name, value);
        }
        bench
    }

    pub(crate) fn integer(&mut self, name: &str, value: usize) {
        self.manifest.constants.insert(name.into(), Number::Integer(value as i64));
    }

    pub(crate) fn float(&mut self, name: &str, value: f64) {
        self.manifest.constants.insert(name.into(), Number::Float(value));
    }

    fn add(&mut self, name: &str, element: Element, shape: &[usize], role: Role, bytes: Option<Vec<u8>>) {
        let vector = role == Role::State && shape.len() == 2 && shape[1] == 3 && name != "force_sums";
        self.manifest.buffers.push(Buffer {
            name: name.into(),
            element,
            shape: shape.iter().map(|extent| Count::Value(*extent as u64)).collect(),
            role,
            layout: if vector { Layout::Vec4 } else { Layout::Packed },
            init: bytes.as_ref().map(|_| format!("{name}.npy")),
            fill: None,
            scale: None,
            scale_by: None,
            unit: None,
        });
        if let Some(bytes) = bytes {
            self.init.insert(name.into(), bytes);
        }
    }

    pub(crate) fn words(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = u32>) {
        let bytes = values.into_iter().flat_map(u32::to_le_bytes).collect();
        self.add(name, Element::U32, shape, Role::State, Some(bytes));
    }

    pub(crate) fn integers(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = i32>) {
        let bytes = values.into_iter().flat_map(i32::to_le_bytes).collect();
        self.add(name, Element::I32, shape, Role::State, Some(bytes));
    }

    pub(crate) fn floats(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = f64>) {
        let bytes = values.into_iter().flat_map(|value| (value as f32).to_le_bytes()).collect();
        self.add(name, Element::F32, shape, Role::State, Some(bytes));
    }

    /// Positions of points in nm, which the cell rounds.
    pub(crate) fn positions(&mut self, cell: &FixedCell, points_nm: &[[f64; 3]]) {
        self.integer("atoms", points_nm.len());
        self.words(
            "positions",
            &[points_nm.len(), 3],
            points_nm.iter().flat_map(|point| cell.encode(*point)),
        );
    }

    /// `files` below `shaders/`; the last one holds the entry point. `size`: a constant's name.
    pub(crate) fn pass(&mut self, name: &str, files: &[&str], size: &str) -> &mut Pass {
        let short = |file: &str| file.rsplit('/').next().expect("a name").to_owned();
        for file in files {
            self.shaders.insert(short(file), shaders::text(file).to_owned());
        }
        self.manifest.passes.push(Pass {
            name: name.into(),
            shader: files.iter().map(|file| short(file)).collect(),
            entry: None,
            invocations: Some(vec![Count::Name(size.into())]),
            workgroups: None,
            indirect: None,
            every: 1,
            offset: 0,
            bindings: BTreeMap::new(),
            constants: BTreeMap::new(),
            underflow: Underflow::Checked,
        });
        self.manifest.passes.last_mut().expect("just put there")
    }

    /// A pass of `fft.wgsl` along an axis. `backwards`: the constant `fft_backwards`, where it has one.
    pub(crate) fn transform(&mut self, name: &str, files: &[&str], axis: &str, backwards: Option<bool>, pme: &Pme) {
        let plan = &pme.plans()["xyz".find(axis).expect("an axis")];
        let constants = plan.constants().into_iter();
        let constants = constants.chain(backwards.map(|backwards| ("fft_backwards", Number::Bool(backwards))));
        let constants = constants.map(|(name, value)| (name.to_owned(), value)).collect();
        let pass = self.pass(name, files, "atoms");
        pass.invocations = None;
        pass.workgroups = Some(vec![Count::Name(format!("pme_groups_{axis}"))]);
        pass.constants = constants;
        pass.bindings.insert("fft_roots".into(), format!("fft_roots_{axis}"));
    }

    fn package(&self, steps: u64) -> Package {
        let manifest = self.manifest.clone().with_steps_per_segment(steps);
        Package::new(manifest, self.shaders.clone(), self.init.clone()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn run(&self, device: &str, options: &SessionOptions, steps: u64) -> Result<Results, RunError> {
        let package = self.package(steps);
        let device = device::select(device).expect("a device of the list");
        let mut executor = Executor::open(&package, device.as_ref(), options)?;
        executor.enter(0, &initial_state(&package))?;
        executor.advance(steps)?;
        let state = executor.cross()?.state;
        Ok(Results(state.into_iter().map(|buffer| (buffer.name, buffer.bytes)).collect()))
    }

    /// Some steps on the CPU device.
    pub(crate) fn on_cpu(&self, steps: u64) -> Result<Results, RunError> {
        self.run("cpu", &SessionOptions::default(), steps)
    }

    /// Some steps on every device, on the CPU device also with workgroups in other orders, and in checked mode: the same bits everywhere.
    pub(crate) fn everywhere(&self, steps: u64) -> Results {
        self.compared(steps, true)
    }

    /// Some steps in the class-bound tier, where devices need not agree: what each computes, by its name.
    pub(crate) fn class_bound(&self, steps: u64) -> Vec<(String, Results)> {
        let mut bench = self.clone();
        bench.manifest.tier = Tier::ClassBound;
        let devices = device::list().into_iter().filter(|device| device.info().backend != "gl");
        let results = devices.map(|device| {
            let info = device.info();
            let found = bench.run(&info.id, &SessionOptions::default(), steps);
            (
                info.name.clone(),
                found.unwrap_or_else(|error| panic!("{}: {error}", info.name)),
            )
        });
        results.collect()
    }

    /// The same on the CPU device alone.
    pub(crate) fn on_cpu_in_every_way(&self, steps: u64) -> Results {
        self.compared(steps, false)
    }

    fn compared(&self, steps: u64, gpus: bool) -> Results {
        let expected = self.on_cpu(steps).unwrap_or_else(|error| panic!("cpu: {error}"));
        let checked = SessionOptions {
            checked: true,
            ..SessionOptions::default()
        };
        let shuffled = SessionOptions {
            workgroup_order_seed: Some(7),
            threads: Some(3),
            ..SessionOptions::default()
        };
        let mut others = vec![("cpu".to_owned(), checked), ("cpu".to_owned(), shuffled)];
        for device in device::list().into_iter().filter(|_| gpus) {
            let info = device.info();
            if info.id != "cpu" && info.backend != "gl" {
                others.push((info.id.clone(), SessionOptions::default()));
            }
        }
        if gpus && others.len() == 2 {
            println!("skipped: this machine has no second device");
        }
        for (device, options) in others {
            let found = self
                .run(&device, &options, steps)
                .unwrap_or_else(|error| panic!("{device} {options:?}: {error}"));
            for (name, bytes) in &found.0 {
                assert!(
                    *bytes == expected.0[name],
                    "buffer '{name}' differs on {device} ({options:?})"
                );
            }
        }
        expected
    }
}

impl Results {
    pub(crate) fn words(&self, name: &str) -> Vec<u32> {
        let bytes = self.0[name].chunks_exact(4);
        bytes
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect()
    }

    pub(crate) fn integers(&self, name: &str) -> Vec<i32> {
        self.words(name).into_iter().map(u32::cast_signed).collect()
    }

    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        self.words(name).into_iter().map(f32::from_bits).collect()
    }

    /// Rows of three.
    pub(crate) fn vectors(&self, name: &str) -> Vec<[f64; 3]> {
        let flat = self.floats(name);
        flat.chunks_exact(3).map(|v| [v[0], v[1], v[2]].map(f64::from)).collect()
    }

    pub(crate) fn positions(&self) -> Vec<[u32; 3]> {
        self.words("positions").chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect()
    }
}
