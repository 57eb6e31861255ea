//! A probe on a device.

use std::collections::BTreeMap;

use super::{Path, Probe, Shape};
use device::{
    BufferDesc, Command, Device, DeviceError, ModuleDesc, PassDesc, Program, Resource, SessionOptions, Underflow, Workgroups,
};

/// Commands that a probe is run as: none of it may change a bit.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// How many cases; a multiple of 256.
    pub(crate) cases: usize,
    /// How often it is run again from the start, in the same session.
    pub(crate) repeats: usize,
    /// How the device runs it.
    pub(crate) session: SessionOptions,
}

impl Wanted {
    /// One run over so many cases.
    pub(crate) fn cases(cases: usize) -> Self {
        Self {
            cases,
            repeats: 1,
            session: SessionOptions::default(),
        }
    }
}

impl Probe {
    /// Words that come out for so many cases.
    pub(crate) fn words_out(&self, cases: usize) -> usize {
        match &self.shape {
            Shape::Cases(columns) => cases * columns.len(),
            Shape::Whole { words, .. } => words(cases),
        }
    }

    /// Its WGSL.
    pub fn source(&self) -> &'static str {
        shaders::text(&format!("probe/{}.wgsl", self.name))
    }

    pub(crate) fn program(&self, path: Path, cases: usize) -> Program {
        let buffer = |label: &str, words: usize| BufferDesc {
            label: label.to_owned(),
            size: 4 * words as u64,
            indirect: false,
        };
        let pass = |overrides: &[(&str, f64)]| PassDesc {
            label: format!("probe {}", self.name),
            module: 0,
            entry: self.name.to_owned(),
            overrides: overrides.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            bindings: BTreeMap::from([(0, Resource::Buffer(0)), (1, Resource::Buffer(1))]),
        };
        Program {
            tier: path.tier(),
            buffers: vec![buffer("x", cases * self.words_in), buffer("y", self.words_out(cases))],
            modules: vec![ModuleDesc {
                label: format!("probe/{}.wgsl", self.name),
                source: self.source().to_owned(),
                underflow: match path {
                    Path::StrictRaw => Underflow::Checked,
                    Path::Stock | Path::Strict => Underflow::Canonical,
                },
            }],
            passes: self.variants.iter().map(|overrides| pass(overrides)).collect(),
        }
    }
}

/// The words that a probe puts out on a device, once for each repeat.
///
/// # Errors
/// The device's.
pub(crate) fn observe(device: &dyn Device, path: Path, probe: &Probe, wanted: &Wanted) -> Result<Vec<Vec<u32>>, DeviceError> {
    let mut session = device.open(&probe.program(path, wanted.cases), &wanted.session)?;
    let bytes: Vec<u8> = (probe.inputs)(wanted.cases)
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    session.write(0, 0, &bytes)?;
    let groups = wanted.cases.div_ceil(probe.cases_per_workgroup) as u32;
    let dispatches = (0..probe.variants.len()).map(|pass| Command::Dispatch {
        pass,
        workgroups: Workgroups::Direct([groups, 1, 1]),
        step: 0,
    });
    let commands: Vec<Command> = std::iter::once(Command::Clear(1)).chain(dispatches).collect();
    (0..wanted.repeats)
        .map(|_| {
            session.submit(&commands)?;
            let bytes = session.read(&[1])?;
            let (words, _) = bytes[0].as_chunks::<4>();
            Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
        })
        .collect()
}
