//! naga's IR to the compiler's own: calls inlined, composites taken apart, pointers resolved.
//!
//! | module | owns |
//! |---|---|
//! | `shape` | types: scalars and their offsets |
//! | `place` | pointers, loads and stores |
//! | `dynamic` | which variables must lie in memory |
//! | `assigned` | which variables a loop sets |
//! | `expr` | expressions |
//! | `binary` | operators of two operands |
//! | `stmt` | statements and calls |
//! | `switch` | `switch` |
//! | `math` | WGSL's numeric builtins |
//! | `elementary` | exp, log, sin … as fixed sequences |
//! | `bits` | bit operations and packing |
//! | `arith` | short names for operations |

mod arith;
mod assigned;
mod binary;
mod bits;
mod dynamic;
mod elementary;
mod expr;
mod math;
mod place;
mod shape;
mod stmt;
mod switch;

use std::collections::BTreeMap;

use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{AddressSpace, Arena, Binding, BuiltIn, Expression, Function, GlobalVariable, Handle, Module, TypeInner};

use self::dynamic::Dynamic;
use self::place::{Pointer, Root};
use self::shape::Shape;
use crate::fault::{Fault, fault};
use crate::ir::{Builder, Input, Kernel, Label, Place, Space, Stmt, Touch, Value, Var, Watch};
use crate::{BoundBuffer, Checks};

/// Most values a kernel may have once its calls are inlined.
const VALUES_MAX: u64 = 400_000;
/// Most statements, counted wherever they are inlined.
const STATEMENTS_MAX: u64 = 200_000;
/// Calls and blocks within each other.
const DEPTH_MAX: u32 = 400;
/// Bytes of workgroup memory, and of one invocation's private memory.
const SCRATCH_BYTES_MAX: u64 = 1 << 20;

/// What an expression became.
#[derive(Clone, Debug)]
enum Lowered {
    Words(Vec<Value>),
    Pointer(Pointer),
}

/// One function at one place where it is called.
struct Frame<'m> {
    function: &'m Function,
    info: &'m FunctionInfo,
    exprs: Vec<Option<Lowered>>,
    arguments: Vec<Lowered>,
    locals: Vec<Pointer>,
    /// Where `return` goes, and where it leaves the value.
    exit: Label,
    result: Vec<Var>,
    /// `return`s so far.
    returns: usize,
}

struct Lower<'m> {
    module: &'m Module,
    info: &'m ModuleInfo,
    dynamic: Dynamic,
    b: Builder,
    globals: BTreeMap<Handle<GlobalVariable>, Pointer>,
    checks: Option<Checks>,
    depth: u32,
    /// Statements so far.
    statements: u64,
    /// Statements and variables looked at for loops so far.
    looks: u64,
    /// What `break` and `continue` mean here.
    targets: Vec<(Label, bool)>,
}

/// Lower one entry point.
pub(crate) fn lower(
    module: &Module,
    info: &ModuleInfo,
    entry: usize,
    bindings: &BTreeMap<u32, BoundBuffer>,
    checks: Option<Checks>,
) -> Result<Kernel, Fault> {
    let point = &module.entry_points[entry];
    let mut lower = Lower {
        module,
        info,
        dynamic: Dynamic::of(module, &point.function),
        b: Builder::new(point.workgroup_size),
        globals: BTreeMap::new(),
        checks,
        depth: 0,
        statements: 0,
        looks: 0,
        targets: Vec::new(),
    };
    let entry_info = info.get_entry_point(entry);
    match lower.entry(&point.function, entry_info, bindings) {
        Ok(()) => Ok(lower.b.finish()),
        Err(fault) => Err(fault.at(lower.b.span)),
    }
}

/// Whether an expression is `T()`, or a constant that is: of any size, it needs no values.
fn is_zero(module: &Module, expressions: &Arena<Expression>, handle: Handle<Expression>) -> bool {
    match expressions[handle] {
        Expression::ZeroValue(_) => true,
        Expression::Constant(constant) => {
            let init = module.constants[constant].init;
            is_zero(module, &module.global_expressions, init)
        }
        _ => false,
    }
}

