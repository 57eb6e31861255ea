//! `baton worker install` and `uninstall`: the unit that is written, and what the service manager is told, with a service manager that writes down what it hears.

#![cfg(target_os = "linux")]

mod common;

use std::os::unix::fs::PermissionsExt as _;

use common::{Place, Said};

/// Runs a command with a home of its own, where `systemctl` and `loginctl` note their arguments and answer with a code.
fn run(place: &Place, words: &str, code: i32) -> Said {
    let bin = place.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in ["systemctl", "loginctl"] {
        let path = bin.join(name);
        let script = format!(
            "#!/bin/sh\necho {name} \"$@\" >> {}\necho 'no bus' >&2\nexit {code}\n",
            place.path("heard").display()
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = place
        .command(words)
        .env("HOME", place.path("home"))
        .env("PATH", &bin)
        .output()
        .expect("the binary starts");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn the_agent_is_installed_as_the_users_service_and_removed_without_root() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("home")).unwrap();
    std::fs::write(place.path("host.token"), "baton_host_secret").unwrap();
    let install = "worker install --server https://baton.example --token-file host.token";
    let printed = run(&place, &format!("{install} --print"), 0);
    assert_eq!(printed.code, 0, "{}", printed.err);
    assert!(!place.path("heard").exists(), "nothing is done");

    // Twice is once.
    for _ in 0..2 {
        let said = run(&place, install, 0);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let unit = place.path("home/.config/systemd/user/baton-worker.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    let token = place.path("host.token").canonicalize().unwrap();
    assert!(
        text.contains(&format!(
            "\"--server\" \"https://baton.example\" \"--token-file\" \"{}\"",
            token.display()
        )),
        "{text}"
    );
    assert!(!text.contains("secret") && printed.out.contains(&text), "{text}");
    let heard = std::fs::read_to_string(place.path("heard")).unwrap();
    let expected = ["daemon-reload", "enable baton-worker.service", "restart baton-worker.service"]
        .map(|what| format!("systemctl --user {what}"));
    assert_eq!(
        heard.lines().take(4).collect::<Vec<_>>(),
        [&expected[..], &["loginctl enable-linger".to_owned()]].concat()
    );

    let said = run(&place, "worker uninstall", 0);
    assert!(
        said.code == 0 && said.out.contains("removed") && !unit.exists(),
        "{}{}",
        said.out,
        said.err
    );
    let said = run(&place, "worker uninstall", 0);
    assert!(
        said.code == 0 && said.out.contains("nothing to remove"),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn what_cannot_be_installed_is_said_with_the_service_managers_words() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("home")).unwrap();
    for (words, code, part) in [
        ("worker install --token secret", 2, "expected --token-file"),
        (
            "worker install --token-file none",
            2,
            "--token-file none: there is no such file",
        ),
        (
            "worker install --server http://127.0.0.1:1",
            1,
            "`systemctl --user daemon-reload` failed (exit status: 7): no bus",
        ),
    ] {
        let said = run(&place, words, 7);
        assert_eq!(said.code, code, "{words}: {}", said.err);
        assert!(said.err.contains(part), "{words}: {}", said.err);
    }
}
