//! A box whose size is part of the state: one number that all its vectors are multiplied by.
//!
//! Invariant: the list is built in the box as it was at the start, whatever the box is now; only how far its atoms may move depends on the size
//! (`follow_scaled.wgsl`). Everything else takes the box from `md/cell_scaled.wgsl`.

use super::{Draft, Element, Energy, Kernel, Phase, Scheduled, floats};
use crate::package::manifest::Number;

/// The state buffer of one f32 that holds the box's size, in units of its size at the start.
pub const BOX_SCALE: &str = "box_scale";

impl Draft {
    /// The box's size is part of the state. To be said before parts are added.
    pub fn move_box(&mut self) {
        self.moving_box = true;
        self.without_pressure();
        self.state(BOX_SCALE, Element::F32, &["1"], floats([1.0]));
        let mut buffers = self.buffers.iter_mut();
        if let Some(positions) = buffers.find(|buffer| buffer.name == "positions") {
            positions.scale_by = Some(BOX_SCALE.into());
        }
    }

    /// Whether the box's size is part of the state.
    pub fn is_box_moving(&self) -> bool {
        self.moving_box
    }

    /// An energy of a force class that goes by the inverse volume of the box, kJ/mol in the box at the start: a constant where the box is one.
    pub fn volume_energy(&mut self, class: &'static str, kj_mol: f64) {
        if !self.moving_box {
            return self.constant_energy(class, kj_mol);
        }
        if kj_mol == 0.0 {
            return;
        }
        let number = self
            .scheduled
            .iter()
            .filter(|one| one.kernel.name().starts_with("volume_energy"))
            .count();
        let buffer = format!("volume_sums_{number}");
        let files = ["md/observe/fixed64.wgsl", "md/terms/volume_energy.wgsl"];
        let kernel = Kernel::new(&format!("volume_energy_{number}"), &files).bind("volume_sums", &buffer);
        let groups = self.kernel(Phase::Observe, kernel.set("volume_energy_0", Number::Float(kj_mol)));
        let [energy] = self.sums(&buffer, groups, ["volume"]);
        self.energy(Energy::of(class, energy));
    }

    /// Kernels that were scheduled in other phases, once more in [`Phase::Begin`], every so many steps: the list, made good for where atoms are now.
    pub fn list_again(&mut self, suffix: &str, steps: [u64; 2]) {
        let again = self.copies(suffix, steps, |one| one.phase == Phase::List);
        self.scheduled.extend(again);
    }

    /// The list's copy of the positions, once more.
    pub fn follow_again(&mut self, suffix: &str, steps: [u64; 2]) {
        let again = self.copies(suffix, steps, |one| one.phase == Phase::After);
        self.scheduled.extend(again);
    }

    /// All energies that were scheduled until now, with what they rest on. Faults go to a buffer of another name where one is given.
    pub fn energies_again(&mut self, suffix: &str, steps: [u64; 2], fault: Option<&str>) {
        let before = |one: &Scheduled| one.phase < Phase::Observe && one.kernel.is_needed_for_energies();
        let mut again = self.copies(suffix, steps, before);
        again.extend(self.copies(suffix, steps, |one| one.phase == Phase::Observe));
        if let Some(buffer) = fault {
            for one in again.iter_mut().filter(|one| one.kernel.declares("fault")) {
                one.kernel = one.kernel.clone().bind("fault", buffer);
            }
        }
        self.scheduled.extend(again);
    }

    fn copies(&self, suffix: &str, steps: [u64; 2], which: impl Fn(&Scheduled) -> bool) -> Vec<Scheduled> {
        let mut chosen: Vec<&Scheduled> = self.scheduled.iter().filter(|one| which(one)).collect();
        chosen.sort_by_key(|one| one.phase);
        let copy = |one: &Scheduled| Scheduled {
            phase: Phase::Begin,
            kernel: one.kernel.again(suffix, steps),
        };
        chosen.into_iter().map(copy).collect()
    }
}
