//! Runs one kernel over buffers of words.

use std::collections::BTreeMap;
use std::time::Duration;

use device::cpu::CpuDevice;
use device::{
    BufferDesc, Command, Device, DeviceError, ModuleDesc, PassDesc, Program, Resource, SessionOptions, Underflow, Workgroups,
};
use protocol::Tier;

/// A kernel with its buffers; buffer i is `@binding(i)`.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) source: String,
    pub(crate) buffers: Vec<Vec<u32>>,
    pub(crate) groups: [u32; 3],
    pub(crate) overrides: BTreeMap<String, f64>,
    pub(crate) tier: Tier,
}

impl Case {
    pub(crate) fn new(source: &str, buffers: Vec<Vec<u32>>, groups: u32) -> Self {
        Self {
            source: source.to_owned(),
            buffers,
            groups: [groups, 1, 1],
            overrides: BTreeMap::new(),
            tier: Tier::ClassBound,
        }
    }

    pub(crate) fn program(&self) -> Program {
        let buffers = self.buffers.iter().enumerate();
        Program {
            tier: self.tier,
            buffers: buffers
                .map(|(i, words)| BufferDesc {
                    label: format!("b{i}"),
                    size: 4 * words.len() as u64,
                    indirect: false,
                })
                .collect(),
            modules: vec![ModuleDesc {
                label: "case".to_owned(),
                source: self.source.clone(),
                underflow: Underflow::default(),
            }],
            passes: vec![PassDesc {
                label: "main".to_owned(),
                module: 0,
                entry: "main".to_owned(),
                overrides: self.overrides.clone(),
                bindings: (0..self.buffers.len()).map(|i| (i as u32, Resource::Buffer(i))).collect(),
            }],
        }
    }

    /// The buffers after one dispatch.
    pub(crate) fn run_on(&self, device: &dyn Device, options: &SessionOptions) -> Result<Vec<Vec<u32>>, DeviceError> {
        let mut session = device.open(&self.program(), options)?;
        for (i, words) in self.buffers.iter().enumerate() {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            session.write(i, 0, &bytes)?;
        }
        session.submit(&[Command::Dispatch {
            pass: 0,
            workgroups: Workgroups::Direct(self.groups),
            step: 7,
        }])?;
        session.wait()?;
        let all: Vec<usize> = (0..self.buffers.len()).collect();
        let bytes = session.read(&all)?;
        Ok(bytes.iter().map(|bytes| words(bytes)).collect())
    }

    pub(crate) fn run_with(&self, options: &SessionOptions) -> Result<Vec<Vec<u32>>, DeviceError> {
        self.run_on(&CpuDevice::with_dispatch_limit(Duration::from_secs(5)), options)
    }

    pub(crate) fn run(&self) -> Vec<Vec<u32>> {
        self.run_with(&SessionOptions::default())
            .unwrap_or_else(|error| panic!("{error:?}\n{}", self.source))
    }

    pub(crate) fn checked(&self) -> Result<Vec<Vec<u32>>, DeviceError> {
        self.run_with(&SessionOptions {
            checked: true,
            ..SessionOptions::default()
        })
    }
}

pub(crate) fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect()
}

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// A series of words, by its seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn word(&mut self) -> u32 {
        protocol::split_mix::next(&mut self.0) as u32
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.word() % limit
    }
}
