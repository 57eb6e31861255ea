//! The package of a system: which buffers, which passes, what is kept.
//!
//! A step is: check → sort, merge… (when the atoms are sorted again) → predict, order, candidates, partners, neighbors (when the list is built again) → forces →
//! energies (at observed steps) → integrate. The passes in brackets are always dispatched, with no workgroups when not needed.

use std::collections::BTreeMap;

use protocol::Tier;

use super::list::order::CLUSTER;
use super::list::sizes::{ONE, SORT_BLOCK, Sizes};
use super::terms::lennard_jones::pairs::{self, Pair};
use super::{AtomType, BAR_PER_KJ_MOL_NM3, FAULTS, GAS_CONSTANT, LennardJonesSystem, MdError, SORT_PERIOD, check};
use crate::package::Package;
use crate::package::manifest::{
    Buffer, Column, Count, Element, Evaluate, Indirect, Layout, Manifest, Number, Output, Pass, Read, Role, Run, Underflow,
};

impl LennardJonesSystem {
    /// The system as a kernel package.
    ///
    /// # Errors
    /// The system is not one that can be run; see [`check`].
    pub fn package(&self) -> Result<Package, MdError> {
        check::system(self)?;
        let sizes = Sizes::of(self);
        let files = self.passes(&sizes).into_iter().flat_map(|pass| pass.shader);
        let shaders = files.map(|file| {
            let text = shader_text(&file).to_owned();
            (file, text)
        });
        Ok(Package::new(self.manifest(&sizes), shaders.collect(), self.init(&sizes))?)
    }

    fn manifest(&self, sizes: &Sizes) -> Manifest {
        Manifest {
            format: 1,
            name: self.name.clone(),
            version: "1".into(),
            description: self.description.clone(),
            tier: Tier::Portable,
            run: Run {
                steps_per_segment: self.plan.steps_per_segment,
                segments: self.plan.segments,
                time_per_step: Some(self.dt_ps),
                time_unit: Some("ps".into()),
            },
            constants: self.constants(sizes),
            buffers: self.buffers(sizes),
            passes: self.passes(sizes),
            outputs: self.outputs(sizes),
            faults: FAULTS
                .iter()
                .map(|(value, text)| (value.to_string(), (*text).to_owned()))
                .collect(),
            evaluate: Some(Evaluate {
                until: "totals".into(),
                energies: BTreeMap::from([("NonbondedForce".into(), "potential".into())]),
                forces: "forces".into(),
            }),
        }
    }

