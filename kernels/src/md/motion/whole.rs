//! A step's motion as one pass: `shaders/md/motion/whole`. An invocation moves a group of atoms that share constraints, or an atom alone, all the way.
//!
//! Invariant: the bits are those of the passes one after the other (`passes`), which remain for larger sets of constraints: their atoms wait for each other.

use crate::md::draft::{Draft, Kernel};
use crate::package::manifest::Number;
use crate::random::Stream;

/// What a step's motion is made of.
pub(super) struct Whole {
    /// The file with the entry point.
    pub(super) last: &'static str,
    /// Whether there are random numbers.
    pub(super) noise: bool,
    /// What turns sums of momentum into the velocity of the centre, where the pass takes it out.
    pub(super) momentum_share: Option<Number>,
}

impl Whole {
    /// The pass. Atoms share constraints where there is a buffer `motion_groups`.
    pub(super) fn kernel(self, draft: &mut Draft) -> Kernel {
        let grouped = draft.has("motion_groups");
        let count = draft.integer_of(if grouped { "motion_groups_count" } else { "atoms" });
        let mut files = vec![draft.cell_file(), "md/motion/canonical.wgsl", "md/motion/moved.wgsl"];
        files.extend(match grouped {
            true => &["md/motion/constraint.wgsl", "md/motion/whole/group.wgsl"][..],
            false => &["md/motion/whole/alone.wgsl"][..],
        });
        if self.noise {
            files.extend(["random/threefry.wgsl", "random/gaussian.wgsl", "md/motion/whole/noise.wgsl"]);
            files.push(match grouped {
                true => "md/motion/whole/group_noise.wgsl",
                false => "md/motion/whole/alone_noise.wgsl",
            });
        }
        files.push(match self.momentum_share {
            Some(_) => "md/motion/whole/centre.wgsl",
            None => "md/motion/whole/centre_none.wgsl",
        });
        files.push(self.last);
        let integer = |value: u64| Number::Integer(value.cast_signed());
        let mut kernel = Kernel::new("motion", &files)
            .over(&count.to_string())
            .set("groups", integer(count));
        if self.noise {
            kernel = kernel.set("noise_stream", integer(u64::from(Stream::Thermostat as u32)));
        }
        match self.momentum_share {
            Some(share) => kernel.set("momentum_share", share),
            None => kernel,
        }
    }
}
