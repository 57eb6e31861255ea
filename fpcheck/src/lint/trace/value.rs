//! Values as far as a trace knows them: what they depend on, and integers as sums of multiples of a few unknowns.
//!
//! Integers are 32 bits and wrap, as WGSL's do; so every equation that holds here holds on the device.

use std::collections::BTreeMap;
use std::ops::BitOr;

use naga::{BinaryOperator, GlobalVariable, Handle};

use super::truth::Truth;

/// What a value may depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lint) struct Deps(u16);

impl Deps {
    pub(in crate::lint) const NONE: Self = Self(0);
    /// The step counter.
    pub(in crate::lint) const CLOCK: Self = Self(1 << 6);
    /// What memory held.
    pub(in crate::lint) const MEMORY: Self = Self(1 << 7);
    /// Which invocation of its workgroup it is, in any direction.
    pub(in crate::lint) const LOCAL: Self = Self(0b000_111);
    /// Which workgroup it is, in any direction.
    pub(in crate::lint) const GROUP: Self = Self(0b111_000);

    /// Which invocation of its workgroup it is, along an axis.
    pub(in crate::lint) fn local(axis: usize) -> Self {
        Self(1 << axis)
    }

    /// Which workgroup it is, along an axis.
    pub(in crate::lint) fn group(axis: usize) -> Self {
        Self(8 << axis)
    }

    pub(in crate::lint) fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }
}

impl BitOr for Deps {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Deps> for Deps {
    fn from_iter<I: IntoIterator<Item = Deps>>(all: I) -> Self {
        all.into_iter().fold(Self::NONE, BitOr::bitor)
    }
}

/// An unknown integer: index into [`Atoms`].
pub(super) type Atom = u32;

/// `add` + the sum of coefficient × atom, modulo 2^32. Coefficients are never 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Linear {
    pub(super) terms: BTreeMap<Atom, u32>,
    pub(super) add: u32,
}

impl Linear {
    pub(super) fn constant(value: u32) -> Self {
        Self {
            terms: BTreeMap::new(),
            add: value,
        }
    }

    pub(super) fn atom(atom: Atom) -> Self {
        Self {
            terms: BTreeMap::from([(atom, 1)]),
            add: 0,
        }
    }

    /// Its value where nothing is unknown.
    pub(super) fn known(&self) -> Option<u32> {
        self.terms.is_empty().then_some(self.add)
    }

    pub(super) fn coefficient(&self, atom: Atom) -> u32 {
        self.terms.get(&atom).copied().unwrap_or(0)
    }

    /// `self + factor * other`.
    pub(super) fn plus(&self, factor: u32, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.add = sum.add.wrapping_add(factor.wrapping_mul(other.add));
        for (atom, coefficient) in &other.terms {
            let entry = sum.terms.entry(*atom).or_insert(0);
            *entry = entry.wrapping_add(factor.wrapping_mul(*coefficient));
        }
        sum.terms.retain(|_, coefficient| *coefficient != 0);
        sum
    }

    pub(super) fn times(&self, factor: u32) -> Self {
        Self::default().plus(factor, self)
    }

    /// The same with one atom left out.
    pub(super) fn without(&self, atom: Atom) -> Self {
        let mut rest = self.clone();
        rest.terms.remove(&atom);
        rest
    }
}

/// What an atom stands for. Equal kinds are one atom, so that equal sums are seen to be equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AtomKind {
    /// `local_invocation_id`, along an axis.
    Local(usize),
    /// `workgroup_id`, along an axis.
    Group(usize),
    /// An `override` whose value is not known, by index.
    Override(usize),
    /// Length of a buffer.
    Length(Handle<GlobalVariable>),
    /// An operation on integers.
    Op(u8, Linear, Linear),
    /// One of two; each is another one. See [`Atoms::choice`].
    Either(u32),
    /// A variable that a loop changes; each round of the walk is another one.
    Loop(u32),
    /// A variable that a loop changed, after it.
    After(u32),
    /// Anything else; each is another one.
    Other(u32),
}

/// What an integer is chosen from.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// Where it holds, the integer is `accept`.
    pub(super) condition: Truth,
    pub(super) accept: Linear,
    pub(super) reject: Linear,
}

/// All atoms met.
#[derive(Debug, Default)]
pub(super) struct Atoms {
    known: BTreeMap<AtomKind, Atom>,
    choices: BTreeMap<Atom, Choice>,
    all: Vec<(AtomKind, Deps)>,
}

