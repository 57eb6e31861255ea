//! The shipped packages on every device of this machine: bit for bit what plain Rust computes, and physically right.
//!
//! Without any device each test says that it skips; `BATON_REQUIRE_GPU=1` makes that a failure.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::random::threefry2x32;
use kernels::run::{Boundary, Executor, initial_state};
use protocol::Tier;

fn on_every_device(test: &str, body: impl Fn(&dyn Device)) {
    let devices = device::list();
    if devices.is_empty() {
        assert!(
            std::env::var_os("BATON_REQUIRE_GPU").is_none(),
            "{test}: BATON_REQUIRE_GPU is set, and there is no device"
        );
        println!("SKIP: {test}: no device on this machine");
    }
    for device in devices {
        println!("{test}: {} ({})", device.info().id, device.info().name);
        body(device.as_ref());
    }
}

/// The first segments of a package, of this many steps each.
fn run(package: &Package, device: &dyn Device, steps: u64, segments: u64) -> Vec<Boundary> {
    let mut manifest = package.manifest().clone().with_steps_per_segment(steps);
    if !is_exact(device) {
        manifest.tier = Tier::ClassBound;
    }
    let package = package.with_manifest(manifest).expect("still good");
    let mut executor = Executor::open(&package, device, &SessionOptions::default()).expect("it opens");
    executor.enter(0, &initial_state(&package)).expect("it starts");
    let segment = |_| {
        executor.advance(steps).expect("it runs");
        executor.cross().expect("it crosses")
    };
    (0..segments).map(segment).collect()
}

/// Whether a device can run the portable tier. Integers are the same on those that cannot.
fn is_exact(device: &dyn Device) -> bool {
    matches!(device.info().backend.as_str(), "vulkan" | "cpu")
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().expect("4 bytes")))
        .collect()
}

fn signed(bytes: &[u8]) -> Vec<i32> {
    words(bytes).into_iter().map(|word| word as i32).collect()
}

#[test]
fn threefry_gives_the_same_words_on_devices_and_on_the_host() {
    // The known-answer vectors of Random123 (which the host's unit test pins), then many more.
    let mut inputs: Vec<[u32; 4]> = vec![[0; 4], [u32::MAX; 4], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]];
    inputs.extend((0..4093u32).map(|k| [k, k.wrapping_mul(0x9e37_79b9), !k, k << 16]));
    let manifest = r#"
        format = 1
        name = "threefry"
        version = "1"
        tier = "portable"
        run = { steps_per_segment = 1, segments = 1 }
        buffer = [
            { name = "inputs", type = "u32", shape = [4096, 4], role = "constant", init = "inputs.npy" },
            { name = "answers", type = "u32", shape = [4096, 2], role = "state", fill = 0 },
        ]
        pass = [{ name = "answer", shader = ["threefry.wgsl", "answer.wgsl"], invocations = [4096] }]
    "#;
    let shader = "
        @group(0) @binding(0) var<storage, read> inputs: array<vec4<u32>>;
        @group(0) @binding(1) var<storage, read_write> answers: array<vec2<u32>>;
        @compute @workgroup_size(64) fn answer(@builtin(global_invocation_id) id: vec3<u32>) {
            answers[id.x] = threefry2x32(inputs[id.x].xy, inputs[id.x].zw);
        }
    ";
    let shaders = [
        ("threefry.wgsl", shaders::text("random/threefry.wgsl")),
        ("answer.wgsl", shader),
    ];
    let package = Package::new(
        toml::from_str(manifest).expect("a good manifest"),
        shaders.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
        BTreeMap::from([(
            "inputs".to_owned(),
            inputs.concat().into_iter().flat_map(u32::to_le_bytes).collect(),
        )]),
    );
    let package = package.expect("a good package");
    on_every_device("threefry", |device| {
        let answers = words(&run(&package, device, 1, 1)[0].state[0].bytes);
        assert_eq!(
            answers[..6],
            [0x6b20_0159, 0x99ba_4efe, 0x1cb9_96fc, 0xbb00_2be7, 0xc492_3a9c, 0x483d_f7a0]
        );
        for (input, answer) in inputs.iter().zip(answers.chunks_exact(2)) {
            assert_eq!(answer, threefry2x32([input[0], input[1]], [input[2], input[3]]), "{input:x?}");
        }
    });
}

/// Side of the Ising example's lattice.
const SIDE: usize = 256;

