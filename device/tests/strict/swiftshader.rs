//! The same tests on SwiftShader, which comes with Chromium and is not in the loader's list: again, in a process that knows only it.

use std::path::Path;
use std::process::Command;

/// Where SwiftShader comes with Chromium.
const PLACES: [&str; 3] = [
    "/usr/lib/chromium/vk_swiftshader_icd.json",
    "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
    "/opt/google/chrome/vk_swiftshader_icd.json",
];

/// What runs again.
const AGAIN: [&str; 8] = [
    "elementary::every_function_has_the_same_bits_on_every_device",
    "exact::division_is_correctly_rounded",
    "lowered::every_operation_has_the_same_bits_on_every_device",
    "lowered::structures_and_arrays_from_buffers_are_canonical_too",
    "mutants::without_canonical_swiftshader_differs_from_the_cpu_device",
    "mutants::without_lowering_exp_differs_between_drivers_and_the_cpu_device",
    "verdict::pointers_to_parts_and_to_structures_are_parameters_like_any_other",
    "verdict::what_is_read_out_of_bounds_is_zero_and_what_is_written_there_is_lost",
];

#[test]
fn swiftshader_has_the_same_bits_and_needs_canonical() {
    let Some(icd) = PLACES.iter().find(|path| Path::new(path).exists()) else {
        assert!(std::env::var_os("BATON_REQUIRE_GPU").is_none(), "no SwiftShader here");
        eprintln!("skipped: swiftshader_has_the_same_bits_and_needs_canonical: no SwiftShader here (1 test)");
        return;
    };
    let own = std::env::current_exe().expect("a test has a path");
    let output = Command::new(own)
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .args(AGAIN)
        .env("VK_ICD_FILENAMES", icd)
        .output()
        .expect("the test's own program starts");
    let (text, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!("{text}");
    assert!(
        output.status.success() && text.contains(&format!("{} passed", AGAIN.len())),
        "{text}\n{errors}"
    );
    let absent = errors.contains("skipped") || errors.contains("among this process's drivers");
    assert!(!absent, "SwiftShader did not come up: {errors}");
}
