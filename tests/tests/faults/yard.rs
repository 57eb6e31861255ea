//! A server and volunteers as real processes that can be killed, run out of disk, and have their clocks moved.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use contracts::{baton, program, said, signal, wait};
use protocol::Digest;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(120);

/// libfaketime, which moves the clock of a process that lives.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists())
}

/// A folder for everybody, with a small disk each where the machine lets one be mounted.
pub struct Yard {
    place: tempfile::TempDir,
    disks: Vec<PathBuf>,
    faketime: Option<PathBuf>,
    server: Option<Child>,
    workers: BTreeMap<String, Child>,
    address: String,
    /// Workers that ended without being told to.
    pub deserted: u32,
}

impl Yard {
    /// A yard with a server in it.
    pub fn new(names: &[&str], small_disks: bool) -> Self {
        let mut yard = Self {
            place: tempfile::tempdir().expect("a folder"),
            disks: Vec::new(),
            faketime: faketime(),
            server: None,
            workers: BTreeMap::new(),
            address: "127.0.0.1:0".to_owned(),
            deserted: 0,
        };
        for name in names.iter().chain(&["server"]) {
            fs::create_dir(yard.path(name)).expect("a folder");
            fs::write(yard.path(&format!("{name}.clock")), "+0s").expect("written");
            if small_disks && !yard.mount(name) {
                println!("SKIP: full disks: no small file system can be mounted here");
                break;
            }
        }
        if yard.faketime.is_none() {
            println!("SKIP: clocks that jump: libfaketime is not installed");
        }
        yard.start_server();
        yard
    }

