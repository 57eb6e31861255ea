//! The corpus that devices are compared on holds every kind of expression and statement, every operator and builtin.
//!
//! The kinds are matched exhaustively: one that naga adds does not compile here until it is said whether the corpus has it.

use std::collections::BTreeSet;

use naga::{
    AtomicFunction, BinaryOperator, Block, Expression, Function, MathFunction, RelationalFunction, Statement, UnaryOperator,
};

use crate::corpus;
use crate::support::Case;

/// What is known of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    /// The corpus must hold it.
    Compared,
    /// GPU devices refuse it; `numeric` compares it with the host.
    Host,
    /// No compute shader of this device holds it: it needs what the device refuses (textures, subgroups, rays, cooperative
    /// matrices), it belongs to another stage, or WGSL cannot say it (`&&` becomes a branch).
    Absent,
}
use Known::{Absent, Compared, Host};

macro_rules! kinds {
    ($function:ident, $list:ident, $ty:ty, { $($pattern:pat => $name:literal: $known:ident,)* }) => {
        fn $function(kind: &$ty) -> &'static str {
            match kind {
                $($pattern => $name,)*
            }
        }
        const $list: &[(&str, Known)] = &[$(($name, $known),)*];
    };
}

kinds!(expression, EXPRESSIONS, Expression, {
    Expression::Literal(_) => "Literal": Compared,
    Expression::Constant(_) => "Constant": Compared,
    Expression::Override(_) => "Override": Compared,
    Expression::ZeroValue(_) => "ZeroValue": Compared,
    Expression::Compose { .. } => "Compose": Compared,
    Expression::Access { .. } => "Access": Compared,
    Expression::AccessIndex { .. } => "AccessIndex": Compared,
    Expression::Splat { .. } => "Splat": Compared,
    Expression::Swizzle { .. } => "Swizzle": Compared,
    Expression::FunctionArgument(_) => "FunctionArgument": Compared,
    Expression::GlobalVariable(_) => "GlobalVariable": Compared,
    Expression::LocalVariable(_) => "LocalVariable": Compared,
    Expression::Load { .. } => "Load": Compared,
    Expression::Unary { .. } => "Unary": Compared,
    Expression::Binary { .. } => "Binary": Compared,
    Expression::Select { .. } => "Select": Compared,
    Expression::Relational { .. } => "Relational": Compared,
    Expression::Math { .. } => "Math": Compared,
    Expression::As { .. } => "As": Compared,
    Expression::CallResult(_) => "CallResult": Compared,
    Expression::AtomicResult { .. } => "AtomicResult": Compared,
    Expression::WorkGroupUniformLoadResult { .. } => "WorkGroupUniformLoadResult": Compared,
    Expression::ArrayLength(_) => "ArrayLength": Compared,
    Expression::ImageSample { .. } => "ImageSample": Absent,
    Expression::ImageLoad { .. } => "ImageLoad": Absent,
    Expression::ImageQuery { .. } => "ImageQuery": Absent,
    Expression::Derivative { .. } => "Derivative": Absent,
    Expression::RayQueryVertexPositions { .. } => "RayQueryVertexPositions": Absent,
    Expression::RayQueryProceedResult => "RayQueryProceedResult": Absent,
    Expression::RayQueryGetIntersection { .. } => "RayQueryGetIntersection": Absent,
    Expression::SubgroupBallotResult => "SubgroupBallotResult": Absent,
    Expression::SubgroupOperationResult { .. } => "SubgroupOperationResult": Absent,
    Expression::CooperativeLoad { .. } => "CooperativeLoad": Absent,
    Expression::CooperativeMultiplyAdd { .. } => "CooperativeMultiplyAdd": Absent,
});