impl<'m> Lower<'m> {
    fn entry(
        &mut self,
        function: &'m Function,
        info: &'m FunctionInfo,
        bindings: &BTreeMap<u32, BoundBuffer>,
    ) -> Result<(), Fault> {
        let exit = self.b.label();
        self.b.open();
        for (handle, global) in self.module.global_variables.iter() {
            if !info[handle].is_empty() {
                self.b.span = self.module.global_variables.get_span(handle);
                let pointer = self.global(handle, global, bindings)?;
                self.globals.insert(handle, pointer);
            }
        }
        let mut arguments = Vec::new();
        for argument in &function.arguments {
            let words = self.entry_argument(argument.binding.as_ref(), Shape::Named(argument.ty))?;
            arguments.push(Lowered::Words(words));
        }
        let mut frame = self.frame(function, info, arguments, exit, Vec::new())?;
        self.block(&mut frame, &function.body)?;
        self.leave(&frame);
        Ok(())
    }

    fn entry_argument(&mut self, binding: Option<&Binding>, shape: Shape) -> Result<Vec<Value>, Fault> {
        if let Some(Binding::BuiltIn(builtin)) = binding {
            return self.builtin(*builtin);
        }
        let Shape::Named(handle) = shape else {
            return fault("an entry point's argument has no binding".to_owned());
        };
        let TypeInner::Struct { members, .. } = &self.module.types[handle].inner else {
            return fault("an entry point's argument has no builtin".to_owned());
        };
        let mut words = Vec::new();
        for member in members {
            words.extend(self.entry_argument(member.binding.as_ref(), Shape::Named(member.ty))?);
        }
        Ok(words)
    }

    fn builtin(&mut self, builtin: BuiltIn) -> Result<Vec<Value>, Fault> {
        const LOCAL: [Input; 3] = [Input::LocalX, Input::LocalY, Input::LocalZ];
        const GROUP: [Input; 3] = [Input::GroupX, Input::GroupY, Input::GroupZ];
        const COUNT: [Input; 3] = [Input::CountX, Input::CountY, Input::CountZ];
        let b = &mut self.b;
        Ok(match builtin {
            BuiltIn::LocalInvocationId => LOCAL.map(|input| b.input(input)).to_vec(),
            BuiltIn::WorkGroupId => GROUP.map(|input| b.input(input)).to_vec(),
            BuiltIn::NumWorkGroups => COUNT.map(|input| b.input(input)).to_vec(),
            BuiltIn::LocalInvocationIndex => vec![b.input(Input::LocalIndex)],
            BuiltIn::WorkGroupSize => b.kernel.workgroup_size.map(|size| b.int(size)).to_vec(),
            BuiltIn::GlobalInvocationId => (0..3)
                .map(|axis| {
                    let size = b.kernel.workgroup_size[axis];
                    let size = b.int(size);
                    let group = b.input(GROUP[axis]);
                    let first = b.imul(group, size);
                    let local = b.input(LOCAL[axis]);
                    b.iadd(first, local)
                })
                .collect(),
            other => return fault(format!("the CPU device has no builtin {other:?}")),
        })
    }

    fn global(
        &mut self,
        handle: Handle<GlobalVariable>,
        global: &GlobalVariable,
        bindings: &BTreeMap<u32, BoundBuffer>,
    ) -> Result<Pointer, Fault> {
        let shape = Shape::Named(global.ty);
        match global.space {
            AddressSpace::Uniform | AddressSpace::Storage { .. } => {
                let Some(binding) = &global.binding else {
                    return fault("a buffer variable has no binding".to_owned());
                };
                let Some(bound) = bindings.get(&binding.binding) else {
                    return fault(format!("@binding({}) is bound to nothing", binding.binding));
                };
                let written = match global.space {
                    AddressSpace::Storage { access } => access.contains(naga::StorageAccess::STORE),
                    _ => false,
                };
                let space = if written { Space::Storage } else { Space::Constant };
                let place = Place {
                    space,
                    base: bound.address,
                    terms: Vec::new(),
                };
                Ok(Pointer {
                    root: Root::Host {
                        place,
                        end: bound.address + bound.size,
                        padded: false,
                    },
                    shape,
                })
            }
            AddressSpace::WorkGroup => {
                let words = shape.words(self.module)?;
                let base = u64::from(self.b.kernel.workgroup_bytes);
                let needed = base.saturating_add(words.saturating_mul(4)).next_multiple_of(16);
                if needed > SCRATCH_BYTES_MAX {
                    return Err(Fault::limit("workgroup memory, in bytes,", needed, SCRATCH_BYTES_MAX));
                }
                self.b.kernel.workgroup_bytes = needed as u32;
                let place = Place {
                    space: Space::Workgroup,
                    base: base as u32,
                    terms: Vec::new(),
                };
                Ok(Pointer {
                    root: Root::Packed { place, scale: 4 },
                    shape,
                })
            }
            AddressSpace::Private => {
                let in_memory = self.dynamic.globals.contains(&handle.index());
                let pointer = self.variable(shape, in_memory)?;
                let init = match global.init {
                    Some(init) if !is_zero(self.module, &self.module.global_expressions, init) => Some(self.constant(init)?),
                    _ => None,
                };
                self.initialise(&pointer, init)?;
                Ok(pointer)
            }
            space => fault(format!("the CPU device has no address space {space:?}")),
        }
    }

