//! The agent as a service that starts with the machine or with its user: the unit's text, and the service manager told of it.
//!
//! | module | owns |
//! |---|---|
//! | [`systemd`] | Linux: units of the user and of the system |
//! | [`launchd`] | macOS: launch agents |
//!
//! Invariant: a unit names files, never a token; and installing twice is installing once.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exit::Usage;

mod launchd;
mod systemd;

/// Name of the service.
const NAME: &str = "baton-worker";

/// What the service is started with: all paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// The program.
    pub(crate) program: PathBuf,
    /// `--server`, where it was given.
    pub(crate) server: Option<String>,
    /// Options that name a file or a folder, with the path.
    pub(crate) paths: Vec<(&'static str, PathBuf)>,
}

/// Whose service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The user's own: needs no root.
    User,
    /// The system's.
    System,
}

/// A service manager of this platform.
pub(crate) struct Service {
    /// The unit's file.
    pub(crate) file: PathBuf,
    /// Its text.
    pub(crate) text: String,
    /// Commands that make it known and start it.
    pub(crate) start: Vec<Vec<String>>,
    /// Commands that may fail: what they would give is welcome, not needed.
    pub(crate) also: Vec<Vec<String>>,
    /// Commands that stop it and make it forgotten, before its file is deleted and after.
    pub(crate) stop: [Vec<Vec<String>>; 2],
}

impl Start {
    /// Program and arguments.
    fn command(&self) -> Vec<String> {
        let mut command = vec![self.program.display().to_string(), "worker".to_owned()];
        let mut add = |name: &str, value: String| command.extend([name.to_owned(), value]);
        if let Some(server) = &self.server {
            add("--server", server.clone());
        }
        for (name, path) in &self.paths {
            add(name, path.display().to_string());
        }
        command
    }
}

/// The service of this platform.
///
/// # Errors
/// The platform has no service manager that is known here, or it has no home folder.
pub(crate) fn service(start: &Start, whose: Whose) -> anyhow::Result<Service> {
    let home = || etcetera::home_dir().context("this user has no home folder");
    if cfg!(target_os = "linux") {
        return Ok(systemd::service(start, whose, &home()?));
    }
    if cfg!(target_os = "macos") {
        return launchd::service(start, whose, &home()?);
    }
    let line = start.command().join(" ");
    Err(Usage(format!(
        "there is no installing a service on this platform yet: let its task scheduler run `{line}` at log-on"
    ))
    .into())
}

/// Write the unit and tell the service manager. What was said of commands that are welcome, not needed, and failed.
///
/// # Errors
/// The file cannot be written, or the service manager refuses: its own words.
pub(crate) fn install(service: &Service) -> anyhow::Result<Vec<String>> {
    let folder = service.file.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    std::fs::write(&service.file, &service.text).with_context(|| format!("cannot write {}", service.file.display()))?;
    for command in &service.start {
        run(command)?;
    }
    let refused = service.also.iter().filter_map(|command| run(command).err());
    Ok(refused.map(|error| format!("{error:#}")).collect())
}

/// Stop the service and delete its unit. Whether there was one.
///
/// # Errors
/// The file cannot be deleted.
pub(crate) fn uninstall(service: &Service) -> anyhow::Result<bool> {
    if !service.file.exists() {
        return Ok(false);
    }
    let tell = |commands: &[Vec<String>]| {
        for error in commands.iter().filter_map(|command| run(command).err()) {
            crate::console::output::note(format_args!("{error:#}"));
        }
    };
    tell(&service.stop[0]);
    std::fs::remove_file(&service.file).with_context(|| format!("cannot delete {}", service.file.display()))?;
    tell(&service.stop[1]);
    Ok(true)
}

fn run(command: &[String]) -> anyhow::Result<()> {
    let line = command.join(" ");
    let output = std::process::Command::new(&command[0])
        .args(&command[1..])
        .stdin(std::process::Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{line}`"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::bail!("`{line}` failed ({}): {}", output.status, said.trim())
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}