kinds!(statement, STATEMENTS, Statement, {
    Statement::Emit(_) => "Emit": Compared,
    Statement::Block(_) => "Block": Compared,
    Statement::If { .. } => "If": Compared,
    Statement::Switch { .. } => "Switch": Compared,
    Statement::Loop { .. } => "Loop": Compared,
    Statement::Break => "Break": Compared,
    Statement::Continue => "Continue": Compared,
    Statement::Return { .. } => "Return": Compared,
    Statement::ControlBarrier(_) => "ControlBarrier": Compared,
    Statement::Store { .. } => "Store": Compared,
    Statement::Atomic { .. } => "Atomic": Compared,
    Statement::WorkGroupUniformLoad { .. } => "WorkGroupUniformLoad": Compared,
    Statement::Call { .. } => "Call": Compared,
    Statement::Kill => "Kill": Absent,
    Statement::MemoryBarrier(_) => "MemoryBarrier": Absent,
    Statement::ImageStore { .. } => "ImageStore": Absent,
    Statement::ImageAtomic { .. } => "ImageAtomic": Absent,
    Statement::RayQuery { .. } => "RayQuery": Absent,
    Statement::RayPipelineFunction(_) => "RayPipelineFunction": Absent,
    Statement::SubgroupBallot { .. } => "SubgroupBallot": Absent,
    Statement::SubgroupGather { .. } => "SubgroupGather": Absent,
    Statement::SubgroupCollectiveOperation { .. } => "SubgroupCollectiveOperation": Absent,
    Statement::CooperativeStore { .. } => "CooperativeStore": Absent,
});

kinds!(unary, UNARY, UnaryOperator, {
    UnaryOperator::Negate => "Negate": Compared,
    UnaryOperator::LogicalNot => "LogicalNot": Compared,
    UnaryOperator::BitwiseNot => "BitwiseNot": Compared,
});

kinds!(binary, BINARY, BinaryOperator, {
    BinaryOperator::Add => "Add": Compared,
    BinaryOperator::Subtract => "Subtract": Compared,
    BinaryOperator::Multiply => "Multiply": Compared,
    BinaryOperator::Divide => "Divide": Compared,
    BinaryOperator::Modulo => "Modulo": Compared,
    BinaryOperator::Equal => "Equal": Compared,
    BinaryOperator::NotEqual => "NotEqual": Compared,
    BinaryOperator::Less => "Less": Compared,
    BinaryOperator::LessEqual => "LessEqual": Compared,
    BinaryOperator::Greater => "Greater": Compared,
    BinaryOperator::GreaterEqual => "GreaterEqual": Compared,
    BinaryOperator::And => "And": Compared,
    BinaryOperator::ExclusiveOr => "ExclusiveOr": Compared,
    BinaryOperator::InclusiveOr => "InclusiveOr": Compared,
    BinaryOperator::ShiftLeft => "ShiftLeft": Compared,
    BinaryOperator::ShiftRight => "ShiftRight": Compared,
    BinaryOperator::LogicalAnd => "LogicalAnd": Absent,
    BinaryOperator::LogicalOr => "LogicalOr": Absent,
});

kinds!(relational, RELATIONAL, RelationalFunction, {
    RelationalFunction::All => "All": Compared,
    RelationalFunction::Any => "Any": Compared,
    RelationalFunction::IsNan => "IsNan": Absent,
    RelationalFunction::IsInf => "IsInf": Absent,
});

kinds!(atomic, ATOMIC, AtomicFunction, {
    AtomicFunction::Add => "Add": Compared,
    AtomicFunction::Subtract => "Subtract": Compared,
    AtomicFunction::And => "And": Compared,
    AtomicFunction::ExclusiveOr => "ExclusiveOr": Compared,
    AtomicFunction::InclusiveOr => "InclusiveOr": Compared,
    AtomicFunction::Min => "Min": Compared,
    AtomicFunction::Max => "Max": Compared,
    AtomicFunction::Exchange { compare: None } => "Exchange": Compared,
    AtomicFunction::Exchange { compare: Some(_) } => "CompareExchange": Compared,
});

