//! The real program, as a process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Process {
    pub child: Child,
    pub url: String,
}

impl Process {
    /// None when it ends before it listens.
    pub fn start(data: &Path, arguments: &[&str]) -> Option<Self> {
        Self::start_with(data, arguments, &[])
    }

    /// The same, with variables in its environment.
    pub fn start_with(data: &Path, arguments: &[&str], environment: &[(String, String)]) -> Option<Self> {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_baton-server")), data, arguments, environment)
    }

    /// The same, and what it says on standard error goes to the end of a file.
    pub fn start_logged(data: &Path, arguments: &[&str], environment: &[(String, String)], log: &Path) -> Option<Self> {
        let log = File::options().create(true).append(true).open(log).expect("a log");
        let program = Path::new(env!("CARGO_BIN_EXE_baton-server"));
        Self::spawn(program, data, arguments, environment, log.into())
    }

    /// The same of another version of the program.
    pub fn start_program(program: &Path, data: &Path, arguments: &[&str], environment: &[(String, String)]) -> Option<Self> {
        Self::spawn(program, data, arguments, environment, Stdio::null())
    }

    fn spawn(program: &Path, data: &Path, arguments: &[&str], environment: &[(String, String)], errors: Stdio) -> Option<Self> {
        let mut child = Command::new(program)
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0", "--requests-per-minute", "0"])
            .args(arguments)
            .envs(environment.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("the binary starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let line = stdout.lines().next().and_then(Result::ok);
        match line.as_deref().and_then(|line| line.strip_prefix("baton-server listens on ")) {
            Some(url) => Some(Self {
                url: url.to_owned(),
                child,
            }),
            None => {
                child.wait().expect("it ended");
                None
            }
        }
    }

    /// Sends SIGTERM and waits for an orderly end.
    pub fn terminate(mut self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(told.is_ok_and(|status| status.success()));
        assert!(self.child.wait().expect("it ends").success());
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-s", name, &id]).status();
        assert!(told.is_ok_and(|status| status.success()));
    }

    /// Most memory that it ever had, MiB.
    pub fn memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux says");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
