//! What is compared between devices: every operator and builtin, and programs for every kind of statement.
//!
//! | module | owns |
//! |---|---|
//! | `operations` | expressions of two inputs, with how closely devices must agree |
//! | `programs` | whole kernels |

pub(crate) mod operations;
pub(crate) mod programs;

use crate::support::{Case, Random};

use self::operations::{Agreement, Inputs, Operation};

/// Expressions computed by one kernel.
const OPERATIONS_PER_KERNEL: usize = 12;

/// Some operations over the same inputs, as one kernel.
pub(crate) struct Batch {
    pub(crate) operations: Vec<Operation>,
    pub(crate) case: Case,
}

/// All operations.
pub(crate) fn batches() -> Vec<Batch> {
    let mut groups: Vec<Vec<Operation>> = Vec::new();
    for operation in operations::all() {
        let kind = |operation: &Operation| (operation.inputs.clone(), operation.exact(), operation.packs_bytes());
        let together = |group: &&mut Vec<Operation>| group.len() < OPERATIONS_PER_KERNEL && kind(&group[0]) == kind(&operation);
        match groups.iter_mut().find(together) {
            Some(group) => group.push(operation),
            None => groups.push(vec![operation]),
        }
    }
    groups.into_iter().map(batch).collect()
}

/// Every source text that devices are compared on.
pub(crate) fn sources() -> Vec<String> {
    let batches = batches().into_iter().map(|batch| batch.case.source);
    batches
        .chain(programs::all().into_iter().map(|(_, case)| case.source))
        .collect()
}

fn batch(operations: Vec<Operation>) -> Batch {
    let inputs = operations[0].inputs.clone();
    let words = inputs.words();
    let (n, count) = (words.len(), operations.len());
    let mut body = String::new();
    for (k, operation) in operations.iter().enumerate() {
        let result = match operation.agreement {
            Agreement::Bits => operation.expression.to_owned(),
            Agreement::Float | Agreement::Near { .. } => format!("bitcast<u32>({})", operation.expression),
        };
        body += &format!("out[i * {count}u + {k}u] = {result};\n");
    }
    let source = format!(
        "@group(0) @binding(0) var<storage, read> x: array<{ty}>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
            let i = id.x;
            let a = x[i / {n}u];
            let b = x[i % {n}u];
            {body}
        }}",
        ty = inputs.ty()
    );
    let mut case = Case::new(&source, vec![words, vec![0; n * n * count]], (n * n / 64) as u32);
    if operations[0].exact() {
        case.tier = protocol::Tier::Portable;
    }
    Batch { operations, case }
}

impl Inputs {
    fn ty(&self) -> &'static str {
        match self {
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::F32 | Self::Range(..) => "f32",
        }
    }

    /// Sixty-four of them: all pairs are computed.
    pub(crate) fn words(&self) -> Vec<u32> {
        let mut random = Random(17);
        let mut words: Vec<u32> = match self {
            Self::U32 | Self::I32 => vec![
                0,
                1,
                2,
                3,
                7,
                31,
                32,
                33,
                127,
                128,
                255,
                256,
                0x7fff_ffff,
                0x8000_0000,
                0x8000_0001,
                u32::MAX,
                u32::MAX - 1,
            ],
            Self::F32 => [
                0.0,
                -0.0,
                1.0,
                -1.0,
                0.5,
                -0.5,
                1.5,
                2.5,
                -2.5,
                1e-45,
                1e-40,
                -1e-39,
                1.175_494_4e-38,
                3e38,
                -3e38,
                8_388_607.5,
                8_388_609.0,
                16_777_215.0,
                2_147_483_500.0,
                2_147_483_600.0,
                -2_147_483_600.0,
                4_294_967_000.0,
                0.999_999_94,
                1e-20,
            ]
            .map(f32::to_bits)
            .to_vec(),
            Self::Range(..) => Vec::new(),
        };
        while words.len() < 64 {
            words.push(match self {
                Self::U32 | Self::I32 => random.word() >> random.below(32),
                Self::F32 => ((random.word() as i32) as f32 * 2f32.powi(-(random.below(40) as i32))).to_bits(),
                Self::Range(low, high) => (low + (high - low) * (random.word() as f32 / 4_294_967_296.0)).to_bits(),
            });
        }
        words
    }
}
