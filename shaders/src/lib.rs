//! Every WGSL file of the project, as text. No logic: a pass joins the files that it needs.
//!
//! Text stays byte for byte as its author wrote it, so that it can be digested.

/// Path below `shaders/`, and text: one line a file, in alphabetical order.
#[rustfmt::skip]
pub const FILES: &[(&str, &str)] = &[
    ("md/barostat/barostat.wgsl", include_str!("../md/barostat/barostat.wgsl")),
    ("md/barostat/barostat_decide.wgsl", include_str!("../md/barostat/barostat_decide.wgsl")),
    ("md/barostat/barostat_try.wgsl", include_str!("../md/barostat/barostat_try.wgsl")),
    ("md/barostat/restore_molecules.wgsl", include_str!("../md/barostat/restore_molecules.wgsl")),
    ("md/barostat/scale_molecules.wgsl", include_str!("../md/barostat/scale_molecules.wgsl")),
    ("md/cell.wgsl", include_str!("../md/cell.wgsl")),
    ("md/cell_scaled.wgsl", include_str!("../md/cell_scaled.wgsl")),
    ("md/list/box.wgsl", include_str!("../md/list/box.wgsl")),
    ("md/list/candidates.wgsl", include_str!("../md/list/candidates.wgsl")),
    ("md/list/cell_box.wgsl", include_str!("../md/list/cell_box.wgsl")),
    ("md/list/cell_box_scaled.wgsl", include_str!("../md/list/cell_box_scaled.wgsl")),
    ("md/list/check.wgsl", include_str!("../md/list/check.wgsl")),
    ("md/list/follow.wgsl", include_str!("../md/list/follow.wgsl")),
    ("md/list/follow_scaled.wgsl", include_str!("../md/list/follow_scaled.wgsl")),
    ("md/list/gap_box.wgsl", include_str!("../md/list/gap_box.wgsl")),
    ("md/list/gap_cell.wgsl", include_str!("../md/list/gap_cell.wgsl")),
    ("md/list/half_neighbors.wgsl", include_str!("../md/list/half_neighbors.wgsl")),
    ("md/list/hilbert.wgsl", include_str!("../md/list/hilbert.wgsl")),
    ("md/list/lead_box.wgsl", include_str!("../md/list/lead_box.wgsl")),
    ("md/list/lead_cell.wgsl", include_str!("../md/list/lead_cell.wgsl")),
    ("md/list/list_rows.wgsl", include_str!("../md/list/list_rows.wgsl")),
    ("md/list/merge.wgsl", include_str!("../md/list/merge.wgsl")),
    ("md/list/order.wgsl", include_str!("../md/list/order.wgsl")),
    ("md/list/partners.wgsl", include_str!("../md/list/partners.wgsl")),
    ("md/list/predict.wgsl", include_str!("../md/list/predict.wgsl")),
    ("md/list/sort.wgsl", include_str!("../md/list/sort.wgsl")),
    ("md/list/square_cell.wgsl", include_str!("../md/list/square_cell.wgsl")),
    ("md/motion/brownian.wgsl", include_str!("../md/motion/brownian.wgsl")),
    ("md/motion/canonical.wgsl", include_str!("../md/motion/canonical.wgsl")),
    ("md/motion/constrain.wgsl", include_str!("../md/motion/constrain.wgsl")),
    ("md/motion/constrain_sets.wgsl", include_str!("../md/motion/constrain_sets.wgsl")),
    ("md/motion/constrain_velocities.wgsl", include_str!("../md/motion/constrain_velocities.wgsl")),
    ("md/motion/constrain_velocity_sets.wgsl", include_str!("../md/motion/constrain_velocity_sets.wgsl")),
    ("md/motion/constraint.wgsl", include_str!("../md/motion/constraint.wgsl")),
    ("md/motion/drift.wgsl", include_str!("../md/motion/drift.wgsl")),
    ("md/motion/kick.wgsl", include_str!("../md/motion/kick.wgsl")),
    ("md/motion/leapfrog.wgsl", include_str!("../md/motion/leapfrog.wgsl")),
    ("md/motion/middle.wgsl", include_str!("../md/motion/middle.wgsl")),
    ("md/motion/momentum_sum.wgsl", include_str!("../md/motion/momentum_sum.wgsl")),
    ("md/motion/move_atoms.wgsl", include_str!("../md/motion/move_atoms.wgsl")),
    ("md/motion/moved.wgsl", include_str!("../md/motion/moved.wgsl")),
    ("md/motion/place_sites.wgsl", include_str!("../md/motion/place_sites.wgsl")),
    ("md/motion/remove_momentum.wgsl", include_str!("../md/motion/remove_momentum.wgsl")),
    ("md/motion/reversible_verlet.wgsl", include_str!("../md/motion/reversible_verlet.wgsl")),
    ("md/motion/set.wgsl", include_str!("../md/motion/set.wgsl")),
    ("md/motion/site.wgsl", include_str!("../md/motion/site.wgsl")),
    ("md/motion/spread_site_forces.wgsl", include_str!("../md/motion/spread_site_forces.wgsl")),
    ("md/motion/thermostat.wgsl", include_str!("../md/motion/thermostat.wgsl")),
    ("md/motion/whole/alone.wgsl", include_str!("../md/motion/whole/alone.wgsl")),
    ("md/motion/whole/alone_noise.wgsl", include_str!("../md/motion/whole/alone_noise.wgsl")),
    ("md/motion/whole/centre.wgsl", include_str!("../md/motion/whole/centre.wgsl")),
    ("md/motion/whole/centre_none.wgsl", include_str!("../md/motion/whole/centre_none.wgsl")),
    ("md/motion/whole/group.wgsl", include_str!("../md/motion/whole/group.wgsl")),
    ("md/motion/whole/group_noise.wgsl", include_str!("../md/motion/whole/group_noise.wgsl")),
    ("md/motion/whole/noise.wgsl", include_str!("../md/motion/whole/noise.wgsl")),
    ("md/motion/whole/whole_brownian.wgsl", include_str!("../md/motion/whole/whole_brownian.wgsl")),
    ("md/motion/whole/whole_middle.wgsl", include_str!("../md/motion/whole/whole_middle.wgsl")),
    ("md/motion/whole/whole_verlet.wgsl", include_str!("../md/motion/whole/whole_verlet.wgsl")),
    ("md/motion/whole/whole_vrorv.wgsl", include_str!("../md/motion/whole/whole_vrorv.wgsl")),
    ("md/observe/box_size.wgsl", include_str!("../md/observe/box_size.wgsl")),
    ("md/observe/fixed64.wgsl", include_str!("../md/observe/fixed64.wgsl")),
    (
        "md/observe/fixed64_series.wgsl",
        include_str!("../md/observe/fixed64_series.wgsl"),
    ),
    ("md/observe/full_step.wgsl", include_str!("../md/observe/full_step.wgsl")),
    ("md/observe/kinetic.wgsl", include_str!("../md/observe/kinetic.wgsl")),
    ("md/observe/kinetic_energy.wgsl", include_str!("../md/observe/kinetic_energy.wgsl")),
    ("md/observe/sum.wgsl", include_str!("../md/observe/sum.wgsl")),
    ("md/observe/totals.wgsl", include_str!("../md/observe/totals.wgsl")),
    ("md/terms/angles/angle.wgsl", include_str!("../md/terms/angles/angle.wgsl")),
    ("md/terms/angles/angle_energies.wgsl", include_str!("../md/terms/angles/angle_energies.wgsl")),
    ("md/terms/angles/angle_forces.wgsl", include_str!("../md/terms/angles/angle_forces.wgsl")),
    ("md/terms/arc.wgsl", include_str!("../md/terms/arc.wgsl")),
    ("md/terms/bonds/bond.wgsl", include_str!("../md/terms/bonds/bond.wgsl")),
    ("md/terms/bonds/bond_energies.wgsl", include_str!("../md/terms/bonds/bond_energies.wgsl")),
    ("md/terms/bonds/bond_forces.wgsl", include_str!("../md/terms/bonds/bond_forces.wgsl")),
    ("md/terms/bonds/exact.wgsl", include_str!("../md/terms/bonds/exact.wgsl")),
    ("md/terms/bonds/exact_scaled.wgsl", include_str!("../md/terms/bonds/exact_scaled.wgsl")),
    ("md/terms/clear_sums.wgsl", include_str!("../md/terms/clear_sums.wgsl")),
    ("md/terms/cluster_pairs.wgsl", include_str!("../md/terms/cluster_pairs.wgsl")),
    ("md/terms/cluster_sum.wgsl", include_str!("../md/terms/cluster_sum.wgsl")),
    ("md/terms/cmap/cmap.wgsl", include_str!("../md/terms/cmap/cmap.wgsl")),
    ("md/terms/cmap/cmap_energies.wgsl", include_str!("../md/terms/cmap/cmap_energies.wgsl")),
    ("md/terms/cmap/cmap_forces.wgsl", include_str!("../md/terms/cmap/cmap_forces.wgsl")),
    ("md/terms/custom_pairs/custom_pair.wgsl", include_str!("../md/terms/custom_pairs/custom_pair.wgsl")),
    ("md/terms/custom_pairs/custom_pair_energies.wgsl", include_str!("../md/terms/custom_pairs/custom_pair_energies.wgsl")),
    ("md/terms/custom_pairs/custom_pair_forces.wgsl", include_str!("../md/terms/custom_pairs/custom_pair_forces.wgsl")),
    ("md/terms/custom_pairs/powers_force_switch.wgsl", include_str!("../md/terms/custom_pairs/powers_force_switch.wgsl")),
    ("md/terms/custom_pairs/powers_plain.wgsl", include_str!("../md/terms/custom_pairs/powers_plain.wgsl")),
    ("md/terms/energy_sum.wgsl", include_str!("../md/terms/energy_sum.wgsl")),
    ("md/terms/exceptions/exception.wgsl", include_str!("../md/terms/exceptions/exception.wgsl")),
    ("md/terms/exceptions/exception_energies.wgsl", include_str!("../md/terms/exceptions/exception_energies.wgsl")),
    ("md/terms/exceptions/exception_forces.wgsl", include_str!("../md/terms/exceptions/exception_forces.wgsl")),
    ("md/terms/force_round.wgsl", include_str!("../md/terms/force_round.wgsl")),
    ("md/terms/force_sums.wgsl", include_str!("../md/terms/force_sums.wgsl")),
    ("md/terms/gather_forces.wgsl", include_str!("../md/terms/gather_forces.wgsl")),
    ("md/terms/gb_obc/gb.wgsl", include_str!("../md/terms/gb_obc/gb.wgsl")),
    ("md/terms/gb_obc/gb_charge.wgsl", include_str!("../md/terms/gb_obc/gb_charge.wgsl")),
    ("md/terms/gb_obc/gb_descreen.wgsl", include_str!("../md/terms/gb_obc/gb_descreen.wgsl")),
    ("md/terms/gb_obc/gb_energies.wgsl", include_str!("../md/terms/gb_obc/gb_energies.wgsl")),
    ("md/terms/gb_obc/gb_forces.wgsl", include_str!("../md/terms/gb_obc/gb_forces.wgsl")),
    ("md/terms/gb_obc/gb_pairs.wgsl", include_str!("../md/terms/gb_obc/gb_pairs.wgsl")),
    ("md/terms/gb_obc/gb_radii.wgsl", include_str!("../md/terms/gb_obc/gb_radii.wgsl")),
    ("md/terms/nonbonded/coulomb_ewald.wgsl", include_str!("../md/terms/nonbonded/coulomb_ewald.wgsl")),
    ("md/terms/nonbonded/coulomb_field.wgsl", include_str!("../md/terms/nonbonded/coulomb_field.wgsl")),
    ("md/terms/nonbonded/lennard_jones_one.wgsl", include_str!("../md/terms/nonbonded/lennard_jones_one.wgsl")),
    ("md/terms/nonbonded/lennard_jones_table.wgsl", include_str!("../md/terms/nonbonded/lennard_jones_table.wgsl")),
    ("md/terms/nonbonded/pair.wgsl", include_str!("../md/terms/nonbonded/pair.wgsl")),
    ("md/terms/nonbonded/pair_energies.wgsl", include_str!("../md/terms/nonbonded/pair_energies.wgsl")),
    ("md/terms/nonbonded/pair_forces.wgsl", include_str!("../md/terms/nonbonded/pair_forces.wgsl")),
    ("md/terms/nonbonded/pair_lennard_jones.wgsl", include_str!("../md/terms/nonbonded/pair_lennard_jones.wgsl")),
    ("md/terms/nonbonded/switch_none.wgsl", include_str!("../md/terms/nonbonded/switch_none.wgsl")),
    ("md/terms/nonbonded/switch_quintic.wgsl", include_str!("../md/terms/nonbonded/switch_quintic.wgsl")),
    ("md/terms/pair_bonds/pair_bond.wgsl", include_str!("../md/terms/pair_bonds/pair_bond.wgsl")),
    ("md/terms/pair_bonds/pair_bond_energies.wgsl", include_str!("../md/terms/pair_bonds/pair_bond_energies.wgsl")),
    ("md/terms/pair_bonds/pair_bond_forces.wgsl", include_str!("../md/terms/pair_bonds/pair_bond_forces.wgsl")),
    ("md/terms/pme/fft.wgsl", include_str!("../md/terms/pme/fft.wgsl")),
    ("md/terms/pme/fft_factors.wgsl", include_str!("../md/terms/pme/fft_factors.wgsl")),
    ("md/terms/pme/pme_convolve.wgsl", include_str!("../md/terms/pme/pme_convolve.wgsl")),
    ("md/terms/pme/pme_energies.wgsl", include_str!("../md/terms/pme/pme_energies.wgsl")),
    ("md/terms/pme/pme_force.wgsl", include_str!("../md/terms/pme/pme_force.wgsl")),
    ("md/terms/pme/pme_force_scaled.wgsl", include_str!("../md/terms/pme/pme_force_scaled.wgsl")),
    ("md/terms/pme/pme_forward_z.wgsl", include_str!("../md/terms/pme/pme_forward_z.wgsl")),
    ("md/terms/pme/pme_gather.wgsl", include_str!("../md/terms/pme/pme_gather.wgsl")),
    ("md/terms/pme/pme_influence.wgsl", include_str!("../md/terms/pme/pme_influence.wgsl")),
    ("md/terms/pme/pme_influence_box.wgsl", include_str!("../md/terms/pme/pme_influence_box.wgsl")),
    ("md/terms/pme/pme_influence_scaled.wgsl", include_str!("../md/terms/pme/pme_influence_scaled.wgsl")),
    ("md/terms/pme/pme_inverse_z.wgsl", include_str!("../md/terms/pme/pme_inverse_z.wgsl")),
    ("md/terms/pme/pme_spline.wgsl", include_str!("../md/terms/pme/pme_spline.wgsl")),
    ("md/terms/pme/pme_spread.wgsl", include_str!("../md/terms/pme/pme_spread.wgsl")),
    ("md/terms/pme/pme_transform_y.wgsl", include_str!("../md/terms/pme/pme_transform_y.wgsl")),
    ("md/terms/reciprocal_none.wgsl", include_str!("../md/terms/reciprocal_none.wgsl")),
    ("md/terms/restraints/restraint.wgsl", include_str!("../md/terms/restraints/restraint.wgsl")),
    ("md/terms/restraints/restraint_energies.wgsl", include_str!("../md/terms/restraints/restraint_energies.wgsl")),
    ("md/terms/restraints/restraint_forces.wgsl", include_str!("../md/terms/restraints/restraint_forces.wgsl")),
    ("md/terms/slot_force_sums.wgsl", include_str!("../md/terms/slot_force_sums.wgsl")),
    ("md/terms/slot_sums.wgsl", include_str!("../md/terms/slot_sums.wgsl")),
    ("md/terms/slot_sums_none.wgsl", include_str!("../md/terms/slot_sums_none.wgsl")),
    ("md/terms/sum_forces.wgsl", include_str!("../md/terms/sum_forces.wgsl")),
    ("md/terms/sum_slot_forces.wgsl", include_str!("../md/terms/sum_slot_forces.wgsl")),
    ("md/terms/torsions/harmonic_torsion.wgsl", include_str!("../md/terms/torsions/harmonic_torsion.wgsl")),
    ("md/terms/torsions/periodic_torsion.wgsl", include_str!("../md/terms/torsions/periodic_torsion.wgsl")),
    ("md/terms/torsions/rb_torsion.wgsl", include_str!("../md/terms/torsions/rb_torsion.wgsl")),
    ("md/terms/torsions/torsion.wgsl", include_str!("../md/terms/torsions/torsion.wgsl")),
    ("md/terms/torsions/torsion_add.wgsl", include_str!("../md/terms/torsions/torsion_add.wgsl")),
    ("md/terms/torsions/torsion_energies.wgsl", include_str!("../md/terms/torsions/torsion_energies.wgsl")),
    ("md/terms/torsions/torsion_forces.wgsl", include_str!("../md/terms/torsions/torsion_forces.wgsl")),
    ("md/terms/volume_energy.wgsl", include_str!("../md/terms/volume_energy.wgsl")),
    ("pieces/histogram.wgsl", include_str!("../pieces/histogram.wgsl")),
    ("pieces/maximum.wgsl", include_str!("../pieces/maximum.wgsl")),
    ("pieces/minimum.wgsl", include_str!("../pieces/minimum.wgsl")),
    ("pieces/sum.wgsl", include_str!("../pieces/sum.wgsl")),
    ("pieces/sum_i32.wgsl", include_str!("../pieces/sum_i32.wgsl")),
    ("probe/arithmetic.wgsl", include_str!("../probe/arithmetic.wgsl")),
    ("probe/barriers.wgsl", include_str!("../probe/barriers.wgsl")),
    ("probe/bounds.wgsl", include_str!("../probe/bounds.wgsl")),
    ("probe/contention.wgsl", include_str!("../probe/contention.wgsl")),
    ("probe/contraction.wgsl", include_str!("../probe/contraction.wgsl")),
    ("probe/conversions.wgsl", include_str!("../probe/conversions.wgsl")),
    ("probe/exceptional.wgsl", include_str!("../probe/exceptional.wgsl")),
    ("probe/folding.wgsl", include_str!("../probe/folding.wgsl")),
    ("probe/functions.wgsl", include_str!("../probe/functions.wgsl")),
    ("probe/integers.wgsl", include_str!("../probe/integers.wgsl")),
    ("probe/library.wgsl", include_str!("../probe/library.wgsl")),
    ("probe/loops.wgsl", include_str!("../probe/loops.wgsl")),
    ("probe/rounding.wgsl", include_str!("../probe/rounding.wgsl")),
    ("probe/subnormals.wgsl", include_str!("../probe/subnormals.wgsl")),
    ("random/gaussian.wgsl", include_str!("../random/gaussian.wgsl")),
    ("random/threefry.wgsl", include_str!("../random/threefry.wgsl")),
    ("strict/arc.wgsl", include_str!("../strict/arc.wgsl")),
    ("strict/canonical.wgsl", include_str!("../strict/canonical.wgsl")),
    ("strict/convert.wgsl", include_str!("../strict/convert.wgsl")),
    ("strict/divide.wgsl", include_str!("../strict/divide.wgsl")),
    ("strict/exp.wgsl", include_str!("../strict/exp.wgsl")),
    ("strict/hyperbolic.wgsl", include_str!("../strict/hyperbolic.wgsl")),
    ("strict/log.wgsl", include_str!("../strict/log.wgsl")),
    ("strict/native.wgsl", include_str!("../strict/native.wgsl")),
    ("strict/parts.wgsl", include_str!("../strict/parts.wgsl")),
    ("strict/pow.wgsl", include_str!("../strict/pow.wgsl")),
    ("strict/round.wgsl", include_str!("../strict/round.wgsl")),
    ("strict/sqrt.wgsl", include_str!("../strict/sqrt.wgsl")),
    ("strict/trigonometric.wgsl", include_str!("../strict/trigonometric.wgsl")),
];