    /// Room for a variable of an invocation.
    fn variable(&mut self, shape: Shape, in_memory: bool) -> Result<Pointer, Fault> {
        let words = shape.words(self.module)?;
        if in_memory || words > 256 {
            let base = u64::from(self.b.kernel.private_bytes);
            let needed = base.saturating_add(words.saturating_mul(16));
            if needed > SCRATCH_BYTES_MAX {
                return Err(Fault::limit(
                    "private memory of four invocations, in bytes,",
                    needed,
                    SCRATCH_BYTES_MAX,
                ));
            }
            self.b.kernel.private_bytes = needed as u32;
            let place = Place {
                space: Space::Private,
                base: base as u32,
                terms: Vec::new(),
            };
            return Ok(Pointer {
                root: Root::Packed { place, scale: 16 },
                shape,
            });
        }
        let leaves = shape.leaves(self.module)?;
        let vars: Vec<Var> = leaves.iter().map(|leaf| self.b.var(leaf.ty)).collect();
        Ok(Pointer {
            root: Root::Vars { vars },
            shape,
        })
    }

    /// Give a variable its first value; zero without one.
    fn initialise(&mut self, pointer: &Pointer, init: Option<Vec<Value>>) -> Result<(), Fault> {
        if let (Root::Packed { place, .. }, None) = (&pointer.root, &init)
            && place.space == Space::Private
            && place.terms.is_empty()
        {
            let words = pointer.shape.words(self.module)? as u32;
            self.b.push(Stmt::Zero {
                at: place.clone(),
                words,
            });
            return Ok(());
        }
        let words = match init {
            Some(words) => words,
            None => self.zero(pointer.shape)?,
        };
        self.store(pointer, &words)
    }

    fn frame(
        &mut self,
        function: &'m Function,
        info: &'m FunctionInfo,
        arguments: Vec<Lowered>,
        exit: Label,
        result: Vec<Var>,
    ) -> Result<Frame<'m>, Fault> {
        let mut frame = Frame {
            function,
            info,
            exprs: vec![None; function.expressions.len()],
            arguments,
            locals: Vec::new(),
            exit,
            result,
            returns: 0,
        };
        let in_memory = self.dynamic.locals_of(function);
        for (handle, local) in function.local_variables.iter() {
            let pointer = self.variable(Shape::Named(local.ty), in_memory.contains(&handle.index()))?;
            let init = match local.init {
                Some(init) if !is_zero(self.module, &function.expressions, init) => Some(self.words(&mut frame, init)?),
                _ => None,
            };
            self.initialise(&pointer, init)?;
            frame.locals.push(pointer);
        }
        Ok(frame)
    }

    /// A function's body is complete. With one `return`, at its end, it needs no scope.
    fn leave(&mut self, frame: &Frame<'m>) {
        let label = frame.exit;
        let at_end = usize::from(self.b.ends_with_break(label));
        if frame.returns == at_end {
            self.b.splice();
        } else {
            let body = self.b.close();
            self.b.push(Stmt::Scope { label, body });
        }
    }

    /// Checked mode: watch something at the source's current place.
    fn watch(&mut self, watch: Watch) {
        if self.checks.is_some() {
            let sites = &mut self.b.kernel.sites;
            let range = self.b.span.to_range().unwrap_or(0..0);
            if sites.last() != Some(&range) {
                sites.push(range);
            }
            let site = sites.len() as u32 - 1;
            self.b.push(Stmt::Watch(site, watch));
        }
    }

    fn watch_access(&mut self, place: &Place, words: u32, touch: Touch) {
        if self.checks.is_some() {
            self.watch(Watch::Access(place.clone(), words, touch));
        }
    }
}
