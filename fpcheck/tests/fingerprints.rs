//! Contract: a fingerprint is a function of the device alone, it tells devices apart where they differ, and the portable class is one class
//! for every device that computes what strict execution must give. Caught so far: SwiftShader's f32(u32), which rounds twice.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Drivers that any Linux machine can have: lavapipe, and SwiftShader, which comes with Chromium.
const DRIVERS: [&str; 3] = [
    "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
    "/usr/share/vulkan/icd.d/lvp_icd.json",
    "/usr/lib/chromium/vk_swiftshader_icd.json",
];

/// What `fpcheck devices --json` says, of all devices by both drivers; measured anew unless there is a cache.
fn devices(cache: Option<&Path>) -> Vec<Value> {
    let drivers: Vec<&str> = DRIVERS.into_iter().filter(|path| Path::new(path).exists()).collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fpcheck"));
    command
        .args(["devices", "--json"])
        .env(fpcheck::FOLDER_VARIABLE, cache.unwrap_or(Path::new("")))
        .env("NODEVICE_SELECT", "1");
    if !drivers.is_empty() {
        command
            .env("VK_ICD_FILENAMES", drivers.join(":"))
            .env("VK_DRIVER_FILES", drivers.join(":"));
    }
    let output = command.output().expect("fpcheck starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// The device whose name and id begin so; counted where this machine has none.
fn device<'a>(all: &'a [Value], id: &str, name: &str) -> Option<&'a Value> {
    let begins = |value: &Value, text: &str| value.as_str().is_some_and(|value| value.starts_with(text));
    let found = all
        .iter()
        .find(|device| begins(&device["id"], id) && begins(&device["name"], name));
    if found.is_none() {
        assert!(
            std::env::var_os("BATON_REQUIRE_GPU").is_none(),
            "BATON_REQUIRE_GPU is set, and there is no {name} ({id})"
        );
        println!("skipped: no {name} ({id}) on this machine");
    }
    found
}

/// What a device does otherwise, in words, for one column of a probe; empty where it does not.
fn verdict(device: &Value, tier: &str, probe: &str, column: &str) -> String {
    let findings = device[tier]["fingerprint"]["findings"].as_array().expect("findings");
    let found = findings
        .iter()
        .find(|finding| finding["probe"] == probe && finding["column"] == column);
    let found = found.unwrap_or_else(|| panic!("no {probe}.{column}"));
    found["verdict"].as_str().expect("words").to_owned()
}

#[test]
fn fingerprints_are_the_same_in_every_process_and_through_the_cache() {
    let cache = tempfile::tempdir().expect("a folder");
    let first = devices(None);
    assert_eq!(first, devices(None), "another process measures something else");
    assert_eq!(first, devices(Some(cache.path())), "measured and kept");
    let files: Vec<_> = std::fs::read_dir(cache.path()).expect("a folder").flatten().collect();
    assert_eq!(files.len(), 2 * first.len(), "one file a device and tier");
    assert_eq!(first, devices(Some(cache.path())), "read back");
    // Files that were changed, torn or emptied are as good as absent. Not every file has a number to change: a refusal has none.
    let mut changed = 0;
    for (i, file) in files.iter().enumerate() {
        let text = std::fs::read_to_string(file.path()).expect("a file");
        let other = text.replacen("\"differ\": 0", "\"differ\": 7", 1);
        let spoilt = match i % 3 {
            _ if other != text && changed < 2 => {
                changed += 1;
                other
            }
            0 => text[..text.len() / 2].to_owned(),
            _ => String::new(),
        };
        assert_ne!(spoilt, text);
        std::fs::write(file.path(), spoilt).expect("it can be written");
    }
    assert!(changed > 0, "no file has a number to change");
    assert_eq!(first, devices(Some(cache.path())), "spoilt files are believed");
}

#[test]
fn known_differences_are_named_and_classes_follow_from_them() {
    let all = devices(None);
    classes(&all);
    differences(&all);
}

