//! Finds buffers that a kernel only adds to, and never looks at: integer additions commute, so they may happen anywhere, in any order.
//!
//! Accesses to such a buffer move from [`Space::Storage`] to [`Space::Sum`]: they go where the runtime says, to the buffer or to a
//! thread's own copy of it.

use super::{Kernel, Place, Rmw, Space, Stmt, Sum};

/// Words of a row that can be added to at once: as many as a vector has.
pub(crate) const ROW_WORDS: usize = 4;
/// Most such buffers of a kernel; others are added to as any other buffer.
const SUMS_MAX: usize = 16;
/// A loop is taken to run this often, and loops in loops this often together.
const ROUNDS: u64 = 8;
const ROUNDS_MAX: u64 = 64;

/// How many of these statements, from the first one on, add to words that follow each other: as many as a row has at most.
pub(crate) fn row<'s>(stmts: impl Iterator<Item = &'s Stmt>) -> usize {
    side_by_side(stmts.map_while(|stmt| match stmt {
        Stmt::Atomic { result: None, at, .. } => Some(at),
        _ => None,
    }))
}

/// The same for loads of single words.
pub(crate) fn loads<'s>(stmts: impl Iterator<Item = &'s Stmt>) -> usize {
    side_by_side(stmts.map_while(|stmt| match stmt {
        Stmt::Load {
            count: 1,
            at,
            agreed: false,
            ..
        } => Some(at),
        _ => None,
    }))
}

/// How many of these places, from the first one on, are words that follow each other.
fn side_by_side<'s>(places: impl Iterator<Item = &'s Place>) -> usize {
    let mut first: Option<&Place> = None;
    let row = places.take(ROW_WORDS).enumerate().take_while(|(word, at)| {
        let first = *first.get_or_insert(at);
        at.space == first.space
            && at.base == first.base + 4 * *word as u32
            && at.terms.len() == first.terms.len()
            && at
                .terms
                .iter()
                .zip(&first.terms)
                .all(|(a, b)| (a.index, a.stride) == (b.index, b.stride) && (a.proven && b.proven || a.len == b.len))
    });
    row.count()
}

/// What is known of a buffer.
struct Buffer {
    address: u32,
    size: u32,
    /// Additions of one invocation, roughly.
    weight: u64,
    /// It is read, written, or changed in another way.
    other: bool,
}

/// Find the sums among these buffers, given by address and size, which do not overlap.
pub(crate) fn separate(kernel: &mut Kernel, buffers: impl Iterator<Item = (u32, u32)>) {
    let mut found: Vec<Buffer> = buffers
        .map(|(address, size)| Buffer {
            address,
            size,
            weight: 0,
            other: false,
        })
        .collect();
    found.sort_by_key(|buffer| buffer.address);
    count(&kernel.body, &mut found, 1);
    found.retain(|buffer| buffer.weight > 0 && !buffer.other);
    found.truncate(SUMS_MAX);
    if found.is_empty() {
        return;
    }
    kernel.sums = found
        .iter()
        .map(|buffer| Sum {
            address: buffer.address,
            size: buffer.size,
            weight: buffer.weight,
        })
        .collect();
    relocate(&mut kernel.body, &kernel.sums);
}

fn touched<'b>(found: &'b mut [Buffer], place: &Place) -> Option<&'b mut Buffer> {
    if place.space != Space::Storage {
        return None;
    }
    let index = found.partition_point(|buffer| buffer.address <= place.base).checked_sub(1)?;
    found.get_mut(index)
}

fn count(stmts: &[Stmt], found: &mut [Buffer], rounds: u64) {
    for stmt in stmts {
        match stmt {
            Stmt::Load { at, .. } | Stmt::Store { at, .. } | Stmt::Zero { at, .. } => {
                if let Some(buffer) = touched(found, at) {
                    buffer.other = true;
                }
            }
            Stmt::Atomic { result, rmw, at, .. } => {
                if let Some(buffer) = touched(found, at) {
                    let adds = matches!(rmw, Rmw::Add | Rmw::Sub) && result.is_none();
                    buffer.other |= !adds;
                    buffer.weight += rounds;
                }
            }
            _ => {}
        }
        let inside = match stmt {
            Stmt::Loop { .. } => (rounds * ROUNDS).min(ROUNDS_MAX),
            _ => rounds,
        };
        stmt.blocks().for_each(|block| count(block, found, inside));
    }
}

fn relocate(stmts: &mut [Stmt], sums: &[Sum]) {
    for stmt in stmts {
        match stmt {
            Stmt::Atomic { at, .. } if at.space == Space::Storage => {
                let sum = sums.iter().position(|sum| at.base.wrapping_sub(sum.address) < sum.size);
                if let Some(sum) = sum {
                    at.space = Space::Sum(sum as u8);
                    at.base -= sums[sum].address;
                }
            }
            Stmt::If { yes, no, .. } => {
                relocate(yes, sums);
                relocate(no, sums);
            }
            Stmt::Loop { body, next, .. } => {
                relocate(body, sums);
                relocate(next, sums);
            }
            Stmt::Scope { body, .. } => relocate(body, sums),
            _ => {}
        }
    }
}
