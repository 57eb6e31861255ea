//! How many rounds the loops of an entry point make in an invocation, where that is plain to see. The round that finds the end counts.
//!
//! Seen are loops as `for` writes them: a variable of the function that begins at constants, is raised by a constant at the end of
//! each round and compared to a constant at its beginning.

use naga::{BinaryOperator, Block, Expression, Function, Handle, Literal, LocalVariable, Module, Statement, TypeInner};

/// Rounds of all loops together, at most; `None` where that is not known.
pub(crate) fn rounds(module: &Module) -> Option<u64> {
    let mut known: Vec<Option<u64>> = Vec::with_capacity(module.functions.len());
    for (_, function) in module.functions.iter() {
        let rounds = In {
            module,
            function,
            known: &known,
        }
        .block(&function.body);
        known.push(rounds);
    }
    let function = &module.entry_points[0].function;
    In {
        module,
        function,
        known: &known,
    }
    .block(&function.body)
}

struct In<'a> {
    module: &'a Module,
    function: &'a Function,
    /// Of the functions before.
    known: &'a [Option<u64>],
}

impl In<'_> {
    fn block(&self, block: &Block) -> Option<u64> {
        let mut sum = 0_u64;
        for statement in block.iter() {
            let rounds = match statement {
                Statement::Block(block) => self.block(block)?,
                Statement::If { accept, reject, .. } => self.block(accept)?.saturating_add(self.block(reject)?),
                Statement::Switch { cases, .. } => cases
                    .iter()
                    .try_fold(0_u64, |sum, case| Some(sum.saturating_add(self.block(&case.body)?)))?,
                Statement::Loop { body, continuing, .. } => {
                    let inner = self.block(body)?.saturating_add(self.block(continuing)?);
                    // The round that only leaves counts, too.
                    let trips = self.trips(body, continuing)?;
                    trips.saturating_mul(inner.saturating_add(1)).saturating_add(1)
                }
                Statement::Call { function, .. } => self.known[function.index()]?,
                _ => 0,
            };
            sum = sum.saturating_add(rounds);
        }
        Some(sum)
    }

    fn trips(&self, body: &Block, continuing: &Block) -> Option<u64> {
        // The first test of the body leaves the loop.
        let (condition, accept, reject) = body.iter().find_map(|statement| match statement {
            Statement::Emit(_) => None,
            Statement::If {
                condition,
                accept,
                reject,
            } => Some(Some((*condition, accept, reject))),
            _ => Some(None),
        })??;
        if !(accept.is_empty() && matches!(reject.first(), Some(Statement::Break))) {
            return None;
        }
        let Expression::Binary { op, left, right } = self.function.expressions[condition] else {
            return None;
        };
        let counter = self.counter(left)?;
        let end = self.constant(right)?;
        let end = match op {
            BinaryOperator::Less => end,
            BinaryOperator::LessEqual => end.checked_add(1)?,
            _ => return None,
        };
        let step = continuing.iter().find_map(|statement| match statement {
            Statement::Store { pointer, value } if self.is(*pointer, counter) => self.step(*value, counter),
            _ => None,
        })?;
        // In the loop itself nothing else may change the counter: set back to a constant, it would begin again.
        let mut changes = 0;
        let only_the_step = self.stores(body, counter, &mut |_| false)
            && self.stores(continuing, counter, &mut |_| {
                changes += 1;
                changes == 1
            });
        if !only_the_step {
            return None;
        }
        let start = self.least_start(counter, step)?;
        // A counter that wraps around never reaches its end.
        let most = match self.function.local_variables[counter].ty {
            ty if self.module.types[ty].inner == TypeInner::Scalar(naga::Scalar::U32) => i64::from(u32::MAX),
            ty if self.module.types[ty].inner == TypeInner::Scalar(naga::Scalar::I32) => i64::from(i32::MAX),
            _ => return None,
        };
        if end - 1 + step > most {
            return None;
        }
        u64::try_from((end - start + step - 1).max(0) / step).ok()
    }

    /// The variable that a value was loaded from.
    fn counter(&self, value: Handle<Expression>) -> Option<Handle<LocalVariable>> {
        let Expression::Load { pointer } = self.function.expressions[value] else {
            return None;
        };
        match self.function.expressions[pointer] {
            Expression::LocalVariable(local) => Some(local),
            _ => None,
        }
    }

    fn is(&self, pointer: Handle<Expression>, counter: Handle<LocalVariable>) -> bool {
        matches!(self.function.expressions[pointer], Expression::LocalVariable(local) if local == counter)
    }

    /// What is added to the counter, above 0.
    fn step(&self, value: Handle<Expression>, counter: Handle<LocalVariable>) -> Option<i64> {
        let Expression::Binary {
            op: BinaryOperator::Add,
            left,
            right,
        } = self.function.expressions[value]
        else {
            return None;
        };
        let by = self.constant(right).filter(|by| *by > 0)?;
        (self.counter(left) == Some(counter)).then_some(by)
    }

    /// The least constant that the counter begins at; `None` if anything else is stored to it than such, and its step.
    fn least_start(&self, counter: Handle<LocalVariable>, step: i64) -> Option<i64> {
        let first = match self.function.local_variables[counter].init {
            Some(init) => self.constant(init)?,
            None => 0,
        };
        let mut starts = vec![first];
        let mut steps = 0;
        self.stores(&self.function.body, counter, &mut |value| {
            if let Some(start) = self.constant(value) {
                starts.push(start);
                return true;
            }
            steps += 1;
            steps == 1 && self.step(value, counter) == Some(step)
        })
        .then(|| starts.into_iter().min())?
    }

    /// Whether `f` takes every value that is stored to the counter, or to a part of it.
    fn stores(&self, block: &Block, counter: Handle<LocalVariable>, f: &mut dyn FnMut(Handle<Expression>) -> bool) -> bool {
        block.iter().all(|statement| match statement {
            Statement::Store { pointer, value } if self.is(*pointer, counter) => f(*value),
            Statement::Block(block) => self.stores(block, counter, f),
            Statement::If { accept, reject, .. } => self.stores(accept, counter, f) && self.stores(reject, counter, f),
            Statement::Switch { cases, .. } => cases.iter().all(|case| self.stores(&case.body, counter, f)),
            Statement::Loop { body, continuing, .. } => self.stores(body, counter, f) && self.stores(continuing, counter, f),
            _ => true,
        })
    }

    fn constant(&self, handle: Handle<Expression>) -> Option<i64> {
        let literal = |expression: &Expression| match expression {
            Expression::Literal(Literal::U32(value)) => Some(i64::from(*value)),
            Expression::Literal(Literal::I32(value)) => Some(i64::from(*value)),
            _ => None,
        };
        match &self.function.expressions[handle] {
            Expression::Constant(constant) => literal(&self.module.global_expressions[self.module.constants[*constant].init]),
            other => literal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::rounds;
    use crate::module::parse;

    fn of(body: &str) -> Option<u64> {
        let text = format!(
            "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
            fn ten() {{ for (var i = 0; i < 10; i++) {{ x[i] = 1u; }} }}
            @compute @workgroup_size(1) fn main() {{ {body} }}"
        );
        rounds(&parse(&text).unwrap())
    }

    #[test]
    fn rounds_of_nested_loops_and_calls_are_counted() {
        assert_eq!(of("for (var i = 0u; i < 100u; i++) { x[i] = i; }"), Some(101));
        assert_eq!(of("for (var i = 5; i <= 10; i += 2) { x[i] = 0u; }"), Some(4));
        assert_eq!(
            of("for (var i = 0u; i < 100u; i++) { for (var j = 0u; j < 7u; j++) { x[j] = i; } }"),
            Some(901)
        );
        assert_eq!(of("for (var i = 0u; i < 3u; i++) { ten(); } ten();"), Some(48));
    }

    #[test]
    fn a_loop_that_may_go_on_is_not_taken_for_short() {
        // The number is not known.
        assert_eq!(of("for (var i = 0u; i < x[0]; i++) { x[i] = i; }"), None);
        assert_eq!(of("loop { if x[0] > 3u { break; } }"), None);
        // The counter is set back.
        assert_eq!(of("for (var i = 0u; i < 9u; i++) { if x[i] == 0u { i = x[1]; } }"), None);
        assert_eq!(of("for (var i = 0u; i < 9u; i++) { if x[i] == 0u { i -= 1u; } }"), None);
        assert_eq!(of("for (var i = 0u; i < 9u; i++) { if x[i] == 0u { i = 0u; } }"), None);
        // It wraps around.
        assert_eq!(
            of("for (var i = 4294967280u; i < 4294967295u; i += 256u) { x[0] += i; }"),
            None
        );
        assert_eq!(of("for (var i = 0u; i <= 4294967295u; i++) { x[0] += i; }"), None);
        assert_eq!(of("for (var i = 2147483600; i <= 2147483647; i++) { x[0] += 1u; }"), None);
    }
}
