//! Crates that must work without a device, an executor of futures or a database: what the server and a browser read packages with.

use std::process::Command;

/// Crate, and what must not stand in its tree of dependencies.
const PURE: &[(&str, &[&str])] = &[
    ("protocol", &["wgpu", "wasmtime", "tokio", "axum", "sqlx"]),
    ("wgsl", &["wgpu", "wasmtime", "tokio", "device"]),
    ("compile", &["wgpu", "wasmtime", "tokio", "device"]),
    ("package", &["wgpu", "wasmtime", "tokio", "device"]),
    ("scheduler", &["wgpu", "wasmtime", "tokio", "axum", "sqlx"]),
];

/// Standard output of cargo, run without network in this workspace.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .arg("--offline")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

#[test]
fn reader_package_compiler_and_scheduler_depend_on_no_device_runtime_or_database() {
    let members = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&members).expect("cargo metadata is JSON");
    let members: Vec<&str> = (metadata["packages"].as_array().expect("packages").iter())
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut seen = 0;
    for (name, banned) in PURE.iter().filter(|(name, _)| members.contains(name)) {
        let tree = cargo(&[
            "tree",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            name,
        ]);
        let names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(names.first(), Some(name));
        for banned in *banned {
            assert!(!names.contains(banned), "{name} depends on {banned}:\n{tree}");
        }
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} of these crates are members of the workspace");
}
