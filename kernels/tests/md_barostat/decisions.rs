//! Which moves are made: those of OpenMM's rule in double precision, with the package's random numbers.

use kernels::md::system::{Action, System};
use kernels::md::{BAR_PER_KJ_MOL_NM3, GAS_CONSTANT};
use kernels::random::{Stream, words as random_words};

use super::support::{boundaries, dimers, fixed, imported, plan, potential, resized, scale_of, under_pressure, widened, words};

/// What OpenMM's barostat would do, in double precision, with the package's random numbers.
struct Moves {
    scale: f64,
    size: f64,
    counts: [u32; 2],
}

impl Moves {
    /// A step's move; whether it was accepted, and by how much of kT the decision was clear.
    fn step(&mut self, step: u64, system: &System, positions: &[[u32; 3]]) -> (bool, f64) {
        let [propose, decide] = random_words(11, Stream::Barostat, step, 0);
        let place = (f64::from((propose ^ 0x8000_0000).cast_signed()) + 0.5) / 2_147_483_648.0;
        let volume = self.scale.powi(3);
        let wider = (1.0 + self.size * place / volume).cbrt();
        let before = resized(system, self.scale as f32, positions);
        let after = widened(&before, wider);
        let molecules = system.molecules().len() as f64;
        let Some(Action::Barostat(barostat)) = system.actions.first() else {
            panic!("a barostat")
        };
        let kt = GAS_CONSTANT * barostat.temperature_k;
        let (was, is) = {
            let volume = before.cell.expect("a box").volume_nm3();
            (volume, volume * wider.powi(3))
        };
        let work = barostat.pressure_bar / BAR_PER_KJ_MOL_NM3 * (is - was);
        let w = (potential(&after) - potential(&before) + work) / kt - molecules * (is / was).ln();
        let u = (f64::from(decide >> 8) + 0.5) / f64::from(1 << 24);
        let accepted = w <= 0.0 || u < (-w).exp();
        if accepted {
            self.scale *= wider;
        }
        self.counts[0] += 1;
        self.counts[1] += u32::from(accepted);
        let [tries, successes] = self.counts.map(f64::from);
        if tries >= 10.0 {
            if successes < 0.25 * tries {
                (self.size, self.counts) = (self.size / 1.1, [0; 2]);
            } else if successes > 0.75 * tries {
                (self.size, self.counts) = ((1.1 * self.size).min(0.3 * volume), [0; 2]);
            }
        }
        (accepted, (w + u.ln()).abs())
    }
}

/// Each step's move of a package of so many segments of one step beside that of double precision, from the package's own state.
fn decides(name: &str, system: &System, segments: u64) {
    let package = system.package(plan(1, segments)).expect("a package");
    let device = device::select("cpu").expect("every machine has the CPU device");
    let mut moves = Moves {
        scale: 1.0,
        size: 0.01,
        counts: [0; 2],
    };
    let mut positions = fixed(system);
    let mut taken = 0;
    for (step, boundary) in boundaries(&package, device.as_ref()).iter().enumerate() {
        let (accepted, clear) = moves.step(step as u64, system, &positions);
        taken += u32::from(accepted);
        let found = f64::from(scale_of(boundary));
        assert!(
            (found / moves.scale - 1.0).abs() < 1e-6,
            "{name}, step {step}: scale {found}, expected {} (decided by {clear} kT)",
            moves.scale
        );
        let size = f64::from(f32::from_bits(words(boundary, "barostat_size")[0]));
        assert!(
            (size / moves.size - 1.0).abs() < 1e-6,
            "{name}, step {step}: size {size}, expected {}",
            moves.size
        );
        let counts = words(boundary, "barostat_counts");
        assert_eq!(counts, [moves.counts[0], moves.counts[1], step as u32 + 1, taken]);
        moves.scale = found;
        positions = words(boundary, "positions").as_chunks::<3>().0.to_vec();
    }
    println!("{name}: {taken} of {segments} accepted, scale {}", moves.scale);
    let share = f64::from(taken) / segments as f64;
    assert!((0.15..=0.92).contains(&share), "{name}: {taken} accepted: a test of both");
}

#[test]
fn decisions_are_those_of_double_precision() {
    for (tilted, pressure_bar) in [(false, 2000.0), (true, -200.0)] {
        let name = if tilted { "tilted dimers" } else { "dimers" };
        decides(name, &under_pressure(dimers(tilted), pressure_bar, 1), 20);
    }
}

/// Alanine dipeptide in TIP3P: constraints, PME, dispersion beyond the cutoff.
#[test]
fn decisions_on_rigid_water_with_pme_are_those_of_double_precision() {
    let mut system = under_pressure(imported("openmm", "alanine-dipeptide"), 1.0, 1);
    system.dynamics.as_mut().expect("dynamics").step_ps = 0.002;
    decides("alanine dipeptide in water", &system, 10);
}
