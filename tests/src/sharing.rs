//! A server, volunteers and a scientist, all of them real processes on loopback.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use kernels::package::Package;
use protocol::http::{HostView, JobView, Why};
use serde_json::Value;

use crate::{baton, program, said, signal, wait};

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

    /// Something that the server tells; none while it is away.
    pub fn get(&self, path: &str) -> Option<Value> {
        let token = fs::read_to_string(self.token_file("operator")).ok()?;
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let host = &self.address;
        let token = token.trim();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// A request as any client may send it, with a token; what is answered, if that is JSON.
    pub fn send(&self, method: &str, path: &str, token: &str, body: &[u8]) -> Option<Value> {
        serde_json::from_slice(&self.ask(method, path, token, body)?.1).ok()
    }

    /// The same: the answer's status and bytes. None while the server is away.
    pub fn ask(&self, method: &str, path: &str, token: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let host = &self.address;
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let status = std::str::from_utf8(answer.get(..end)?)
            .ok()?
            .split(' ')
            .nth(1)?
            .parse()
            .ok()?;
        Some((status, answer.split_off(end + 4)))
    }

    /// A job as it is.
    pub fn job(&self, job: u64) -> Option<JobView> {
        serde_json::from_value(self.get(&format!("/v1/jobs/{job}"))?).ok()
    }

    /// Why a job is as it is.
    ///
    /// # Panics
    /// The server is away.
    pub fn why(&self, job: u64) -> Why {
        let why = self.get(&format!("/v1/jobs/{job}/why")).expect("an answer");
        serde_json::from_value(why).expect("a reason")
    }

    /// A host as it is.
    pub fn host(&self, host: u64) -> Option<HostView> {
        serde_json::from_value(self.get(&format!("/v1/hosts/{host}"))?).ok()
    }

    /// Wait until a job is as wanted.
    ///
    /// # Panics
    /// It never is.
    pub fn until(&self, job: u64, what: &str, wanted: impl Fn(&JobView) -> bool) -> JobView {
        let mut last = None;
        poll(|| {
            last = self.job(job).or(last.take());
            last.clone().filter(|job| wanted(job))
        })
        .unwrap_or_else(|| panic!("job {job} never was {what}; last {last:#?}\n{}", self.logs()))
    }

    /// Wait until a job is completed.
    ///
    /// # Panics
    /// It never is.
    pub fn completed(&self, job: u64) -> JobView {
        self.until(job, "completed", |job| job.state == protocol::JobState::Completed)
    }

    /// Wait until a host is in a state.
    ///
    /// # Panics
    /// It never is.
    pub fn host_is(&self, host: u64, state: &str) -> HostView {
        let mut last = None;
        poll(|| {
            last = self.host(host).or(last.take());
            last.clone().filter(|host| host.state.as_str() == state)
        })
        .unwrap_or_else(|| panic!("host {host} never was {state}; last {last:#?}\n{}", self.logs()))
    }

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
        let config = self.path(&format!("{name}.toml"));
        if !config.exists() {
            fs::write(&config, "").expect("a configuration file");
        }
        let child = self
            .command(name, "baton")
            .args(["worker", "--server", url, "--name", name, "--retry-max", "0.3"])
            // At the lowest priority it would not move at all beside a build.
            .arg("--no-priority-change")
            .arg("--token-file")
            .arg(self.token_file(if flags.contains(&"--referee") { "referee" } else { "host" }))
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

    /// Fetch a job and hold its chain and outputs, byte for byte, against a run of this process on the CPU device.
    ///
    /// # Panics
    /// They differ.
    pub fn assert_same_as_local(&self, job: u64, package: &Package) {
        let out = self.path(&format!("fetched-{job}"));
        let segments = self.fetch(job, &out)["segment"].as_u64().expect("a number");
        let local = self.path(&format!("local-{job}"));
        let config = kernels::run::RunConfig::new(segments);
        let dir = kernels::run::RunDir::create(&local, package, config).expect("a run directory");
        let device = device::select("cpu").expect("the CPU device is always there");
        let class = dir_class(&out);
        let options = kernels::run::RunOptions::default();
        kernels::run::run(&dir, &*device, class, &options, &mut |_| kernels::run::Control::Continue).expect("it runs");
        let (expected, found) = (crate::results(&local), crate::results(&out));
        for ((name, expected), (_, found)) in expected.iter().zip(&found) {
            assert!(expected == found, "job {job}: {name} differs from a local run's");
        }
        assert_eq!(expected.len(), found.len(), "job {job}: a file is missing, or one too many");
    }
}

/// The class in a run directory's chain: of the same bits wherever they were computed.
fn dir_class(dir: &Path) -> protocol::HardwareClass {
    let dir = kernels::run::RunDir::view(dir).expect("a run directory");
    dir.chain().expect("a chain").last().expect("a boundary").class
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
