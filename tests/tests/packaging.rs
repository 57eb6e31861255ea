//! Contract: what people install is made of programs and options that there are: the server's unit, the Debian packages, the container's file.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use contracts::program;

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/packaging")
}

#[test]
fn the_units_command_starts_a_server_in_the_folder_that_the_unit_gives_it() {
    let unit = fs::read_to_string(packaging().join("baton-server.service")).unwrap();
    let of = |key: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(&format!("{key}=")));
        line.unwrap_or_else(|| panic!("the unit has no {key}")).to_owned()
    };
    let state = tempfile::tempdir().unwrap();
    let data = state.path().join(of("StateDirectory"));
    let command = of("ExecStart")
        .replace("%S", &state.path().display().to_string())
        .replace(":8477", ":0");
    let mut words = command.split(' ');
    assert_eq!(words.next(), Some("/usr/bin/baton-server"));
    let mut server = Command::new(program("baton-server"))
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = server.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut line).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(line.starts_with("baton-server listens on http://127.0.0.1:"), "{line:?}");
    assert!(data.join("operator.token").exists(), "it writes into its state folder");
}

#[test]
fn the_debian_packages_hold_the_programs_and_the_servers_unit() {
    for tool in ["dpkg-deb", "dpkg-shlibdeps"] {
        if Command::new(tool).arg("--version").output().is_err() {
            return println!("skipped: {tool} is not installed");
        }
    }
    // In the place of the programs, which are large, one that every machine has.
    let folder = tempfile::tempdir().unwrap();
    let (programs, out) = (folder.path().join("programs"), folder.path().join("out"));
    fs::create_dir(&programs).unwrap();
    for name in ["baton", "fpcheck", "baton-server"] {
        fs::copy("/bin/true", programs.join(name)).unwrap();
    }
    let made = Command::new(packaging().join("deb"))
        .args([&programs, &out])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let listed = String::from_utf8(made.stdout).unwrap();
    let ask = |argument: &str, file: &str| {
        let output = Command::new("dpkg-deb").args([argument, file]).output().unwrap();
        assert!(output.status.success(), "{file}");
        String::from_utf8(output.stdout).unwrap()
    };
    let expected = [
        ("baton_", &["./usr/bin/baton", "./usr/bin/fpcheck"][..]),
        (
            "baton-server_",
            &["./usr/bin/baton-server", "./usr/lib/systemd/system/baton-server.service"],
        ),
    ];
    assert_eq!(listed.lines().count(), expected.len(), "{listed}");
    for (line, (name, files)) in listed.lines().zip(expected) {
        assert!(
            Path::new(line).file_name().unwrap().to_string_lossy().starts_with(name),
            "{line}"
        );
        let contents = ask("--contents", line);
        for file in files {
            assert!(
                contents.lines().any(|line| line.ends_with(&format!(" {file}"))),
                "{file} is not in\n{contents}"
            );
        }
        let info = ask("--info", line);
        let version = format!("Version: {}", env!("CARGO_PKG_VERSION"));
        assert!(info.contains(&version) && info.contains("Depends: libc6"), "{info}");
    }
}

#[test]
fn the_container_holds_programs_that_there_are() {
    let text = fs::read_to_string(packaging().join("Containerfile")).unwrap();
    let copied = text
        .lines()
        .find(|line| line.starts_with("COPY --from=build"))
        .expect("it copies");
    let names: BTreeSet<&str> = copied
        .split(' ')
        .filter_map(|word| word.strip_prefix("/src/target/release/"))
        .collect();
    assert_eq!(names, BTreeSet::from(["baton", "baton-server", "fpcheck"]));
    names.into_iter().for_each(|name| drop(program(name)));
    assert!(text.ends_with("ENTRYPOINT [\"baton\"]\n"));
    for ignored in ["target", ".git"] {
        let all = fs::read_to_string(packaging().join("Containerfile.dockerignore")).unwrap();
        assert!(all.lines().any(|line| line == ignored), "{ignored} is sent along");
    }
}
