//! The reciprocal sum as a part of a package.

use super::driver::Pme;
use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::system::ForceClass;
use crate::package::manifest::{Element, Number};

/// Names of axes in buffers and constants.
const AXES: [&str; 3] = ["x", "y", "z"];

/// What fault 9 means.
const FAULT: &str = "the PME grid holds 16 elementary charges or more at a point: charged particles lie on each other; minimise the energy of the starting state, or use a smaller time step";

/// The term.
#[derive(Clone, Copy, Debug)]
pub struct Reciprocal<'a> {
    /// Splitting and grid.
    pub pme: &'a Pme,
    /// Charges of all particles, e.
    pub charges_e: &'a [f64],
}

impl Part for Reciprocal<'_> {
    fn contribute(&self, draft: &mut Draft) {
        let charges = match Pme::charges(self.charges_e) {
            Ok(charges) => charges,
            Err(error) => return draft.refuse(error),
        };
        draft.integer_forces();
        draft.fault(9, FAULT);
        self.tables(draft, charges);
        self.kernels(draft);
        let energies = [
            "md/observe/fixed64.wgsl",
            "md/terms/energy_sum.wgsl",
            "md/terms/pme/pme_spline.wgsl",
            "md/terms/pme/pme_energies.wgsl",
        ];
        let groups = draft.kernel(Phase::Observe, Kernel::new("pme_energies", &energies).over("atoms"));
        let [energy] = draft.sums("pme_sums", groups, ["reciprocal"]);
        draft.energy(Energy::of(ForceClass::Nonbonded.name(), energy));
        let [own, background] = [
            self.pme.self_energy(self.charges_e),
            self.pme.background_energy(self.charges_e),
        ];
        if draft.is_box_moving() {
            draft.constant_energy(ForceClass::Nonbonded.name(), own);
            draft.volume_energy(ForceClass::Nonbonded.name(), background);
        } else {
            draft.constant_energy(ForceClass::Nonbonded.name(), own + background);
        }
    }
}

impl Reciprocal<'_> {
    fn tables(&self, draft: &mut Draft, charges: Vec<f64>) {
        for (name, value) in self.pme.integers().into_iter().chain(self.pme.workgroups()) {
            draft.integer(name, value);
        }
        for (name, value) in self.pme.floats() {
            draft.float(name, value);
        }
        draft.constant_f32("pme_charges", &["atoms"], charges);
        match self.axes(draft) {
            Some(axes) => draft.constant_f32("pme_axes", &[&(axes.len() / 2).to_string(), "2"], axes),
            None => {
                let moduli = self.pme.moduli();
                draft.constant_f32("pme_moduli", &[&moduli.len().to_string()], moduli);
            }
        }
        for (axis, plan) in AXES.into_iter().zip(self.pme.plans()) {
            let roots = plan.roots();
            let rows = roots.len().to_string();
            let roots = roots.into_iter().flatten().map(f64::from);
            draft.constant_f32(&format!("fft_roots_{axis}"), &[&rows, "2"], roots);
        }
        draft.scratch("pme_grid", Element::I32, &["pme_grid_points"]);
        draft.scratch("pme_waves", Element::F32, &["pme_waves_count"]);
        draft.scratch("pme_potential", Element::F32, &["pme_grid_points"]);
    }

    fn kernels(&self, draft: &mut Draft) {
        let spread = ["md/terms/pme/pme_spline.wgsl", "md/terms/pme/pme_spread.wgsl"];
        draft.kernel(
            Phase::Forces,
            Kernel::new("pme_spread", &spread).over("atoms").feeds_energies(),
        );
        let [factors, fft] = ["md/terms/pme/fft_factors.wgsl", "md/terms/pme/fft.wgsl"];
        let influence = if self.axes(draft).is_some() {
            vec![factors, fft, "md/terms/pme/pme_influence_box.wgsl"]
        } else if draft.is_box_moving() {
            vec![draft.cell_file(), factors, fft, "md/terms/pme/pme_influence_scaled.wgsl"]
        } else {
            vec![draft.cell_file(), factors, fft, "md/terms/pme/pme_influence.wgsl"]
        };
        let convolve = [influence.as_slice(), &["md/terms/pme/pme_convolve.wgsl"]].concat();
        let of = |name, last| Kernel::new(name, &[factors, fft, last]);
        let along_y =
            |name, backwards| of(name, "md/terms/pme/pme_transform_y.wgsl").set("fft_backwards", Number::Bool(backwards));
        let kernels = [
            (of("pme_forward_z", "md/terms/pme/pme_forward_z.wgsl"), 2),
            (along_y("pme_forward_y", false), 1),
            (Kernel::new("pme_convolve", &convolve), 0),
            (along_y("pme_inverse_y", true), 1),
            (of("pme_inverse_z", "md/terms/pme/pme_inverse_z.wgsl"), 2),
        ];
        for (kernel, axis) in kernels {
            draft.kernel(Phase::Forces, self.transform(kernel, axis).feeds_energies());
        }
        let force = match draft.is_box_moving() {
            true => "md/terms/pme/pme_force_scaled.wgsl",
            false => "md/terms/pme/pme_force.wgsl",
        };
        let files = [
            draft.cell_file(),
            "md/terms/force_round.wgsl",
            "md/terms/pme/pme_spline.wgsl",
            "md/terms/pme/pme_gather.wgsl",
            force,
        ];
        draft.reciprocal_force(&files);
    }

    /// The influence function by axes, where the box allows that and stays as it is.
    fn axes(&self, draft: &Draft) -> Option<Vec<f64>> {
        self.pme.axes().filter(|_| !draft.is_box_moving())
    }

    /// A kernel with the plan of an axis.
    fn transform(&self, kernel: Kernel, axis: usize) -> Kernel {
        let (plan, name) = (&self.pme.plans()[axis], AXES[axis]);
        let kernel = kernel
            .workgroups(&format!("pme_groups_{name}"))
            .bind("fft_roots", &format!("fft_roots_{name}"));
        plan.constants()
            .into_iter()
            .fold(kernel, |kernel, (name, value)| kernel.set(name, value))
    }
}
