//! A server, volunteers and a scientist, all of them real processes on loopback.
//!
//! | module | owns |
//! |---|---|
//! | `asks` | what the server is asked, and waiting for its answers |
//! | `worker` | a volunteer's agent |
//! | `same` | a fetched job beside a run of this process, byte for byte |

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{baton, program, said, signal, wait};

mod asks;
mod same;
mod worker;

pub use worker::Worker;

/// Nothing that a test waits for takes so long on a machine that is not stuck.
pub const PATIENCE: Duration = Duration::from_secs(100);
/// Times short enough for tests: a host is unreachable after two seconds, lost after six.
pub const FAST: &[&str] = &[
    "--heartbeat-s=1",
    "--unreachable-s=2",
    "--lost-s=6",
    "--commit-s=0",
    "--requests-per-minute=0",
    "--enrolments-per-minute=0",
];

/// A server with its folder, and room for everybody else's.
pub struct Stage {
    place: tempfile::TempDir,
    database: Option<String>,
    flags: Vec<String>,
    /// libfaketime, where the clocks of the stage's processes are to be moved.
    faketime: Option<PathBuf>,
    server: Option<Child>,
    /// `HOST:PORT` of the server; the same after a restart.
    pub address: String,
}

impl Stage {
    /// Start a server, on SQLite unless a database is named.
    ///
    /// # Panics
    /// It does not start.
    pub fn new(database: Option<String>, flags: &[&str]) -> Self {
        let mut stage = Self::without_server(database, flags, None);
        stage.start_server();
        stage
    }

    /// A folder in which nothing runs yet. With libfaketime, the clock of each process goes by the file `NAME.clock` in it.
    ///
    /// # Panics
    /// There is no place for it.
    pub fn without_server(database: Option<String>, flags: &[&str], faketime: Option<PathBuf>) -> Self {
        Self {
            place: tempfile::tempdir().expect("a temporary folder"),
            database,
            flags: flags.iter().map(ToString::to_string).collect(),
            faketime,
            server: None,
            address: "127.0.0.1:0".into(),
        }
    }

    /// Move the clock of a process by so many seconds from true time. Whether it can be moved.
    pub fn set_clock(&self, name: &str, seconds: i64) -> bool {
        let clock = self.path(&format!("{name}.clock"));
        self.faketime.is_some() && fs::write(clock, format!("{seconds:+}s")).is_ok()
    }

    fn command(&self, name: &str, binary: &str) -> Command {
        let mut command = Command::new(program(binary));
        if let Some(library) = &self.faketime {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", self.path(&format!("{name}.clock")))
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1")
                .env("NO_FAKE_STAT", "1");
        }
        command
    }

    fn log(&self, name: &str) -> fs::File {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path(&format!("{name}.log")));
        log.expect("a log")
    }

    /// A place in the stage's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The server's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Start the server, again at its old address. A start that fails (its disk is full, say) is tried again, as an operator would.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_server(&mut self) {
        let mut command = self.command("server", "baton-server");
        command
            .arg("--data")
            .arg(self.path("server"))
            .args(["--listen", &self.address])
            .args(&self.flags)
            .env("BATON_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log("server"));
        if let Some(database) = &self.database {
            command.args(["--database", database]);
        }
        let started = poll(|| {
            let mut child = command.spawn().expect("baton-server starts");
            let mut line = String::new();
            let read = BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line);
            if let (Ok(_), Some(address)) = (read, line.trim().strip_prefix("baton-server listens on http://")) {
                return Some((child, address.to_owned()));
            }
            wait(&mut child, PATIENCE);
            None
        });
        let (server, address) = started.unwrap_or_else(|| panic!("the server never came up:\n{}", self.logs()));
        (self.server, self.address) = (Some(server), address);
    }

    /// Flags of the next start of the server.
    pub fn set_flags(&mut self, flags: &[&str]) {
        self.flags = flags.iter().map(ToString::to_string).collect();
    }

    /// End the server by a signal, and wait until it is gone.
    ///
    /// # Panics
    /// It does not end.
    pub fn end_server(&mut self, by: &str) {
        if let Some(mut server) = self.server.take() {
            signal(&server, by);
            wait(&mut server, PATIENCE);
        }
    }

    /// The file that holds a token which the server made at its first start.
    pub fn token_file(&self, name: &str) -> PathBuf {
        self.path("server").join(format!("{name}.token"))
    }

    /// `baton` as the scientist calls it.
    pub fn scientist(&self, arguments: &[&str]) -> Command {
        let mut command = baton(arguments);
        command
            .env("BATON_SERVER", self.url())
            .env("BATON_TOKEN_FILE", self.token_file("scientist"));
        command
    }

    /// Submit a package. Its job.
    ///
    /// # Panics
    /// It is refused.
    pub fn submit(&self, package: &Path, flags: &[&str]) -> u64 {
        self.try_submit(package, flags)
            .unwrap_or_else(|error| panic!("submit: {error}"))
    }

    /// The same, where the server may not be able to take it.
    ///
    /// # Errors
    /// What `baton submit` says.
    ///
    /// # Panics
    /// It says that it succeeded, and gives no job.
    pub fn try_submit(&self, package: &Path, flags: &[&str]) -> Result<u64, String> {
        let mut command = self.scientist(&["submit", "--json"]);
        let output = command.arg(package).args(flags).output().expect("baton starts");
        if !output.status.success() {
            return Err(said(&output));
        }
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        Ok(report["job"].as_u64().expect("a number"))
    }

    /// Fetch a job into a folder. What `baton fetch --json` says.
    ///
    /// # Panics
    /// It cannot be fetched.
    pub fn fetch(&self, job: u64, out: &Path) -> Value {
        let mut command = self.scientist(&["fetch", &job.to_string(), "--json", "--out"]);
        let output = command.arg(out).output().expect("baton starts");
        assert!(output.status.success(), "fetch: {}\n{}", said(&output), self.logs());
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The last lines of every process's log, for messages.
    pub fn logs(&self) -> String {
        let entries = fs::read_dir(self.place.path()).into_iter().flatten().flatten();
        let logs = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "log"));
        let texts = logs.map(|log| {
            let text = fs::read_to_string(log.path()).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(60)..];
            format!("--- {}\n{}\n", log.file_name().to_string_lossy(), last.join("\n"))
        });
        texts.collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

/// Look until there is something; none when that takes too long.
pub fn poll<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}
