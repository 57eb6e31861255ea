//! Whether two accesses of one variable meet: made by different invocations, at the same place.
//!
//! Addresses are sums of unknowns. Of two invocations that differ along one axis alone, all unknowns that do not depend on this axis
//! are the same; so the addresses are equal where a multiple of the distance makes up for a constant. Only that is claimed.

use naga::BinaryOperator;

use super::Shape;
use super::truth::Truth;
use super::value::{Atom, AtomKind, Atoms, Deps, Linear, Step};
use super::walk::Access;

/// Invocations assumed where an `override` without a known value says.
const SIZE_ASSUMED: u32 = 64;
/// Ways to read an address that chooses among several.
const READINGS_MAX: usize = 8;

/// How two invocations differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// In the same workgroup.
    Inside,
    /// At the same place of two workgroups.
    Across,
    /// Anyhow.
    Anywhere,
}

/// An axis, and how invocations differ along it.
struct Way<'a> {
    motion: Move,
    axis: usize,
    atoms: &'a Atoms,
    shape: &'a Shape,
}

/// Which invocations get through conditions: positions along the way, and the loop variables that limit them besides.
struct Passing {
    from: u32,
    to: u32,
    limits: Vec<Atom>,
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

/// An address of one invocation against that of another.
struct Meeting {
    /// Written, other.
    write: Linear,
    other: Linear,
    /// It was chosen among several.
    chosen: bool,
}

/// Whether it is certain that more than one invocation gets through.
pub(super) fn many(guards: &[Truth], atoms: &Atoms, shape: &Shape) -> bool {
    ways(atoms, shape, false)
        .any(|way| way.motion != Move::Anywhere && way.passing(guards).is_some_and(|passing| passing.certain()))
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
        let Some(indices) = indices(write, other) else { return false };
        ways(atoms, shape, self.workgroup)
            .filter(|way| way.extent() > 1 && !(self.ordered && way.is_ordered()))
            .any(|way| self.meet_along(&way, write, other, &indices))
    }

    fn meet_along(&self, way: &Way<'_>, write: &Access, other: &Access, indices: &[(Linear, Linear)]) -> bool {
        let (Some(writers), Some(others)) = (way.passing(&write.guards), way.passing(&other.guards)) else {
            return false;
        };
        // Arrays of arrays: each index must be met by the same distance. Only the plain cases are worth it.
        let mut distance: Option<i64> = None;
        let mut everyone = true;
        let common = writers.to.min(others.to).saturating_sub(writers.from.max(others.from));
        for (write_index, other_index) in indices {
            let meetings = readings(write_index, way.atoms).into_iter().flat_map(|write| {
                readings(other_index, way.atoms).into_iter().map(move |other| Meeting {
                    chosen: write.1 || other.1,
                    write: write.0.clone(),
                    other: other.0,
                })
            });
            let mut met = None;
            for meeting in meetings {
                if let Some(how) = way.meeting(&meeting, &writers, &others, indices.len() == 1) {
                    met = Some(how);
                    break;
                }
            }
            match met {
                None => return false,
                Some(How::Anyone) => {}
                Some(How::Certain) => everyone = false,
                Some(How::Distance(one)) => {
                    everyone = false;
                    if distance.is_some_and(|known| known != one) {
                        return false;
                    }
                    distance = Some(one);
                }
            }
        }
        if let Some(distance) = distance {
            return writers.limits.is_empty() && others.limits.is_empty() && distance.unsigned_abs() < u64::from(common);
        }
        if !everyone {
            return true;
        }
        // All invocations at one place. Writing the same value is harmless; different statements one after the other are one invocation's.
        let differs = write.value.any(way.deps());
        let harmful = if other.write { self.same && differs } else { !self.same };
        harmful && writers.limits.is_empty() && others.limits.is_empty() && common > 1
    }
}

/// How two addresses are equal.
enum How {
    /// Whatever the two invocations.
    Anyone,
    /// For two invocations this far apart.
    Distance(i64),
    /// For some two, by what was checked already.
    Certain,
}

impl Passing {
    fn certain(&self) -> bool {
        self.limits.is_empty() && self.to.saturating_sub(self.from) > 1
    }
}

