//! What the scheduler bears: heartbeats and leases a second through HTTP with a crowd of hosts and jobs, and what one decision costs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use benches::fleet::{beat, boundary, ending, fill_with, secret};
use benches::load::{Connection, Times};
use benches::migration::{Migration, migrate};
use clap::{Parser, Subcommand};
use protocol::http::{Committed, Lease, Orders, SubmitJob};
use protocol::{AttemptId, ChainEntry, Digest, HostId};
use scheduler::testing::{START_MS, populated, submission};
use scheduler::{Core, Event};
use server::blob::{BlobPlace, Blobs as _, FolderBlobs};
use server::serve::{Options, Server};
use server::store::Store;
use server::store::postgres::PostgresStore;
use server::store::sqlite::SqliteStore;

#[path = "../../../server/tests/it/common/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is the tests' own")]
mod postgres;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Cost of one decision at several sizes, the core alone.
    Decisions {
        /// Numbers of hosts.
        #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000,300000")]
        hosts: Vec<u64>,
        /// Decisions of each kind.
        #[arg(long, default_value_t = 2000)]
        rounds: u64,
    },
    /// From a host's departure to the first step elsewhere, with real processes on this machine.
    Migration {
        /// Packages or shipped examples.
        #[arg(default_values_t = ["ising".to_owned(), "argon".to_owned(), "gray-scott".to_owned()])]
        packages: Vec<String>,
        /// Migrations of each.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Heartbeats and leases a second through HTTP.
    Http {
        /// `sqlite` or `postgres` (a throwaway cluster, durable as an operator's).
        #[arg(long, default_value = "sqlite")]
        store: String,
        /// Hosts registered.
        #[arg(long, default_value_t = 20_000)]
        hosts: u64,
        /// Jobs queued.
        #[arg(long, default_value_t = 100_000)]
        jobs: u64,
        /// Connections at the same time.
        #[arg(long, default_value_t = 128)]
        connections: u64,
        /// Seconds for each reading.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Servers that follow the one that is asked, on the same machine (PostgreSQL).
        #[arg(long, default_value_t = 0)]
        followers: u64,
        /// Bytes of the state that a commit brings.
        #[arg(long, default_value_t = 20_000)]
        state_bytes: usize,
    },
    /// What a crowd takes in the database: a snapshot, and the rows of the log.
    Stored {
        /// Hosts at work; 100,000 jobs more are queued.
        #[arg(long, value_delimiter = ',', default_value = "20000,300000")]
        hosts: Vec<u64>,
    },
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// One kind of decision: as many as asked for, each timed.
fn timed(rounds: u64, mut decide: impl FnMut(u64)) -> Times {
    let mut times = Times::default();
    for round in 0..rounds {
        let begun = Instant::now();
        decide(round);
        times.0.push(begun.elapsed());
    }
    times
}

fn decisions(hosts: u64, rounds: u64) {
    let begun = Instant::now();
    let mut core = populated(hosts, hosts + 100_000, 20, 1000);
    let filled = begun.elapsed();
    let now_ms = START_MS + 1000;
    let pick = |round: u64| HostId(1 + round * 7919 % hosts);
    let lease = |core: &Core, host| {
        core.orders(host)
            .expect("it exists")
            .leases
            .first()
            .cloned()
            .expect("all are at work")
    };
    let tell = |core: &mut Core, event: Event| {
        core.apply(&event, now_ms).expect("in order");
        drop(core.take_commands());
    };
    let beats: Vec<Event> = (0..rounds)
        .map(|round| heartbeat(pick(round), &lease(&core, pick(round))))
        .collect();
    let beat = timed(rounds, |round| tell(&mut core, beats[round as usize].clone()));
    let next = timed(rounds, |round| {
        let host = pick(round);
        let lease = lease(&core, host);
        let end = ending(&lease);
        let attempt = lease.attempt;
        tell(&mut core, Event::End { host, attempt, end });
        tell(&mut core, Event::Take { host });
    });
    let submit = |core: &mut Core, priority, name: &str| {
        let job = SubmitJob {
            priority,
            ..submission(name, protocol::Tier::ClassBound, 100)
        };
        let user = "bob".to_owned();
        tell(
            core,
            Event::Submit {
                user,
                job: Box::new(job),
                bytes: 1,
            },
        );
    };
    let queue = timed(rounds, |_| submit(&mut core, 3, "calm"));
    let preempting = rounds.min(hosts / 2);
    let preempt = timed(preempting, |_| submit(&mut core, 9, "urgent"));
    let line = [&beat, &next, &queue, &preempt]
        .map(|times| format!("{:.1} ({:.0})", micros(times.mean()), micros(times.percentile(99))));
    println!(
        "| {hosts} | {} | {} | {:.1} |",
        hosts + 100_000,
        line.join(" | "),
        filled.as_secs_f64()
    );
}

fn heartbeat(host: HostId, lease: &Lease) -> Event {
    let beat = beat(lease.attempt, lease.epoch, 1);
    Event::Heartbeat { host, beat, address: 1 }
}

/// Milliseconds that the disk takes to make a small write last: what every durable answer waits for at least.
fn fsync_ms(folder: &Path) -> anyhow::Result<f64> {
    use std::io::Write;
    let mut file = std::fs::File::create(folder.join("fsync"))?;
    let mut times = Times::default();
    for _ in 0..50 {
        let begun = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.0.push(begun.elapsed());
    }
    Ok(micros(times.percentile(50)) / 1000.0)
}

/// Lets every connection work for a time, each on hosts of its own. The times of all requests.
async fn drive<F>(connections: u64, work: impl Fn(u64) -> F) -> anyhow::Result<Times>
where
    F: Future<Output = anyhow::Result<Times>> + Send + 'static,
{
    let tasks: Vec<_> = (0..connections).map(|index| tokio::spawn(work(index))).collect();
    let mut all = Times::default();
    for task in tasks {
        all.0.extend(task.await??.0);
    }
    Ok(all)
}

async fn http(
    store_name: &str,
    (hosts, jobs): (u64, u64),
    connections: u64,
    seconds: u64,
    followers: u64,
    state_bytes: usize,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        followers == 0 || store_name == "postgres",
        "--followers: servers follow on PostgreSQL alone"
    );
    let folder = tempfile::tempdir()?;
    let cluster = match store_name {
        "postgres" => Some(postgres::Cluster::start_with(&[]).context("PostgreSQL is not installed")?),
        _ => None,
    };
    let database = cluster.as_ref().map(|cluster| cluster.database("load"));
    let store: Arc<dyn Store> = match &database {
        Some(url) => Arc::new(PostgresStore::open(url).await?),
        None => Arc::new(SqliteStore::open(&folder.path().join("baton.sqlite")).await?),
    };
    let package = kernels::examples::load("ising")?;
    let archive = package.to_archive()?;
    let digest = Digest::of(&archive);
    fill_with(store.as_ref(), (package.digest(), digest), hosts, jobs).await?;
    drop(store);
    let fsync = fsync_ms(folder.path())?;
    let begun = Instant::now();
    let place = folder.path().join("blobs");
    let size = archive.len() as u64;
    let bytes = futures_util::stream::iter([Ok(archive.into())]);
    FolderBlobs::open(&place)?.put(digest, 0, size, Box::pin(bytes)).await?;
    let blobs = BlobPlace::Folder(place);
    let options = |folder: &Path| Options {
        blobs: Some(blobs.clone()),
        ..Options::loopback(folder, database.clone())
    };
    let server = Server::start(options(folder.path())).await?;
    let up = begun.elapsed();
    let mut following = Vec::new();
    for follower in 0..followers {
        let own = folder.path().join(format!("follower {follower}"));
        following.push(Server::start(options(&own)).await?);
    }
    println!(
        "{store_name}: {hosts} hosts, {jobs} jobs queued, {connections} connections, {followers} followers; fsync {fsync:.2} ms; the server was up after {:.1} s",
        up.as_secs_f64()
    );
    let address = server.address.to_string();
    let length = Duration::from_secs(seconds);

    let bytes = serde_json::to_vec(&Event::Heartbeat {
        host: HostId(hosts),
        beat: beat(AttemptId(hosts), 1, 1),
        address: u64::MAX,
    })?
    .len();
    println!("  a heartbeat that is logged takes {bytes} bytes of the log");
    for (name, further) in [
        ("heartbeats, each at another segment", true),
        ("heartbeats that say nothing new", false),
    ] {
        let begun = Instant::now();
        let beats = drive(connections, |first| {
            let address = address.clone();
            async move {
                let mut connection = Connection::open(&address).await?;
                let mut times = Times::default();
                let (mut host, mut segment) = (1 + first, 1);
                while begun.elapsed() < length {
                    let path = format!("/v1/hosts/{host}/heartbeat");
                    let body = beat(AttemptId(host), 1, if further { segment } else { 0 });
                    let orders: Orders = times.measure(connection.post(&path, &secret(host), &body)).await?;
                    anyhow::ensure!(orders.leases.len() == 1, "host {host} lost its lease");
                    host += connections;
                    if host > hosts {
                        (host, segment) = (1 + first, segment + 1);
                    }
                }
                Ok(times)
            }
        })
        .await?;
        say(name, &beats, beats.0.len(), begun.elapsed());
    }

    let begun = Instant::now();
    let leases = drive(connections, |first| {
        let address = address.clone();
        async move {
            let mut connection = Connection::open(&address).await?;
            let mut times = Times::default();
            let mut held: BTreeMap<u64, Lease> = BTreeMap::new();
            let mut host = 1 + first;
            while begun.elapsed() < length {
                let take = format!("/v1/hosts/{host}/leases");
                let lease = match held.remove(&host) {
                    Some(lease) => lease,
                    // The one that the host was filled with.
                    None => {
                        let now: Orders = connection.post(&take, &secret(host), &()).await?;
                        now.leases.into_iter().next().context("a host has nothing to do")?
                    }
                };
                // Its job goes back after a boundary; the answer offers the next, and the host takes that.
                let end = format!("/v1/attempts/{}/end", lease.attempt);
                let offered: Orders = times.measure(connection.post(&end, &secret(host), &ending(&lease))).await?;
                anyhow::ensure!(offered.offers == 1, "host {host} was offered {}", offered.offers);
                let taken: Orders = times.measure(connection.post(&take, &secret(host), &())).await?;
                anyhow::ensure!(
                    taken.offers == 0 && taken.leases.len() == 1,
                    "host {host} did not get its lease"
                );
                held.extend(taken.leases.into_iter().next().map(|lease| (host, lease)));
                // Twenty hosts for each connection, so that the first look at a host is soon done with.
                host = match host + connections {
                    next if next > hosts.min(20 * connections) => 1 + first,
                    next => next,
                };
            }
            Ok(times)
        }
    })
    .await?;
    say("leases", &leases, leases.0.len() / 2, begun.elapsed());

    let begun = Instant::now();
    let commits = drive(connections, |first| {
        let address = address.clone();
        async move {
            let mut connection = Connection::open(&address).await?;
            let mut times = Times::default();
            let mut held: BTreeMap<u64, (Lease, Option<ChainEntry>)> = BTreeMap::new();
            let mut host = 1 + first;
            while begun.elapsed() < length {
                let (lease, last) = match held.remove(&host) {
                    Some(held) => held,
                    None => {
                        let take = format!("/v1/hosts/{host}/leases");
                        let now: Orders = connection.post(&take, &secret(host), &()).await?;
                        (now.leases.into_iter().next().context("a host has nothing to do")?, None)
                    }
                };
                let (commit, bytes) = boundary(&lease, last.as_ref(), state_bytes)?;
                let blob = format!(
                    "/v1/blobs/{}?size={}&attempt={}",
                    commit.checkpoint,
                    bytes.len(),
                    lease.attempt
                );
                times.measure(connection.put(&blob, &secret(host), &bytes)).await?;
                let path = format!("/v1/attempts/{}/commit", lease.attempt);
                let _kept: Committed = times.measure(connection.post(&path, &secret(host), &commit)).await?;
                held.insert(host, (lease, commit.entries.last().cloned()));
                host = match host + connections {
                    next if next > hosts.min(20 * connections) => 1 + first,
                    next => next,
                };
            }
            Ok(times)
        }
    })
    .await?;
    let name = format!("commits, each with a state of {state_bytes} bytes that goes up before");
    say(&name, &commits, commits.0.len() / 2, begun.elapsed());
    for follower in following {
        let behind = follower.engine.role().behind();
        let behind = behind.context("a server that followed leads")?;
        println!("  a follower is {:.0} ms behind at the end", behind.as_secs_f64() * 1000.0);
        follower.stop().await;
    }
    server.stop().await;
    Ok(())
}

