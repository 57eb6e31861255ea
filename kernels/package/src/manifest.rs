//! `kernel.toml` as types. Field by field it is documented in `docs/kernel-package.md`.
//!
//! Parsing says only that the words are right; [`super::check`] says whether they fit each other.

use std::collections::BTreeMap;
use std::fmt;

use protocol::{Digest, Tier};
use serde::{Deserialize, Serialize};
pub use wgsl::Underflow;

/// A whole `kernel.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub format: u32,
    /// Lower-case letters, digits and `-`.
    pub name: String,
    /// The author's own version text.
    pub version: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// Which arithmetic the package asks for.
    pub tier: Tier,
    /// Length of a run.
    pub run: Run,
    /// Numbers, usable by name in shapes and dispatch sizes, and given to `override` constants of the same name.
    #[serde(default)]
    pub constants: BTreeMap<String, Number>,
    /// Buffers, in the order of the checkpoint.
    #[serde(rename = "buffer")]
    pub buffers: Vec<Buffer>,
    /// Passes, in the order they run within a step.
    #[serde(rename = "pass")]
    pub passes: Vec<Pass>,
    /// What is kept for people to look at.
    #[serde(default, rename = "output")]
    pub outputs: Vec<Output>,
    /// What the values of an observable buffer named `fault` mean: a run whose `fault[0]` is not 0 at a boundary stops there with this text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub faults: BTreeMap<String, String>,
    /// Values of `fault` that ask for room: to each, the integer constants that are doubled, whereupon the segment is computed again.
    /// They count scratch buffers alone, and no result depends on them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grow: BTreeMap<String, Vec<String>>,
    /// Where the first state comes from, for the next generation of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// How `baton evaluate` gets energies and forces, for packages that have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate: Option<Evaluate>,
    /// What may be set when a run is begun, by name. The digest does not cover it: it is no part of what is computed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Setting>,
}

/// Length of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Steps between two boundaries.
    pub steps_per_segment: u64,
    /// Segments of a whole run.
    pub segments: u64,
    /// Physical time of one step, in `time_unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_per_step: Option<f64>,
    /// Unit of time, `ps` say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_unit: Option<String>,
    /// Physical time of the starting state, in `time_unit`; 0 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<f64>,
    /// Steps that were made before the starting state, elsewhere; 0 when left out. Steps of the run are counted from 0 all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_step: Option<u64>,
    /// State buffer by which the package itself ends a run, well: it ends at the first boundary where the buffer's first element is not 0, however many
    /// segments are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
}

/// The run whose state a package begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Identity of the package that it ran.
    pub package: Digest,
    /// Digest of the boundary whose state this is, in that run's chain.
    pub boundary: Digest,
    /// Steps before that boundary.
    pub step: u64,
}

/// A constant: TOML keeps integers and floats apart, and so do we.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an integer, a float, true or false")]
pub enum Number {
    /// A truth value, for `bool` overrides.
    Bool(bool),
    /// An integer, for shapes and `u32` or `i32` overrides.
    Integer(i64),
    /// A float, for `f32` overrides.
    Float(f64),
}

/// A count: written out, or the name of an integer constant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a count: a positive integer, or the name of an integer constant in quotes"
)]
pub enum Count {
    /// Written out.
    Value(u64),
    /// A constant's name.
    Name(String),
}

/// Element type of a buffer; every one has 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    /// IEEE-754 binary32.
    F32,
    /// Unsigned 32-bit integer.
    U32,
    /// Signed 32-bit integer, two's complement.
    I32,
}

/// What a buffer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Checkpointed.
    State,
    /// Uploaded once; part of the package's digest.
    Constant,
    /// Undefined across a boundary: cleared there.
    Scratch,
    /// Written by passes, kept by outputs; cleared at a boundary like scratch.
    Observable,
}

/// How a buffer lies on the device. The standard layout is always packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// As in the standard layout.
    #[default]
    Packed,
    /// `[n, 3]` lies as `n` vectors of four, the fourth zero on upload and dropped on flush.
    Vec4,
}