    fn constants(&self, sizes: &Sizes) -> BTreeMap<String, Number> {
        let integers = [
            ("atoms", sizes.atoms),
            ("clusters", sizes.clusters),
            ("slots", sizes.clusters * CLUSTER as u64),
            ("groups_8", sizes.groups_8),
            ("groups_64", sizes.groups_64),
            ("boxes_count", sizes.clusters + sizes.groups_8 + sizes.groups_64),
            ("padded", sizes.padded),
            ("neighbors_max", sizes.neighbors_max),
            ("list_length", 8 * sizes.groups_8 * sizes.neighbors_max),
            ("sort_groups", sizes.padded / SORT_BLOCK),
            ("merge_groups", sizes.padded / 256),
            ("predict_groups", sizes.atoms.div_ceil(64)),
            ("order_groups", sizes.groups_64),
            ("candidate_groups", sizes.groups_8.div_ceil(32)),
            ("partner_groups", sizes.groups_64),
            ("neighbor_groups", sizes.clusters.div_ceil(16)),
            ("candidates_max", sizes.candidates_max()),
            ("candidates_length", sizes.candidates_max() * sizes.groups_8),
            ("partners_length", sizes.candidates_max().div_ceil(32) * sizes.clusters),
            ("hits_max", sizes.hits_max()),
            ("hits_length", sizes.hits_max() * sizes.clusters * CLUSTER as u64),
            ("pair_groups", sizes.groups_64),
            ("kinetic_groups", sizes.atoms.div_ceil(64)),
            ("sort_period", SORT_PERIOD),
            ("pair_mask", (1 << sizes.unit.shift) - 1),
            ("types_count", self.types.len() as u64),
            ("type_pairs", (self.types.len() * self.types.len()) as u64),
        ];
        let [x, y, z] = sizes.edges_nm;
        let one = Pair::mix(&self.types[0], &self.types[0]);
        let unit = &sizes.unit;
        let [force_c6, force_c12] = unit.force(&one);
        let [energy_c6, energy_c12] = unit.energy(&one);
        let floats = [
            ("scale_x", x / ONE),
            ("scale_y", y / ONE),
            ("scale_z", z / ONE),
            ("drift_x", self.dt_ps * ONE / x),
            ("drift_y", self.dt_ps * ONE / y),
            ("drift_z", self.dt_ps * ONE / z),
            ("cutoff2", self.cutoff_nm.powi(2)),
            ("cutoff2_units", (self.cutoff_nm / unit.small_nm).powi(2)),
            ("pair_scale", (unit.large_nm / unit.small_nm).powi(2)),
            // A hair wider, and a hair sooner, than exact arithmetic asks, so that f32 cannot lose a pair.
            ("reach2", (self.cutoff_nm + self.skin_nm).powi(2) * (1.0 + 1e-5)),
            ("near2", (self.near_nm() + self.skin_nm).powi(2)),
            ("moved2", (0.5 * self.skin_nm).powi(2) * (1.0 - 1e-5)),
            ("lead", self.lead_steps()),
            ("push", 0.75 * (self.lead_steps() + 1.0)),
            ("lead2", (0.5 * self.skin_nm).powi(2) * 0.95),
            ("force_c6", force_c6),
            ("force_c12", force_c12),
            ("energy_c6", energy_c6),
            ("energy_c12", energy_c12),
            ("energy_cutoff", one.energy(self.cutoff_nm.powi(2))),
        ];
        let integers = integers.map(|(name, value)| (name, Number::Integer(value.cast_signed())));
        let floats = floats.map(|(name, value)| (name, Number::Float(value)));
        integers
            .into_iter()
            .chain(floats)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn buffers(&self, sizes: &Sizes) -> Vec<Buffer> {
        let state = |name, element| Buffer {
            layout: Layout::Vec4,
            init: npy(name),
            ..buffer(name, element, &["atoms", "3"], Role::State)
        };
        let constant = |name, element, shape| Buffer {
            init: npy(name),
            ..buffer(name, element, shape, Role::Constant)
        };
        let scratch = |name, element, shape| buffer(name, element, shape, Role::Scratch);
        let observable = |name, element, shape| buffer(name, element, shape, Role::Observable);
        let mut buffers = vec![
            Buffer {
                scale: Some(sizes.edges_nm.map(|edge| edge / ONE).to_vec()),
                unit: Some("nm".into()),
                ..state("positions", Element::U32)
            },
            Buffer {
                unit: Some("nm/ps".into()),
                ..state("velocities", Element::F32)
            },
            constant("types", Element::U32, &["atoms"]),
            constant("kinds", Element::F32, &["types_count", "2"]),
        ];
        if self.types.len() > 1 {
            buffers.push(constant("force_table", Element::F32, &["type_pairs", "2"]));
            buffers.push(constant("energy_table", Element::F32, &["type_pairs", "4"]));
        }
        buffers.extend([
            scratch("schedule", Element::U32, &["25"]),
            scratch("runs_a", Element::U32, &["padded", "2"]),
            scratch("runs_b", Element::U32, &["padded", "2"]),
            scratch("ahead", Element::U32, &["atoms", "4"]),
            scratch("sorted", Element::U32, &["slots", "4"]),
            scratch("origin", Element::U32, &["slots", "4"]),
            scratch("boxes", Element::U32, &["boxes_count", "4"]),
            scratch("halves", Element::F32, &["boxes_count", "4"]),
            scratch("candidates", Element::U32, &["candidates_length"]),
            scratch("candidate_counts", Element::U32, &["groups_8"]),
            scratch("partners", Element::U32, &["partners_length"]),
            scratch("hits", Element::U32, &["hits_length"]),
            scratch("list", Element::U32, &["list_length"]),
            scratch("counts", Element::U32, &["clusters", "2"]),
            scratch("pair_sums", Element::U32, &["pair_groups", "6"]),
            scratch("kinetic_sums", Element::U32, &["kinetic_groups", "2"]),
            Buffer {
                layout: Layout::Vec4,
                unit: Some("kJ/mol/nm".into()),
                ..observable("forces", Element::F32, &["atoms", "3"])
            },
            observable("energies", Element::U32, &["12"]),
            observable("fault", Element::U32, &["1"]),
        ]);
        if sizes.merge_widths().is_empty() {
            buffers.retain(|buffer| buffer.name != "runs_b");
        }
        buffers
    }

    fn passes(&self, sizes: &Sizes) -> Vec<Pass> {
        let one = self.types.len() == 1;
        let runs = |index: usize| if index.is_multiple_of(2) { "runs_a" } else { "runs_b" };
        let merges = sizes.merge_widths();
        let mut passes = vec![
            direct("check", &["check.wgsl"], Size::Groups("1")),
            indirect("sort", &["hilbert.wgsl", "sort.wgsl"], 0, &[("runs_out", runs(0))]),
        ];
        for (index, width) in merges.iter().enumerate() {
            let bindings = [("runs_in", runs(index)), ("runs_out", runs(index + 1))];
            let pass = indirect("merge", &["merge.wgsl"], 3, &bindings);
            let constants = BTreeMap::from([("width".into(), Number::Integer(width.cast_signed()))]);
            let name = format!("merge_{width}");
            passes.push(Pass { name, constants, ..pass });
        }
        passes.extend([
            indirect("predict", &["canonical.wgsl", "predict.wgsl"], 6, &[]),
            indirect("order", &["box.wgsl", "order.wgsl"], 9, &[("runs_in", runs(merges.len()))]),
            indirect(
                "candidates",
                &["box.wgsl", "candidates.wgsl"],
                12,
                &[("candidates_out", "candidates")],
            ),
            indirect(
                "partners",
                &["box.wgsl", "partners.wgsl"],
                15,
                &[("partners_out", "partners")],
            ),
            indirect("neighbors", &["list.wgsl", sizes.unit.file, "neighbors.wgsl"], 18, &[]),
            direct(
                "forces",
                &[
                    "list.wgsl",
                    sizes.unit.file,
                    if one { "lj_force_one.wgsl" } else { "lj_force_table.wgsl" },
                    "lj_forces.wgsl",
                ],
                Size::Invocations("clusters"),
            ),
        ]);
        let observed = [
            direct(
                "energies",
                &[
                    "list.wgsl",
                    sizes.unit.file,
                    "fixed64.wgsl",
                    if one { "lj_energy_one.wgsl" } else { "lj_energy_table.wgsl" },
                    "lj_energies.wgsl",
                ],
                Size::Invocations("clusters"),
            ),
            direct(
                "kinetic",
                &["fixed64.wgsl", "canonical.wgsl", "kinetic.wgsl"],
                Size::Invocations("atoms"),
            ),
            direct("totals", &["fixed64.wgsl", "totals.wgsl"], Size::Groups("1")),
        ];
        let every = self.plan.energies_every;
        passes.extend(observed.map(|pass| Pass { every, ..pass }));
        passes.push(direct(
            "integrate",
            &["canonical.wgsl", "integrate.wgsl"],
            Size::Invocations("atoms"),
        ));
        passes
    }

    fn outputs(&self, sizes: &Sizes) -> Vec<Output> {
        let degrees_of_freedom = 3.0 * sizes.atoms as f64;
        let volume: f64 = sizes.edges_nm.iter().product();
        let column = |name: &str, unit: &str, index: u64, scale: f64| Column {
            name: name.into(),
            unit: Some(unit.into()),
            element: 2 * index,
            read: Read::I64,
            scale: scale / ONE,
            add: 0.0,
        };
        vec![
            Output {
                name: "energies".into(),
                buffer: "energies".into(),
                every: self.plan.energies_every,
                after: Some("totals".into()),
                columns: vec![
                    column("potential", "kJ/mol", 0, 1.0),
                    column("kinetic", "kJ/mol", 1, 1.0),
                    column("total", "kJ/mol", 3, 1.0),
                    column("conserved", "kJ/mol", 4, 1.0),
                    column("temperature", "K", 1, 2.0 / (degrees_of_freedom * GAS_CONSTANT)),
                    column("virial", "kJ/mol", 2, 1.0),
                    column("pressure", "bar", 5, BAR_PER_KJ_MOL_NM3 / (3.0 * volume)),
                ],
            },
            Output {
                name: "positions".into(),
                buffer: "positions".into(),
                every: self.plan.positions_every,
                // Before the step moves them: a frame and a row of the same step belong together.
                after: Some("check".into()),
                columns: Vec::new(),
            },
        ]
    }

    fn init(&self, sizes: &Sizes) -> BTreeMap<String, Vec<u8>> {
        let words = |words: &mut dyn Iterator<Item = u32>| words.flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
        let floats = |floats: &mut dyn Iterator<Item = f64>| words(&mut floats.map(|x| (x as f32).to_bits()));
        let mut init = BTreeMap::from([
            ("positions".to_owned(), words(&mut sizes.positions.iter().flatten().copied())),
            (
                "velocities".to_owned(),
                floats(&mut self.velocities_nm_ps.iter().flatten().copied()),
            ),
            ("types".to_owned(), words(&mut self.type_of.iter().copied())),
            (
                "kinds".to_owned(),
                floats(
                    &mut self
                        .types
                        .iter()
                        .flat_map(|kind: &AtomType| [self.dt_ps / kind.mass_u, kind.mass_u]),
                ),
            ),
        ]);
        if self.types.len() > 1 {
            let table = pairs::table(&self.types);
            let cutoff2 = self.cutoff_nm.powi(2);
            let unit = &sizes.unit;
            let energies = |pair: &Pair| {
                let [c6, c12] = unit.energy(pair);
                [c6, c12, pair.energy(cutoff2), 0.0]
            };
            init.insert(
                "force_table".into(),
                floats(&mut table.iter().flat_map(|pair| unit.force(pair))),
            );
            init.insert("energy_table".into(), floats(&mut table.iter().flat_map(energies)));
        }
        init
    }
}

/// Text of a file somewhere below `shaders/md`, by its own name: what a package calls it.
fn shader_text(name: &str) -> &'static str {
    let is_it = |path: &str| path.strip_prefix("md/").and_then(|path| path.rsplit('/').next()) == Some(name);
    let file = shaders::FILES.iter().find(|(path, _)| is_it(path));
    file.expect("passes name files of the shaders crate").1
}

