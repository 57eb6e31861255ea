//! What several servers on one database come to: how long writes wait when another one takes over, and how fast bytes go up and down.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use benches::load::{Connection, Times};
use benches::median;
use benches::migration::program;
use clap::{Parser, Subcommand};
use protocol::Digest;
use protocol::http::{BLOB_LINK, SubmitJob, Submitted};
use scheduler::testing::submission;
use server::blob::BlobPlace;
use server::serve::{Options, Server};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[path = "../../../server/tests/it/common/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is the tests' own")]
mod postgres;
#[path = "../../../server/tests/it/common/proxy.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is the tests' own")]
mod proxy;
#[path = "../../../server/tests/it/common/s3.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is the tests' own")]
mod s3;

/// Servers of one database.
const SERVERS: usize = 3;
/// For anything that a server does.
const PATIENCE: Duration = Duration::from_secs(60);
/// For one answer.
const ANSWER: Duration = Duration::from_secs(1);

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// From the last answer to a write of the server that leads to the first of the one that takes over, with real processes.
    Takeover {
        /// Times that it is killed.
        #[arg(long, default_value_t = 50)]
        kills: usize,
        /// Times that it is cut off from the database in silence.
        #[arg(long, default_value_t = 50)]
        partitions: usize,
        /// Groups of servers, each with a database of its own, at the same time.
        #[arg(long, default_value_t = 1)]
        at_once: usize,
    },
    /// Bytes a second through a server, by links to an object store, and of the disk.
    Bytes {
        /// Megabytes of a blob.
        #[arg(long, default_value_t = 64)]
        megabytes: usize,
        /// Readings of each.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill,
    Silence,
}

