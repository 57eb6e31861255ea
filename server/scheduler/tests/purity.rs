//! The scheduler knows `protocol` alone: nothing of HTTP, SQL, clocks or threads gets into its dependencies.

use std::process::Command;

#[test]
fn the_scheduler_depends_on_no_server_database_or_runtime() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "-p",
            "scheduler",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{lib}",
        ])
        // Features as this crate alone asks for them, whatever else is built beside it.
        .env("CARGO_RESOLVER_FEATURE_UNIFICATION", "selected")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let crates = String::from_utf8(tree.stdout).expect("names");
    for banned in [
        "axum",
        "hyper",
        "sqlx",
        "tokio",
        "utoipa",
        "rustls",
        "reqwest",
        "tracing",
        "wgpu",
        "wasmtime",
        "getrandom",
        "rand",
        "chrono",
    ] {
        assert!(
            !crates.lines().any(|name| name == banned),
            "the scheduler depends on {banned}:\n{crates}"
        );
    }
    assert!(crates.lines().any(|name| name == "protocol"), "{crates}");
}