    fn mount(&mut self, name: &str) -> bool {
        let path = self.path(name);
        // A server needs some 20 MB for a schedule's jobs, and has to have room for what nobody asks for again.
        let size = if name == "server" { "size=96m" } else { "size=24m" };
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", size, "baton-test"])
            .arg(&path)
            .stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        if mounted {
            self.disks.push(path);
        }
        mounted
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// The clock of a process goes by this much more or less from now on, seconds. Whether it can be moved.
    pub fn jump(&self, name: &str, seconds: i64) -> bool {
        let clock = self.path(&format!("{name}.clock"));
        self.faketime.is_some() && fs::write(clock, format!("{seconds:+}s")).is_ok()
    }

    /// Fills a disk to the last byte, or empties it again. Whether there is one.
    pub fn fill(&self, name: &str, full: bool) -> bool {
        let disk = self.path(name);
        let filler = disk.join("filler");
        if !self.disks.contains(&disk) {
            return false;
        }
        if !full {
            drop(fs::remove_file(filler));
            return true;
        }
        let mut file = File::create(filler).expect("a file");
        for size in [1 << 20, 4096, 64] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
        true
    }

    fn clocked(&self, program: PathBuf, name: &str) -> Command {
        let mut command = Command::new(program);
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

    fn log(&self, name: &str) -> File {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path(&format!("{name}.log")));
        log.expect("a log")
    }

    pub fn start_server(&mut self) {
        let mut command = self.clocked(program("baton-server"), "server");
        command
            .arg("--data")
            .arg(self.path("server"))
            .args([
                "--listen",
                &self.address,
                "--heartbeat-s=1",
                "--unreachable-s=2",
                "--lost-s=6",
                "--commit-s=0",
            ])
            .args([
                "--offer-s=3",
                "--backoff-s=1",
                "--requests-per-minute=0",
                "--enrolments-per-minute=0",
            ])
            .env("BATON_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log("server"));
        let begun = Instant::now();
        loop {
            let mut child = command.spawn().expect("baton-server starts");
            let mut line = String::new();
            let read = BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line);
            if let (Ok(_), Some(address)) = (read, line.trim().strip_prefix("baton-server listens on http://")) {
                self.address = address.to_owned();
                self.server = Some(child);
                return;
            }
            // A start on a full disk fails; an operator tries again.
            wait(&mut child, PATIENCE);
            assert!(begun.elapsed() < PATIENCE, "the server never came up:\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub fn end_server(&mut self, by: &str) {
        if let Some(mut server) = self.server.take() {
            signal(&server, by);
            self.gone("server", &mut server);
        }
    }

    fn gone(&self, name: &str, child: &mut Child) {
        let begun = Instant::now();
        while child.try_wait().is_ok_and(|status| status.is_none()) {
            if begun.elapsed() > PATIENCE {
                drop(child.kill());
                panic!("{name} did not end:\n{}", self.logs());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn start_worker(&mut self, name: &str, url: &str) {
        let config = self.path(&format!("{name}.toml"));
        fs::write(&config, "").expect("written");
        let mut command = self.clocked(program("baton"), name);
        command
            .args(["worker", "--server", url, "--name", name, "--retry-max", "1", "--device=cpu"])
            .arg("--token-file")
            .arg(self.path("server").join("host.token"))
            .arg("--state")
            .arg(self.path(name))
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log(name));
        let child = command.spawn().expect("baton worker starts");
        self.workers.insert(name.to_owned(), child);
    }

    pub fn end_worker(&mut self, name: &str, by: &str) {
        if let Some(mut worker) = self.workers.remove(name) {
            signal(&worker, by);
            self.gone(name, &mut worker);
        }
    }

    /// Starts those workers again that ended by themselves.
    pub fn muster(&mut self, url: &str) {
        let gone = |child: &mut Child| child.try_wait().is_ok_and(|status| status.is_some());
        let names: Vec<String> = self
            .workers
            .iter_mut()
            .filter_map(|(name, child)| gone(child).then(|| name.clone()))
            .collect();
        for name in names {
            self.deserted += 1;
            self.start_worker(&name, url);
        }
    }

    fn token(&self, name: &str) -> PathBuf {
        self.path("server").join(format!("{name}.token"))
    }

    pub fn scientist(&self, arguments: &[&str]) -> Command {
        let mut command = baton(arguments);
        command
            .env("BATON_SERVER", format!("http://{}", self.address))
            .env("BATON_TOKEN_FILE", self.token("scientist"));
        command
    }

    /// Submits a package; none where the server could not take it.
    pub fn submit(&self, package: &Path, flags: &[&str]) -> Option<u64> {
        let output = self
            .scientist(&["submit", "--json"])
            .arg(package)
            .args(flags)
            .output()
            .expect("baton starts");
        if !output.status.success() {
            return None;
        }
        serde_json::from_slice::<Value>(&output.stdout).ok()?["job"].as_u64()
    }

    /// Fetches a job into a folder.
    pub fn fetch(&self, job: u64, out: &Path) {
        let output = self
            .scientist(&["fetch", &job.to_string(), "--out"])
            .arg(out)
            .output()
            .expect("baton starts");
        assert!(output.status.success(), "fetch: {}\n{}", said(&output), self.logs());
    }

    /// Uploads bytes that nothing refers to. Whether the server has room.
    pub fn upload(&self, bytes: &[u8]) -> bool {
        let token = fs::read_to_string(self.token("scientist")).expect("the server made it");
        let (host, token, digest, size) = (&self.address, token.trim(), Digest::of(bytes), bytes.len());
        let head = format!(
            "PUT /v1/blobs/{digest}?size={size} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&self.address).expect("the server is there");
        // A server that has no room answers before it has heard everything.
        drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(bytes)));
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer));
        answer.starts_with("HTTP/1.1 200")
    }

    /// Something that the server tells; none while it is away.
    pub fn get(&self, path: &str) -> Option<Value> {
        let token = fs::read_to_string(self.token("operator")).ok()?;
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let (host, token) = (&self.address, token.trim());
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// What everybody said last, for messages.
    pub fn logs(&self) -> String {
        let entries = fs::read_dir(self.place.path()).into_iter().flatten().flatten();
        let logs = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "log"));
        let texts = logs.map(|log| {
            let text = fs::read_to_string(log.path()).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(60)..];
            format!("--- {}\n{}\n", log.file_name().to_string_lossy(), last.join("\n"))
        });
        texts.chain(self.disks.iter().map(|disk| contents(disk))).collect()
    }
}

/// What lies on a disk, largest first.
fn contents(disk: &Path) -> String {
    let (mut files, mut folders) = (Vec::new(), vec![disk.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(there) if there.is_dir() => folders.push(entry.path()),
                Ok(there) => files.push((there.len(), entry.path())),
                Err(_) => {}
            }
        }
    }
    files.sort_unstable_by(|a, b| b.cmp(a));
    let bytes: u64 = files.iter().map(|(bytes, _)| bytes).sum();
    let largest = files.iter().take(12);
    let lines: String = largest
        .map(|(bytes, path)| format!("{bytes:>10} {}\n", path.display()))
        .collect();
    format!("--- {}: {bytes} bytes in {} files\n{lines}", disk.display(), files.len())
}

impl Drop for Yard {
    fn drop(&mut self) {
        for child in self.workers.values_mut().chain(&mut self.server) {
            drop(child.kill());
            drop(child.wait());
        }
        for disk in &self.disks {
            drop(Command::new("umount").arg("-l").arg(disk).status());
        }
    }
}
