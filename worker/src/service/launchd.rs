//! launchd's property list, as `launchd.plist(5)` has it.

use std::path::Path;

use super::{Service, Start, Whose, words};
use crate::exit::Usage;

/// Name of the launch agent.
const LABEL: &str = "org.baton.worker";

pub(super) fn service(start: &Start, whose: Whose, home: &Path) -> anyhow::Result<Service> {
    if whose == Whose::System {
        return Err(Usage("--system: there are only launch agents of a user on macOS; leave it out".into()).into());
    }
    let file = home.join("Library/LaunchAgents").join(format!("{LABEL}.plist"));
    let user = std::process::Command::new("id").arg("-u").output();
    let user = user
        .map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
        .unwrap_or_default();
    let mut load = words(&format!("launchctl bootstrap gui/{user}"));
    load.push(file.display().to_string());
    let unload = words(&format!("launchctl bootout gui/{user}/{LABEL}"));
    Ok(Service {
        text: text(start),
        file,
        start: vec![load],
        also: Vec::new(),
        stop: [vec![unload], Vec::new()],
    })
}

fn text(start: &Start) -> String {
    let words: Vec<String> = start
        .command()
        .iter()
        .map(|word| format!("    <string>{}</string>", escaped(word)))
        .collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>Crashed</key>
    <true/>
  </dict>
  <key>ExitTimeOut</key>
  <integer>90</integer>
  <key>ProcessType</key>
  <string>Background</string>
</dict>
</plist>
"#,
        words.join("\n")
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_the_program_and_escapes_what_xml_has_a_meaning_for() {
        let start = Start {
            program: "/Applications/a&b/<baton>".into(),
            ..Start::default()
        };
        let text = text(&start);
        assert!(
            text.contains("<string>/Applications/a&amp;b/&lt;baton&gt;</string>\n    <string>worker</string>"),
            "{text}"
        );
    }
}
