//! `baton-server`: parses, starts, waits, stops.

mod offline;
mod signals;
mod simulation;

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use scheduler::Config;
use server::accept::Connections;
use server::app::Sizes;
use server::auth::Enrolment;
use server::blob::BlobPlace;
use server::limits::Rates;
use server::operate::{BLOBS, Place, audit, backup, blobs, check};
use server::peer::{Proxies, Range};
use server::serve::{Options, Server};
use server::site::Site;
use server::webhook::{self, Guard, Target};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Longest of the times that an operator sets: ten years.
const SECONDS_MAX: u64 = 10 * 365 * 24 * 3600;

/// Who may enrol hosts.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Enrols {
    Shared,
    Invitation,
}

/// The scheduler of Baton: everything embedded, one folder.
#[derive(Parser)]
#[command(name = "baton-server", version, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Folder of everything that lasts; made at the first start.
    #[arg(long, env = "BATON_DATA", required = true)]
    data: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, env = "BATON_LISTEN", default_value = "127.0.0.1:8477")]
    listen: SocketAddr,
    /// URL by which volunteers and scientists reach the server, when that is another: behind a proxy, or under a name. It may have a path.
    #[arg(long, env = "BATON_URL")]
    url: Option<Site>,
    /// PostgreSQL database (postgres://…) instead of SQLite in the folder. Of several servers with one database one leads; the others follow it, and one of
    /// them takes over when it ends.
    #[arg(long, env = "BATON_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Seconds for which the server that leads may be silent (cut off, stopped) before another one of the same database takes its place; one that ends is
    /// replaced at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(2..=60))]
    lease_s: u64,
    /// Where the blobs are, when not in the data folder: a folder, or s3://BUCKET/PREFIX in an S3-compatible store, whose address and keys come from the environment
    /// (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY). Servers of one database share it.
    #[arg(long, env = "BATON_BLOBS", value_name = "PLACE")]
    blobs: Option<BlobPlace>,
    /// Send all bytes of downloads through this server, also where clients could read them from the object store by links that are valid for 15 minutes: for a store that
    /// clients do not reach.
    #[arg(long)]
    no_blob_links: bool,
    /// Follow a server that leads with other settings than these; they come into force when this one takes over. Without it that is an error.
    #[arg(long)]
    change_settings: bool,
    /// Certificate chain for TLS, a PEM file.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key for TLS, a PEM file.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Seconds between two heartbeats of a host, at most.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=300))]
    heartbeat_s: u64,
    /// Seconds of silence after which a host is unreachable.
    #[arg(long, default_value_t = 360, value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    unreachable_s: u64,
    /// Seconds of silence after which a host is given up and its jobs go on elsewhere.
    #[arg(long, default_value_t = 1800, value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    lost_s: u64,
    /// Seconds for a host to take an offer.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    offer_s: u64,
    /// Seconds for which a host gets no job after an error or a missed offer; doubles with each in a row.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=SECONDS_MAX))]
    backoff_s: u64,
    /// Seconds between two commits of a running job; 0 for one at each boundary.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(0..=SECONDS_MAX))]
    commit_s: u64,
    /// Seconds by which jobs leave a host before it departs; from then on it gets only jobs that end before.
    #[arg(long, default_value_t = 1200, value_parser = clap::value_parser!(u64).range(0..=SECONDS_MAX))]
    lead_s: u64,
    /// Seconds by which the next job is fetched before the current one ends.
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u64).range(0..=SECONDS_MAX))]
    prefetch_s: u64,
    /// Seconds of computing below which jobs are given to a host several at once, up to ten minutes together; 0 for one at a time.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(0..=SECONDS_MAX))]
    small_s: u64,
    /// Jobs of one user on hosts at the same time.
    #[arg(long, default_value_t = 10_000)]
    user_running_max: u32,
    /// Unfinished jobs of one user.
    #[arg(long, default_value_t = 200_000)]
    user_jobs_max: u32,
    /// Hours for which a finished job stays in memory; the store keeps it, as --keep-days says.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(0..=SECONDS_MAX / 3600))]
    finished_h: u64,
    /// Requests a minute under one token; 0 for no limit.
    #[arg(long, default_value_t = 1200)]
    requests_per_minute: u64,
    /// First registrations a minute from one address; 0 for no limit.
    #[arg(long, default_value_t = 60)]
    enrolments_per_minute: u64,
    /// Who enrols hosts: everybody with the folder's host token (shared), or everybody with an invitation, one host each.
    #[arg(long, value_enum, default_value_t = Enrols::Shared)]
    enrolment: Enrols,
    /// Hosts of one invited subject, those that are given up not counted; 0 for no limit.
    #[arg(long, default_value_t = 1000)]
    hosts_per_subject: u32,
    /// Hosts in one network (24 bits of an IPv4 address, 64 of an IPv6 address), those that are given up not counted; 0 for no limit.
    #[arg(long, default_value_t = 1000)]
    hosts_per_network: u32,
    /// Let a host check the work of another one in its own network: for a laboratory whose hosts are all its own.
    #[arg(long)]
    check_same_network: bool,
    /// Seconds that a check waits for a free device before it makes room for itself on a busy one.
    #[arg(long, default_value_t = 600)]
    check_patience_s: u64,
    /// Seconds without a boundary after which a job goes to another host; four of its segments where that is longer.
    #[arg(long, default_value_t = 24 * 3600, value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    stall_s: u64,
    /// Of results on which two hosts agree, per cent that a referee computes once more, while one is there.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=100))]
    audit_percent: u64,
    /// Address, or range of addresses, of a proxy whose X-Forwarded-For and X-Forwarded-Proto count; may be given several times.
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<Range>,
    /// Connections from one address at the same time.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    connections_per_address: u32,
    /// Gigabytes a day uploaded under one token; 0 for no limit.
    #[arg(long, default_value_t = 200)]
    upload_gb_per_day: u64,
    /// Megabytes of a blob, at most.
    #[arg(long, default_value_t = 4096)]
    blob_mb_max: u64,
    /// Megabytes of a checkpoint, at most, packed and unpacked.
    #[arg(long, default_value_t = 512)]
    checkpoint_mb_max: u64,
    /// Oldest version of an agent that gets new work, such as 0.2.0; older ones bring home what they have.
    #[arg(long, value_name = "VERSION")]
    min_agent: Option<protocol::Version>,
    /// Show the credit table (verified work by subject) at /credit to anyone, without a token.
    #[arg(long)]
    credit_table: bool,
    /// Host that scientists may let be told when their jobs end, as HOST, HOST:PORT or http://HOST:PORT; may be given several times. Without it nobody is told.
    #[arg(long, value_name = "HOST", requires = "webhook_secret_file")]
    webhook_allow: Vec<Target>,
    /// Range of addresses that may be told though it is not of the public internet; may be given several times.
    #[arg(long, value_name = "CIDR", requires = "webhook_allow")]
    webhook_private: Vec<Range>,
    /// File with the secret that signs what is told; those who are told have it, too.
    #[arg(long, value_name = "FILE", requires = "webhook_allow")]
    webhook_secret_file: Option<PathBuf>,
    /// The data was restored from a backup: end leases, and give no number twice. A copied folder or an older database is found out without this; a restored
    /// snapshot of a volume or a virtual machine is not.
    #[arg(long)]
    restored: bool,
    /// Gigabytes that one subject may have uploaded without a commit or submission that refers to them; 0 for no limit.
    #[arg(long, default_value_t = 16)]
    pending_gb_max: u64,
    /// Gigabytes of packages and outputs that are kept for one user; beyond it submissions are refused and running jobs held; 0 for no limit.
    #[arg(long, default_value_t = 0)]
    stored_gb_per_user: u64,
    /// Days for which a finished job is kept, with its results; then it is as if it had never been, and its user has its gigabytes back. 0 for good.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=SECONDS_MAX / 86_400))]
    keep_days: u64,
    /// Log lines as JSON, also on a terminal.
    #[arg(long)]
    log_json: bool,
}

