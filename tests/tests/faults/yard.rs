//! A stage whose processes can be killed, run out of disk, and have their clocks moved.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use contracts::sharing::{FAST, Stage, Worker};
use protocol::Digest;

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

/// A server and volunteers, with a small disk each where the machine lets one be mounted.
pub struct Yard {
    pub stage: Stage,
    disks: Vec<PathBuf>,
    workers: BTreeMap<String, Worker>,
    /// Workers that ended without being told to.
    pub deserted: u32,
}

impl Yard {
    /// A yard with a server in it.
    pub fn new(names: &[&str], small_disks: bool) -> Self {
        let flags = [FAST, &["--offer-s=3", "--backoff-s=1"]].concat();
        let mut yard = Self {
            stage: Stage::without_server(None, &flags, faketime()),
            disks: Vec::new(),
            workers: BTreeMap::new(),
            deserted: 0,
        };
        for name in names.iter().chain(&["server"]) {
            fs::create_dir(yard.stage.path(name)).expect("a folder");
            yard.stage.set_clock(name, 0);
            if small_disks && !yard.mount(name) {
                println!("SKIP: full disks: no small file system can be mounted here");
                break;
            }
        }
        if !yard.stage.set_clock("server", 0) {
            println!("SKIP: clocks that jump: libfaketime is not installed");
        }
        yard.stage.start_server();
        yard
    }

    fn mount(&mut self, name: &str) -> bool {
        let path = self.stage.path(name);
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

    /// Fills a disk to the last byte, or empties it again. Whether there is one.
    pub fn fill(&self, name: &str, full: bool) -> bool {
        let disk = self.stage.path(name);
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

    pub fn start_worker(&mut self, name: &str, url: &str) {
        let worker = self.stage.worker_at(name, url, &[]);
        self.workers.insert(name.to_owned(), worker);
    }

    pub fn end_worker(&mut self, name: &str, by: &str) {
        if let Some(mut worker) = self.workers.remove(name) {
            worker.signal(by);
            worker.ended();
        }
    }

    /// Starts those workers again that ended by themselves.
    pub fn muster(&mut self, url: &str) {
        let ended = self
            .workers
            .iter_mut()
            .filter_map(|(name, worker)| (!worker.is_running()).then(|| name.clone()));
        for name in ended.collect::<Vec<String>>() {
            self.deserted += 1;
            self.start_worker(&name, url);
        }
    }

    /// Uploads bytes that nothing refers to. Whether the server has room.
    pub fn upload(&self, bytes: &[u8]) -> bool {
        let token = fs::read_to_string(self.stage.token_file("scientist")).expect("the server made it");
        let (host, token, digest, size) = (&self.stage.address, token.trim(), Digest::of(bytes), bytes.len());
        let head = format!(
            "PUT /v1/blobs/{digest}?size={size} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&self.stage.address).expect("the server is there");
        // A server that has no room answers before it has heard everything.
        drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(bytes)));
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer));
        answer.starts_with("HTTP/1.1 200")
    }

    /// The logs of all processes and what lies on their disks, for messages.
    pub fn logs(&self) -> String {
        self.stage.logs() + &self.disks.iter().map(|disk| contents(disk)).collect::<String>()
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
        // Processes first: they hold the disks.
        self.workers.clear();
        self.stage.end_server("KILL");
        for disk in &self.disks {
            drop(Command::new("umount").arg("-l").arg(disk).status());
        }
    }
}