/// The exact library's functions: name, the WGSL operation that it stands for, and its arguments' types. Each gives one f32, but for
/// conversions. What every one defines, and its worst error: the header of its file, and `docs/strict-library.md`.
pub const STRICT: &[(&str, &str, &[&str])] = &[
    ("strict_acos", "acos", &["f32"]),
    ("strict_acosh", "acosh", &["f32"]),
    ("strict_asin", "asin", &["f32"]),
    ("strict_asinh", "asinh", &["f32"]),
    ("strict_atan", "atan", &["f32"]),
    ("strict_atan2", "atan2", &["f32", "f32"]),
    ("strict_atanh", "atanh", &["f32"]),
    ("strict_canonical", "canonical", &["f32"]),
    ("strict_ceil", "ceil", &["f32"]),
    ("strict_cos", "cos", &["f32"]),
    ("strict_cosh", "cosh", &["f32"]),
    ("strict_divide", "/", &["f32", "f32"]),
    ("strict_exp", "exp", &["f32"]),
    ("strict_exp2", "exp2", &["f32"]),
    ("strict_floor", "floor", &["f32"]),
    ("strict_fract", "fract", &["f32"]),
    ("strict_inverse_sqrt", "inverseSqrt", &["f32"]),
    ("strict_ldexp", "ldexp", &["f32", "i32"]),
    ("strict_log", "log", &["f32"]),
    ("strict_log2", "log2", &["f32"]),
    ("strict_pow", "pow", &["f32", "f32"]),
    ("strict_quantize", "quantizeToF16", &["f32"]),
    ("strict_reciprocal", "1 /", &["f32"]),
    ("strict_round", "round", &["f32"]),
    ("strict_sin", "sin", &["f32"]),
    ("strict_sinh", "sinh", &["f32"]),
    ("strict_sqrt", "sqrt", &["f32"]),
    ("strict_tan", "tan", &["f32"]),
    ("strict_tanh", "tanh", &["f32"]),
    ("strict_trunc", "trunc", &["f32"]),
];