kinds!(math, MATH, MathFunction, {
    MathFunction::Abs => "Abs": Compared,
    MathFunction::Min => "Min": Compared,
    MathFunction::Max => "Max": Compared,
    MathFunction::Clamp => "Clamp": Compared,
    MathFunction::Saturate => "Saturate": Compared,
    MathFunction::Cos => "Cos": Compared,
    MathFunction::Cosh => "Cosh": Compared,
    MathFunction::Sin => "Sin": Compared,
    MathFunction::Sinh => "Sinh": Compared,
    MathFunction::Tan => "Tan": Compared,
    MathFunction::Tanh => "Tanh": Compared,
    MathFunction::Acos => "Acos": Compared,
    MathFunction::Asin => "Asin": Compared,
    MathFunction::Atan => "Atan": Compared,
    MathFunction::Atan2 => "Atan2": Compared,
    MathFunction::Asinh => "Asinh": Compared,
    MathFunction::Acosh => "Acosh": Compared,
    MathFunction::Atanh => "Atanh": Compared,
    MathFunction::Radians => "Radians": Compared,
    MathFunction::Degrees => "Degrees": Compared,
    MathFunction::Ceil => "Ceil": Compared,
    MathFunction::Floor => "Floor": Compared,
    MathFunction::Round => "Round": Compared,
    MathFunction::Fract => "Fract": Compared,
    MathFunction::Trunc => "Trunc": Compared,
    MathFunction::Modf => "Modf": Compared,
    MathFunction::Frexp => "Frexp": Compared,
    MathFunction::Ldexp => "Ldexp": Compared,
    MathFunction::Exp => "Exp": Compared,
    MathFunction::Exp2 => "Exp2": Compared,
    MathFunction::Log => "Log": Compared,
    MathFunction::Log2 => "Log2": Compared,
    MathFunction::Pow => "Pow": Compared,
    MathFunction::Dot => "Dot": Compared,
    MathFunction::Dot4I8Packed => "Dot4I8Packed": Compared,
    MathFunction::Dot4U8Packed => "Dot4U8Packed": Compared,
    MathFunction::Cross => "Cross": Compared,
    MathFunction::Distance => "Distance": Compared,
    MathFunction::Length => "Length": Compared,
    MathFunction::Normalize => "Normalize": Compared,
    MathFunction::FaceForward => "FaceForward": Compared,
    MathFunction::Reflect => "Reflect": Compared,
    MathFunction::Refract => "Refract": Compared,
    MathFunction::Sign => "Sign": Compared,
    MathFunction::Fma => "Fma": Compared,
    MathFunction::Mix => "Mix": Compared,
    MathFunction::Step => "Step": Compared,
    MathFunction::SmoothStep => "SmoothStep": Compared,
    MathFunction::Sqrt => "Sqrt": Compared,
    MathFunction::InverseSqrt => "InverseSqrt": Compared,
    MathFunction::Transpose => "Transpose": Compared,
    MathFunction::Determinant => "Determinant": Compared,
    MathFunction::QuantizeToF16 => "QuantizeToF16": Host,
    MathFunction::CountTrailingZeros => "CountTrailingZeros": Compared,
    MathFunction::CountLeadingZeros => "CountLeadingZeros": Compared,
    MathFunction::CountOneBits => "CountOneBits": Compared,
    MathFunction::ReverseBits => "ReverseBits": Compared,
    MathFunction::ExtractBits => "ExtractBits": Compared,
    MathFunction::InsertBits => "InsertBits": Compared,
    MathFunction::FirstTrailingBit => "FirstTrailingBit": Compared,
    MathFunction::FirstLeadingBit => "FirstLeadingBit": Compared,
    MathFunction::Pack4x8snorm => "Pack4x8snorm": Compared,
    MathFunction::Pack4x8unorm => "Pack4x8unorm": Compared,
    MathFunction::Pack2x16snorm => "Pack2x16snorm": Compared,
    MathFunction::Pack2x16unorm => "Pack2x16unorm": Compared,
    MathFunction::Pack2x16float => "Pack2x16float": Host,
    MathFunction::Pack4xI8 => "Pack4xI8": Compared,
    MathFunction::Pack4xU8 => "Pack4xU8": Compared,
    MathFunction::Pack4xI8Clamp => "Pack4xI8Clamp": Compared,
    MathFunction::Pack4xU8Clamp => "Pack4xU8Clamp": Compared,
    MathFunction::Unpack4x8snorm => "Unpack4x8snorm": Compared,
    MathFunction::Unpack4x8unorm => "Unpack4x8unorm": Compared,
    MathFunction::Unpack2x16snorm => "Unpack2x16snorm": Compared,
    MathFunction::Unpack2x16unorm => "Unpack2x16unorm": Compared,
    MathFunction::Unpack2x16float => "Unpack2x16float": Host,
    MathFunction::Unpack4xI8 => "Unpack4xI8": Compared,
    MathFunction::Unpack4xU8 => "Unpack4xU8": Compared,
    MathFunction::Outer => "Outer": Absent,
    MathFunction::Inverse => "Inverse": Absent,
});

