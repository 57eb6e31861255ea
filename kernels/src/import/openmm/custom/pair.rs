//! CustomNonbondedForce: pair potentials by tables of types (CHARMM, NBFIX, 12-6-4, geometric mixing), and CHARMM's force switch.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::ImportError;
use super::super::super::expression::{Powers, Table, Values, evaluate};
use super::super::super::xml::Element;
use super::super::Reading;
use super::Custom;
use crate::md::system::custom::ForceSwitch;
use crate::md::system::{CustomPairs, Cutoff};

const KNOWN: &str = "a/r^12 - b/r^6 - c/r^4 in any spelling, with coefficients from tables of pairs of types or from parameters of both particles, and CHARMM's force switch from Ron to Roff";
/// Most different kinds of particles: each pair of them is a place in a table.
const TYPES_MAX: usize = 512;
/// Most entries of a table in the file.
const TABLE_MAX: usize = 4_000_000;

/// Read it.
pub(in super::super) fn pairs(force: Element<'_>, reading: &mut Reading) {
    let Some(custom) = Custom::read(force, "PerParticleParameters", reading) else {
        return;
    };
    for list in ["InteractionGroups", "ComputedValues"] {
        if let Some(Some(found)) = reading.obstacles.take(force.find(list))
            && found.children().len() > 0
        {
            reading
                .obstacles
                .add(force.refuse(format!("found entries in <{list}>, expected none: they are not supported")));
        }
    }
    let cutoff = reading.obstacles.take(cutoff(force));
    let long_range_correction = reading.obstacles.take(force.flag("useLongRangeCorrection")) == Some(true);
    let tables = reading.obstacles.take(tables(force));
    let particles = reading.entries(force, "Particles", "Particle", |one| Custom::parameters(&custom.names, one));
    let mut exclusions = reading.entries(force, "Exclusions", "Exclusion", |one| {
        let (a, b) = (one.index("p1")?, one.index("p2")?);
        Ok([a.min(b), a.max(b)])
    });
    exclusions.sort_unstable();
    exclusions.dedup();
    let n = reading.system.particles.len();
    if particles.len() != n {
        reading.obstacles.add(force.refuse(format!(
            "found {} particles, expected {n}, as many as the System has",
            particles.len()
        )));
    }
    let (Some(cutoff), Some(tables)) = (cutoff, tables) else {
        return;
    };
    let (kinds, type_of) = kinds(&particles);
    let made = Kinds {
        custom: &custom,
        tables: &tables,
        kinds: &kinds,
    };
    let Some((coefficients, force_switch)) = reading.obstacles.take(made.coefficients()) else {
        return;
    };
    reading.periodic.push(("a CustomNonbondedForce", cutoff.is_some()));
    let [a_kj_mol_nm12, b_kj_mol_nm6, c_kj_mol_nm4] = coefficients;
    reading.system.terms.custom_pairs.push(CustomPairs {
        type_of,
        types: kinds.len(),
        a_kj_mol_nm12,
        b_kj_mol_nm6,
        c_kj_mol_nm4,
        force_switch,
        cutoff,
        exclusions,
        long_range_correction: long_range_correction && cutoff.is_some(),
    });
}

fn cutoff(force: Element<'_>) -> Result<Option<Cutoff>, ImportError> {
    match force.integer("method")? {
        0 => Ok(None),
        2 => Ok(Some(Cutoff {
            radius_nm: force.number("cutoff")?,
            switch_nm: if force.flag("useSwitchingFunction")? {
                Some(force.number("switchingDistance")?)
            } else {
                None
            },
        })),
        other => Err(force.refuse(format!(
            "found method=\"{other}\", expected \"0\" (NoCutoff) or \"2\" (CutoffPeriodic)"
        ))),
    }
}

