//! One WGSL text, read once: limits, then naga, then what its tier does not take.
//!
//! Invariant: a [`Module`] exists only if every device can go on with it; the verdict depends on the text and the tier alone.

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, ShaderStage, StorageAccess};
use protocol::Tier;
use std::collections::BTreeMap;

use crate::refusal::chain;
use crate::strict::loop_ends::LoopNotes;
use crate::strict::{Arithmetic, Policy};
use crate::{ReadError, Reason, Refusal, Underflow, barriers, effort, pointers, resolve, strict, trips};

/// Most bytes of WGSL in a module.
pub const SOURCE_BYTES_MAX: u64 = 4 << 20;
/// Most of [`effort::of`]: a function of 160 KiB, or forty of 25 KiB. Text of that size takes some seconds at worst.
const EFFORT_MAX: u64 = (160 << 10) * (160 << 10);
/// Most invocations of a workgroup.
const INVOCATIONS_MAX: u64 = 1024;
/// What both tiers take besides WGSL's core: 16-bit floats packed into words. The portable tier does them by integers.
const CAPABILITIES: Capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;

/// A WGSL text that every device takes.
#[derive(Debug)]
pub struct Module {
    naga: naga::Module,
    info: ModuleInfo,
    tier: Tier,
    underflow: Underflow,
}

/// What the device that asks does by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its division, square root, roundings and conversions are IEEE 754's by construction.
    pub exact: bool,
    /// It gives 0 for what is read out of bounds and drops what is written there; otherwise that is put in.
    pub bounds: bool,
    /// It does not clamp an index into a variable of an invocation's own, or into a value; so that is put in.
    pub unclamped: bool,
    /// It leaves a loop after some number of rounds, whatever the loop's condition: see [`Stage::unfinished`].
    pub cuts_loops: bool,
}

/// How an entry point uses a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    ReadWrite,
    /// `var<uniform>`
    Uniform,
}

/// A buffer variable of group 0 that an entry point uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// `@binding(n)`
    pub number: u32,
    /// Its name in the WGSL.
    pub name: String,
    /// How it is used.
    pub access: Access,
    /// Least bytes that it must be bound to: a runtime-sized array counts one element.
    pub size_min: u64,
    /// The variable in [`Stage::module`].
    pub handle: naga::Handle<naga::GlobalVariable>,
}

/// An entry point with its `override`s' values put in, ready for a back end.
#[derive(Debug)]
pub struct Stage {
    /// It has this one entry point, no `override`s, and no pointers as parameters.
    pub module: naga::Module,
    /// What naga found out about it.
    pub info: ModuleInfo,
    /// Buffers, by ascending number.
    pub variables: Vec<Variable>,
    /// Invocations of a workgroup in x, y, z.
    pub workgroup_size: [u32; 3],
    /// Bytes of `var<workgroup>`.
    pub workgroup_bytes: u64,
    /// Its loops may make more than [`ROUNDS_SAFE`] rounds.
    pub long_loops: bool,
    /// A buffer that the device binds besides, in which loops are noted that it left before their end. For targets that cut loops, where
    /// loops may be long.
    pub unfinished: Option<LoopNotes>,
}

/// Rounds of all loops of an invocation that every device makes. The least limit known is llvmpipe's 65,535.
const ROUNDS_SAFE: u64 = 32_768;

/// Parse a text.
pub(crate) fn parse(text: &str) -> Result<naga::Module, Refusal> {
    naga::front::wgsl::parse_str(text).map_err(|error| {
        let label = error
            .labels()
            .find_map(|(span, text)| Some((span.to_range()?, text.to_owned())));
        let (span, label) = label.unzip();
        Refusal {
            message: error.message().to_owned(),
            span,
            label: label.unwrap_or_default(),
            notes: error.notes().map(str::to_owned).collect(),
        }
    })
}

/// Validate a module that was parsed.
pub(crate) fn validate(module: &naga::Module, capabilities: Capabilities) -> Result<ModuleInfo, Refusal> {
    Validator::new(ValidationFlags::all(), capabilities)
        .validate(module)
        .map_err(|error| {
            let label = error.spans().find_map(|(span, text)| Some((span.to_range()?, text.clone())));
            let (span, label) = label.unzip();
            Refusal {
                message: chain(error.as_inner()),
                span,
                label: label.unwrap_or_default(),
                notes: Vec::new(),
            }
        })
}

/// Whether a text may be parsed at all.
///
/// # Errors
/// It is too long, or one of its functions is.
pub(crate) fn within_limits(text: &str) -> Result<(), ReadError> {
    let within = |what: &str, needed: u64, limit: u64| match needed <= limit {
        true => Ok(()),
        false => Err(ReadError::Limit {
            what: what.to_owned(),
            needed,
            limit,
        }),
    };
    within("the module, in bytes of WGSL,", text.len() as u64, SOURCE_BYTES_MAX)?;
    within(
        "the module, in squares of the bytes of its functions (shorter ones are cheaper),",
        effort::of(text),
        EFFORT_MAX,
    )
}

impl Module {
    /// Read a text.
    ///
    /// # Errors
    /// It is too large, not valid WGSL, or has no meaning in the tier.
    pub fn read(text: &str, tier: Tier, underflow: Underflow) -> Result<Self, ReadError> {
        within_limits(text)?;
        let naga = parse(text)?;
        let info = validate(&naga, CAPABILITIES)?;
        if tier == Tier::Portable {
            strict::check(text, &naga)?;
        }
        Ok(Self {
            naga,
            info,
            tier,
            underflow,
        })
    }

