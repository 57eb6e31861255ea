//! The portable tier's lowering on naga's IR: what WGSL leaves open becomes one fixed sequence of exact operations.
//!
//! A scientist writes ordinary WGSL. Here `/ % sqrt fma dot`, matrix products, every transcendental and their kin are replaced by
//! calls of the exact library (`shaders/strict/`) or by `+ - *` in a fixed order, and `canonical` follows whatever may underflow.
//!
//! | module | owns |
//! |---|---|
//! | `library` | the library as IR, and what of it a module needs |
//! | `rebuild` | a function's statements and expressions, written anew |
//! | `build` | appending expressions, `canonical`, and what is known of their grain |
//! | `open` | the open operations |
//! | `stores` | what comes from buffers and what goes there |
//! | `folded` | transcendentals that the compiler would evaluate with the host's math library |
//!
//! Invariant: every back end gets the same lowered module, but for exact functions (correctly rounded, or exact) that a back end may
//! do by operations of its own which are as exact ([`Policy::native`]).

mod build;
mod folded;
mod library;
mod open;
mod rebuild;
mod stores;

use std::collections::BTreeSet;
use std::ops::Range;

use naga::valid::ModuleInfo;
use naga::{Arena, Expression, Function, Literal, Module, Span};

use crate::Underflow;

/// How far lowering goes.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether `canonical` is put in.
    pub underflow: Underflow,
    /// Division, square root, roundings and conversions of the back end's own are IEEE 754's by construction.
    pub native: bool,
}

/// Why a module cannot be portable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was found and how to mend it.
    pub message: String,
    /// Where, in bytes of the WGSL.
    pub span: Option<Range<usize>>,
}

impl Refusal {
    fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: span.to_range(),
        }
    }
}

/// Magnitudes up to here are +0 once canonical: the least normal f32.
pub(crate) const TINY: f32 = f32::MIN_POSITIVE;

/// Lower a valid module that `source` was parsed to. The result wants validation, and its `override`s resolved, as any module does.
///
/// # Errors
/// The module uses what the portable tier has no meaning for.
pub fn lower(source: &str, module: &Module, info: &ModuleInfo, policy: Policy) -> Result<Module, Refusal> {
    folded::check(source, module)?;
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
    if policy.underflow == Underflow::Canonical {
        for (_, expression) in new.global_expressions.iter_mut() {
            if let Expression::Literal(Literal::F32(value)) = expression {
                *value = canonical(*value);
            }
        }
    }
    let library = library::import(names, &mut new);
    let mut used = BTreeSet::new();
    let mut moved = Vec::new();
    for (handle, function) in module.functions.iter() {
        let context = rebuild::Context {
            module,
            library: &library,
            moved: &moved,
            policy,
        };
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
