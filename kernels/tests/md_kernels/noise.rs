//! The thermostat's numbers on devices: the bits of the host's twin.

use kernels::random::{Stream, gaussian_f32, gaussian_table, words};

use crate::bench::Bench;
use crate::molecules::cell_of;

#[test]
fn the_thermostat_draws_the_numbers_of_the_host() {
    let atoms = 5000;
    let (seed, steps) = (0x1234_5678_9abc_def0u64, 3);
    let mut bench = Bench::new(&cell_of([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 3.0]]));
    bench.integer("atoms", atoms);
    bench.integer("seed_low", (seed as u32) as usize);
    bench.integer("seed_high", (seed >> 32) as usize);
    bench.integer("noise_stream", Stream::Thermostat as usize);
    // Nothing is kept, so that velocities are the noise of the last step.
    bench.float("friction_keep", 0.0);
    let table = gaussian_table();
    bench.floats("gaussian_table", &[256, 4], table.iter().flatten().map(|c| f64::from(*c)));
    bench.floats(
        "noise_widths",
        &[atoms],
        (0..atoms).map(|tag| if tag == 17 { 0.0 } else { 1.0 }),
    );
    bench.floats("velocities", &[atoms, 3], (0..3 * atoms).map(|_| 0.25));
    let files = [
        "random/threefry.wgsl",
        "random/gaussian.wgsl",
        "md/motion/canonical.wgsl",
        "md/motion/thermostat.wgsl",
    ];
    bench.pass("thermostat", &files, "atoms");
    let velocities = bench.everywhere(steps).floats("velocities");
    for tag in 0..atoms {
        let particle = 2 * tag as u32;
        let [x, y] = words(seed, Stream::Thermostat, steps - 1, particle);
        let [z, _] = words(seed, Stream::Thermostat, steps - 1, particle + 1);
        let expected = [x, y, z].map(|word| if tag == 17 { 0.0 } else { gaussian_f32(&table, word) });
        assert_eq!(velocities[3 * tag..3 * tag + 3], expected, "atom {tag}");
    }
}