/// A server with its connections to the database.
struct Member {
    folder: tempfile::TempDir,
    proxy: proxy::Proxy,
    process: Child,
    address: Arc<Mutex<String>>,
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Starts a server. The address on which it listens.
async fn start(folder: &Path, port: u16, blobs: &Path) -> anyhow::Result<(Child, String)> {
    let mut process = Command::new(program("baton-server")?)
        .arg("--data")
        .arg(folder)
        .arg("--blobs")
        .arg(blobs)
        .arg(format!("--database=postgres://baton@127.0.0.1:{port}/takeover"))
        .args(["--listen=127.0.0.1:0", "--requests-per-minute=0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let out = tokio::process::ChildStdout::from_std(process.stdout.take().context("piped")?)?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).await?;
    let address = line.trim().strip_prefix("baton-server listens on http://");
    Ok((process, address.context("a server does not start")?.to_owned()))
}

/// The last answers to writes: when, and of which server.
type Answers = Arc<Mutex<Vec<(Instant, usize)>>>;

/// Asks one server for the same write again and again.
async fn ask(server: usize, address: Arc<Mutex<String>>, token: String, answers: Answers) {
    let mut open: Option<Connection> = None;
    for round in 0u32.. {
        let body = format!("{{\"priority\":{}}}", 1 + round % 2);
        let wrote = async {
            let to = address.lock().map_or(String::new(), |address| address.clone());
            let mut connection = match open.take() {
                Some(connection) => connection,
                None => Connection::open(&to).await?,
            };
            connection.put_json("/v1/jobs/1/priority", &token, &body).await?;
            open = Some(connection);
            anyhow::Ok(())
        };
        match tokio::time::timeout(ANSWER, wrote).await {
            Ok(Ok(())) => answers.lock().expect("nobody panics").push((Instant::now(), server)),
            _ => open = None,
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// One group of servers, whose leader is stopped again and again: how long writes waited each time.
async fn takeovers(fault: Fault, times: usize) -> anyhow::Result<Vec<f64>> {
    let cluster = tokio::task::spawn_blocking(postgres::Cluster::start).await?;
    let cluster = cluster.context("PostgreSQL is not installed")?;
    cluster.database("takeover");
    let blobs = tempfile::tempdir()?;
    let mut members = Vec::new();
    for _ in 0..SERVERS {
        let (folder, proxy) = (tempfile::tempdir()?, proxy::Proxy::start(cluster.socket()).await);
        let (process, address) = start(folder.path(), proxy.port, blobs.path()).await?;
        let address = Arc::new(Mutex::new(address));
        members.push(Member {
            folder,
            proxy,
            process,
            address,
        });
    }
    let token = std::fs::read_to_string(members[0].folder.path().join("operator.token"))?
        .trim()
        .to_owned();
    let first = members[0].address.lock().expect("nobody panics").clone();
    a_job(&first, &token).await?;
    let answers = Answers::default();
    let mut asking = tokio::task::JoinSet::new();
    for (server, member) in members.iter().enumerate() {
        asking.spawn(ask(server, Arc::clone(&member.address), token.clone(), Arc::clone(&answers)));
    }
    let mut waited = Vec::new();
    let mut random = 1;
    for _ in 0..times {
        tokio::time::sleep(Duration::from_millis(500 + protocol::split_mix::next(&mut random) % 1000)).await;
        waited.push(takeover(fault, &mut members, &answers, blobs.path()).await?);
    }
    Ok(waited)
}

/// A job that waits: its priority is what is written.
async fn a_job(address: &str, token: &str) -> anyhow::Result<()> {
    let mut connection = Connection::open(address).await?;
    let package = kernels::examples::load("ising")?;
    let archive = package.to_archive()?;
    let digest = Digest::of(&archive);
    let path = format!("/v1/blobs/{digest}?size={}", archive.len());
    connection.put(&path, token, &archive).await?;
    let job = SubmitJob {
        package: package.digest(),
        archive: digest,
        ..submission("waits", package.manifest().tier, 10)
    };
    let _: Submitted = connection.post("/v1/jobs", token, &job).await?;
    Ok(())
}

/// Stops the server that leads, and waits for the next. Seconds between their answers.
async fn takeover(fault: Fault, members: &mut [Member], answers: &Answers, blobs: &Path) -> anyhow::Result<f64> {
    let last = || answers.lock().expect("nobody panics").last().copied();
    let (_, leader) = last().context("nobody leads")?;
    match fault {
        Fault::Kill => members[leader].process.kill()?,
        Fault::Silence => members[leader].proxy.silence(true),
    }
    let begun = Instant::now();
    let next = loop {
        match last() {
            Some((at, server)) if server != leader => break at,
            _ if begun.elapsed() > PATIENCE => bail!("no server has taken over"),
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    };
    let before = {
        let mut all = answers.lock().expect("nobody panics");
        let last = all.iter().rev().find(|(at, server)| *server == leader && *at < next);
        let last = last.map(|(at, _)| *at);
        all.retain(|(_, server)| *server != leader);
        last.context("it had answered")?
    };
    if fault == Fault::Silence {
        members[leader].proxy.silence(false);
    }
    // One whose term is over ends by itself.
    while members[leader].process.try_wait()?.is_none() {
        ensure!(begun.elapsed() < PATIENCE, "the server that led does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let member = &mut members[leader];
    let (process, address) = start(member.folder.path(), member.proxy.port, blobs).await?;
    member.process = process;
    *member.address.lock().expect("nobody panics") = address;
    Ok(next.duration_since(before).as_secs_f64())
}

async fn all_takeovers(name: &str, fault: Fault, times: usize, at_once: usize) -> anyhow::Result<()> {
    if times == 0 {
        return Ok(());
    }
    let share = times.div_ceil(at_once);
    let groups: Vec<_> = (0..at_once).map(|_| tokio::spawn(takeovers(fault, share))).collect();
    let mut waited = Vec::new();
    for group in groups {
        waited.extend(group.await??);
    }
    waited.sort_by(f64::total_cmp);
    let below = |percent: usize| waited[(waited.len() * percent / 100).min(waited.len() - 1)];
    println!(
        "| {name} | {} | {:.2} | {:.2} | {:.2} |",
        waited.len(),
        below(50),
        below(90),
        below(100)
    );
    Ok(())
}

/// Megabytes a second of each reading, for what moves so many bytes.
fn rate(bytes: usize, times: &Times) -> f64 {
    let rates: Vec<f64> = times.0.iter().map(|time| bytes as f64 / 1e6 / time.as_secs_f64()).collect();
    median(&rates).unwrap_or(0.0)
}

/// Bytes that do not compress, others in each round.
fn content(bytes: usize, round: usize) -> Vec<u8> {
    let mut seed = round as u64;
    let words = (0..bytes / 8).flat_map(|_| protocol::split_mix::next(&mut seed).to_le_bytes());
    words.collect()
}

/// Writes a file and makes it last, and reads it.
fn disk(folder: &Path, content: &[u8], up: &mut Times, down: &mut Times) -> anyhow::Result<()> {
    use std::io::Write as _;
    let path = folder.join("disk");
    let begun = Instant::now();
    let mut file = std::fs::File::create(&path)?;
    file.write_all(content)?;
    file.sync_all()?;
    up.0.push(begun.elapsed());
    let begun = Instant::now();
    ensure!(std::fs::read(&path)?.len() == content.len(), "the file is whole");
    down.0.push(begun.elapsed());
    Ok(())
}

async fn bytes(megabytes: usize, rounds: usize) -> anyhow::Result<()> {
    let size = megabytes * 1_000_000 / 8 * 8;
    let folder = tempfile::tempdir()?;
    let store = s3::Store::start().await;
    println!("Megabytes a second, medians of {rounds} readings of a blob of {megabytes} MB.\n");
    println!("| way | up | down |\n|---|---|---|");
    let (mut up, mut down) = (Times::default(), Times::default());
    for round in 0..rounds {
        disk(folder.path(), &content(size, round), &mut up, &mut down)?;
    }
    println!(
        "| a file of the disk: written and synced; read from memory | {:.0} | {:.0} |",
        rate(size, &up),
        rate(size, &down)
    );
    let places = [
        ("a server's folder", BlobPlace::Folder(folder.path().join("blobs"))),
        ("an object store, through the server", store.place("bytes")),
    ];
    for (index, (name, place)) in places.into_iter().enumerate() {
        let data = folder.path().join(format!("server {index}"));
        let mut options = Options::loopback(&data, None);
        options.sizes.blob_max = size as u64;
        options.blobs = Some(place);
        let server = Server::start(options).await?;
        let token = std::fs::read_to_string(data.join("scientist.token"))?.trim().to_owned();
        let mut connection = Connection::open(&server.address.to_string()).await?;
        let (mut up, mut down, mut linked) = (Times::default(), Times::default(), Times::default());
        for round in 0..rounds {
            let content = content(size, round);
            let path = format!("/v1/blobs/{}", Digest::of(&content));
            up.measure(connection.put(&format!("{path}?size={size}"), &token, &content))
                .await?;
            let came = down.measure(connection.get(&path, &token)).await?;
            ensure!(came == content, "other bytes came");
            let Some(link) = connection.header(&path, &token, BLOB_LINK).await? else {
                continue;
            };
            let (host, path) = link
                .strip_prefix("http://")
                .and_then(|link| link.split_once('/'))
                .context("a link")?;
            let mut to_store = Connection::open(host).await?;
            let came = linked.measure(to_store.get(&format!("/{path}"), "none")).await?;
            ensure!(came == content, "other bytes came by the link");
        }
        println!("| {name} | {:.0} | {:.0} |", rate(size, &up), rate(size, &down));
        if !linked.0.is_empty() {
            println!("| an object store, by a link | | {:.0} |", rate(size, &linked));
        }
        server.stop().await;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Takeover {
            kills,
            partitions,
            at_once,
        } => {
            println!(
                "Seconds from the last answer to a write of the server that led to the first of the next; {at_once} groups of {SERVERS} servers at once, leases of 8 s.\n"
            );
            println!("| the server that leads | times | median | 90 % | worst |\n|---|---|---|---|---|");
            all_takeovers("is killed", Fault::Kill, kills, at_once.max(1)).await?;
            all_takeovers(
                "is cut off from the database in silence",
                Fault::Silence,
                partitions,
                at_once.max(1),
            )
            .await
        }
        What::Bytes { megabytes, rounds } => bytes(megabytes, rounds).await,
    }
}
