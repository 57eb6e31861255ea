//! The Python package's own tests, in an environment of pinned packages, with the built programs: a real server, worker and runs.

use std::path::Path;
use std::process::{Command, Stdio};

use contracts::{program, said};

#[test]
fn the_python_package_passes_its_tests() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python");
    let environment = Command::new(python.join("tests/environment")).output().expect("sh");
    if !environment.status.success() {
        let why = String::from_utf8_lossy(&environment.stderr);
        println!("skipped: no Python environment: {}", why.lines().last().unwrap_or_default());
        return;
    }
    for needed in ["baton-server", "fpcheck"] {
        program(needed);
    }
    let interpreter = String::from_utf8(environment.stdout).expect("a path");
    let tests = Command::new(interpreter.trim())
        .args(["-m", "pytest", "-q", "-rs", "--color=no", "--durations=5"])
        .current_dir(&python)
        .env("PYTHONPATH", python.join("src"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("BATON_PROGRAM", program("baton"))
        .stdin(Stdio::null())
        .output()
        .expect("Python");
    let text = said(&tests);
    // pytest names what it skipped as `SKIPPED [1] FILE:LINE: why`; `./x test` counts lines of this form.
    for why in text.lines().filter_map(|line| line.strip_prefix("SKIPPED")) {
        println!("skipped: {}", why.splitn(3, ": ").last().unwrap_or(why));
    }
    println!("{text}");
    assert!(tests.status.success(), "{text}");
}