/// Every conforming device is of one portable class, and each is of a class-bound class of its own.
fn classes(all: &[Value]) {
    let class = |device: &Value, tier: &str| device[tier]["class"].as_str().map(str::to_owned);
    let portable = class(&all[0], "portable");
    assert!(all[0]["id"] == "cpu" && portable.is_some());
    for name in ["llvmpipe", "SwiftShader"] {
        if let Some(device) = device(all, "vulkan", name) {
            assert_eq!(
                class(device, "portable"),
                portable,
                "{name}: {}",
                device["portable"]["obstacles"]
            );
        }
    }
    if let Some(gl) = device(all, "gl", "") {
        assert_eq!(class(gl, "portable"), None);
        assert!(
            gl["portable"]["obstacles"][0]
                .as_str()
                .is_some_and(|why| why.contains("needs Vulkan 1.2"))
        );
    }
    let mut bound: Vec<_> = all
        .iter()
        .map(|device| class(device, "class_bound").expect("every device has one"))
        .collect();
    let behaviours: std::collections::BTreeSet<_> = all
        .iter()
        .map(|device| device["class_bound"]["behaviour"].to_string())
        .collect();
    assert_eq!(behaviours.len(), all.len(), "two of them behave alike");
    bound.sort();
    bound.dedup();
    assert_eq!(bound.len(), all.len(), "two of them share a class-bound class");
}

fn differences(all: &[Value]) {
    let (stock, strict) = ("class_bound", "portable");
    for column in ["mul_out", "sub_out"] {
        assert_eq!(
            verdict(&all[0], stock, "subnormals", column),
            "",
            "the CPU device keeps subnormals"
        );
    }
    if let Some(swiftshader) = device(all, "vulkan", "SwiftShader") {
        for (tier, probe) in [(stock, "subnormals"), (strict, "raw subnormals")] {
            let words = verdict(swiftshader, tier, probe, "mul_out");
            assert_eq!(words, "subnormals are flushed to zero; 4,096 of 4,096 differ");
        }
        let words = verdict(swiftshader, stock, "conversions", "any_u32");
        assert!(
            words.contains("by up to 1 in the last place"),
            "it rounds f32(u32) twice: {words}"
        );
        assert_ne!(verdict(swiftshader, stock, "functions", "exp"), "");
        for (probe, column) in [
            ("subnormals", "mul_out"),
            ("conversions", "any_u32"),
            ("functions", "exp"),
            ("functions", "div"),
        ] {
            let words = verdict(swiftshader, strict, probe, column);
            assert_eq!(words, "", "strict compilation leaves no room for it");
        }
    }
    if let Some(lavapipe) = device(all, "vulkan", "llvmpipe") {
        assert_eq!(verdict(lavapipe, stock, "subnormals", "mul_out"), "");
        let folded = verdict(lavapipe, stock, "folding", "tiny_factors");
        assert!(folded.starts_with("the factors are folded into one"), "{folded}");
        assert_eq!(verdict(lavapipe, strict, "raw folding", "tiny_factors"), "");
        let lost = verdict(lavapipe, stock, "folding", "two_sum");
        assert!(lost.starts_with("the error is taken for 0"), "{lost}");
        assert_eq!(verdict(lavapipe, strict, "folding", "two_sum"), "");
        let left = verdict(lavapipe, strict, "loops", "rounds");
        assert!(left.contains("makes its pass fail, by name"), "{left}");
    }
    let bits = |device: &Value| {
        let findings = device[stock]["fingerprint"]["findings"].as_array().expect("findings").clone();
        let exp = findings.into_iter().find(|finding| finding["column"] == "exp").expect("exp");
        exp["bits"].to_string()
    };
    if let (Some(one), Some(other)) = (device(all, "vulkan", "llvmpipe"), device(all, "vulkan", "SwiftShader")) {
        assert_ne!(bits(one), bits(other), "exp differs between the two");
    }
    if let Some(gl) = device(all, "gl", "llvmpipe") {
        assert_eq!(
            verdict(gl, stock, "bounds", "private"),
            "",
            "its indices are clamped by our lowering"
        );
    }
}