impl Way<'_> {
    /// What is different between two invocations.
    fn deps(&self) -> Deps {
        match self.motion {
            Move::Inside => Deps::local(self.axis),
            Move::Across => Deps::group(self.axis),
            Move::Anywhere => Deps::local(self.axis) | Deps::group(self.axis),
        }
    }

    fn size(&self) -> u32 {
        self.shape.size[self.axis].unwrap_or(SIZE_ASSUMED)
    }

    /// Positions along the way.
    fn extent(&self) -> u32 {
        let groups = self.shape.groups.map(|groups| groups[self.axis]);
        match self.motion {
            Move::Inside => self.size(),
            Move::Across => groups.unwrap_or(1),
            Move::Anywhere => groups.map_or(u32::MAX, |groups| groups.saturating_mul(self.size())),
        }
    }

    /// Whether a storage barrier orders invocations that differ in this way.
    fn is_ordered(&self) -> bool {
        let groups = self.shape.groups.map_or(1, |groups| groups[self.axis]);
        self.motion == Move::Inside || groups <= 1
    }

    /// The multiple of the distance that an address moves by, and the rest of it.
    fn split(&self, linear: &Linear) -> Option<(i64, Linear)> {
        let mut rest = linear.clone();
        let mut take = |kind: &AtomKind| {
            let atom = self.atoms.known(kind)?;
            let coefficient = rest.coefficient(atom);
            rest = rest.without(atom);
            Some(coefficient)
        };
        let axis = self.axis;
        let mut of = |kind: AtomKind| take(&kind).unwrap_or(0);
        let (local, global) = (of(AtomKind::Local(axis)), of(AtomKind::Global(axis)));
        let multiple = match self.motion {
            Move::Inside => local.wrapping_add(global),
            Move::Across => {
                let group = of(AtomKind::Group(axis));
                if local != 0 {
                    rest = rest.plus(local, &Linear::atom(self.atoms.known(&AtomKind::Local(axis))?));
                }
                if global != 0 && self.shape.size[axis].is_none() {
                    return None;
                }
                group.wrapping_add(global.wrapping_mul(self.size()))
            }
            Move::Anywhere => {
                if local != 0 || of(AtomKind::Group(axis)) != 0 {
                    return None;
                }
                global
            }
        };
        let still = rest.terms.keys().all(|atom| !self.atoms.deps(*atom).any(self.deps()));
        still.then_some((i64::from(multiple as i32), rest))
    }

    fn meeting(&self, meeting: &Meeting, writers: &Passing, others: &Passing, only: bool) -> Option<How> {
        let (write, write_rest) = self.split(&meeting.write)?;
        let (other, other_rest) = self.split(&meeting.other)?;
        let apart = other_rest.plus(u32::MAX, &write_rest);
        // The loop variable that lies between the two, alone.
        let between = || match apart.terms.iter().next() {
            Some((atom, coefficient)) if apart.terms.len() == 1 && only && !meeting.chosen => {
                let of_loop = matches!(self.atoms.kind(*atom), AtomKind::Loop(_));
                let free = !writers.limits.contains(atom) && self.motion == Move::Inside;
                (of_loop && free).then_some(i64::from(*coefficient as i32))
            }
            _ => None,
        };
        let constant = apart.known().map(|apart| i64::from(apart as i32));
        if write == other {
            return match constant {
                // How many workgroups there are along this axis is not known, and may be one.
                Some(0) if write == 0 && self.motion == Move::Anywhere && self.shape.groups.is_none() => None,
                Some(0) if write == 0 => (!meeting.chosen).then_some(How::Anyone),
                Some(apart) if write != 0 && apart % write == 0 && apart != 0 => Some(How::Distance(-apart / write)),
                Some(_) => None,
                None => (write != 0 && between()?.abs() == write.abs()).then_some(How::Certain),
            };
        }
        // One of them at a fixed place, that the other one comes to.
        let (mover, fixed, coefficient, sign) = match (write, other) {
            (write, 0) => (writers, others, write, 1),
            (0, other) => (others, writers, other, -1),
            _ => return None,
        };
        if meeting.chosen || !only || self.uses_global_inside(&meeting.write) || self.uses_global_inside(&meeting.other) {
            return None;
        }
        if let Some(apart) = constant {
            let place = sign * apart;
            let at = place / coefficient;
            let inside = place % coefficient == 0 && at >= i64::from(mover.from) && at < i64::from(mover.to);
            return (inside && mover.limits.is_empty() && fixed.certain()).then_some(How::Certain);
        }
        let steps = between()?;
        (steps.abs() == coefficient.abs() && fixed.certain()).then_some(How::Certain)
    }

    /// Where an invocation is in its workgroup does not tell where it is among all.
    fn uses_global_inside(&self, linear: &Linear) -> bool {
        let global = self.atoms.known(&AtomKind::Global(self.axis));
        self.motion == Move::Inside && global.is_some_and(|atom| linear.coefficient(atom) != 0)
    }

    /// Which positions get through conditions; `None` where that is not certain.
    fn passing(&self, guards: &[Truth]) -> Option<Passing> {
        let mut passing = Passing {
            from: 0,
            to: self.extent(),
            limits: Vec::new(),
        };
        guards.iter().try_for_each(|guard| self.narrow(&mut passing, guard))?;
        Some(passing)
    }

    fn narrow(&self, passing: &mut Passing, guard: &Truth) -> Option<()> {
        if *guard == Truth::Known(false) {
            return None;
        }
        if !guard.deps().any(self.deps()) {
            return Some(());
        }
        match guard {
            Truth::Known(_) => Some(()),
            Truth::Unknown(_) => None,
            Truth::And(a, b) => {
                self.narrow(passing, a)?;
                self.narrow(passing, b)
            }
            Truth::Or(a, b) => {
                let mut one = Passing {
                    limits: passing.limits.clone(),
                    ..*passing
                };
                if self.narrow(&mut one, a).is_some() {
                    *passing = one;
                    return Some(());
                }
                self.narrow(passing, b)
            }
            Truth::Compare(op, left, right, _) => self.compared(passing, *op, &left.plus(u32::MAX, right)),
        }
    }

    /// `multiple * position + rest`, compared to 0.
    fn compared(&self, passing: &mut Passing, op: BinaryOperator, linear: &Linear) -> Option<()> {
        use BinaryOperator as B;
        let (multiple, rest) = self.split(linear)?;
        if op == B::Equal {
            return None;
        }
        if op == B::NotEqual || multiple == 0 {
            return Some(());
        }
        let Some(rest) = rest.known().map(|rest| i64::from(rest as i32)) else {
            let of_loop = |atom: &&Atom| matches!(self.atoms.kind(**atom), AtomKind::Loop(_));
            passing.limits.extend(rest.terms.keys().filter(of_loop));
            return Some(());
        };
        // As `position op bound`.
        let (bound, below) = match multiple {
            1 => (-rest, matches!(op, B::Less | B::LessEqual)),
            -1 => (rest, matches!(op, B::Greater | B::GreaterEqual)),
            _ => return None,
        };
        let included = i64::from(matches!(op, B::LessEqual | B::GreaterEqual));
        if below {
            let to = u32::try_from(bound + included).unwrap_or(0);
            passing.to = passing.to.min(to);
        } else {
            let from = u32::try_from(bound + 1 - included).unwrap_or(0);
            passing.from = passing.from.max(from);
        }
        Some(())
    }
}

