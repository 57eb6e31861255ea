//! Whether two accesses of one variable meet: made by different invocations, at the same place.
//!
//! Addresses are sums of unknowns. Of two invocations that differ along one axis alone, all unknowns that do not depend on this axis
//! are the same; so the addresses are equal where a multiple of the distance makes up for a constant. Only that is claimed.

use super::Shape;
use super::passing::Passing;
use super::truth::Truth;
use super::value::{AtomKind, Atoms, Deps, Linear, Step};
use super::walk::{Access, Guard};

/// Ways to read an address that chooses among several.
const READINGS_MAX: usize = 8;

/// How two invocations differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// In the same workgroup.
    Inside,
    /// At the same place of two workgroups.
    Across,
    /// Anyhow.
    Anywhere,
}

/// An axis, and how invocations differ along it.
pub(super) struct Way<'a> {
    pub(super) motion: Move,
    pub(super) axis: usize,
    pub(super) atoms: &'a Atoms,
    shape: &'a Shape,
}

/// Two accesses of one variable.
pub(super) struct Pair<'a> {
    pub(super) first: &'a Access,
    pub(super) second: &'a Access,
    /// Both are one access, made by two invocations.
    pub(super) same: bool,
    /// The variable is in workgroup memory.
    pub(super) workgroup: bool,
    /// A storage barrier lies between, which orders invocations of one workgroup.
    pub(super) ordered: bool,
}

/// An address that an access may have, and the conditions under which it has it.
#[derive(Clone)]
struct Reading {
    indices: Vec<Linear>,
    conditions: Vec<Truth>,
}

/// How two addresses are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Whatever the two invocations.
    Anyone,
    /// For two invocations this far apart.
    Distance(i64),
    /// For some two, by what was checked already.
    Certain,
}

/// Whether it is certain that more than one invocation gets through.
pub(super) fn many(guards: &[Guard], atoms: &Atoms, shape: &Shape) -> bool {
    let truths = || guards.iter().map(|guard| &guard.truth);
    let passing = |way: Way<'_>| Passing::of(&way, truths()).is_some_and(|passing| passing.is_certain());
    ways(atoms, shape, false)
        .filter(|way| way.motion != Move::Anywhere)
        .any(passing)
}

fn ways<'a>(atoms: &'a Atoms, shape: &'a Shape, workgroup: bool) -> impl Iterator<Item = Way<'a>> {
    let motions = if workgroup {
        &[Move::Inside][..]
    } else {
        &[Move::Inside, Move::Across, Move::Anywhere]
    };
    (0..3).flat_map(move |axis| {
        motions.iter().map(move |motion| Way {
            motion: *motion,
            axis,
            atoms,
            shape,
        })
    })
}

impl Pair<'_> {
    /// Whether they certainly meet.
    pub(super) fn meet(&self, atoms: &Atoms, shape: &Shape) -> bool {
        let (write, other) = if self.first.write {
            (self.first, self.second)
        } else {
            (self.second, self.first)
        };
        if !write.write || (write.atomic && other.atomic) {
            return false;
        }
        let Some((written, touched)) = indices(write, other) else {
            return false;
        };
        let (written, touched) = (readings(written, atoms), readings(touched, atoms));
        ways(atoms, shape, self.workgroup)
            .filter(|way| way.extent() > 1 && !(self.ordered && way.is_ordered()))
            .any(|way| {
                let pairs = written.iter().flat_map(|a| touched.iter().map(move |b| (a, b)));
                pairs.into_iter().any(|(a, b)| self.meet_at(&way, (write, a), (other, b)))
            })
    }

    fn meet_at(&self, way: &Way<'_>, (write, written): (&Access, &Reading), (other, touched): (&Access, &Reading)) -> bool {
        let passing = |access: &Access, reading: &Reading| {
            let guards = access.guards.iter().map(|guard| &guard.truth);
            Passing::of(way, guards.chain(&reading.conditions))
        };
        if !(together(way, (write, written), (other, touched))
            && way.is_reached(write, written)
            && way.is_reached(other, touched))
        {
            return false;
        }
        let (Some(writers), Some(others)) = (passing(write, written), passing(other, touched)) else {
            return false;
        };
        if !writers.agrees(&others) {
            return false;
        }
        // Arrays of arrays: each index must be met by the same distance.
        let alone = written.indices.len() == 1;
        let mut met = How::Anyone;
        for (a, b) in written.indices.iter().zip(&touched.indices) {
            met = match (met, way.meeting(a, b, &writers, &others, alone)) {
                (_, None) => return false,
                (How::Anyone, Some(how)) => how,
                (known, Some(How::Anyone)) => known,
                (known, Some(how)) if known == how => known,
                _ => return false,
            };
        }
        let unlimited = writers.limits.is_empty() && others.limits.is_empty();
        let common = writers.to.min(others.to).saturating_sub(writers.from.max(others.from));
        match met {
            How::Certain => writers.to > writers.from && others.to > others.from && writers.left_out + others.left_out == 0,
            How::Distance(distance) => {
                // Each position left out parts two pairs at most.
                let pairs = u64::from(common).saturating_sub(distance.unsigned_abs());
                unlimited && pairs > 2 * u64::from(writers.left_out + others.left_out)
            }
            // All invocations at one place. Writing the same value is harmless; of two statements that write, the later one counts.
            How::Anyone => {
                let chosen = !(written.conditions.is_empty() && touched.conditions.is_empty());
                let harmful = if other.write {
                    self.same && write.value.any(way.deps())
                } else {
                    !self.same
                };
                harmful && !chosen && unlimited && common.saturating_sub(writers.left_out + others.left_out) > 1
            }
        }
    }
}