/// What else it does than serve.
#[derive(Subcommand)]
enum Command {
    /// Simulate a population of volunteers' hosts: policies side by side, or worlds under faults.
    Simulate(Box<simulation::Arguments>),
    /// Copy a server's data into a new folder, while it runs.
    Backup {
        #[command(flatten)]
        data: Data,
        /// The new folder.
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
    },
    /// Bring a backup back into a new folder, and into an empty PostgreSQL database where one is named.
    Restore {
        #[command(flatten)]
        data: Data,
        /// The folder that `backup` wrote.
        #[arg(long, value_name = "FOLDER")]
        from: PathBuf,
    },
    /// Who did what, the newest first: submissions and what was done to jobs, bans, drains, pardons, tokens, keys. A server may be running.
    Audit {
        #[command(flatten)]
        data: Data,
        /// Actions that are shown.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        limit: u32,
    },
    /// What is done with blobs by themselves.
    #[command(subcommand)]
    Blobs(BlobsCommand),
    /// Make, list and revoke tokens while no server runs: the way back in when the operator's token is lost.
    Token {
        #[command(flatten)]
        data: Data,
        #[command(subcommand)]
        what: offline::Token,
    },
    /// Hold log, snapshot, chains and blobs against each other, while a server runs or not.
    Check {
        #[command(flatten)]
        data: Data,
        /// Read every blob and compute its digest.
        #[arg(long)]
        read_blobs: bool,
    },
}

