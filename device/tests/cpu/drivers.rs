//! The corpus on every Vulkan driver of this machine: the same bits wherever WGSL or IEEE 754 defines them, WGSL's bound elsewhere.
//!
//! SwiftShader is not in the loader's list; [`swiftshader_agrees`] runs these tests again in a process that knows only it.
//! SwiftShader flushes subnormals to zero, which WGSL allows: there, and nowhere else, an operation on floats is left out when an
//! input is subnormal, and a result may be a zero that is subnormal, or was before it was rounded to the least normal number. It has no 8-bit integers either, with which naga packs bytes.

use std::process::Command;
use std::sync::Arc;

use device::{Device, DeviceKind, SessionOptions};

use crate::corpus::operations::{Agreement, Inputs};
use crate::corpus::{batches, programs};
use crate::support::{Case, Random};

/// Set in the process that knows only one driver: a part of its name.
const ONLY: &str = "BATON_ONLY_DRIVER";
/// What that process runs.
const AGAIN: [&str; 5] = [
    "composed::composed_operations_give_the_same_bits_everywhere",
    "drivers::every_operation_agrees",
    "drivers::every_program_agrees",
    "drivers::operations_chained_in_one_kernel_agree",
    "generated::generated_programs_give_the_same_bits_everywhere",
];

/// Where SwiftShader comes with Chromium.
const SWIFTSHADER: [&str; 3] = [
    "/usr/lib/chromium/vk_swiftshader_icd.json",
    "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
    "/opt/google/chrome/vk_swiftshader_icd.json",
];

/// The Vulkan drivers here.
pub(crate) fn drivers() -> Vec<Arc<dyn Device>> {
    let found: Vec<_> = device::list()
        .into_iter()
        .filter(|device| device.info().kind != DeviceKind::BuiltInCpu && device.info().backend == "vulkan")
        .collect();
    if let Ok(only) = std::env::var(ONLY) {
        assert!(
            !found.is_empty() && found.iter().all(|device| device.info().name.contains(&only)),
            "{only} is not the one driver here"
        );
    }
    if found.is_empty() {
        assert!(std::env::var_os("BATON_REQUIRE_GPU").is_none(), "no Vulkan driver here");
        println!("skipped: no Vulkan driver here");
    }
    found
}

pub(crate) fn flushes(device: &dyn Device) -> bool {
    device.info().name.contains("SwiftShader")
}

fn run(case: &Case, device: &dyn Device) -> Vec<Vec<u32>> {
    let result = case.run_on(device, &SessionOptions::default());
    result.unwrap_or_else(|error| panic!("{}: {error}\n{}", device.info().name, case.source))
}

fn subnormal(bits: u32) -> bool {
    f32::from_bits(bits).is_subnormal()
}

/// Whether two results agree.
fn agree(agreement: Agreement, mine: u32, theirs: u32, flushed: bool) -> bool {
    let (x, y) = (f32::from_bits(mine), f32::from_bits(theirs));
    match agreement {
        Agreement::Bits => mine == theirs,
        Agreement::Float => mine == theirs || x.is_nan() && y.is_nan() || flushed && x.abs() <= f32::MIN_POSITIVE && y == 0.0,
        Agreement::Near { ulps, absolute } => {
            let ulp = f64::from(x.abs().next_up()) - f64::from(x.abs());
            mine == theirs || (f64::from(x) - f64::from(y)).abs() <= f64::from(ulps) * ulp + f64::from(absolute)
        }
    }
}

