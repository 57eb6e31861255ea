//! A volunteer's agent as a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};

use serde_json::Value;

use super::{PATIENCE, Stage, poll};
use crate::{baton, said, signal, wait};

impl Stage {
    /// Start a volunteer's agent with a state folder of that name.
    ///
    /// # Panics
    /// It does not start.
    pub fn worker(&self, name: &str, flags: &[&str]) -> Worker {
        self.worker_at(name, &self.url(), flags)
    }

    /// The same, by another way to the server.
    ///
    /// # Panics
    /// It does not start.
    pub fn worker_at(&self, name: &str, url: &str, flags: &[&str]) -> Worker {
        self.worker_in(name, url, flags, &[])
    }

    /// The same, with variables of the environment.
    ///
    /// # Panics
    /// It does not start.
    pub fn worker_in(&self, name: &str, url: &str, flags: &[&str], environment: &[(&str, &Path)]) -> Worker {
        let token = self.token_file(if flags.contains(&"--referee") { "referee" } else { "host" });
        let server = ["--server", url, "--token-file", token.to_str().expect("a plain path")];
        self.worker_with(name, &[&server, flags].concat(), environment)
    }

    /// An agent that is told of its servers by its configuration file, `NAME.toml`.
    ///
    /// # Panics
    /// It does not start.
    pub fn worker_with(&self, name: &str, flags: &[&str], environment: &[(&str, &Path)]) -> Worker {
        let config = self.path(&format!("{name}.toml"));
        if !config.exists() {
            fs::write(&config, "").expect("a configuration file");
        }
        let child = self
            .command(name, "baton")
            .args(["worker", "--name", name, "--retry-max", "0.3"])
            // At the lowest priority it would not move at all beside a build.
            .arg("--no-priority-change")
            .arg("--state")
            .arg(self.path(name))
            .arg("--config")
            .arg(&config)
            .args(if flags.iter().any(|flag| flag.starts_with("--device")) {
                &[][..]
            } else {
                &["--device=cpu"][..]
            })
            .args(flags)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log(name))
            .spawn()
            .expect("baton worker starts");
        Worker {
            child,
            state: self.path(name),
            log: self.path(&format!("{name}.log")),
            config,
        }
    }
}

/// A volunteer's agent.
pub struct Worker {
    child: Child,
    state: PathBuf,
    log: PathBuf,
    config: PathBuf,
}

impl Worker {
    /// Send a signal by name.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Wait until it has ended.
    ///
    /// # Panics
    /// It does not end.
    pub fn ended(&mut self) -> ExitStatus {
        wait(&mut self.child, PATIENCE)
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// End it without warning.
    pub fn kill(mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// What it said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Wait until it has said something.
    ///
    /// # Panics
    /// It never does.
    pub fn says(&self, what: &str) {
        poll(|| self.said().contains(what).then_some(())).unwrap_or_else(|| panic!("it never said {what:?}:\n{}", self.said()));
    }

    /// Say something to it: `pause`, `resume`, `finish`, `status`.
    ///
    /// # Panics
    /// It does not take it.
    pub fn tell(&self, arguments: &[&str]) -> String {
        let output = baton(["worker"])
            .args(arguments)
            .arg("--state")
            .arg(&self.state)
            .output()
            .expect("baton starts");
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Its status, as scripts see it.
    pub fn status(&self) -> Value {
        let text = fs::read(self.state.join("status.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Whether boundaries of a job are in its state folder.
    pub fn has_boundaries(&self) -> bool {
        let folders = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut jobs = folders(self.state.join("servers")).flat_map(|home| folders(home.join("jobs")));
        jobs.any(|job| job.join("chain.jsonl").exists())
    }

    /// Change its configuration file.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn configure(&self, text: &str) {
        fs::write(&self.config, text).expect("written");
    }

    /// Its number at the server, once it is registered.
    ///
    /// # Panics
    /// It never is.
    pub fn host(&self) -> u64 {
        poll(|| {
            let homes = fs::read_dir(self.state.join("servers")).ok()?.flatten();
            let mut texts = homes.filter_map(|home| fs::read(home.path().join("host.json")).ok());
            serde_json::from_slice::<Value>(&texts.next()?).ok()?["host"].as_u64()
        })
        .unwrap_or_else(|| panic!("it never registered:\n{}", self.said()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
