//! What checks cost: bytes and seconds of a segment that is computed a second time, and a server's load with checks beside without.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use benches::load::Connection;
use benches::median;
use clap::Parser;
use device::SessionOptions;
use kernels::run::Executor;
use kernels::run::initial_boundary;
use kernels::run::outputs::outputs_digest;
use protocol::checkpoint::{Element, content_digest};
use protocol::http::{Action, Commit, Committed, JobView, Lease, Orders, Registered, SubmitJob, Submitted};
use protocol::{ChainEntry, Checkpoint, Digest, HardwareClass, StateBuffer, Tier, Verify};
use scheduler::testing::{registration, submission};
use server::blob::BlobPlace;
use server::serve::{Options, Server};

#[path = "../../../server/tests/it/common/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is the tests' own")]
mod postgres;

/// Bytes of a state under load: argon's is as large.
const STATE_BYTES: u64 = 20_000;
/// Segments of a job under load: more than are computed.
const SEGMENTS: u64 = 1_000_000;

#[derive(Parser)]
struct Arguments {
    /// Shipped examples of which a segment is computed.
    #[arg(default_values_t = ["argon".to_owned()])]
    packages: Vec<String>,
    /// Readings of each.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Hosts under load: half have a job each, the others are there for checks.
    #[arg(long, default_value_t = 64)]
    hosts: u64,
    /// Connections at the same time.
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// Seconds for each reading of the load.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// `sqlite` or `postgres` (a throwaway cluster, durable as an operator's).
    #[arg(long, default_value = "sqlite")]
    store: String,
    /// Servers that follow the one that is asked, on the same machine (PostgreSQL).
    #[arg(long, default_value_t = 0)]
    followers: u64,
}

/// What a host that computes a segment a second time fetches, computes and brings home.
fn segment(name: &str, rounds: usize) -> anyhow::Result<()> {
    let package = kernels::examples::load(name)?;
    let device = device::select("cpu")?;
    let archive = package.to_archive()?.len();
    let (start, state) = initial_boundary(&package);
    let (mut opened, mut computed) = (Vec::new(), Vec::new());
    let (mut checkpoint, mut outputs) = (0, 0);
    for _ in 0..rounds {
        let begun = Instant::now();
        let mut executor = Executor::open(&package, &*device, &SessionOptions::default())?;
        executor.enter(0, &state)?;
        opened.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        executor.advance(u64::MAX)?;
        let boundary = executor.cross()?;
        computed.push(begun.elapsed().as_secs_f64());
        outputs = boundary.outputs.iter().map(Vec::len).sum();
        let content = content_digest(&boundary.state);
        let entry = ChainEntry::next(
            package.digest(),
            Some(&start),
            boundary.step,
            content,
            outputs_digest(&boundary.outputs),
        );
        let class = HardwareClass {
            tier: Tier::Portable,
            key: package.digest(),
        };
        checkpoint = Checkpoint {
            package: package.digest(),
            entry,
            class,
            buffers: boundary.state,
        }
        .to_bytes()?
        .len();
    }
    let steps = package.manifest().run.steps_per_segment;
    println!(
        "| {name} | {steps} | {archive} | {checkpoint} | {checkpoint} | {outputs} | {:.2} | {:.2} |",
        median(&opened).unwrap_or(0.0),
        median(&computed).unwrap_or(0.0)
    );
    Ok(())
}

/// The state of a job at a boundary: what every host comes to. Its bytes do not compress.
fn state(job: u64, segment: u64) -> Vec<StateBuffer> {
    let mut seed = job << 32 | segment;
    let words = (0..STATE_BYTES / 8).flat_map(|_| protocol::split_mix::next(&mut seed).to_le_bytes());
    vec![StateBuffer {
        name: "state".to_owned(),
        element: Element::U32,
        shape: vec![STATE_BYTES / 4],
        bytes: words.collect(),
    }]
}

/// The next segment of a lease: its commit, and the checkpoint.
fn next(lease: &Lease) -> anyhow::Result<(Commit, Vec<u8>)> {
    let mut entries = Vec::new();
    let mut last = lease.checkpoint.as_ref().map(|safe| safe.entry.clone());
    for _ in 0..2 - u64::from(last.is_some()) {
        let segment = last.as_ref().map_or(0, |last| last.segment + 1);
        let content = content_digest(&state(lease.job.0, segment));
        let entry = ChainEntry::next(lease.package, last.as_ref(), segment * 100, content, outputs_digest(&[]));
        entries.push(entry.clone());
        last = Some(entry);
    }
    let entry = last.context("there is one")?;
    let buffers = state(lease.job.0, entry.segment);
    let bytes = Checkpoint {
        package: lease.package,
        entry,
        class: lease.class,
        buffers,
    }
    .to_bytes()?;
    let commit = Commit {
        epoch: lease.epoch,
        entries,
        checkpoint: Digest::of(&bytes),
        outputs: None,
        computed_ms: 1,
        signature: None,
    };
    Ok((commit, bytes))
}