/// Ready-made pieces that a package may name as if they lay in its folder, and the file of each. What each does, and its bindings: the head of its file, and
/// `docs/kernel-package.md`. A package's digest covers their text, so a piece that was released stays as it is: a better one has another name.
pub const PIECES: &[(&str, &str)] = &[
    ("baton/fixed64.wgsl", "md/observe/fixed64.wgsl"),
    ("baton/histogram.wgsl", "pieces/histogram.wgsl"),
    ("baton/maximum.wgsl", "pieces/maximum.wgsl"),
    ("baton/minimum.wgsl", "pieces/minimum.wgsl"),
    ("baton/sum.wgsl", "pieces/sum.wgsl"),
    ("baton/sum_i32.wgsl", "pieces/sum_i32.wgsl"),
    ("baton/threefry.wgsl", "random/threefry.wgsl"),
];

/// The text of a ready-made piece; none where there is none of this name.
pub fn piece(name: &str) -> Option<&'static str> {
    PIECES.iter().find(|(known, _)| *known == name).map(|(_, path)| text(path))
}

/// The whole exact library as one WGSL text, to be joined with a kernel that calls its functions by name.
pub fn strict_library() -> String {
    let files = FILES.iter().filter(|(path, _)| path.starts_with("strict/"));
    files.map(|(_, text)| *text).collect::<Vec<_>>().join("\n")
}