impl Atoms {
    pub(super) fn atom(&mut self, kind: AtomKind, deps: Deps) -> Atom {
        if let Some(atom) = self.known.get(&kind) {
            return *atom;
        }
        let atom = self.all.len() as Atom;
        self.all.push((kind.clone(), deps));
        self.known.insert(kind, atom);
        atom
    }

    pub(super) fn other(&mut self, deps: Deps) -> Atom {
        let number = self.all.len() as u32;
        self.atom(AtomKind::Other(number), deps)
    }

    pub(super) fn after_loop(&mut self, deps: Deps) -> Atom {
        let number = self.all.len() as u32;
        self.atom(AtomKind::After(number), deps)
    }

    pub(super) fn of_loop(&mut self, deps: Deps) -> Atom {
        let number = self.all.len() as u32;
        self.atom(AtomKind::Loop(number), deps)
    }

    pub(super) fn either(&mut self, choice: Choice, deps: Deps) -> Atom {
        let number = self.all.len() as u32;
        let atom = self.atom(AtomKind::Either(number), deps);
        self.choices.insert(atom, choice);
        atom
    }

    /// What an atom is chosen from, if it is.
    pub(super) fn choice(&self, atom: Atom) -> Option<&Choice> {
        self.choices.get(&atom)
    }

    pub(super) fn kind(&self, atom: Atom) -> &AtomKind {
        &self.all[atom as usize].0
    }

    pub(super) fn deps(&self, atom: Atom) -> Deps {
        self.all[atom as usize].1
    }

    pub(super) fn known(&self, kind: &AtomKind) -> Option<Atom> {
        self.known.get(kind).copied()
    }
}

/// A number for an operator in [`AtomKind::Op`].
pub(super) fn op_number(op: BinaryOperator) -> u8 {
    op as u8
}

/// What is known of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// A 32-bit integer.
    Int(Linear),
    /// A truth value.
    Bool(Truth),
    /// Nothing.
    Unknown,
}

/// A scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scalar {
    pub(super) form: Form,
    pub(super) deps: Deps,
}

impl Scalar {
    pub(super) fn unknown(deps: Deps) -> Self {
        Self {
            form: Form::Unknown,
            deps,
        }
    }

    pub(super) fn constant(value: u32) -> Self {
        Self {
            form: Form::Int(Linear::constant(value)),
            deps: Deps::NONE,
        }
    }

    pub(super) fn atom(atom: Atom, atoms: &Atoms) -> Self {
        Self {
            form: Form::Int(Linear::atom(atom)),
            deps: atoms.deps(atom),
        }
    }

    pub(super) fn int(&self) -> Option<&Linear> {
        match &self.form {
            Form::Int(linear) => Some(linear),
            _ => None,
        }
    }

    /// As a condition.
    pub(super) fn truth(&self) -> Truth {
        match &self.form {
            Form::Bool(truth) => truth.clone(),
            _ => Truth::Unknown(self.deps),
        }
    }
}

/// Any value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Scalar(Scalar),
    Vector(Vec<Scalar>),
    Struct(Vec<Value>),
    Pointer(Place),
    /// Arrays, matrices, and whatever else is not followed.
    Opaque(Deps),
}

impl Value {
    pub(super) fn deps(&self) -> Deps {
        match self {
            Self::Scalar(scalar) => scalar.deps,
            Self::Vector(parts) => parts.iter().map(|part| part.deps).collect(),
            Self::Struct(parts) => parts.iter().map(Self::deps).collect(),
            Self::Pointer(place) => place.deps(),
            Self::Opaque(deps) => *deps,
        }
    }

    pub(super) fn scalar(&self) -> Scalar {
        match self {
            Self::Scalar(scalar) => scalar.clone(),
            other => Scalar::unknown(other.deps()),
        }
    }
}

/// What a pointer points to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) root: Root,
    pub(super) path: Vec<Step>,
}

impl Place {
    pub(super) fn deps(&self) -> Deps {
        let step = |step: &Step| match step {
            Step::Index(index) => index.deps,
            Step::Member(_) => Deps::NONE,
        };
        self.path.iter().map(step).collect()
    }
}

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    Global(Handle<GlobalVariable>),
    /// Number of the call, index of the variable.
    Local(u32, usize),
}

/// A step from a variable into its parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Element of an array.
    Index(Scalar),
    /// Member of a struct, component of a vector, column of a matrix.
    Member(u32),
}