/// What is done with blobs by themselves.
#[derive(Subcommand)]
enum BlobsCommand {
    /// Copy all blobs from one place to another, each a folder or s3://BUCKET/PREFIX, while a server runs or not. Started again, it goes on where it stopped.
    Copy {
        /// Where they are.
        from: BlobPlace,
        /// Where they are to be.
        to: BlobPlace,
    },
}

/// Where a server's data lie.
#[derive(clap::Args)]
struct Data {
    /// Folder of everything that lasts.
    #[arg(long, env = "BATON_DATA")]
    data: PathBuf,
    /// PostgreSQL database (postgres://…) instead of SQLite in the folder.
    #[arg(long, env = "BATON_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Where the blobs are, when not in the data folder: a folder, or s3://BUCKET/PREFIX.
    #[arg(long, env = "BATON_BLOBS", value_name = "PLACE")]
    blobs: Option<BlobPlace>,
}

impl Data {
    fn place(&self) -> Place {
        Place {
            data: self.data.clone(),
            database: self.database.clone(),
            blobs: self.blobs.clone().unwrap_or_else(|| BlobPlace::Folder(self.data.join(BLOBS))),
        }
    }
}

/// Does what an operator does with the data besides serving it. Whether all was well.
async fn operate(command: Command) -> anyhow::Result<bool> {
    let found = match &command {
        Command::Blobs(BlobsCommand::Copy { from, to }) => return copy_blobs(from, to).await,
        Command::Audit { data, limit } => {
            let mut out = std::io::stdout().lock();
            for action in audit::read(&data.place(), *limit).await? {
                writeln!(out, "{}", audit::line(&action))?;
            }
            return Ok(true);
        }
        Command::Simulate(what) => return tokio::task::block_in_place(|| simulation::run(what)).map(|()| true),
        Command::Token { data, what } => return offline::run(&data.place(), what).await,
        Command::Backup { data, to } => backup::backup(&data.place(), to).await?,
        Command::Restore { data, from } => backup::restore(from, &data.place()).await?,
        Command::Check { data, read_blobs } => check::check(&data.place(), *read_blobs).await?,
    };
    let (blobs, bytes) = found.blobs;
    let (jobs, boundaries, events) = (found.jobs, found.boundaries, found.events);
    let mut out = std::io::stdout().lock();
    for wrong in &found.wrong {
        writeln!(out, "wrong: {wrong}")?;
    }
    writeln!(
        out,
        "{jobs} jobs with {boundaries} boundaries and {blobs} blobs of {:.1} MB, {events} events since the snapshot: {}",
        bytes as f64 / 1e6,
        match found.wrong.len() {
            0 => "all is whole".to_owned(),
            1 => "one thing is wrong; a backup from before has it".to_owned(),
            wrong => format!("{wrong} things are wrong; a backup from before has them"),
        }
    )?;
    Ok(found.wrong.is_empty())
}

/// Copies blobs, and says so. Whether all arrived.
async fn copy_blobs(from: &BlobPlace, to: &BlobPlace) -> anyhow::Result<bool> {
    let copied = blobs::copy(from, to, |so_far| {
        // Nobody may read it.
        let _told = writeln!(std::io::stderr(), "{so_far}");
    })
    .await?;
    let mut out = std::io::stdout().lock();
    for wrong in &copied.wrong {
        writeln!(out, "wrong: {wrong}")?;
    }
    writeln!(out, "{copied}")?;
    Ok(copied.wrong.is_empty())
}

