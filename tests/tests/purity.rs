//! Crates that must work without a device, an executor of futures or a database: what the server and a browser read packages with.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crate, and what must not stand in its tree of dependencies.
const PURE: &[(&str, &[&str])] = &[
    ("protocol", &["wgpu", "wasmtime", "tokio", "axum", "sqlx"]),
    ("wgsl", &["wgpu", "wasmtime", "tokio", "device"]),
    ("compile", &["wgpu", "wasmtime", "tokio", "device"]),
    ("package", &["wgpu", "wasmtime", "tokio", "device"]),
    ("baton-server", &["wgpu", "wasmtime", "device", "kernels"]),
    ("planner", &["wgpu", "wasmtime", "tokio", "reqwest", "device"]),
    ("scheduler", &["wgpu", "wasmtime", "tokio", "axum", "sqlx"]),
    ("simulate", &["wgpu", "wasmtime", "tokio", "axum", "sqlx", "device"]),
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

/// Names of all packages that one depends on, however far, without those for building and testing.
fn dependencies(metadata: &serde_json::Value, name: &str) -> BTreeSet<String> {
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let names: BTreeMap<String, String> = packages.iter().map(|one| (text(&one["id"]), text(&one["name"]))).collect();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let nodes: BTreeMap<String, &serde_json::Value> = nodes.iter().map(|node| (text(&node["id"]), node)).collect();
    let members = metadata["workspace_members"].as_array().expect("members");
    let root = members.iter().map(text).find(|id| names[id] == name);
    let mut left = vec![root.expect("a member of the workspace")];
    let mut found = BTreeSet::new();
    while let Some(id) = left.pop() {
        for dependency in nodes[&id]["deps"].as_array().expect("dependencies") {
            let kinds = dependency["dep_kinds"].as_array().expect("kinds");
            let id = text(&dependency["pkg"]);
            if kinds.iter().any(|kind| kind["kind"].is_null()) && found.insert(names[&id].clone()) {
                left.push(id);
            }
        }
    }
    found
}

#[test]
fn reader_package_compiler_server_and_scheduler_depend_on_no_device_and_pure_ones_on_no_runtime_or_database() {
    // Other platforms' dependencies need not be on this machine.
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let metadata = cargo(&["metadata", "--format-version", "1", "--filter-platform", host]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    for (name, banned) in PURE {
        let found = dependencies(&metadata, name);
        assert!(!found.is_empty(), "{name} depends on nothing");
        for banned in *banned {
            assert!(!found.contains(*banned), "{name} depends on {banned}");
        }
    }
    // The walk finds what is there.
    assert!(dependencies(&metadata, "device").contains("wasmtime"));
}