/// The addresses' indices in pairs; `None` where the accesses touch different parts, or that is not known.
fn indices(write: &Access, other: &Access) -> Option<Vec<(Linear, Linear)>> {
    let mut pairs = Vec::new();
    for steps in write.place.path.iter().zip(&other.place.path) {
        match steps {
            (Step::Member(a), Step::Member(b)) if a == b => {}
            (Step::Index(a), Step::Index(b)) => pairs.push((a.int()?.clone(), b.int()?.clone())),
            _ => return None,
        }
    }
    Some(pairs)
}

/// The sums that an address may be, and whether there are several.
fn readings(linear: &Linear, atoms: &Atoms) -> Vec<(Linear, bool)> {
    let mut done = Vec::new();
    let mut todo = vec![(linear.clone(), false)];
    while let Some((one, chosen)) = todo.pop() {
        let choice = one.terms.iter().find_map(|(atom, coefficient)| match atoms.kind(*atom) {
            AtomKind::Either(a, b) => Some((*atom, *coefficient, a, b)),
            _ => None,
        });
        match choice {
            Some((atom, coefficient, a, b)) if done.len() + todo.len() < READINGS_MAX => {
                let rest = one.without(atom);
                todo.push((rest.plus(coefficient, a), true));
                todo.push((rest.plus(coefficient, b), true));
            }
            _ => done.push((one, chosen)),
        }
    }
    done
}
