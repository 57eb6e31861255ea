//! Pointers as arguments, lowered away: what a function gets by `ptr<function, T>` or `ptr<private, T>` goes in and comes back by value.
//!
//! No back end of naga's takes every such pointer: SPIR-V wants whole variables, and its writer panics on a part of one. Each pointer
//! parameter becomes a private variable of the module. A caller stores the value there, calls, and loads it back if the function may have
//! written it. WGSL forbids recursion, so a function is active once at most in an invocation; and it forbids that two pointers lead
//! to the same memory when one of them writes. Where a text breaks that second rule, all devices still do the same: they copy in the
//! order of the arguments.
//!
//! Invariant: behind this pass no function has a pointer as a parameter. (naga takes no others than these two.)

use naga::{
    AddressSpace, Arena, Block, Expression, Function, GlobalVariable, Handle, Module, Range, Span, Statement, TypeInner,
};

/// What became of a function's parameters, in their order.
type Parameters = Vec<Parameter>;

#[derive(Clone, Copy)]
enum Parameter {
    Kept,
    /// Replaced by this variable; `written`: the caller loads it back.
    Variable {
        variable: Handle<GlobalVariable>,
        written: bool,
    },
}

/// Rewrite all functions of a valid module.
pub(crate) fn lower(module: &mut Module) {
    let mut functions = std::mem::take(&mut module.functions);
    let mut lowered: Vec<Parameters> = Vec::with_capacity(functions.len());
    for (_, function) in functions.iter_mut() {
        let parameters = parameters(module, function, &lowered);
        callers(function, &lowered);
        lowered.push(parameters);
    }
    module.functions = functions;
    for point in &mut module.entry_points {
        callers(&mut point.function, &lowered);
    }
}

/// Replace the pointer parameters of a function by variables.
fn parameters(module: &mut Module, function: &mut Function, lowered: &[Parameters]) -> Parameters {
    let mut parameters = Vec::with_capacity(function.arguments.len());
    let mut numbers = Vec::with_capacity(function.arguments.len());
    let mut kept = Vec::new();
    for (index, argument) in std::mem::take(&mut function.arguments).into_iter().enumerate() {
        let base = match module.types[argument.ty].inner {
            TypeInner::Pointer {
                base,
                space: AddressSpace::Function | AddressSpace::Private,
            } => base,
            TypeInner::ValuePointer {
                size,
                scalar,
                space: AddressSpace::Function | AddressSpace::Private,
            } => {
                let inner = size.map_or(TypeInner::Scalar(scalar), |size| TypeInner::Vector { size, scalar });
                module.types.insert(naga::Type { name: None, inner }, Span::UNDEFINED)
            }
            _ => {
                numbers.push(Ok(kept.len() as u32));
                kept.push(argument);
                parameters.push(Parameter::Kept);
                continue;
            }
        };
        let name = argument.name.as_deref().unwrap_or_default();
        let variable = GlobalVariable {
            name: Some(format!("{}.{name}", function.name.as_deref().unwrap_or_default())),
            space: AddressSpace::Private,
            binding: None,
            ty: base,
            init: None,
            memory_decorations: naga::MemoryDecorations::empty(),
        };
        let variable = module.global_variables.append(variable, Span::UNDEFINED);
        let written = is_written(&function.body, &function.expressions, index as u32, lowered);
        numbers.push(Err(variable));
        parameters.push(Parameter::Variable { variable, written });
    }
    function.arguments = kept;
    for (_, expression) in function.expressions.iter_mut() {
        if let Expression::FunctionArgument(number) = expression {
            *expression = match numbers[*number as usize] {
                Ok(number) => Expression::FunctionArgument(number),
                Err(variable) => Expression::GlobalVariable(variable),
            };
        }
    }
    parameters
}

/// The expression that a pointer begins with.
fn root(expressions: &Arena<Expression>, mut pointer: Handle<Expression>) -> Handle<Expression> {
    while let Expression::Access { base, .. } | Expression::AccessIndex { base, .. } = expressions[pointer] {
        pointer = base;
    }
    pointer
}

/// Whether a function may write what its parameter points to.
fn is_written(block: &Block, expressions: &Arena<Expression>, parameter: u32, lowered: &[Parameters]) -> bool {
    let leads_there =
        |pointer| matches!(expressions[root(expressions, pointer)], Expression::FunctionArgument(index) if index == parameter);
    let inside = |block: &Block| is_written(block, expressions, parameter, lowered);
    block.iter().any(|statement| match statement {
        Statement::Store { pointer, .. } => leads_there(*pointer),
        Statement::Call { function, arguments, .. } => {
            let passed = arguments.iter().zip(&lowered[function.index()]);
            passed
                .filter(|(argument, _)| leads_there(**argument))
                .any(|(_, parameter)| matches!(parameter, Parameter::Variable { written: true, .. }))
        }
        Statement::Block(block) => inside(block),
        Statement::If { accept, reject, .. } => inside(accept) || inside(reject),
        Statement::Switch { cases, .. } => cases.iter().any(|case| inside(&case.body)),
        Statement::Loop { body, continuing, .. } => inside(body) || inside(continuing),
        _ => false,
    })
}

/// Let a function pass values where it passed pointers.
fn callers(function: &mut Function, lowered: &[Parameters]) {
    if lowered.iter().flatten().all(|parameter| matches!(parameter, Parameter::Kept)) {
        return;
    }
    let mut body = std::mem::take(&mut function.body);
    block(&mut body, &mut function.expressions, lowered);
    function.body = body;
}

fn block(old: &mut Block, expressions: &mut Arena<Expression>, lowered: &[Parameters]) {
    let mut new = Block::with_capacity(old.len());
    for (mut statement, span) in std::mem::take(old).span_into_iter() {
        match &mut statement {
            Statement::Block(inner) => block(inner, expressions, lowered),
            Statement::If { accept, reject, .. } => {
                block(accept, expressions, lowered);
                block(reject, expressions, lowered);
            }
            Statement::Switch { cases, .. } => {
                for case in cases {
                    block(&mut case.body, expressions, lowered);
                }
            }
            Statement::Loop { body, continuing, .. } => {
                block(body, expressions, lowered);
                block(continuing, expressions, lowered);
            }
            Statement::Call { function, arguments, .. } => {
                let mut back = Vec::new();
                let mut kept = Vec::with_capacity(arguments.len());
                for (argument, parameter) in std::mem::take(arguments).into_iter().zip(&lowered[function.index()]) {
                    let Parameter::Variable { variable, written } = *parameter else {
                        kept.push(argument);
                        continue;
                    };
                    let there = expressions.append(Expression::GlobalVariable(variable), span);
                    copy(expressions, &mut new, argument, there, span);
                    if written {
                        back.push((argument, there));
                    }
                }
                *arguments = kept;
                new.push(statement, span);
                for (argument, there) in back {
                    copy(expressions, &mut new, there, argument, span);
                }
                continue;
            }
            _ => {}
        }
        new.push(statement, span);
    }
    *old = new;
}

/// `*to = *from`
fn copy(expressions: &mut Arena<Expression>, block: &mut Block, from: Handle<Expression>, to: Handle<Expression>, span: Span) {
    let value = expressions.append(Expression::Load { pointer: from }, span);
    block.push(Statement::Emit(Range::new_from_bounds(value, value)), span);
    block.push(Statement::Store { pointer: to, value }, span);
}
