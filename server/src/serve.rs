//! From options to a running service, and back to nothing in order.

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use protocol::Version;
use protocol::http::{IssueToken, Scope};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::accept::{self, Connections, Service};
use crate::app::{App, Sizes};
use crate::auth::{Enrolment, SHARED_SUBJECT, Tokens};
use crate::blob::BlobPlace;
use crate::engine::{Engine, Standby};
use crate::frame::Frames;
use crate::identity::{self, Home};
use crate::limits::{Limits, Rates};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::observables::Observables;
use crate::operate::BLOBS;
use crate::peer::Proxies;
use crate::pending::Pending;
use crate::private;
use crate::public_credit::PublicCredit;
use crate::routes::router;
use crate::session::Sessions;
use crate::shared;
use crate::signatures::Signatures;
use crate::site::Site;
use crate::store::Store;
use crate::store::postgres::{LEASE, PostgresStore};
use crate::store::sqlite::SqliteStore;
use crate::submission::Submissions;
use crate::sweep;
use crate::webhook::{self, Webhooks};
use scheduler::Config;
use scheduler::config::CheckKey;

/// What an operator says at the start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of everything that lasts.
    pub data: PathBuf,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// URL by which others reach the server, where that is another.
    pub url: Option<Site>,
    /// A PostgreSQL database instead of a file in the folder.
    pub database: Option<String>,
    /// For how long a server that leads may be silent before another takes its place.
    pub lease: Duration,
    /// Certificate chain and key, PEM files.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where the blobs are, when not in the data folder: servers of one database share it.
    pub blobs: Option<BlobPlace>,
    /// Whether blobs of an object store are downloaded from there, by links that are valid for some minutes.
    pub blob_links: bool,
    /// The scheduler's settings.
    pub config: Config,
    /// These may be others than those of the server that leads: they come into force when this one takes over.
    pub change_settings: bool,
    /// Rate limits by caller.
    pub rates: Rates,
    /// Size limits.
    pub sizes: Sizes,
    /// For how long finished jobs are kept; none for good.
    pub keep: Option<Duration>,
    /// Limits of connections.
    pub connections: Connections,
    /// Proxies whose word on a client's address counts.
    pub proxies: Proxies,
    /// Who may enrol hosts.
    pub enrolment: Enrolment,
    /// Oldest agent that gets new work.
    pub min_agent: Option<Version>,
    /// Anyone may see the credit table.
    pub credit_table: bool,
    /// Hosts that may be told when a job ends.
    pub webhooks: webhook::Settings,
    /// The data comes from a backup, whatever the folder looks like.
    pub restored: bool,
}

impl Options {
    /// On a free port of this machine, as often as anyone likes, blobs of up to 1 MiB: for tests and benchmarks.
    pub fn loopback(data: &Path, database: Option<String>) -> Self {
        Self {
            data: data.to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            url: None,
            database,
            lease: LEASE,
            tls: None,
            blobs: None,
            blob_links: true,
            config: Config::default(),
            change_settings: false,
            rates: Rates {
                requests_per_minute: 0,
                enrolments_per_minute: 0,
                upload_bytes_per_day: 0,
            },
            sizes: Sizes {
                blob_max: 1 << 20,
                checkpoint_max: 1 << 20,
                pending_max: 0,
            },
            keep: None,
            connections: Connections::default(),
            proxies: Proxies::default(),
            enrolment: Enrolment::Shared,
            min_agent: None,
            credit_table: false,
            webhooks: webhook::Settings::default(),
            restored: false,
        }
    }
}

/// A server that runs.
pub struct Server {
    /// Address that it listens on.
    pub address: SocketAddr,
    /// The URL of the address where it listens.
    pub url: String,
    /// The URL for people.
    public: String,
    /// Whether tokens travel in the clear through a network.
    clear: bool,
    /// The scheduler.
    pub engine: Arc<Engine>,
    /// The state that all handlers share.
    pub app: Arc<App>,
    stop: watch::Sender<bool>,
    writer: tokio::task::JoinHandle<()>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    lock: File,
}

/// A server whose settings are others than the leader's looks so often, 200 ms apart, before it gives up.
const LOOKS_AT_SETTINGS: u32 = 15;

/// What listening without TLS means.
const CLEAR: &str = "tokens and results can be read and changed on the way; give --tls-cert and --tls-key, or let a proxy end TLS and listen \
                     on loopback";

const TOKEN_FILES: [(Scope, &str, &str); 3] = [
    (Scope::Operator, "operator.token", "operator"),
    (Scope::Scientist, "scientist.token", "scientist"),
    (Scope::Host, "host.token", SHARED_SUBJECT),
];