/// The text of a file, by its path below `shaders/`.
///
/// # Panics
/// There is no such file: paths are the program's own, never a user's.
pub fn text(path: &str) -> &'static str {
    let file = FILES.iter().find(|(name, _)| *name == path);
    file.unwrap_or_else(|| panic!("no WGSL file '{path}' in the table of the shaders crate"))
        .1
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// WGSL files in a folder and the folders below it.
    fn wgsl_files(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        let paths = entries.map(|entry| entry.path());
        paths
            .map(|path| {
                if path.is_dir() {
                    wgsl_files(&path)
                } else {
                    usize::from(path.extension().is_some_and(|end| end == "wgsl"))
                }
            })
            .sum()
    }

    #[test]
    fn every_piece_is_there_under_its_own_name() {
        assert!(super::PIECES.is_sorted_by(|a, b| a.0 < b.0));
        for (name, path) in super::PIECES {
            assert_eq!(super::piece(name), Some(super::text(path)));
            assert_eq!(name.rsplit('/').next(), path.rsplit('/').next(), "{name}");
        }
        assert_eq!(super::piece("threefry.wgsl"), None);
    }

    #[test]
    fn the_table_is_sorted_and_holds_every_file() {
        assert!(
            super::FILES.is_sorted_by(|a, b| a.0 < b.0),
            "files are in alphabetical order, each once"
        );
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let on_disk = wgsl_files(root);
        assert_eq!(super::FILES.len(), on_disk, "a WGSL file is missing in the table");
    }
}
