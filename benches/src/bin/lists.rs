//! How long the page and the lists of jobs and hosts take on a server that has 100,000 jobs and 20,000 hosts: the median and the 99th percentile of each, beside
//! the aim of 200 ms.

use std::time::Duration;

use benches::fleet::fill_for;
use benches::load::{Connection, Times};
use clap::Parser;
use server::serve::{Options, Server};
use server::store::Store as _;
use server::store::sqlite::SqliteStore;

/// Time that an answer should take at most.
const AIM: Duration = Duration::from_millis(200);

#[derive(Parser)]
struct Arguments {
    /// Jobs on the server.
    #[arg(long, default_value_t = 100_000)]
    jobs: u64,
    /// Hosts on the server.
    #[arg(long, default_value_t = 20_000)]
    hosts: u64,
    /// Requests of each kind.
    #[arg(long, default_value_t = 200)]
    requests: usize,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(&folder.path().join("baton.sqlite")).await?;
    let token = format!("baton_operator_{:064}", 1);
    fill_for(
        &store,
        arguments.hosts,
        arguments.jobs.saturating_sub(arguments.hosts),
        &token,
    )
    .await?;
    store.close().await;
    let mut options = Options::loopback(folder.path(), None);
    options.rates.requests_per_minute = 0;
    let server = Server::start(options).await?;
    let mut connection = Connection::open(&server.address.to_string()).await?;
    println!(
        "{} jobs, {} hosts; {} requests each, one after the other",
        arguments.jobs, arguments.hosts, arguments.requests
    );
    println!("{:<44} {:>10} {:>10} {:>10}", "request", "bytes", "median", "99 %");
    let mut worst = Duration::ZERO;
    for path in [
        "/",
        "/?state=queued&page=500",
        "/?q=job%2077",
        "/hosts",
        "/hosts?q=host%2019",
        "/jobs/50000",
        "/hosts/10000",
        "/v1/jobs?all=true&newest=true&limit=50",
        "/v1/jobs?all=true&newest=true&limit=50&text=99",
        "/v1/jobs?all=true&newest=true&limit=50&state=completed",
        "/v1/jobs/summary?all=true",
    ] {
        let (mut times, mut bytes) = (Times::default(), 0);
        for _ in 0..arguments.requests {
            bytes = times.measure(connection.get(path, &token)).await?.len();
        }
        let ms = |time: Duration| format!("{:.1} ms", 1000.0 * time.as_secs_f64());
        let (half, most) = (times.percentile(50), times.percentile(99));
        println!("{path:<44} {bytes:>10} {:>10} {:>10}", ms(half), ms(most));
        worst = worst.max(most);
    }
    server.stop().await;
    anyhow::ensure!(
        worst < AIM,
        "the slowest took {:.0} ms at the 99th percentile, expected less than {} ms",
        1000.0 * worst.as_secs_f64(),
        AIM.as_millis()
    );
    Ok(())
}
