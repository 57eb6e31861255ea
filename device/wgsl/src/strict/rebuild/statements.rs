//! Statements, written anew in their order.

use naga::{AddressSpace, Block, Expression, Function, Handle, Span, Statement, SwitchCase};

use super::super::Refusal;
use super::{Rebuild, space};
use crate::Reason;

impl<'a> Rebuild<'a> {
    fn nested(&mut self, block: &'a Block) -> Result<Block, Refusal> {
        self.flush();
        let outer = std::mem::take(&mut self.block);
        self.statements(block)?;
        Ok(std::mem::replace(&mut self.block, outer))
    }

    pub(super) fn statements(&mut self, block: &'a Block) -> Result<(), Refusal> {
        for (statement, span) in block.span_iter() {
            self.span = *span;
            self.statement(statement, *span)?;
        }
        self.flush();
        Ok(())
    }

    pub(in crate::strict) fn push(&mut self, statement: Statement, span: Span) {
        self.flush();
        self.block.push(statement, span);
    }

    fn statement(&mut self, statement: &'a Statement, span: Span) -> Result<(), Refusal> {
        let new = match statement {
            Statement::Emit(range) => {
                for handle in range.clone() {
                    if self.spared.contains(&handle) {
                        continue;
                    }
                    self.span = self.old.expressions.get_span(handle);
                    let there = self.expression(handle)?;
                    self.map[handle.index()] = Some(there);
                }
                return Ok(());
            }
            Statement::Block(block) => Statement::Block(self.nested(block)?),
            Statement::If {
                condition,
                accept,
                reject,
            } => Statement::If {
                condition: self.at(*condition)?,
                accept: self.nested(accept)?,
                reject: self.nested(reject)?,
            },
            Statement::Switch { selector, cases } => {
                let selector = self.at(*selector)?;
                let mut new = Vec::with_capacity(cases.len());
                self.around.push(None);
                for case in cases {
                    new.push(SwitchCase {
                        value: case.value,
                        body: self.nested(&case.body)?,
                        fall_through: case.fall_through,
                    });
                }
                self.around.pop();
                Statement::Switch { selector, cases: new }
            }
            Statement::Loop {
                body,
                continuing,
                break_if,
            } => {
                let mark = self.set_mark(span);
                let exit = match break_if {
                    None => self.exit_that_is_not_taken(mark, body),
                    Some(_) => None,
                };
                self.around.push(mark);
                let mut body = self.nested(body)?;
                if let Some(exit) = exit {
                    body.splice(0..0, Block::from_vec(vec![exit]));
                }
                let mut continuing = self.nested(continuing)?;
                // A condition that is emitted nowhere belongs to the continuing block.
                let outer = std::mem::replace(&mut self.block, continuing);
                let break_if = self.maybe(*break_if)?;
                if let Some(condition) = break_if {
                    self.clear_mark_if(mark, condition, span);
                }
                self.flush();
                continuing = std::mem::replace(&mut self.block, outer);
                self.around.pop();
                let repeat = Statement::Loop {
                    body,
                    continuing,
                    break_if,
                };
                self.push(repeat, span);
                self.look_at_mark(mark, span);
                return Ok(());
            }
            Statement::Break => {
                let mark = self.around.last().copied().flatten();
                self.clear_mark(mark, span);
                Statement::Break
            }
            Statement::Return { value } => Statement::Return {
                value: self.maybe(*value)?,
            },
            Statement::Continue | Statement::ControlBarrier(_) | Statement::MemoryBarrier(_) => statement.clone(),
            Statement::Store { pointer, value } => {
                let target = self.at(*pointer)?;
                let written = self.at(*value)?;
                let value = match space(self.inner(*pointer)) {
                    Some(AddressSpace::Storage { .. }) => self.kept(written, *value)?,
                    _ => written,
                };
                let store = Statement::Store { pointer: target, value };
                self.where_inside(*pointer, store, span);
                return Ok(());
            }
            Statement::Atomic {
                pointer,
                fun,
                value,
                result,
            } => {
                let fun = match fun {
                    naga::AtomicFunction::Exchange { compare: Some(compare) } => naga::AtomicFunction::Exchange {
                        compare: Some(self.at(*compare)?),
                    },
                    other => *other,
                };
                let target = self.at(*pointer)?;
                let value = self.at(*value)?;
                let atomic = |result| Statement::Atomic {
                    pointer: target,
                    fun,
                    value,
                    result,
                };
                match *result {
                    Some(result) => self.result_where_inside(*pointer, result, span, |result| atomic(Some(result))),
                    None => self.where_inside(*pointer, atomic(None), span),
                }
                return Ok(());
            }
            Statement::WorkGroupUniformLoad { pointer, result } => {
                let target = self.at(*pointer)?;
                let loaded = self.result(*result, None);
                let load = Statement::WorkGroupUniformLoad {
                    pointer: target,
                    result: loaded,
                };
                self.push(load, span);
                let there = self.or_zero(*pointer, loaded, *result);
                self.map[result.index()] = Some(there);
                return Ok(());
            }
            Statement::Call {
                function,
                arguments,
                result,
            } => {
                let function = self.context.moved[function.index()];
                let mut moved = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    moved.push(self.at(*argument)?);
                }
                let result = result.map(|result| self.result(result, Some(function)));
                Statement::Call {
                    function,
                    arguments: moved,
                    result,
                }
            }
            _ => {
                return Err(Refusal::at(span, &Reason::Invalid("an operation of shaders that draw")));
            }
        };
        self.push(new, span);
        Ok(())
    }

    /// The result of a call or an atomic.
    pub(in crate::strict) fn result(
        &mut self,
        old: Handle<Expression>,
        function: Option<Handle<Function>>,
    ) -> Handle<Expression> {
        let expression = match function {
            Some(function) => Expression::CallResult(function),
            None => self.old.expressions[old].clone(),
        };
        let new = self.declare(expression);
        self.map[old.index()] = Some(new);
        new
    }
}