/// A host's turn: it takes what it is offered and brings a segment of it home. Requests that it made.
async fn turn(connection: &mut Connection, (host, token): &(u64, String)) -> anyhow::Result<u64> {
    let orders: Orders = connection.post(&format!("/v1/hosts/{host}/leases"), token, &()).await?;
    // What was offered meanwhile is taken in the next turn.
    let run = orders.leases.iter().find(|lease| lease.action == Action::Run);
    let Some(lease) = run.filter(|_| orders.offers == 0) else {
        return Ok(1);
    };
    let (commit, bytes) = next(lease)?;
    let path = format!("/v1/blobs/{}?size={}", commit.checkpoint, bytes.len());
    connection.put(&path, token, &bytes).await?;
    let path = format!("/v1/attempts/{}/commit", lease.attempt);
    let _: Committed = connection.post(&path, token, &commit).await?;
    Ok(3)
}

fn token(folder: &Path, name: &str) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(folder.join(format!("{name}.token")))?;
    Ok(text.trim().to_owned())
}

/// A server's load under one kind of verification.
async fn load(verify: Verify, arguments: &Arguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let cluster = match arguments.store.as_str() {
        "postgres" => Some(postgres::Cluster::start_with(&[]).context("PostgreSQL is not installed")?),
        _ => None,
    };
    anyhow::ensure!(
        arguments.followers == 0 || cluster.is_some(),
        "--followers: servers follow on PostgreSQL alone"
    );
    let mut options = Options::loopback(folder.path(), cluster.as_ref().map(|cluster| cluster.database("load")));
    options.config.check_same_network = true;
    options.config.prefetch_ms = 0;
    options.blobs = Some(BlobPlace::Folder(folder.path().join("blobs")));
    let server = Server::start(options.clone()).await?;
    let mut following = Vec::new();
    for follower in 0..arguments.followers {
        options.data = folder.path().join(format!("follower {follower}"));
        following.push(Server::start(options.clone()).await?);
    }
    let address = server.address.to_string();
    let mut connection = Connection::open(&address).await?;
    let (scientist, enrolment) = (token(folder.path(), "scientist")?, token(folder.path(), "host")?);
    let package = kernels::examples::load("ising")?;
    let archive = package.to_archive()?;
    let digest = Digest::of(&archive);
    let path = format!("/v1/blobs/{digest}?size={}", archive.len());
    connection.put(&path, &scientist, &archive).await?;
    let mut jobs = Vec::new();
    for index in 0..arguments.hosts / 2 {
        let job = SubmitJob {
            package: package.digest(),
            archive: digest,
            verify,
            ..submission(&format!("job {index}"), package.manifest().tier, SEGMENTS)
        };
        let submitted: Submitted = connection.post("/v1/jobs", &scientist, &job).await?;
        jobs.push(submitted.job);
    }
    let mut hosts = Vec::new();
    for index in 0..arguments.hosts {
        let body = registration(&format!("host {index}"), 0);
        let registered: Registered = connection.post("/v1/hosts", &enrolment, &body).await?;
        hosts.push((registered.host.0, registered.token.context("a first registration gives one")?));
    }
    let (begun, length) = (Instant::now(), Duration::from_secs(arguments.seconds));
    let tasks: Vec<_> = (0..arguments.connections)
        .map(|first| {
            let step = usize::try_from(arguments.connections).unwrap_or(1);
            let own = hosts.iter().skip(usize::try_from(first).unwrap_or(0)).step_by(step);
            let (address, own) = (address.clone(), own.cloned().collect::<Vec<_>>());
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await?;
                let (mut requests, mut commits) = (0, 0);
                for host in own.iter().cycle() {
                    if begun.elapsed() > length {
                        break;
                    }
                    let made = turn(&mut connection, host).await?;
                    (requests, commits) = (requests + made, commits + u64::from(made > 1));
                }
                anyhow::Ok((requests, commits))
            })
        })
        .collect();
    let (mut requests, mut commits) = (0, 0);
    for task in tasks {
        let (more_requests, more_commits) = task.await??;
        (requests, commits) = (requests + more_requests, commits + more_commits);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let (mut work, mut verified, mut open) = (0, 0, 0);
    for job in jobs {
        let view: JobView = serde_json::from_slice(&connection.get(&format!("/v1/jobs/{job}"), &scientist).await?)?;
        (work, verified, open) = (
            work + view.segment,
            verified + view.verification.segments,
            open + view.verification.open,
        );
    }
    let rate = |count: u64| count as f64 / seconds;
    println!(
        "| {} | {:.0} | {:.0} | {:.0} | {:.1} % | {open} |",
        verify.as_str(),
        rate(work),
        rate(commits.saturating_sub(work)),
        rate(requests),
        verified as f64 / work.max(1) as f64 * 100.0
    );
    for follower in following {
        follower.stop().await;
    }
    server.stop().await;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!(
        "A segment that is computed a second time, on the CPU device; medians of {}.\n",
        arguments.rounds
    );
    println!(
        "| package | steps | archive, bytes | checkpoint fetched | checkpoint brought home | outputs, bytes | seconds to open | seconds to compute |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for package in &arguments.packages {
        segment(package, arguments.rounds)?;
    }
    println!(
        "\nA server ({}, {} followers) with {} hosts, half of them with a job; {} connections, {} s each, states of {} kB. Commits and requests a second.\n",
        arguments.store,
        arguments.followers,
        arguments.hosts,
        arguments.connections,
        arguments.seconds,
        STATE_BYTES / 1000
    );
    println!("| --verify | commits of work | commits of checks | requests | verified | checks that wait |");
    println!("|---|---|---|---|---|---|");
    for verify in [Verify::None, Verify::Sampled, Verify::Full] {
        load(verify, &arguments).await?;
    }
    Ok(())
}
