//! A job that leaves a host for another, with real processes: how long it stands still, and how many bytes that takes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use protocol::http::{BlobView, JobView};
use serde::de::DeserializeOwned;

const PATIENCE: Duration = Duration::from_secs(120);

/// One migration.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// From the signal to the first host until its boundary is home, milliseconds.
    pub home_ms: f64,
    /// From the signal until the second host computes, milliseconds.
    pub first_step_ms: f64,
    /// Time for one segment, milliseconds: the first host finishes the one it is in.
    pub segment_ms: f64,
    /// Bytes of the package's archive, which the second host fetches when it has not had it before.
    pub archive_bytes: u64,
    /// Bytes of the checkpoint.
    pub checkpoint_bytes: u64,
}

/// A child that is ended with its owner.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A program beside this one.
///
/// # Errors
/// It is not built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.parent().context("a program lies in a folder")?.join(name);
    if !path.exists() {
        bail!("{} is not built: cargo build --release --workspace --bins", path.display());
    }
    Ok(path)
}

fn get<T: DeserializeOwned>(address: &str, token: &str, path: &str) -> anyhow::Result<T> {
    let mut stream = TcpStream::connect(address)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
    serde_json::from_str(body).with_context(|| format!("{path}: {body}"))
}

fn until<T>(what: &str, mut look: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(found) = look()? {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    bail!("{what}: not within {} s", PATIENCE.as_secs())
}

/// Migrates a job of a package from one worker to another on the same machine.
///
/// # Errors
/// A program that is not built, or does not do its part.
pub fn migrate(package: &str, segments: u64) -> anyhow::Result<Migration> {
    let place = tempfile::tempdir()?;
    let data = place.path().join("server");
    let mut server = Command::new(program("baton-server")?)
        .arg("--data")
        .arg(&data)
        .args([
            "--listen",
            "127.0.0.1:0",
            "--commit-s=0",
            "--heartbeat-s=1",
            "--requests-per-minute=0",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().context("piped")?).read_line(&mut line)?;
    let _server = Running(server);
    let url = line.trim().rsplit(' ').next().context("the server says its URL")?.to_owned();
    let address = url.strip_prefix("http://").context("a URL")?;
    let token = std::fs::read_to_string(data.join("operator.token"))?.trim().to_owned();
    let log = |name: &str| place.path().join(format!("{name}.log"));
    let worker = |name: &str| -> anyhow::Result<Running> {
        let config = place.path().join("worker.toml");
        File::create(&config)?;
        let child = Command::new(program("baton")?)
            .args(["worker", "--server", &url, "--name", name, "--device=cpu", "--token-file"])
            .arg(data.join("host.token"))
            .arg("--state")
            .arg(place.path().join(name))
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log(name))?)
            .spawn()?;
        Ok(Running(child))
    };
    let first = worker("first")?;
    let submitted = Command::new(program("baton")?)
        .args([
            "submit",
            package,
            "--json",
            &format!("--segments={segments}"),
            "--server",
            &url,
            "--token-file",
        ])
        .arg(data.join("scientist.token"))
        .output()?;
    let submitted: serde_json::Value =
        serde_json::from_slice(&submitted.stdout).with_context(|| String::from_utf8_lossy(&submitted.stderr).into_owned())?;
    let path = format!("/v1/jobs/{}", submitted["job"]);
    let look = || get::<JobView>(address, &token, &path);
    until("the job runs", || Ok(look().ok().filter(|job| job.segment >= 2)))?;
    let _second = worker("second")?;
    until("the second host is there", || {
        Ok(get::<serde_json::Value>(address, &token, "/v1/hosts/2")?["state"]
            .as_str()
            .map(|_| ()))
    })?;
    let before = look()?;
    let segment_ms = before.computed_ms as f64 / before.segment as f64;

    let begun = Instant::now();
    let told = Command::new("kill").args(["-s", "INT", &first.0.id().to_string()]).status()?;
    anyhow::ensure!(told.success(), "the first host is gone");
    let ms = || begun.elapsed().as_secs_f64() * 1000.0;
    let mut home_ms = None;
    let moved = until("the second host computes", || {
        if home_ms.is_none() && look()?.stays.first().is_some_and(|stay| stay.to_ms.is_some()) {
            home_ms = Some(ms());
        }
        Ok(said(&log("second"), "from segment").then(ms))
    })?;
    let job = look()?;
    let bytes = |digest| get::<BlobView>(address, &token, &format!("/v1/blobs/{digest}/upload")).map(|blob| blob.received);
    Ok(Migration {
        home_ms: home_ms.unwrap_or(moved),
        first_step_ms: moved,
        segment_ms,
        archive_bytes: bytes(job.archive)?,
        checkpoint_bytes: bytes(job.checkpoint.context("the job has a checkpoint")?)?,
    })
}

fn said(log: &Path, words: &str) -> bool {
    std::fs::read_to_string(log).is_ok_and(|text| text.contains(words))
}