    /// As naga has it; spans are bytes of the text.
    pub fn naga(&self) -> &naga::Module {
        &self.naga
    }

    /// What naga found out about it.
    pub fn info(&self) -> &ModuleInfo {
        &self.info
    }

    /// Names of its compute entry points.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        let points = self
            .naga
            .entry_points
            .iter()
            .filter(|point| point.stage == ShaderStage::Compute);
        points.map(|point| point.name.as_str())
    }

    /// One entry point for one target. `overrides`: values by name, or by number where the WGSL has `@id`.
    ///
    /// # Errors
    /// There is no such entry point or `override`, a value is missing or does not fit, a barrier is not reached by all invocations
    /// together, a variable is no buffer of group 0, or the tier has no meaning for an operation.
    pub fn stage(&self, entry: &str, overrides: &BTreeMap<String, f64>, target: Target) -> Result<Stage, ReadError> {
        self.check_names(entry, overrides)?;
        let mut module = resolve::resolve(&self.naga, entry, overrides)?;
        pointers::lower(&mut module);
        let info = revalidate(&module)?;
        barriers::check(&module, 0)?;
        let (variables, workgroup_bytes) = variables(&module, &info)?;
        let workgroup_size = module.entry_points[0].workgroup_size;
        let invocations = workgroup_size.iter().map(|size| u64::from(*size)).product();
        if invocations > INVOCATIONS_MAX || invocations == 0 {
            return Err(ReadError::Limit {
                what: "the workgroup, in invocations,".to_owned(),
                needed: invocations,
                limit: INVOCATIONS_MAX,
            });
        }
        let arithmetic = match self.tier {
            Tier::ClassBound => Arithmetic::Stock,
            Tier::Portable => Arithmetic::Exact {
                underflow: self.underflow,
                native: target.exact,
            },
        };
        let long_loops = trips::rounds(&module).is_none_or(|rounds| rounds > ROUNDS_SAFE);
        let watched = match target.cuts_loops && long_loops {
            true => Some(strict::loop_ends::declare(&mut module)?),
            false => None,
        };
        let policy = Policy {
            arithmetic,
            bounds: !target.bounds,
            clamps: target.unclamped,
            unfinished: watched.as_ref().map(|(variable, _)| *variable),
        };
        let module = strict::lower(&module, &info, policy)?;
        let info = revalidate(&module)?;
        Ok(Stage {
            module,
            info,
            variables,
            workgroup_size,
            workgroup_bytes,
            long_loops,
            unfinished: watched.map(|(_, notes)| notes),
        })
    }

    fn check_names(&self, entry: &str, overrides: &BTreeMap<String, f64>) -> Result<(), ReadError> {
        if !self.entries().any(|name| name == entry) {
            let known: Vec<&str> = self.entries().collect();
            let text = format!(
                "no compute entry point '{entry}' in its module; there are: {}",
                known.join(", ")
            );
            return Err(ReadError::Program(text));
        }
        let is_known = |name: &String| {
            let mut all = self.naga.overrides.iter();
            all.any(|(_, one)| match one.id {
                Some(id) => id.to_string() == *name,
                None => one.name.as_ref() == Some(name),
            })
        };
        match overrides.keys().find(|name| !is_known(name)) {
            Some(name) => Err(ReadError::Program(format!("its module has no override '{name}'"))),
            None => Ok(()),
        }
    }
}

/// Validate what a pass of ours made.
fn revalidate(module: &naga::Module) -> Result<ModuleInfo, Refusal> {
    Validator::new(ValidationFlags::all(), CAPABILITIES)
        .validate_resolved_overrides(module)
        .map_err(|error| {
            let span = error.spans().find_map(|(span, _)| span.to_range());
            Refusal {
                message: format!("with its constants put in: {}", chain(error.as_inner())),
                span,
                ..Refusal::default()
            }
        })
}

/// The buffers that the entry point uses, and its bytes of workgroup memory.
fn variables(module: &naga::Module, info: &ModuleInfo) -> Result<(Vec<Variable>, u64), ReadError> {
    let uses = info.get_entry_point(0);
    let mut variables: Vec<Variable> = Vec::new();
    let mut workgroup_bytes = 0_u64;
    for (handle, variable) in module.global_variables.iter() {
        if uses[handle].is_empty() {
            continue;
        }
        let refuse = |reason: &Reason| Refusal::at(module.global_variables.get_span(handle), reason);
        let name = variable.name.clone().unwrap_or_else(|| "?".to_owned());
        let size = module.types[variable.ty].inner.try_size(module.to_ctx());
        let size = size.ok_or_else(|| refuse(&Reason::Invalid("a variable without a size")))?;
        let access = match variable.space {
            AddressSpace::Uniform => Access::Uniform,
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => Access::ReadWrite,
            AddressSpace::Storage { .. } => Access::Read,
            AddressSpace::WorkGroup => {
                workgroup_bytes += u64::from(size);
                continue;
            }
            AddressSpace::Function | AddressSpace::Private => continue,
            _ => return Err(refuse(&Reason::NotABuffer(name)).into()),
        };
        let place = variable
            .binding
            .ok_or_else(|| refuse(&Reason::Invalid("a buffer without @binding")))?;
        if place.group != 0 {
            let group = place.group;
            return Err(refuse(&Reason::OtherGroup { name, group }).into());
        }
        variables.push(Variable {
            number: place.binding,
            name,
            access,
            size_min: u64::from(size),
            handle,
        });
    }
    variables.sort_by_key(|variable| variable.number);
    Ok((variables, workgroup_bytes))
}