impl Arguments {
    fn options(self, data: PathBuf) -> anyhow::Result<Options> {
        let ms = |seconds: u64| seconds.saturating_mul(1000);
        let secret = match &self.webhook_secret_file {
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("--webhook-secret-file {}", path.display()))?;
                text.trim().as_bytes().to_vec()
            }
            None => Vec::new(),
        };
        Ok(Options {
            data,
            listen: self.listen,
            url: self.url,
            database: self.database,
            tls: self.tls_cert.zip(self.tls_key),
            blobs: self.blobs,
            blob_links: !self.no_blob_links,
            lease: Duration::from_secs(self.lease_s),
            config: Config {
                heartbeat_ms: ms(self.heartbeat_s),
                unreachable_ms: ms(self.unreachable_s),
                lost_ms: ms(self.lost_s),
                offer_ms: ms(self.offer_s),
                backoff_ms: ms(self.backoff_s),
                commit_ms: ms(self.commit_s),
                lead_ms: ms(self.lead_s),
                prefetch_ms: ms(self.prefetch_s),
                small_ms: ms(self.small_s),
                user_running_max: self.user_running_max,
                user_jobs_max: self.user_jobs_max,
                user_stored_max: self.stored_gb_per_user.saturating_mul(1_000_000_000),
                hosts_per_subject: self.hosts_per_subject,
                hosts_per_network: self.hosts_per_network,
                retire_ms: ms(self.finished_h.saturating_mul(3600)),
                check_same_network: self.check_same_network,
                check_patience_ms: ms(self.check_patience_s),
                audit_ppm: self.audit_percent * 10_000,
                stall_ms: ms(self.stall_s),
                ..Config::default()
            },
            change_settings: self.change_settings,
            rates: Rates {
                requests_per_minute: self.requests_per_minute,
                enrolments_per_minute: self.enrolments_per_minute,
                upload_bytes_per_day: self.upload_gb_per_day.saturating_mul(1_000_000_000),
            },
            sizes: Sizes {
                blob_max: self.blob_mb_max.saturating_mul(1_000_000),
                checkpoint_max: self.checkpoint_mb_max.saturating_mul(1_000_000),
                pending_max: self.pending_gb_max.saturating_mul(1_000_000_000),
            },
            keep: (self.keep_days > 0).then(|| Duration::from_secs(self.keep_days * 86_400)),
            connections: Connections {
                per_address: self.connections_per_address,
                ..Connections::default()
            },
            proxies: Proxies(self.trusted_proxy),
            enrolment: match self.enrolment {
                Enrols::Shared => Enrolment::Shared,
                Enrols::Invitation => Enrolment::Invitation,
            },
            min_agent: self.min_agent,
            credit_table: self.credit_table,
            webhooks: webhook::Settings {
                guard: Guard {
                    allowed: self.webhook_allow,
                    private: self.webhook_private,
                },
                secret,
                pauses: None,
            },
            restored: self.restored,
        })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::parse();
    if let Some(command) = arguments.command.take() {
        return Ok(match operate(command).await? {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        });
    }
    let data = arguments
        .data
        .take()
        .context("--data: the folder of everything that lasts is missing")?;
    let wanted = std::env::var("BATON_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if arguments.log_json || !std::io::stderr().is_terminal() {
        tracing_subscriber::registry().with(log.json().with_filter(filter)).init();
    } else {
        tracing_subscriber::registry().with(log.with_filter(filter)).init();
    }
    let asked_to_stop = signals::asked_to_stop()?;
    tokio::pin!(asked_to_stop);
    let server = tokio::select! {
        started = Server::start(arguments.options(data.clone())?) => started?,
        asked = &mut asked_to_stop => {
            asked?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    // The reader of standard output may go away: the server goes on.
    if let Err(error) = writeln!(std::io::stdout(), "{}", server.welcome(&data)) {
        tracing::warn!(%error, "nobody reads what to type next");
    }
    tokio::select! {
        asked = asked_to_stop => asked?,
        reason = server.lost() => {
            // Nothing can be kept any more: what is being asked is refused, and clients come to the other server.
            drop(tokio::time::timeout(Duration::from_secs(3), server.stop()).await);
            anyhow::bail!(reason);
        }
    }
    tracing::info!("stopping");
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}
