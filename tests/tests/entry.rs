//! The repository's entry `./x`, with an installer that fails and a cargo that only notes its arguments: what is missing is said with the
//! installer's own words, work goes on without it, and what was skipped is said last.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use contracts::said;

/// Programs of the system that `./x` uses.
const USED: [&str; 13] = [
    "sh", "dirname", "uname", "id", "mktemp", "sed", "rm", "cat", "grep", "sort", "uniq", "mkdir", "env",
];

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}")).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// Where a program of this machine lies.
fn found(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.exists())
}

/// A folder with the entry and a folder of programs: the system's that it uses. None where one is missing.
fn place() -> Option<tempfile::TempDir> {
    let place = tempfile::tempdir().expect("a folder");
    let (root, programs) = (place.path().join("baton"), place.path().join("programs"));
    fs::create_dir_all(&root).expect("a folder");
    fs::create_dir_all(&programs).expect("a folder");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../x"), root.join("x")).expect("the entry");
    for name in USED {
        let Some(path) = found(name) else {
            println!("skipped: this machine has no {name}");
            return None;
        };
        symlink(path, programs.join(name)).expect("linked");
    }
    Some(place)
}

/// Calls the entry, and returns what it said and what the programs noted.
fn call(place: &Path, arguments: &[&str]) -> (std::process::Output, String) {
    let log = place.join("log");
    fs::write(&log, "").expect("written");
    let output = Command::new(place.join("baton/x"))
        .args(arguments)
        .env_clear()
        .env("PATH", place.join("programs"))
        .env("TMPDIR", place)
        .env("LOG", &log)
        .stdin(Stdio::null())
        .output()
        .expect("sh");
    (output, fs::read_to_string(&log).expect("programs were called"))
}

#[test]
fn an_installation_that_fails_shows_why_and_the_tests_go_on_and_skips_come_last() {
    let Some(place) = place() else { return };
    let programs = place.path().join("programs");
    script(&programs.join("sudo"), "shift; exec \"$@\"\n");
    script(
        &programs.join("apt-get"),
        "echo \"apt-get $*\" >>\"$LOG\"\necho 'E: Could not get lock /var/lib/dpkg/lock-frontend' >&2\nexit 100\n",
    );
    // `cargo nextest run` leaves a report in which one test skipped something.
    script(
        &programs.join("cargo"),
        "echo \"cargo $*\" >>\"$LOG\"\n\
         if [ \"$2\" = run ]; then\n\
             mkdir -p target/nextest/default\n\
             echo '<system-out>skipped: no GPU here' >target/nextest/default/junit.xml\n\
             exit 3\n\
         fi\n",
    );
    let (output, asked) = call(place.path(), &["test"]);
    let text = said(&output);
    // OpenSSL at least is not found here.
    assert!(text.contains("x: no OpenSSL: installing openssl"), "{text}");
    assert!(
        text.contains("x:   E: Could not get lock /var/lib/dpkg/lock-frontend"),
        "{text}"
    );
    assert!(
        text.contains("x: could not install openssl (above is why); going on without"),
        "{text}"
    );
    assert!(
        asked.contains("apt-get -o DPkg::Lock::Timeout=120 update"),
        "it waits for the lock: {asked}"
    );
    assert!(
        asked.contains("cargo clippy") && asked.contains("cargo nextest run"),
        "{asked}"
    );
    assert_eq!(output.status.code(), Some(3), "the tests' own status: {text}");
    let last = String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .lines()
        .last()
        .map(str::to_owned);
    assert_eq!(last.as_deref().map(str::trim), Some("1 skipped: no GPU here"), "{text}");
}

/// What a local run does not need is not built for it; once all was built, it stays so.
#[test]
fn the_first_run_builds_no_more_than_it_needs() {
    let Some(place) = place() else { return };
    // The program that comes out knows `worker` unless the features were left out.
    script(
        &place.path().join("programs/cargo"),
        "echo \"cargo $*\" >>\"$LOG\"\n\
         mkdir -p \"${0%/programs/*}/baton/target/release\"\n\
         program=\"${0%/programs/*}/baton/target/release/baton\"\n\
         case \"$*\" in\n\
             *--no-default-features*) printf '#!/bin/sh\\n[ \"$1\" != worker ]\\n' >\"$program\" ;;\n\
             *) printf '#!/bin/sh\\n' >\"$program\" ;;\n\
         esac\n\
         chmod +x \"$program\"\n",
    );
    symlink(found("chmod").expect("chmod"), place.path().join("programs/chmod")).expect("linked");
    let built = |arguments: &[&str]| {
        let (output, asked) = call(place.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
        let lines: Vec<&str> = asked.lines().filter(|line| line.starts_with("cargo build")).collect();
        let [line] = lines[..] else { panic!("{arguments:?}: {asked}") };
        (line.contains("--no-default-features"), line.contains("--quiet"))
    };
    assert_eq!(built(&["run", "argon"]), (true, false), "the first build shows what it does");
    assert_eq!(built(&["chain", "here"]), (true, true));
    assert_eq!(
        built(&["worker", "--help"]),
        (false, false),
        "much is missing yet: it is shown"
    );
    assert_eq!(built(&["run", "argon"]), (false, true), "what is whole stays whole");
    assert_eq!(built(&["jobs"]), (false, true));
}