fn write_secret(path: &Path, secret: &str) -> io::Result<()> {
    let mut file = private::create(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

impl Server {
    /// Starts everything.
    ///
    /// # Errors
    /// A folder, database, address or certificate that does not serve, by name.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        options
            .config
            .validate()
            .map_err(|reason| anyhow::anyhow!("a setting of the scheduler cannot be: {reason}"))?;
        let data = &options.data;
        private::folder(data).with_context(|| format!("folder {}", data.display()))?;
        let lock_path = data.join("lock");
        let lock = private::create(&lock_path).with_context(|| format!("{}", lock_path.display()))?;
        if lock.try_lock().is_err() {
            bail!("another server uses {}", data.display());
        }
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("listening on {}", options.listen))?;
        let address = listener.local_addr()?;
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        let public = match (&options.url, address.ip().is_unspecified()) {
            (Some(site), _) => site.url().to_owned(),
            (None, true) => format!("{scheme}://{}:{}", machine(), address.port()),
            (None, false) => url.clone(),
        };
        let store = open_store(data, options.database.as_deref(), options.lease).await?;
        let mut config = options.config;
        let home = Home::new(data, options.restored, options.database.is_none());
        // Where another server leads it is followed, as soon as it has begun.
        let mut looks = 0;
        let (opened, leads) = loop {
            if store
                .lead(public.clone())
                .await
                .context("the PostgreSQL database (--database)")?
            {
                config.check_key = CheckKey(identity::check_key(&*store).await?);
                break (Engine::lead(Arc::clone(&store), config.clone(), Some(home)).await?, true);
            }
            if Signatures::are_begun(&*store).await?
                && let Some(opened) = Engine::follow(Arc::clone(&store), Some(home.clone())).await?
            {
                let differ = opened.engine.differences(&config).await;
                if differ.is_empty() || options.change_settings {
                    config.check_key = CheckKey(identity::check_key(&*store).await?);
                    break (opened, false);
                }
                // One that has just begun has not said all of its settings yet.
                if looks >= LOOKS_AT_SETTINGS {
                    bail!(
                        "this server and the one that leads have different settings: {}. Start all servers of a database with the same options; to change them, \
                         start one after the other with --change-settings",
                        differ.join("; ")
                    );
                }
                looks += 1;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let engine = Arc::clone(&opened.engine);
        let place = options.blobs.unwrap_or_else(|| BlobPlace::Folder(data.join(BLOBS)));
        let blobs = place.open().await?;
        // A folder beside a database file is nobody else's.
        if options.database.is_some() || matches!(place, BlobPlace::S3(_)) {
            shared::check(&*store, &*blobs, &place, leads).await?;
        }
        let signatures = Arc::new(Signatures::load(&*store).await?);
        let tokens = Arc::new(Tokens::load(store, engine.identity.life).await?);
        if leads && tokens.is_empty() {
            first_tokens(&tokens, data, engine.now_ms()).await?;
        }
        let (stop, stopping) = watch::channel(false);
        let standby = (!leads).then(|| Standby {
            url: public.clone(),
            config,
            tokens: Arc::clone(&tokens),
            signatures: Arc::clone(&signatures),
        });
        let writer = opened.run(stopping.clone(), standby);
        let site = Arc::new(options.url.clone().unwrap_or_default());
        let app = Arc::new(App {
            engine: Arc::clone(&engine),
            blobs,
            blob_links: options.blob_links,
            tokens,
            limits: Limits::new(options.rates),
            memory: Memory::new(options.sizes.checkpoint_max),
            submissions: Submissions::default(),
            observables: Observables::default(),
            frames: Frames::default(),
            webhooks: Webhooks::new(options.webhooks).context("webhooks")?,
            signatures,
            metrics: Metrics::default(),
            stop: stopping.clone(),
            sweeping: tokio::sync::RwLock::default(),
            pending: Pending::new(options.sizes.pending_max),
            sizes: options.sizes,
            keep: options.keep,
            min_agent: options.min_agent,
            public_credit: PublicCredit::new(options.credit_table),
            answering: std::sync::Mutex::default(),
            streams: std::sync::Mutex::default(),
            site: Arc::clone(&site),
            enrolment: options.enrolment,
            sessions: Sessions::default(),
        });
        let acceptor = match &options.tls {
            None => None,
            Some((chain, key)) => Some(TlsAcceptor::from(tls(chain, key)?)),
        };
        let clear = acceptor.is_none() && !address.ip().to_canonical().is_loopback();
        let service = Service {
            router: router(Arc::clone(&app)),
            proxies: Arc::new(options.proxies),
            site,
        };
        let serving = accept::run(listener, acceptor, service, options.connections, stopping.clone());
        let serving = tokio::spawn(serving);
        let teller = tokio::spawn(webhook::run(Arc::clone(&app), stopping.clone()));
        let sweeper = tokio::spawn(sweep::run(Arc::clone(&app), stopping));
        if clear {
            tracing::warn!(%address, "listening beyond this machine without TLS: {CLEAR}");
        }
        Ok(Self {
            address,
            url,
            public,
            clear,
            engine,
            app,
            stop,
            writer,
            tasks: vec![serving, sweeper, teller],
            lock,
        })
    }

    /// What a volunteer and a scientist type next.
    pub fn welcome(&self, data: &Path) -> String {
        let data = data.display();
        let (own, url) = (&self.url, &self.public);
        if self.engine.writes().is_err() {
            return format!(
                "baton-server listens on {own}\n\nAnother server leads: this one follows it, answers what changes nothing, and takes over when that one ends.\n"
            );
        }
        format!(
            "baton-server listens on {own}\n\n\
             A volunteer types:\n  baton worker --server {url} --token-file {data}/host.token\n\n\
             A scientist types:\n  baton submit PACKAGE --server {url} --token-file {data}/scientist.token\n\n\
             The page: {url}/ (it asks for the token in {data}/operator.token)\n{}",
            if self.clear {
                format!("\nWarning: {CLEAR}\n")
            } else {
                String::new()
            }
        )
    }

    /// Ends, with the reason, when another server has taken over the database: then this one has to end.
    pub async fn lost(&self) -> String {
        self.engine.store.lost().await
    }

    /// Stops: answers what was asked, ends the streams, keeps a snapshot.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A client that does not let go does not keep the server.
        let ended = async |task| {
            if tokio::time::timeout(Duration::from_secs(20), task).await.is_err() {
                tracing::warn!("a task did not end in time");
            }
        };
        ended(self.writer).await;
        // Once all that was asked is written, the next server need not wait for this one's connections to end.
        self.engine.store.resign().await;
        for task in self.tasks {
            ended(task).await;
        }
        self.engine.store.close().await;
        // By itself it would last as long as a child that is just being started.
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the folder's lock");
        }
    }
}