fn migrations(packages: &[String], rounds: usize) -> anyhow::Result<()> {
    println!("Medians of {rounds}, milliseconds from the signal to the first host.\n");
    println!("| package | a segment takes | boundary home | first step elsewhere | checkpoint, bytes | archive, bytes |");
    println!("|---|---|---|---|---|---|");
    for package in packages {
        let all: Vec<_> = (0..rounds).map(|_| migrate(package, 100_000)).collect::<Result<_, _>>()?;
        let middle = |of: fn(&Migration) -> f64| benches::median(&all.iter().map(of).collect::<Vec<_>>()).unwrap_or(0.0);
        println!(
            "| {package} | {:.0} | {:.0} | {:.0} | {} | {} |",
            middle(|it| it.segment_ms),
            middle(|it| it.home_ms),
            middle(|it| it.first_step_ms),
            all[0].checkpoint_bytes,
            all[0].archive_bytes
        );
    }
    Ok(())
}

fn say(what: &str, times: &Times, count: usize, wall: Duration) {
    println!(
        "  {what}: {:.0} a second; a request took {:.1} ms in the median, {:.1} ms at 99 %",
        count as f64 / wall.as_secs_f64(),
        micros(times.percentile(50)) / 1000.0,
        micros(times.percentile(99)) / 1000.0
    );
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Decisions { hosts, rounds } => {
            println!("Microseconds for one decision: mean (99 %).\n");
            println!(
                "| hosts | jobs | heartbeat | job ends, next granted and taken | submission queued | urgent job preempts | seconds to fill |"
            );
            println!("|---|---|---|---|---|---|---|");
            hosts.into_iter().for_each(|hosts| decisions(hosts, rounds));
            Ok(())
        }
        What::Migration { packages, rounds } => migrations(&packages, rounds),
        What::Http {
            store,
            hosts,
            jobs,
            connections,
            seconds,
            followers,
            state_bytes,
        } => http(&store, (hosts, jobs), connections, seconds, followers, state_bytes).await,
        What::Stored { hosts } => hosts.into_iter().try_for_each(benches::stored::print),
    }
}