fn tables(force: Element<'_>) -> Result<BTreeMap<String, Table>, ImportError> {
    let mut tables = BTreeMap::new();
    let Some(functions) = force.find("Functions")? else {
        return Ok(tables);
    };
    for function in functions.children() {
        let width = match function.text("type")? {
            "Discrete2DFunction" => function.index("xsize")? as usize,
            "Discrete1DFunction" => function.child("Values")?.children().len(),
            other => {
                return Err(function.refuse(format!(
                    "found the tabulated function {}, expected Discrete1DFunction or Discrete2DFunction",
                    super::shown(other)
                )));
            }
        };
        let list = function.child("Values")?.children();
        if width == 0 || list.len() > TABLE_MAX || !list.len().is_multiple_of(width) {
            return Err(function.refuse(format!(
                "found {} values for xsize=\"{width}\", expected a multiple of it, at most {TABLE_MAX}",
                list.len()
            )));
        }
        let values = list.map(|one| one.number("v")).collect::<Result<_, _>>()?;
        tables.insert(function.unescaped("name")?, Table { width, values });
    }
    Ok(tables)
}

/// Particles with the same parameters are of one kind; kinds stand in the order of first appearance.
fn kinds(particles: &[Vec<f64>]) -> (Vec<&[f64]>, Vec<u32>) {
    let mut known = BTreeMap::new();
    let mut kinds = Vec::new();
    let type_of = particles.iter().map(|parameters| {
        let key: Vec<u64> = parameters.iter().map(|value| value.to_bits()).collect();
        *known.entry(key).or_insert_with(|| {
            kinds.push(parameters.as_slice());
            kinds.len() as u32 - 1
        })
    });
    let type_of = type_of.collect();
    (kinds, type_of)
}

/// Tables of a, b and c.
type Coefficients = [Vec<f64>; 3];

struct Kinds<'a> {
    custom: &'a Custom<'a>,
    tables: &'a BTreeMap<String, Table>,
    kinds: &'a [&'a [f64]],
}