fn npy(name: &str) -> Option<String> {
    Some(format!("{name}.npy"))
}

/// Extents are numbers or names of constants.
fn count(text: &str) -> Count {
    text.parse().map_or_else(|_| Count::Name(text.into()), Count::Value)
}

fn buffer(name: &str, element: Element, shape: &[&str], role: Role) -> Buffer {
    Buffer {
        name: name.into(),
        element,
        shape: shape.iter().map(|extent| count(extent)).collect(),
        role,
        layout: Layout::Packed,
        init: None,
        fill: None,
        scale: None,
        unit: None,
    }
}

enum Size {
    Groups(&'static str),
    Invocations(&'static str),
}

fn direct(name: &str, files: &[&str], size: Size) -> Pass {
    let (invocations, workgroups) = match size {
        Size::Groups(groups) => (None, Some(vec![count(groups)])),
        Size::Invocations(invocations) => (Some(vec![count(invocations)]), None),
    };
    Pass {
        name: name.into(),
        shader: files.iter().map(|file| (*file).to_owned()).collect(),
        entry: None,
        invocations,
        workgroups,
        indirect: None,
        every: 1,
        offset: 0,
        bindings: BTreeMap::new(),
        constants: BTreeMap::new(),
        // Written in exact form, with `canonical` where velocities and forces meet: a test looks in checked mode.
        underflow: Underflow::Checked,
    }
}

fn indirect(name: &str, files: &[&str], element: u64, bindings: &[(&str, &str)]) -> Pass {
    let bindings = bindings
        .iter()
        .map(|(variable, buffer)| ((*variable).to_owned(), (*buffer).to_owned()));
    let indirect = Some(Indirect {
        buffer: "schedule".into(),
        element,
    });
    Pass {
        workgroups: None,
        indirect,
        bindings: bindings.collect(),
        ..direct(name, files, Size::Groups("1"))
    }
}
