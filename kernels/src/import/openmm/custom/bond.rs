//! CustomBondForce: single pairs with q/r + a/r¹² − b/r⁶, as CHARMM and GROMACS systems have for 1-4 pairs.

use std::collections::BTreeMap;

use super::super::super::expression::{Powers, evaluate};
use super::super::super::xml::Element;
use super::super::Reading;
use super::super::bonded::{numbered, unless_periodic};
use super::Custom;
use crate::md::system::PairBond;

const KNOWN: &str = "q/r + a/r^12 - b/r^6 in any spelling, with coefficients from the bond's parameters";

/// Read it.
pub(in super::super) fn bonds(force: Element<'_>, reading: &mut Reading) {
    let Some(custom) = Custom::read(force, "PerBondParameters", reading) else {
        return;
    };
    let pairs = reading.entries(force, "Bonds", "Bond", |one| {
        let mut values = custom.values(&Custom::parameters(&custom.names, one)?);
        values.insert("r".into(), Powers::variable());
        let powers = evaluate(&custom.formula, &values, &BTreeMap::new(), 0.3).map_err(|why| custom.refuse(&why, KNOWN))?;
        if let Some((exponent, _)) = powers.terms().find(|(exponent, _)| ![-12, -6, -1].contains(exponent)) {
            return Err(custom.refuse(&format!("it has a term r^{exponent}"), KNOWN));
        }
        Ok(PairBond {
            atoms: numbered(one)?,
            coulomb_kj_mol_nm: powers.coefficient(-1),
            a_kj_mol_nm12: powers.coefficient(-12),
            b_kj_mol_nm6: -powers.coefficient(-6),
        })
    });
    unless_periodic(force, "a custom bond", pairs.iter().map(|one| one.atoms.as_slice()), reading);
    reading.system.terms.pair_bonds.extend(pairs);
}
