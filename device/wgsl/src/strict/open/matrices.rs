//! Matrices, column by column. Sums of products go from the first component to the last.

use naga::{BinaryOperator as B, Expression, Scalar, TypeInner};

use super::super::Refusal;
use super::super::rebuild::Rebuild;
use super::{H, size_of};

impl Rebuild<'_> {
    /// Scalars of a matrix, column by column.
    pub(super) fn all_parts(&mut self, matrix: H, columns: usize, rows: usize) -> Vec<Vec<H>> {
        (0..columns)
            .map(|column| {
                let column = self.part(matrix, column);
                self.parts(column, rows)
            })
            .collect()
    }

    /// `columns[0] * factors[0] + columns[1] * factors[1] + …`
    pub(super) fn combination(&mut self, columns: &[Vec<H>], factors: &[H]) -> H {
        let mut result = Vec::new();
        for row in 0..columns[0].len() {
            let line: Vec<H> = columns.iter().map(|column| column[row]).collect();
            result.push(self.dot(&line, factors));
        }
        self.compose(result, Scalar::F32)
    }

    pub(super) fn scaled(&mut self, (columns, rows): (usize, usize), matrix: H, factor: H) -> Result<H, Refusal> {
        let size = size_of(rows);
        let factor = self.spread(factor, Some(size));
        let each = (0..columns)
            .map(|column| {
                let column = self.part(matrix, column);
                self.arithmetic(B::Multiply, column, factor, Some(size))
            })
            .collect();
        Ok(self.matrix(each, rows))
    }

    /// `a op b`, column by column.
    pub(super) fn columns(&mut self, (columns, rows): (usize, usize), a: H, b: H, op: B) -> Vec<H> {
        let size = Some(size_of(rows));
        (0..columns)
            .map(|column| {
                let left = self.part(a, column);
                let right = self.part(b, column);
                self.arithmetic(op, left, right, size)
            })
            .collect()
    }

    pub(super) fn matrix(&mut self, components: Vec<H>, rows: usize) -> H {
        let ty = self.ty(TypeInner::Matrix {
            columns: size_of(components.len()),
            rows: size_of(rows),
            scalar: Scalar::F32,
        });
        self.emit(Expression::Compose { ty, components })
    }

    /// Of a square matrix without its first columns and some rows, by the next column.
    pub(super) fn minor(&mut self, columns: &[Vec<H>], rows: &[usize]) -> H {
        if let [row] = rows {
            return columns[0][*row];
        }
        let mut sum = None;
        for (i, row) in rows.iter().enumerate() {
            let others: Vec<usize> = rows.iter().copied().filter(|other| other != row).collect();
            let rest = self.minor(&columns[1..], &others);
            let term = self.mul(columns[0][*row], rest);
            sum = Some(match sum {
                None => term,
                Some(sum) if i % 2 == 1 => self.sub(sum, term),
                Some(sum) => self.add(sum, term),
            });
        }
        sum.expect("a matrix has rows")
    }
}
