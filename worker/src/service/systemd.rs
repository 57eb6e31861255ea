//! systemd's unit. Its text is as `systemd.service(5)` and `systemd.exec(5)` have it; `%` and `$` have a meaning in `ExecStart`, and are doubled.

use std::path::Path;

use super::{NAME, Service, Start, Whose, words};

/// Seconds that jobs are given to reach their next boundary when the service is stopped.
const STOP_S: u32 = 90;

pub(super) fn service(start: &Start, whose: Whose, home: &Path) -> Service {
    let unit = format!("{NAME}.service");
    let (folder, scope, wanted_by) = match whose {
        Whose::User => (home.join(".config/systemd/user"), " --user", "default.target"),
        Whose::System => (Path::new("/etc/systemd/system").to_owned(), "", "multi-user.target"),
    };
    let systemctl = |what: &str| words(&format!("systemctl{scope} {what}"));
    Service {
        file: folder.join(&unit),
        text: text(start, whose, wanted_by),
        start: vec![
            systemctl("daemon-reload"),
            systemctl(&format!("enable {unit}")),
            systemctl(&format!("restart {unit}")),
        ],
        // So that it runs though its user has not logged in.
        also: match whose {
            Whose::User => vec![words("loginctl enable-linger")],
            Whose::System => Vec::new(),
        },
        stop: [
            vec![systemctl(&format!("disable --now {unit}"))],
            vec![systemctl("daemon-reload")],
        ],
    }
}

fn text(start: &Start, whose: Whose, wanted_by: &str) -> String {
    let mut start = start.clone();
    let mut extra = String::new();
    if whose == Whose::System {
        // A user that exists while it runs, with folders of its own; the token is handed over by systemd, so that its file may be root's alone.
        extra.push_str("DynamicUser=yes\nStateDirectory=baton-worker\nCacheDirectory=baton-worker\n");
        extra.push_str("Environment=BATON_STATE=%S/baton-worker BATON_CACHE_DIR=%C/baton-worker\nProtectHome=yes\nProtectSystem=strict\nPrivateTmp=yes\n");
    }
    let mut command: Vec<String> = Vec::new();
    if whose == Whose::System
        && let Some(at) = start.paths.iter().position(|(option, _)| *option == "--token-file")
    {
        let (option, path) = start.paths.remove(at);
        extra.push_str(&format!(
            "LoadCredential=token:{}\n",
            path.display().to_string().replace('%', "%%")
        ));
        command = vec![option.to_owned(), "%d/token".to_owned()];
    }
    let mut line: Vec<String> = start.command().iter().map(|word| quoted(word)).collect();
    line.extend(command);
    format!(
        "[Unit]
Description=Baton lends this machine's GPU or CPU
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={}
Restart=on-failure
RestartSec=30
# Stopped at a boundary is well; a wrong command line, hardware class or package does not get better by itself.
SuccessExitStatus=85
RestartPreventExitStatus=2 86 87
# The first signal lets jobs go on to their next boundary.
KillMode=mixed
TimeoutStopSec={STOP_S}
NoNewPrivileges=yes
{extra}
[Install]
WantedBy={wanted_by}
",
        line.join(" ")
    )
}

/// A word of `ExecStart`.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '%' | '$' => text.extend([c, c]),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    fn start() -> Start {
        Start {
            program: "/opt/my tools/100% \"baton\"".into(),
            server: Some("https://baton.example/$lab".into()),
            paths: vec![
                ("--token-file", "/home/anna/host.token".into()),
                ("--state", PathBuf::from("/home/anna/my state")),
            ],
        }
    }

    #[test]
    fn words_with_a_meaning_to_systemd_are_quoted() {
        let unit = service(&start(), Whose::User, Path::new("/home/anna"));
        assert_eq!(unit.file, Path::new("/home/anna/.config/systemd/user/baton-worker.service"));
        let line = unit
            .text
            .lines()
            .find(|line| line.starts_with("ExecStart="))
            .expect("a command");
        assert_eq!(
            line,
            "ExecStart=\"/opt/my tools/100%% \\\"baton\\\"\" \"worker\" \"--server\" \"https://baton.example/$$lab\" \
             \"--token-file\" \"/home/anna/host.token\" \"--state\" \"/home/anna/my state\""
        );
        assert!(!unit.text.contains("DynamicUser"));
    }

    #[test]
    fn the_systems_service_is_handed_its_token() {
        let unit = service(&start(), Whose::System, Path::new("/root"));
        assert!(
            unit.text.contains("LoadCredential=token:/home/anna/host.token\n"),
            "{}",
            unit.text
        );
        assert!(
            unit.text.contains("\"/home/anna/my state\" --token-file %d/token\n"),
            "{}",
            unit.text
        );
    }

    /// systemd reads both without a word.
    #[test]
    fn systemd_takes_the_units() {
        if Command::new("systemd-analyze").arg("--version").output().is_err() {
            println!("skipped: systemd is not installed");
            return;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let start = Start {
            program: std::env::current_exe().expect("this program"),
            ..start()
        };
        for whose in [Whose::User, Whose::System] {
            let unit = service(&start, whose, folder.path());
            let path = folder.path().join("baton-worker.service");
            std::fs::write(&path, unit.text).expect("written");
            let scope = if whose == Whose::User { "--user" } else { "--system" };
            let said = Command::new("systemd-analyze")
                .args(["verify", scope, "--man=no"])
                .arg(&path)
                .output()
                .expect("it starts");
            let words = String::from_utf8_lossy(&said.stderr);
            let about_it: Vec<&str> = words.lines().filter(|line| line.contains("baton-worker")).collect();
            assert!(about_it.is_empty(), "{whose:?}: {about_it:#?}");
        }
    }
}