#[test]
fn every_operation_agrees() {
    let drivers = drivers();
    let (mut compared, mut left_out, mut wrong) = (0, 0, Vec::new());
    for batch in batches() {
        let mine = batch.case.run().remove(1);
        let (words, count) = (&batch.case.buffers[0], batch.operations.len());
        for device in &drivers {
            if flushes(device.as_ref()) && batch.operations[0].packs_bytes() {
                left_out += words.len() * words.len() * count;
                continue;
            }
            let theirs = run(&batch.case, device.as_ref()).remove(1);
            let flushed = flushes(device.as_ref());
            for (k, operation) in batch.operations.iter().enumerate() {
                let mut first = None;
                for i in 0..words.len() * words.len() {
                    let (a, b) = (words[i / words.len()], words[i % words.len()]);
                    let float = !matches!(operation.inputs, Inputs::U32 | Inputs::I32);
                    if flushed && float && (subnormal(a) || subnormal(b)) {
                        left_out += 1;
                        continue;
                    }
                    compared += 1;
                    let (mine, theirs) = (mine[i * count + k], theirs[i * count + k]);
                    if !agree(operation.agreement, mine, theirs, flushed) && first.is_none() {
                        first = Some(format!(
                            "{}: {} of {a:#x} {b:#x}: {mine:#x} here, {theirs:#x} there ({} and {})",
                            device.info().name,
                            operation.expression,
                            f32::from_bits(mine),
                            f32::from_bits(theirs)
                        ));
                    }
                }
                wrong.extend(first);
            }
        }
    }
    println!("{compared} results compared, {left_out} left out for subnormal inputs or 8-bit integers");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_program_agrees() {
    let drivers = drivers();
    for (name, case) in programs::all() {
        let mine = case.run();
        for device in &drivers {
            let theirs = run(&case, device.as_ref());
            assert_eq!(mine, theirs, "{name} on {}", device.info().name);
        }
    }
}

#[test]
fn operations_chained_in_one_kernel_agree() {
    let source = "@group(0) @binding(0) var<storage, read> x: array<u32>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            let a = x[id.x * 2u]; let b = x[id.x * 2u + 1u];
            let i = bitcast<i32>(a); let j = bitcast<i32>(b);
            let f = f32(i) * 1e-4; let g = f32(j) * 1e-3 + 0.5;
            var r = array<u32, 16>();
            r[0] = a + b; r[1] = a * b; r[2] = a / b; r[3] = a % b; r[4] = bitcast<u32>(i / j); r[5] = bitcast<u32>(i % j);
            r[6] = (a << (b % 32u)) ^ (b >> (a % 32u)); r[7] = countOneBits(a) + firstLeadingBit(b);
            r[8] = bitcast<u32>(f + g); r[9] = bitcast<u32>(f * g); r[10] = bitcast<u32>(floor(f) - ceil(g));
            r[11] = bitcast<u32>(round(f) + trunc(g)); r[12] = u32(f < g) + u32(g); r[13] = bitcast<u32>(i32(f) + i32(g));
            r[14] = bitcast<u32>(min(f, g) - abs(max(f, g))); r[15] = pack4x8snorm(vec4(f, g, 0.1, -0.5) * 0.001);
            for (var k = 0u; k < 16u; k++) { out[id.x * 16u + k] = r[k]; }
        }";
    let mut random = Random(2);
    let words: Vec<u32> = (0..8192).map(|_| random.word() >> (random.word() % 20)).collect();
    let mut case = Case::new(source, vec![words, vec![0; 65536]], 64);
    case.tier = protocol::Tier::Portable;
    let mine = case.run();
    for device in drivers() {
        assert_eq!(mine, run(&case, device.as_ref()), "{}", device.info().name);
    }
}

#[test]
fn swiftshader_agrees() {
    if std::env::var_os(ONLY).is_some() {
        return;
    }
    let Some(icd) = SWIFTSHADER.iter().find(|path| std::path::Path::new(path).exists()) else {
        assert!(std::env::var_os("BATON_REQUIRE_GPU").is_none(), "no SwiftShader here");
        println!("skipped: no SwiftShader here");
        return;
    };
    let own = std::env::current_exe().expect("a test has a path");
    let output = Command::new(own)
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .args(AGAIN)
        .env("VK_ICD_FILENAMES", icd)
        .env(ONLY, "SwiftShader")
        .output()
        .expect("the test's own program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(
        output.status.success() && text.contains(&format!("{} passed", AGAIN.len())),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