/// Metropolis in plain Rust: the twin of `metropolis.wgsl`.
fn ising_sweep(spins: &mut [i32], acceptance: &[u32], step: u32) {
    for colour in 0..2 {
        for site in (0..SIDE * SIDE).filter(|site| (site % SIDE + site / SIDE) % 2 == colour) {
            let (x, y) = (site % SIDE, site / SIDE);
            let at = |x: usize, y: usize| spins[y % SIDE * SIDE + x % SIDE];
            let around = at(x + 1, y) + at(x + SIDE - 1, y) + at(x, y + 1) + at(x, y + SIDE - 1);
            let k = usize::try_from((spins[site] * around + 4) / 2).expect("0 to 4");
            if threefry2x32([site as u32, step], [1, 0])[0] <= acceptance[k] {
                spins[site] = -spins[site];
            }
        }
    }
}

/// Magnetisation, and energy / J.
fn ising_totals(spins: &[i32]) -> [i32; 2] {
    let at = |x: usize, y: usize| spins[y % SIDE * SIDE + x % SIDE];
    let bonds = |site: usize| {
        let (x, y) = (site % SIDE, site / SIDE);
        at(x, y) * (at(x + 1, y) + at(x, y + 1))
    };
    [spins.iter().sum(), -(0..SIDE * SIDE).map(bonds).sum::<i32>()]
}

#[test]
fn ising_is_what_plain_rust_computes() {
    let package = kernels::examples::load("ising").expect("a shipped example");
    let mut spins = signed(&package.initial(0));
    let acceptance = words(&package.initial(1));
    let mut totals = Vec::new();
    for step in 0..20 {
        ising_sweep(&mut spins, &acceptance, step);
        if step % 10 == 0 {
            totals.extend(ising_totals(&spins));
        }
    }
    on_every_device("ising", |device| {
        let boundaries = run(&package, device, 10, 2);
        let measured: Vec<i32> = boundaries.iter().flat_map(|boundary| signed(&boundary.outputs[0])).collect();
        assert_eq!(measured, totals);
        assert!(signed(&boundaries[1].state[0].bytes) == spins, "the spins differ");
    });
}

/// Exact energy per spin / J of the infinite lattice: Onsager, Phys. Rev. 65, 117 (1944), eq. 116.
fn onsager_energy(temperature: f64) -> f64 {
    let k = 2.0 / temperature;
    let modulus = 2.0 * k.sinh() / k.cosh().powi(2);
    // The complete elliptic integral of the first kind by the arithmetic-geometric mean.
    let (mut a, mut g) = (1.0, (1.0 - modulus * modulus).sqrt());
    for _ in 0..20 {
        (a, g) = ((a + g) / 2.0, (a * g).sqrt());
    }
    let elliptic = PI / (2.0 * a);
    -(1.0 + 2.0 / PI * (2.0 * k.tanh().powi(2) - 1.0) * elliptic) / k.tanh()
}

/// Exact spontaneous magnetisation per spin: Yang, Phys. Rev. 85, 808 (1952), eq. 96.
fn yang_magnetisation(temperature: f64) -> f64 {
    (1.0 - (2.0 / temperature).sinh().powi(-4)).powf(0.125)
}