impl Kinds<'_> {
    fn refuse(&self, why: &str) -> ImportError {
        self.custom.refuse(why, KNOWN)
    }

    /// Parameters of a pair of kinds: each name with 1 and 2 behind it.
    fn values(&self, first: usize, second: usize) -> Values {
        let mut values = self.custom.globals.clone();
        for (number, kind) in [(1, first), (2, second)] {
            let own = self.custom.names.iter().zip(self.kinds[kind]);
            values.extend(own.map(|(name, value)| (format!("{name}{number}"), Powers::constant(*value))));
        }
        values.insert("r".into(), Powers::variable());
        values
    }

    /// The potential of a pair of kinds near a distance.
    fn near(&self, first: usize, second: usize, r_nm: f64) -> Result<Powers, ImportError> {
        evaluate(&self.custom.formula, &self.values(first, second), self.tables, r_nm).map_err(|why| self.refuse(&why))
    }

    /// Coefficients of all pairs, and the force switch if there is one.
    fn coefficients(&self) -> Result<(Coefficients, Option<ForceSwitch>), ImportError> {
        let t = self.kinds.len();
        if t > TYPES_MAX {
            return Err(self.refuse(&format!("there are {t} kinds of particles, expected at most {TYPES_MAX}")));
        }
        let switch = if self.custom.formula.calls("step") {
            Some(self.switch()?)
        } else {
            None
        };
        let mut tables = [0, 1, 2].map(|_| vec![0.0; t * t]);
        let within = switch.map_or(0.3, |switch| 0.5 * switch.on_nm);
        for first in 0..t {
            for second in 0..=first {
                let powers = self.near(first, second, within)?;
                let [a, b, c] =
                    [(-12, 1.0), (-6, -1.0), (-4, -1.0)].map(|(exponent, sign)| sign * powers.coefficient(exponent));
                match switch {
                    None => self.only(&powers, &[-12, -6, -4])?,
                    Some(switch) => self.switched(first, second, [a, b], switch)?,
                }
                for (table, value) in tables.iter_mut().zip([a, b, c]) {
                    table[first * t + second] = value;
                    table[second * t + first] = value;
                }
            }
        }
        self.symmetric()?;
        Ok((tables, switch))
    }

    fn only(&self, powers: &Powers, exponents: &[i32]) -> Result<(), ImportError> {
        match powers.terms().find(|(exponent, _)| !exponents.contains(exponent)) {
            Some((exponent, _)) => Err(self.refuse(&format!("it has a term r^{exponent}"))),
            None => Ok(()),
        }
    }

    /// The other order of two particles must give the same.
    fn symmetric(&self) -> Result<(), ImportError> {
        let t = self.kinds.len();
        let pairs: BTreeSet<(usize, usize)> = (0..t).map(|kind| (0, kind)).chain((0..t).map(|kind| (kind, t - 1))).collect();
        for (first, second) in pairs {
            let [one, other] = [self.near(first, second, 0.3)?, self.near(second, first, 0.3)?];
            let same = |exponent| {
                let (a, b) = (one.coefficient(exponent), other.coefficient(exponent));
                (a - b).abs() <= 1e-12 * a.abs()
            };
            if ![-12, -6, -4].into_iter().all(same) {
                return Err(self.refuse("it depends on the order of two particles"));
            }
        }
        Ok(())
    }

    /// The distances of the force switch, by their names.
    fn switch(&self) -> Result<ForceSwitch, ImportError> {
        let values = self.values(0, 0);
        let value = |name: &str| {
            let global = values.get(name).and_then(Powers::number);
            let definitions = self.custom.formula.definitions.iter();
            let defined = definitions.filter(|(own, _)| own == name).find_map(|(_, node)| match node {
                super::super::super::expression::Node::Number(number) => Some(*number),
                _ => None,
            });
            global
                .or(defined)
                .ok_or_else(|| self.refuse(&format!("it has steps, but no number '{name}'")))
        };
        let switch = ForceSwitch {
            on_nm: value("Ron")?,
            off_nm: value("Roff")?,
        };
        if switch.on_nm > 0.0 && switch.on_nm < switch.off_nm {
            Ok(switch)
        } else {
            Err(self.refuse(&format!("it switches from {} to {} nm", switch.on_nm, switch.off_nm)))
        }
    }

    /// Whether the potential is that of the force switch: within r_on, between, and beyond r_off.
    fn switched(&self, first: usize, second: usize, [a, b]: [f64; 2], switch: ForceSwitch) -> Result<(), ImportError> {
        let (on, off) = (switch.on_nm, switch.off_nm);
        let (on3, off3) = (on.powi(3), off.powi(3));
        let (on6, off6) = (on3 * on3, off3 * off3);
        let (k12, k6) = (a * off6 / (off6 - on6), b * off3 / (off3 - on3));
        let inner = [(-12, a), (-6, -b), (0, b / (on3 * off3) - a / (on6 * off6))];
        let outer = [
            (-12, k12),
            (-6, -2.0 * k12 / off6 - k6),
            (-3, 2.0 * k6 / off3),
            (0, k12 / (off6 * off6) - k6 / off6),
        ];
        for (r, expected) in [
            (0.5 * on, inner.as_slice()),
            (0.5 * (on + off), outer.as_slice()),
            (1.5 * off, [].as_slice()),
        ] {
            let powers = self.near(first, second, r)?;
            let all: BTreeSet<i32> = powers
                .terms()
                .map(|(e, _)| e)
                .chain(expected.iter().map(|(e, _)| *e))
                .collect();
            for exponent in all {
                let expected = expected.iter().find(|(e, _)| *e == exponent).map_or(0.0, |(_, c)| *c);
                // Differences of large numbers: what is compared is each term where the switch is.
                let scale = r.powi(exponent);
                let size = (a / r.powi(12)).abs().max((b / r.powi(6)).abs());
                if ((powers.coefficient(exponent) - expected) * scale).abs() > 1e-9 * size {
                    return Err(self.refuse(&format!("near {r} nm it is not CHARMM's force switch")));
                }
            }
        }
        Ok(())
    }
}