impl Way<'_> {
    /// What is different between two invocations.
    pub(super) fn deps(&self) -> Deps {
        match self.motion {
            Move::Inside => Deps::local(self.axis),
            Move::Across => Deps::group(self.axis),
            Move::Anywhere => Deps::local(self.axis) | Deps::group(self.axis),
        }
    }

    /// What is the same for both, and yet of this axis.
    pub(super) fn other_deps(&self) -> Deps {
        match self.motion {
            Move::Inside => Deps::group(self.axis),
            Move::Across => Deps::local(self.axis),
            Move::Anywhere => Deps::NONE,
        }
    }

    /// Positions along the way.
    pub(super) fn extent(&self) -> u32 {
        let size = self.shape.size[self.axis];
        let groups = self.shape.groups.map(|groups| groups[self.axis]);
        match self.motion {
            Move::Inside => size,
            Move::Across => groups.unwrap_or(1),
            Move::Anywhere => groups.map_or(u32::MAX, |groups| groups.saturating_mul(size)),
        }
    }

    /// Positions that there may be along the way.
    pub(super) fn reach(&self) -> u32 {
        match (self.motion, self.shape.groups) {
            (Move::Across, None) => u32::MAX,
            _ => self.extent(),
        }
    }

    /// Whether an access is certainly made, as far as the other axes and the other position along this one go.
    fn is_reached(&self, access: &Access, reading: &Reading) -> bool {
        ways(self.atoms, self.shape, false)
            .filter(|way| way.motion != Move::Anywhere)
            .filter(|way| way.axis != self.axis || (self.motion != Move::Anywhere && way.motion != self.motion))
            .all(|way| {
                let guards = access.guards.iter().map(|guard| &guard.truth).chain(&reading.conditions);
                let foreign = guards.filter(|truth| truth.deps().any(way.deps()) && !truth.deps().any(self.deps()));
                Passing::reaching(&way, foreign).is_some_and(|passing| {
                    passing.limits.is_empty() && passing.to.saturating_sub(passing.from) > passing.left_out
                })
            })
    }

    /// Whether a storage barrier orders invocations that differ in this way.
    fn is_ordered(&self) -> bool {
        let groups = self.shape.groups.map_or(1, |groups| groups[self.axis]);
        self.motion == Move::Inside || groups <= 1
    }

    /// The multiple of the position that a sum moves by, and the rest of it, which is the same for both invocations.
    pub(super) fn split(&self, linear: &Linear) -> Option<(i64, Linear)> {
        let atom = |kind| self.atoms.known(&kind);
        let (local, group) = (atom(AtomKind::Local(self.axis)), atom(AtomKind::Group(self.axis)));
        let coefficient = |atom: Option<u32>| atom.map_or(0, |atom| linear.coefficient(atom));
        let without = |linear: &Linear, atom: Option<u32>| atom.map_or_else(|| linear.clone(), |atom| linear.without(atom));
        let (multiple, rest) = match self.motion {
            Move::Inside => (coefficient(local), without(linear, local)),
            Move::Across => (coefficient(group), without(linear, group)),
            Move::Anywhere => {
                let multiple = coefficient(local);
                if coefficient(group) != multiple.wrapping_mul(self.shape.size[self.axis]) {
                    return None;
                }
                (multiple, without(&without(linear, local), group))
            }
        };
        let still = rest.terms.keys().all(|atom| !self.atoms.deps(*atom).any(self.deps()));
        still.then_some((i64::from(multiple as i32), rest))
    }

    /// A sum's value where the other position along this axis is 0: that of the first workgroup, or of its first invocation.
    pub(super) fn at_first(&self, linear: &Linear) -> Linear {
        let kind = match self.motion {
            Move::Inside => AtomKind::Group(self.axis),
            Move::Across => AtomKind::Local(self.axis),
            Move::Anywhere => return linear.clone(),
        };
        self.atoms
            .known(&kind)
            .map_or_else(|| linear.clone(), |atom| linear.without(atom))
    }

    /// How a written address and another one are equal. `alone`: nothing else has to be.
    fn meeting(&self, write: &Linear, other: &Linear, writers: &Passing, others: &Passing, alone: bool) -> Option<How> {
        let (write, write_rest) = self.split(write)?;
        let (other, other_rest) = self.split(other)?;
        let apart = other_rest.plus(u32::MAX, &write_rest);
        let constant = apart.known().map(|apart| i64::from(apart as i32));
        // The variable of a loop that alone lies between the two: its multiple.
        let between = || match apart.terms.iter().next() {
            Some((atom, multiple)) if apart.terms.len() == 1 && alone && self.motion == Move::Inside => {
                let free = matches!(self.atoms.kind(*atom), AtomKind::Loop(_)) && !writers.limits.contains(atom);
                free.then_some(i64::from(*multiple as i32))
            }
            _ => None,
        };
        if write == other {
            return match constant {
                // How many workgroups there are along this axis is not known, and may be one.
                Some(0) if write == 0 && self.motion == Move::Anywhere && self.shape.groups.is_none() => None,
                Some(0) if write == 0 => Some(How::Anyone),
                Some(apart) if write != 0 && apart % write == 0 && apart != 0 => Some(How::Distance(-apart / write)),
                Some(_) => None,
                None => {
                    let met = write != 0 && between()?.abs() == write.abs() && apart.add == 0;
                    (met && writers.has_several() && others.has_several()).then_some(How::Certain)
                }
            };
        }
        // One of them at a fixed place, that the other one comes to.
        let (mover, fixed, multiple, sign) = match (write, other) {
            (write, 0) => (writers, others, write, 1),
            (0, other) => (others, writers, other, -1),
            _ => return None,
        };
        if !alone || !fixed.is_certain() {
            return None;
        }
        let certain = match constant {
            Some(apart) => {
                let at = sign * apart / multiple;
                let inside = apart % multiple == 0 && at >= i64::from(mover.from) && at < i64::from(mover.to);
                inside && mover.limits.is_empty()
            }
            None => sign * between()? == multiple && apart.add == 0 && mover.has_several(),
        };
        certain.then_some(How::Certain)
    }
}

