//! How long the page and the lists of jobs and hosts take on a server that has 100,000 jobs and 20,000 hosts: the median and the 99th percentile of each, beside
//! the aim of 200 ms, and the processor time of one, which other programs on the machine do not lengthen.

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

/// Processor time of this process so far, in hundredths of a second as Linux counts them; nothing elsewhere.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name before it may have blanks: what follows its bracket begins with field 3; 14 and 15 are user and system time (proc(5)).
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
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
    println!(
        "{:<56} {:>8} {:>10} {:>10} {:>10}",
        "request", "bytes", "median", "99 %", "processor"
    );
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
        let (mut times, mut bytes, before) = (Times::default(), 0, processor());
        for _ in 0..arguments.requests {
            bytes = times.measure(connection.get(path, &token)).await?.len();
        }
        let ms = |time: Duration| format!("{:.1} ms", 1000.0 * time.as_secs_f64());
        let (half, most) = (times.percentile(50), times.percentile(99));
        let each = processor().saturating_sub(before) / u32::try_from(arguments.requests.max(1))?;
        println!("{path:<56} {bytes:>8} {:>10} {:>10} {:>10}", ms(half), ms(most), ms(each));
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