/// The store of a data folder or at a URL. Another server may be writing it.
pub(crate) async fn open_store(data: &Path, database: Option<&str>, lease: Duration) -> anyhow::Result<Arc<dyn Store>> {
    if let Some(url) = database {
        return Ok(Arc::new(
            PostgresStore::join(url, lease)
                .await
                .context("the PostgreSQL database (--database)")?,
        ));
    }
    let path = data.join("baton.sqlite");
    // What SQLite puts beside it has its mode.
    private::options()
        .append(true)
        .create(true)
        .open(&path)
        .with_context(|| path.display().to_string())?;
    for name in ["baton.sqlite", "baton.sqlite-wal", "baton.sqlite-shm"] {
        let path = data.join(name);
        private::own_file(&path).with_context(|| path.display().to_string())?;
    }
    Ok(Arc::new(
        SqliteStore::open(&path).await.with_context(|| path.display().to_string())?,
    ))
}

/// A token of each kind that a new server's people need, in files of the data folder.
async fn first_tokens(tokens: &Tokens, data: &Path, now_ms: u64) -> anyhow::Result<()> {
    for (scope, file, subject) in TOKEN_FILES {
        let wanted = IssueToken {
            scope,
            subject: subject.to_owned(),
            invitation: false,
        };
        let issued = tokens.issue(&wanted, None, now_ms).await;
        let (_, secret) = issued.map_err(|_| anyhow::anyhow!("the first tokens cannot be kept"))?;
        let path = data.join(file);
        write_secret(&path, &secret).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The machine's name, as far as it is known.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "127.0.0.1".to_owned(),
        name => name.to_owned(),
    }
}

fn tls(chain: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .with_context(|| format!("certificate {}", chain.display()))?;
    if certificates.is_empty() {
        bail!(
            "certificate {}: it holds none, expected PEM blocks CERTIFICATE",
            chain.display()
        );
    }
    let key_der = PrivateKeyDer::from_pem_file(key).with_context(|| format!("key {}", key.display()))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key_der)
        .with_context(|| format!("certificate {} with key {}", chain.display(), key.display()))?;
    Ok(Arc::new(config))
}
