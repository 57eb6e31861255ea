//! The exact library as naga's IR: parsed once, copied function by function into the modules that call it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use naga::{Arena, Block, Expression, Function, Handle, Module, Span, Statement, Type, UniqueArena};

/// Ends the names of library functions inside a lowered module.
pub(super) const MARK: &str = "()";

/// Library functions by name, in a module that they were copied to.
pub(super) type Imported = BTreeMap<&'static str, Handle<Function>>;

struct Library {
    module: Module,
    /// Of each function, by its name, those it calls.
    calls: BTreeMap<&'static str, BTreeSet<&'static str>>,
    names: BTreeMap<Handle<Function>, &'static str>,
}

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let text = shaders::strict_library();
        let module = naga::front::wgsl::parse_str(&text).expect("the exact library is WGSL: a test parses it");
        let names: BTreeMap<Handle<Function>, &'static str> = module
            .functions
            .iter()
            .map(|(handle, function)| {
                let name = function.name.clone().expect("WGSL functions have names");
                (handle, &*name.leak())
            })
            .collect();
        let calls = module
            .functions
            .iter()
            .map(|(handle, function)| {
                let mut found = BTreeSet::new();
                each_call(&function.body, &mut |callee| {
                    found.insert(names[&callee]);
                });
                (names[&handle], found)
            })
            .collect();
        Library { module, calls, names }
    })
}

/// Every function of the library.
pub(super) fn names() -> BTreeSet<&'static str> {
    library().calls.keys().copied().collect()
}

/// These functions and all that they call.
pub(super) fn closure(used: &BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    let mut all = used.clone();
    let mut left: Vec<&'static str> = used.iter().copied().collect();
    while let Some(name) = left.pop() {
        left.extend(library().calls[name].iter().filter(|callee| all.insert(callee)));
    }
    all
}

/// Copy functions into a module that has none yet. Callees come before their callers, as in the library.
pub(super) fn import(wanted: &BTreeSet<&'static str>, into: &mut Module) -> Imported {
    let library = library();
    let mut imported = Imported::new();
    let mut moved = BTreeMap::new();
    for (handle, function) in library.module.functions.iter() {
        let name = library.names[&handle];
        if wanted.contains(name) {
            let copy = copy(function, &library.module, &mut into.types, &moved);
            let at = into.functions.append(copy, Span::UNDEFINED);
            moved.insert(handle, at);
            imported.insert(name, at);
        }
    }
    imported
}

fn copy(
    function: &Function,
    library: &Module,
    types: &mut UniqueArena<Type>,
    moved: &BTreeMap<Handle<Function>, Handle<Function>>,
) -> Function {
    let mut ty = |handle: Handle<Type>| types.insert(library.types[handle].clone(), Span::UNDEFINED);
    let mut copy = function.clone();
    copy.name = copy.name.map(|name| name + MARK);
    for argument in &mut copy.arguments {
        argument.ty = ty(argument.ty);
    }
    if let Some(result) = &mut copy.result {
        result.ty = ty(result.ty);
    }
    for (_, local) in copy.local_variables.iter_mut() {
        local.ty = ty(local.ty);
    }
    // Without the library's own places: they would point into the scientist's text.
    let mut expressions = Arena::new();
    for (_, expression) in function.expressions.iter() {
        let mut expression = expression.clone();
        match &mut expression {
            Expression::ZeroValue(handle) | Expression::Compose { ty: handle, .. } => *handle = ty(*handle),
            Expression::CallResult(callee) => *callee = moved[callee],
            _ => {}
        }
        expressions.append(expression, Span::UNDEFINED);
    }
    copy.expressions = expressions;
    move_calls(&mut copy.body, moved);
    copy
}

fn move_calls(block: &mut Block, moved: &BTreeMap<Handle<Function>, Handle<Function>>) {
    for (statement, span) in block.span_iter_mut() {
        if let Some(span) = span {
            *span = Span::UNDEFINED;
        }
        match statement {
            Statement::Call { function, .. } => *function = moved[function],
            Statement::Block(inner) => move_calls(inner, moved),
            Statement::If { accept, reject, .. } => {
                move_calls(accept, moved);
                move_calls(reject, moved);
            }
            _ => {}
        }
    }
}

fn each_call(block: &Block, found: &mut dyn FnMut(Handle<Function>)) {
    for statement in block.iter() {
        match statement {
            Statement::Call { function, .. } => found(*function),
            Statement::Block(inner) => each_call(inner, found),
            Statement::If { accept, reject, .. } => {
                each_call(accept, found);
                each_call(reject, found);
            }
            _ => {}
        }
    }
}