/// Whether two invocations can make the two accesses in one workgroup and one state of memory: conditions that are the same for both
/// must be known to hold together. Those that both are under do, and those that only one of them is under.
fn together(way: &Way<'_>, (write, written): (&Access, &Reading), (other, touched): (&Access, &Reading)) -> bool {
    let common = write
        .guards
        .iter()
        .zip(&*other.guards)
        .take_while(|(a, b)| a.branch == b.branch)
        .count();
    let own = |access: &'_ Access, reading: &'_ Reading| {
        let mut parts = Vec::new();
        let guards = access
            .guards
            .iter()
            .skip(common)
            .filter(|guard| !guard.of_round)
            .map(|guard| &guard.truth);
        guards
            .chain(&reading.conditions)
            .for_each(|truth| truth.parts_into(&mut parts));
        parts.retain(|part| !part.deps().any(way.deps()));
        parts
    };
    let (mut writes, mut others) = (own(write, written), own(other, touched));
    let known = |part: &Truth| matches!(part, Truth::Compare(..));
    let both: Vec<Truth> = writes
        .iter()
        .filter(|part| known(part) && others.contains(part))
        .cloned()
        .collect();
    writes.retain(|part| !both.contains(part));
    others.retain(|part| !both.contains(part));
    writes.is_empty() || others.is_empty()
}

/// The addresses' indices; `None` where the accesses touch different parts, or that is not known.
fn indices(write: &Access, other: &Access) -> Option<(Vec<Linear>, Vec<Linear>)> {
    let (mut written, mut touched) = (Vec::new(), Vec::new());
    for steps in write.place.path.iter().zip(&other.place.path) {
        match steps {
            (Step::Member(a), Step::Member(b)) if a == b => {}
            (Step::Index(a), Step::Index(b)) => {
                written.push(a.int()?.clone());
                touched.push(b.int()?.clone());
            }
            _ => return None,
        }
    }
    Some((written, touched))
}

/// What indices may be, and when.
fn readings(indices: Vec<Linear>, atoms: &Atoms) -> Vec<Reading> {
    let mut done = Vec::new();
    let mut todo = vec![Reading {
        indices,
        conditions: Vec::new(),
    }];
    while let Some(reading) = todo.pop() {
        let choice = reading.indices.iter().enumerate().find_map(|(place, index)| {
            let chosen = |(atom, multiple): (&u32, &u32)| Some((place, *atom, *multiple, atoms.choice(*atom)?));
            index.terms.iter().find_map(chosen)
        });
        match choice {
            Some((place, atom, multiple, choice)) if done.len() + todo.len() < READINGS_MAX => {
                let rest = reading.indices[place].without(atom);
                for (value, condition) in [
                    (&choice.accept, choice.condition.clone()),
                    (&choice.reject, choice.condition.not()),
                ] {
                    let mut one = reading.clone();
                    one.indices[place] = rest.plus(multiple, value);
                    one.conditions.push(condition);
                    todo.push(one);
                }
            }
            _ => done.push(reading),
        }
    }
    done
}