/// Mean of samples and its standard error, from means of blocks longer than any correlation.
fn mean_and_error(samples: &[f64]) -> (f64, f64) {
    let blocks: Vec<f64> = samples
        .chunks_exact(20)
        .map(|block| block.iter().sum::<f64>() / 20.0)
        .collect();
    let count = blocks.len() as f64;
    let mean = blocks.iter().sum::<f64>() / count;
    let variance = blocks.iter().map(|block| (block - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

#[test]
fn ising_agrees_with_onsager_above_and_below_the_critical_temperature() {
    assert!(
        (onsager_energy(2.0) + 1.745_564_6).abs() < 1e-6,
        "the oracle itself: a published value"
    );
    let example = kernels::examples::load("ising").expect("a shipped example");
    on_every_device("ising physics", |device| {
        for temperature in [2.0, 3.0] {
            let threshold = |k: i32| ((-4.0 * f64::from(k - 2) / temperature).exp().min(1.0) * 4_294_967_296.0 - 1.0) as u32;
            let acceptance = (0..5).flat_map(|k| threshold(k).to_le_bytes()).collect();
            // From all spins up, so that below the critical temperature there is one domain.
            let up = [1i32.to_le_bytes(); SIDE * SIDE].concat();
            let init = BTreeMap::from([("spins".to_owned(), up), ("acceptance".to_owned(), acceptance)]);
            let package = Package::new(example.manifest().clone(), example.shaders().clone(), init).expect("still good");
            let boundaries = run(&package, device, 500, 5);
            let column = |which: usize| -> Vec<f64> {
                let rows = boundaries[1..].iter().flat_map(|boundary| signed(&boundary.outputs[0]));
                rows.skip(which)
                    .step_by(2)
                    .map(|total| f64::from(total) / (SIDE * SIDE) as f64)
                    .collect()
            };
            let (energy, error) = mean_and_error(&column(1));
            let exact = onsager_energy(temperature);
            println!("T = {temperature}: energy {energy:.5} +- {error:.5}, Onsager {exact:.5}");
            assert!(error < 2e-3 && (energy - exact).abs() < 5.0 * error);
            let (magnetisation, error) = mean_and_error(&column(0));
            let exact = if temperature < 2.269 {
                yang_magnetisation(temperature)
            } else {
                0.0
            };
            println!("T = {temperature}: magnetisation {magnetisation:.5} +- {error:.5}, Yang {exact:.5}");
            assert!(error < 1e-2 && (magnetisation - exact).abs() < 5.0 * error);
        }
    });
}

/// An Euler step of Gray and Scott in plain Rust: the twin of `euler.wgsl`.
fn gray_scott_step(grid: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let (feed, kill, diffusion) = (0.0545f32, 0.062f32, [0.209_715_2_f32, 0.104_857_6]);
    let at = |x: usize, y: usize| grid[y % SIDE * SIDE + x % SIDE];
    let cell = |index: usize| {
        let (x, y) = (index % SIDE, index / SIDE);
        let [u, v] = at(x, y);
        let (west, east, north, south) = (at(x + SIDE - 1, y), at(x + 1, y), at(x, y + SIDE - 1), at(x, y + 1));
        let laplacian = |k: usize| ((west[k] + east[k]) + (north[k] + south[k])) - 4.0 * at(x, y)[k];
        let reaction = u * (v * v);
        let new_u = u + ((diffusion[0] * laplacian(0) - reaction) + feed * (1.0 - u));
        let new_v = v + ((diffusion[1] * laplacian(1) + reaction) - (feed + kill) * v);
        [new_u, if new_v < 1e-15 { 0.0 } else { new_v }]
    };
    (0..SIDE * SIDE).map(cell).collect()
}

#[test]
fn gray_scott_is_what_plain_rust_computes() {
    let package = kernels::examples::load("gray-scott").expect("a shipped example");
    let floats = |bytes: &[u8]| words(bytes).into_iter().map(f32::from_bits).collect::<Vec<f32>>();
    let mut grid: Vec<[f32; 2]> = floats(&package.initial(0))
        .chunks_exact(2)
        .map(|cell| [cell[0], cell[1]])
        .collect();
    let mut totals = Vec::new();
    for step in 0..100 {
        grid = gray_scott_step(&gray_scott_step(&grid));
        if step % 25 == 0 {
            let total = |k: usize| grid.iter().map(|cell| (cell[k] * 4_194_304.0) as u64).sum::<u64>();
            totals.extend([total(0), total(1)]);
        }
    }
    assert!(
        grid.iter().flatten().all(|value| *value == 0.0 || value.is_normal()),
        "nothing comes near underflow"
    );
    on_every_device("gray-scott", |device| {
        if !is_exact(device) {
            return println!("SKIP: gray-scott: {} does not run the portable tier", device.info().id);
        }
        let boundaries = run(&package, device, 50, 2);
        let measured: Vec<u64> = (boundaries.iter().flat_map(|boundary| words(&boundary.outputs[0])))
            .collect::<Vec<u32>>()
            .chunks_exact(2)
            .map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32)
            .collect();
        assert_eq!(measured, totals);
        let bits = grid.iter().flatten().map(|value| value.to_bits()).collect::<Vec<u32>>();
        assert!(words(&boundaries[1].state[0].bytes) == bits, "the grids differ");
    });
}

#[test]
fn the_templates_walkers_diffuse() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let package = Package::new_template("walk", &folder.path().join("walk")).expect("a new folder");
    on_every_device("template", |device| {
        let boundary = &run(&package, device, 1000, 1)[0];
        let places = signed(&boundary.state[0].bytes);
        let squares: Vec<f64> = places
            .chunks_exact(2)
            .map(|at| f64::from(at[0] * at[0] + at[1] * at[1]))
            .collect();
        let mean = squares.iter().sum::<f64>() / 4096.0;
        // Squared distances are distributed exponentially: five standard errors of the mean.
        assert!(
            (mean - 1000.0).abs() < 5.0 * 1000.0 / 64.0,
            "mean square distance after 1000 steps: {mean}"
        );
        let drift = places.iter().map(|at| f64::from(*at)).sum::<f64>() / 8192.0;
        assert!(drift.abs() < 5.0 * (500.0f64 / 8192.0).sqrt(), "mean displacement: {drift}");
        assert_eq!(words(&boundary.outputs[0]).len(), 10, "a row every 100 steps");
    });
}