/// Kinds that were seen, each with its family.
type Seen = BTreeSet<(&'static str, &'static str)>;

fn look_at(function: &Function, seen: &mut Seen) {
    for (_, found) in function.expressions.iter() {
        look_at_expression(found, seen);
    }
    look_at_block(&function.body, seen);
}

fn look_at_expression(found: &Expression, seen: &mut Seen) {
    seen.insert(("expression", expression(found)));
    match found {
        Expression::Unary { op, .. } => seen.insert(("unary operator", unary(op))),
        Expression::Binary { op, .. } => seen.insert(("binary operator", binary(op))),
        Expression::Relational { fun, .. } => seen.insert(("relational function", relational(fun))),
        Expression::Math { fun, .. } => seen.insert(("function", math(fun))),
        _ => false,
    };
}

fn look_at_block(block: &Block, seen: &mut Seen) {
    for found in block {
        seen.insert(("statement", statement(found)));
        match found {
            Statement::Atomic { fun, .. } => {
                seen.insert(("atomic function", atomic(fun)));
            }
            Statement::Block(inner) => look_at_block(inner, seen),
            Statement::If { accept, reject, .. } => {
                look_at_block(accept, seen);
                look_at_block(reject, seen);
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| look_at_block(&case.body, seen)),
            Statement::Loop { body, continuing, .. } => {
                look_at_block(body, seen);
                look_at_block(continuing, seen);
            }
            _ => {}
        }
    }
}

#[test]
fn every_kind_of_expression_and_statement_is_compared() {
    let mut seen = Seen::new();
    for source in corpus::sources() {
        let module = naga::front::wgsl::parse_str(&source).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&source)));
        for (_, found) in module.global_expressions.iter() {
            look_at_expression(found, &mut seen);
        }
        module.functions.iter().for_each(|(_, function)| look_at(function, &mut seen));
        module
            .entry_points
            .iter()
            .for_each(|point| look_at(&point.function, &mut seen));
    }
    let families = [
        ("expression", EXPRESSIONS),
        ("statement", STATEMENTS),
        ("unary operator", UNARY),
        ("binary operator", BINARY),
        ("relational function", RELATIONAL),
        ("atomic function", ATOMIC),
        ("function", MATH),
    ];
    let mut wrong = Vec::new();
    for (family, list) in families {
        for (name, known) in list {
            match (known, seen.contains(&(family, *name))) {
                (Compared, false) => wrong.push(format!("no test compares the {family} {name}")),
                (Absent | Host, true) => wrong.push(format!("the {family} {name} is in the corpus, and said to be absent")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the device leaves out says so, and names itself.
#[test]
fn what_is_absent_is_refused_with_a_reason() {
    let head = "@group(0) @binding(0) var<storage, read_write> out: array<u32>;";
    let sources = [
        "enable f16; @compute @workgroup_size(1) fn main() { let h = f16(f32(out[1])); out[0] = u32(h * h); }",
        "@group(0) @binding(1) var t: texture_2d<f32>; @compute @workgroup_size(1) fn main() { out[0] = textureDimensions(t).x; }",
        "@group(0) @binding(1) var t: texture_storage_2d<r32uint, write>;
         @compute @workgroup_size(1) fn main() { textureStore(t, vec2(out[0]), vec4(1u)); }",
        "enable subgroups; @compute @workgroup_size(4) fn main(@builtin(subgroup_size) n: u32) { out[0] = n; }",
        "enable subgroups; @compute @workgroup_size(4) fn main() { out[0] = subgroupAdd(out[1]); }",
        "@compute @workgroup_size(4) fn main() { out[0] = u32(dpdx(f32(out[1]))); }",
        "@compute @workgroup_size(4) fn main() { discard; }",
    ];
    for source in sources {
        let case = Case::new(&format!("{source}\n{head}"), vec![vec![0; 4], vec![0; 4]], 1);
        let error = case
            .run_with(&device::SessionOptions::default())
            .expect_err(source)
            .to_string();
        assert!(error.len() > 20, "{source}: {error}");
    }
}
