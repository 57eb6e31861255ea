//! Writers of the file formats that other programs read. Each takes [`Frames`](crate::analysis::trajectory::Frames) and a range of them.
//!
//! | module | format | numbers |
//! |---|---|---|
//! | [`xyz`] | extended XYZ | text, Angstrom |
//! | [`dcd`] | DCD, as CHARMM writes it | f32, Angstrom |
//! | [`xtc`] | XTC, as GROMACS writes it | thousandths of a nm |
//! | [`npy`] | NumPy array | the exact bits; or f64, or f16, physical values |
//! | [`state`] | OpenMM's serialised State | text, shortest decimals of f64 |
//! | [`topology`] | the atoms of a PDB file that a trajectory is of | text |

pub(crate) mod dcd;
pub(crate) mod npy;
pub(crate) mod state;
pub(crate) mod topology;
pub(crate) mod xtc;
pub(crate) mod xyz;

#[cfg(test)]
pub(crate) mod testing {
    //! Frames in memory.

    use crate::analysis::trajectory::{Frames, Shape};

    /// Frames in memory.
    pub(crate) struct Memory(pub(crate) Shape, pub(crate) Vec<Vec<u8>>);

    impl Frames for Memory {
        fn shape(&self) -> &Shape {
            &self.0
        }

        fn read(&mut self, frame: u64) -> anyhow::Result<Vec<u8>> {
            Ok(self.1[usize::try_from(frame)?].clone())
        }

        fn count(&self) -> u64 {
            self.1.len() as u64
        }
    }

    /// Three frames of two atoms in a box of 1 x 2 x 4 nm, fixed point.
    pub(crate) fn atoms() -> Memory {
        let shape = Shape {
            name: "positions".into(),
            element: kernels::package::manifest::Element::U32,
            extents: vec![2, 3],
            scale: [1.0, 2.0, 4.0].map(|edge: f64| edge / 4_294_967_296.0).to_vec(),
            unit: Some("nm".into()),
            every: 10,
            time_per_step: Some((0.002, "ps".into())),
            start_time: 0.0,
            symbols: vec!["Ar".into(), "Ne".into()],
            kinds: None,
        };
        let frame = |seed: u32| {
            (0..6_u32)
                .flat_map(|i| (seed * 0x1234_5678).wrapping_mul(i + 1).to_le_bytes())
                .collect()
        };
        Memory(shape, (1..=3).map(frame).collect())
    }
}