/// A buffer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// Name: a WGSL identifier.
    pub name: String,
    /// Element type.
    #[serde(rename = "type")]
    pub element: Element,
    /// Extent of each dimension, outermost first; row-major.
    pub shape: Vec<Count>,
    /// What it is for.
    pub role: Role,
    /// How it lies on the device.
    #[serde(default)]
    pub layout: Layout,
    /// `.npy` file with the initial contents (`state` and `constant`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
    /// Or one value for every element (`state` and `constant`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<Number>,
    /// Physical value of one unit, one number, or one for each index of the last dimension: `box / 2^32` for fixed point. Nine for a last dimension of 3: three
    /// vectors, one behind the other; a value is the sum of unit times vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Vec<f64>>,
    /// A `state` buffer of one f32, by which `scale` is multiplied: the size of a box that changes, in units of its size at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_by: Option<String>,
    /// Physical unit of the scaled value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// One compute dispatch of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// Name, unique.
    pub name: String,
    /// WGSL files, joined in this order.
    pub shader: Vec<String>,
    /// Entry point; may be left out where the files have just one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Dispatch at least this many invocations in x, y, z: divided by the workgroup's size, rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocations: Option<Vec<Count>>,
    /// Or dispatch exactly this many workgroups in x, y, z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workgroups: Option<Vec<Count>>,
    /// Or read the number of workgroups from a `u32` buffer that an earlier pass wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indirect: Option<Indirect>,
    /// Runs in steps where `step % every == offset`.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub every: u64,
    /// See `every`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// WGSL variable to buffer, where the names differ. The variable `clock` gets the step counter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bindings: BTreeMap<String, String>,
    /// `override` constants of this pass alone; they go before the package's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, Number>,
    /// What the portable tier does about results that underflow.
    #[serde(default, skip_serializing_if = "Underflow::is_canonical")]
    pub underflow: Underflow,
}

/// Where an indirect dispatch reads its workgroup counts: three u32 of a buffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indirect {
    /// A `u32` buffer.
    pub buffer: String,
    /// Index of the first of the three elements.
    #[serde(default)]
    pub element: u64,
}

/// What is kept of a buffer, at which steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Name, unique.
    pub name: String,
    /// A `state` or `observable` buffer.
    pub buffer: String,
    /// Taken in steps where `step % every == 0`; divides `steps_per_segment`.
    pub every: u64,
    /// Taken after this pass of the step; at the end of the step when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Present: each time gives a row of `observables.csv` with these columns. Absent: a frame of `frames-NAME.bin`.
    #[serde(default, rename = "column", skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
}

/// A column of `observables.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name, unique among all columns.
    pub name: String,
    /// Physical unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Index of the element in the buffer.
    pub element: u64,
    /// How elements become the number.
    #[serde(default)]
    pub read: Read,
    /// The number is multiplied by this.
    #[serde(default = "unit_scale")]
    pub scale: f64,
    /// Then this is added.
    #[serde(default)]
    pub add: f64,
}

/// How elements of a buffer become a column's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Read {
    /// One element, as its type says.
    #[default]
    Element,
    /// Two u32, low word first: a signed 64-bit integer.
    I64,
}

/// How `baton evaluate` gets energies and forces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// Step 0 runs up to and including this pass.
    pub until: String,
    /// Force class to column of an output: its number is that class's energy, in kJ/mol.
    #[serde(default)]
    pub energies: BTreeMap<String, String>,
    /// An `[n, 3]` f32 buffer: forces, kJ/mol/nm.
    pub forces: String,
}

/// A quantity that may be set when a run is begun: which constants get its value, and which buffers are scaled with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// One line for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Physical unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Constants that get the value: one, of the setting's own name when left out; or two integers, its low and its high 32 bits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constants: Vec<String>,
    /// The value that the buffers of `scales` are written for, where no constant holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// f32 buffer to power: its initial contents are multiplied by (new value / value)^power.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scales: BTreeMap<String, f64>,
    /// Smallest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// Largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            // With its point, so that people see what type it has.
            Self::Float(value) => write!(f, "{value:?}"),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::U32 => "u32",
            Self::I32 => "i32",
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::State => "state",
            Self::Constant => "constant",
            Self::Scratch => "scratch",
            Self::Observable => "observable",
        })
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Packed => "packed",
            Self::Vec4 => "vec4",
        })
    }
}

impl Manifest {
    /// The same with segments of another length, for tests and benchmarks that need short ones. Periods that do not divide it are shortened
    /// to their greatest common divisor with it: a package of its own, with a digest of its own.
    #[must_use]
    pub fn with_steps_per_segment(mut self, steps: u64) -> Self {
        self.run.steps_per_segment = steps;
        let periods = self.passes.iter_mut().map(|pass| &mut pass.every);
        periods
            .chain(self.outputs.iter_mut().map(|output| &mut output.every))
            .for_each(|every| *every = gcd(*every, steps));
        self
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn one() -> u64 {
    1
}

fn unit_scale() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(value: &u64) -> bool {
    *value == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
