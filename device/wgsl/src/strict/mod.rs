//! Lowering on naga's IR: what WGSL leaves open becomes one fixed sequence of operations, the same for every device.
//!
//! In the portable tier a scientist writes ordinary WGSL. Here `/ % sqrt fma dot`, matrix products, every transcendental and their kin are replaced
//! by calls of the exact library (`shaders/strict/`) or by `+ - *` in a fixed order, and `canonical` follows whatever may underflow. In both
//! tiers accesses out of bounds get the one meaning that they have: a load gives 0, a store or an atomic does nothing.
//!
//! | module | owns |
//! |---|---|
//! | `library` | the library as IR, and what of it a module needs |
//! | `rebuild` | a function's statements and expressions, written anew |
//! | `build` | appending expressions, `canonical`, and what is known of their grain |
//! | `open` | the open operations |
//! | `bounds` | accesses to buffers and workgroup memory that may be out of bounds |
//! | `loop_ends` | loops that a device may leave early |
//! | `stores` | what comes from buffers and what goes there |
//! | `folded` | transcendentals that the compiler would evaluate with the host's math library |
//!
//! Invariant: every back end gets the same lowered module, but for what a back end does by itself with the same results
//! ([`Arithmetic::Exact::native`], [`Policy::bounds`], [`Policy::clamps`]).

mod bounds;
mod build;
mod folded;
mod library;
pub(crate) mod loop_ends;
mod open;
mod rebuild;
mod stores;

use std::collections::BTreeSet;

use naga::valid::ModuleInfo;
use naga::{Arena, Expression, Function, GlobalVariable, Handle, Literal, Module};

use crate::Underflow;
pub use crate::refusal::Refusal;

/// What becomes of floating-point operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// They stay what they are.
    Stock,
    /// The portable tier's.
    Exact {
        /// Whether `canonical` is put in.
        underflow: Underflow,
        /// Division, square root, roundings and conversions of the back end's own are IEEE 754's by construction.
        native: bool,
    },
}

/// How far lowering goes.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// What becomes of floating-point operations.
    pub arithmetic: Arithmetic,
    /// Whether accesses that may be out of bounds are lowered.
    pub bounds: bool,
    /// Whether an index into a variable of an invocation's own, or into a value, is clamped here; most back ends do it.
    pub clamps: bool,
    /// The buffer in which loops that the device left early are noted, where that is wanted.
    pub unfinished: Option<Handle<GlobalVariable>>,
}

impl Policy {
    fn is_exact(self) -> bool {
        self.arithmetic != Arithmetic::Stock
    }

    fn is_canonical(self) -> bool {
        matches!(
            self.arithmetic,
            Arithmetic::Exact {
                underflow: Underflow::Canonical,
                ..
            }
        )
    }

    fn is_native(self) -> bool {
        matches!(self.arithmetic, Arithmetic::Exact { native: true, .. })
    }
}

/// Magnitudes up to here are +0 once canonical: the least normal f32.
pub(crate) const TINY: f32 = f32::MIN_POSITIVE;

/// What the portable tier does not take of a module that `source` was parsed to, before its `override`s have values.
///
/// # Errors
/// A transcendental of constants, which naga evaluates with the host's math library.
pub fn check(source: &str, module: &Module) -> Result<(), Refusal> {
    folded::check(source, module)
}

/// Lower a valid module without `override`s. The result wants validation.
///
/// # Errors
/// The module uses what the portable tier has no meaning for.
pub fn lower(module: &Module, info: &ModuleInfo, policy: Policy) -> Result<Module, Refusal> {
    let all = library::names();
    let (_, used) = assemble(module, info, policy, &all)?;
    let needed = library::closure(&used);
    Ok(assemble(module, info, policy, &needed)?.0)
}

/// Whether a function of a lowered module is the library's: no WGSL identifier ends like that.
pub fn is_library(function: &Function) -> bool {
    function.name.as_deref().is_some_and(|name| name.ends_with(library::MARK))
}

/// The module with some library functions in front, and which of them it calls.
fn assemble(
    module: &Module,
    info: &ModuleInfo,
    policy: Policy,
    names: &BTreeSet<&'static str>,
) -> Result<(Module, BTreeSet<&'static str>), Refusal> {
    let mut new = Module {
        functions: Arena::new(),
        doc_comments: None,
        ..module.clone()
    };
    if policy.is_canonical() {
        for (_, expression) in new.global_expressions.iter_mut() {
            if let Expression::Literal(Literal::F32(value)) = expression {
                *value = canonical(*value);
            }
        }
    }
    let library = library::import(names, &mut new);
    let mut used = BTreeSet::new();
    let mut moved = Vec::new();
    let mut first_loop = 0;
    for (handle, function) in module.functions.iter() {
        let context = rebuild::Context {
            module,
            library: &library,
            moved: &moved,
            policy,
            workgroup_size: None,
            first_loop,
        };
        first_loop += loop_ends::loops(&function.body).len() as u32;
        let function = rebuild::function(context, function, &info[handle], &mut new.types, &mut used)?;
        let span = module.functions.get_span(handle);
        moved.push(new.functions.append(function, span));
    }
    for (index, point) in module.entry_points.iter().enumerate() {
        let context = rebuild::Context {
            module,
            library: &library,
            moved: &moved,
            policy,
            workgroup_size: Some(point.workgroup_size),
            first_loop,
        };
        let entry_info = info.get_entry_point(index);
        new.entry_points[index].function = rebuild::function(context, &point.function, entry_info, &mut new.types, &mut used)?;
    }
    Ok((new, used))
}

/// What `canonical` makes of a constant.
fn canonical(value: f32) -> f32 {
    if value.abs() <= TINY { 0.0 } else { value }
}
