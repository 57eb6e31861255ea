//! The one task that drives the scheduler ([`writer`]; [`standby`] while another server leads), and the handle through which everything else reaches it.
//!
//! Events that arrive together share one transaction. The scheduler's state is behind a lock that is held while that transaction is written, so
//! no request reads a state that a power cut could take back. What a request wants to know after its event is looked up under the same lock,
//! once the transaction is durable: one event takes the lock once. When the store fails, the requests are told to come again, and the state is read
//! back from the store before anything else happens.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use protocol::{Digest, HostId, JobId};
use tokio::sync::{Notify, RwLock, RwLockReadGuard, mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::identity::{self, Home, Identity};
use crate::news::{News, Watchers};
use crate::store::{Store, StoreError};
use scheduler::{Config, Core, Event, Refusal, Reply};

mod role;
mod standby;
mod writer;

pub use role::Role;
pub use standby::Standby;
use writer::Writer;

/// Requests that wait for the writer, at most.
const QUEUE_MAX: usize = 4096;

/// Why an event had no effect.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The core says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules met something that they do not know: a mistake of this program, which this event alone pays for.
    #[error("the scheduler made a mistake over this request, and nothing was changed")]
    Panicked,
    /// Another server leads, and it alone writes.
    #[error("this server follows another one, which alone changes anything{}", at(.0.as_deref()))]
    NotLeader(Option<String>),
    /// The store is away, or the server is going down.
    #[error("the server cannot keep what it would answer: {0}")]
    Unavailable(String),
}

fn at(leader: Option<&str>) -> String {
    leader.map_or(String::new(), |leader| format!(": {leader}"))
}

/// What becomes of an event, told once: the reply and the state after it, durable; or why it had no effect.
type Told = Box<dyn FnOnce(Result<(Reply, &Core), EngineError>) + Send>;

struct Request {
    event: Event,
    /// Name and body digest under which a number in the reply is remembered.
    remember: Option<(String, String)>,
    tell: Told,
}

/// A handle on the running scheduler.
pub struct Engine {
    core: RwLock<Core>,
    /// Durable storage of events, snapshots and tokens.
    pub store: Arc<dyn Store>,
    /// Which server this is.
    pub identity: Arc<Identity>,
    clock: Clock,
    requests: mpsc::Sender<Request>,
    watchers: Watchers,
    version: watch::Sender<u64>,
    role: watch::Sender<Role>,
    superseded: Mutex<BTreeSet<Digest>>,
    /// Told when the store or a blob found the disk full.
    pub full: Notify,
    /// Events taken in and batches written since the start.
    pub taken: AtomicU64,
    /// The last batch could not be kept.
    failing: AtomicBool,
}

/// The task, to be awaited at the end.
pub type EngineTask = tokio::task::JoinHandle<()>;

/// An engine whose task has not begun.
pub struct Opened {
    /// The handle.
    pub engine: Arc<Engine>,
    writer: Writer,
    requests: mpsc::Receiver<Request>,
}

impl Opened {
    /// Starts the task, which ends when `stop` says so, after a last snapshot. What a standby needs is given for one.
    pub fn run(self, mut stop: watch::Receiver<bool>, standby: Option<Standby>) -> EngineTask {
        let (mut writer, requests) = (self.writer, self.requests);
        tokio::spawn(async move {
            if let Some(standby) = standby
                && !standby.run(&mut writer, &mut stop).await
            {
                return;
            }
            writer.run(requests, stop).await;
        })
    }
}

/// The state that a store holds, the number of the next event, and how many came since its snapshot.
pub(crate) async fn read_back(store: &dyn Store) -> Result<(Core, u64, u64), StoreError> {
    let loaded = store.load().await?;
    let damaged = |what, reason: String| StoreError::Damaged { what, reason };
    let (begin, mut core) = match &loaded.snapshot {
        Some((upto, state)) => {
            let core = Core::restore(state).map_err(|error| damaged("snapshot", error.to_string()))?;
            (*upto, core)
        }
        None => (0, Core::new(Config::default())),
    };
    for (rules, logged) in &loaded.events {
        core.replay(&logged.event, logged.at_ms, *rules)
            .map_err(|refusal| damaged("events", format!("an accepted event is refused now: {refusal}")))?;
        core.take_commands();
    }
    Ok((core, loaded.next, loaded.next - begin))
}

impl Engine {
    /// Whether events can be taken in, or the leader's log followed: the store answers, and, where the last batch could not be kept, something small can be again.
    ///
    /// # Errors
    /// What the store said.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await?;
        if self.failing.load(Ordering::Relaxed) {
            self.store.put_fact("tried_ms".to_owned(), self.now_ms().to_string()).await?;
        }
        Ok(())
    }

    /// Restores the state of the store that this server leads in, and starts the task. The task ends when `stop` says so, after a last
    /// snapshot. Without a home nothing tells a restored backup.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn start(
        store: Arc<dyn Store>,
        config: Config,
        home: Option<Home>,
        stop: watch::Receiver<bool>,
    ) -> Result<(Arc<Self>, EngineTask), StoreError> {
        let opened = Self::lead(store, config, home).await?;
        Ok((Arc::clone(&opened.engine), opened.run(stop, None)))
    }

    /// Restores the state of the store that this server leads in.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn lead(store: Arc<dyn Store>, config: Config, home: Option<Home>) -> Result<Opened, StoreError> {
        let read = read_back(store.as_ref()).await?;
        let (identity, restored) = identity::begin(store.as_ref(), home.as_ref(), read.1).await?;
        let next = read.1;
        let mut opened = Self::open(store, identity, read, home, Role::Leader);
        let engine = Arc::clone(&opened.engine);
        let mut first = vec![Event::Restarted];
        if restored {
            tracing::warn!(
                life = engine.identity.life,
                "the data comes from a backup: a new life begins, leases end, and numbers go on far above"
            );
            first.insert(0, Event::Restored);
        }
        if *engine.core.read().await.config() != config {
            first.push(Event::Configure(config));
        }
        let events: Vec<Request> = first.into_iter().map(unheard).collect();
        if next > 0 || events.len() > 1 {
            opened.writer.write(events).await;
        }
        if !opened.writer.broken {
            opened.writer.mark()?;
        }
        Ok(opened)
    }

    /// Restores the state of a store that another server leads in. None while that one has not begun.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn follow(store: Arc<dyn Store>, home: Option<Home>) -> Result<Option<Opened>, StoreError> {
        let Some(identity) = identity::read(store.as_ref()).await? else {
            return Ok(None);
        };
        let read = read_back(store.as_ref()).await?;
        // Known before the first answer: who is turned away is told where to go.
        let role = Role::standby(store.leader().await?);
        Ok(Some(Self::open(store, identity, read, home, role)))
    }

    fn open(
        store: Arc<dyn Store>,
        identity: Identity,
        (core, next, since): (Core, u64, u64),
        home: Option<Home>,
        role: Role,
    ) -> Opened {
        let (sender, requests) = mpsc::channel(QUEUE_MAX);
        let engine = Arc::new(Self {
            clock: Clock::begin(core.now_ms()),
            core: RwLock::new(core),
            store,
            identity: Arc::new(identity),
            requests: sender,
            watchers: Watchers::default(),
            version: watch::Sender::new(0),
            role: watch::Sender::new(role),
            superseded: Mutex::default(),
            full: Notify::new(),
            taken: 0.into(),
            failing: false.into(),
        });
        let writer = Writer {
            engine: Arc::clone(&engine),
            next,
            since,
            log_bytes: 0,
            snapshot_bytes: 0,
            broken: false,
            home,
        };
        Opened {
            engine,
            writer,
            requests,
        }
    }

    /// What this server is among those that share its database.
    pub fn role(&self) -> Role {
        self.role.borrow().clone()
    }

    /// Whether this server may change anything.
    ///
    /// # Errors
    /// It follows another one.
    pub fn writes(&self) -> Result<(), EngineError> {
        match &*self.role.borrow() {
            Role::Leader => Ok(()),
            Role::Standby { leader, .. } => Err(EngineError::NotLeader(leader.clone())),
        }
    }

    /// Whether what is not known here is not known at all: no other server can have changed anything since.
    pub fn is_sure(&self) -> bool {
        self.writes().is_ok() && self.store.leads()
    }

    /// What is answered where it would have to be.
    pub fn not_sure(&self) -> EngineError {
        let unsure = || EngineError::Unavailable("another server may lead by now".to_owned());
        self.writes().err().unwrap_or_else(unsure)
    }

    /// Tells those who wait for what happened.
    fn tell(&self, news: News) {
        news.hosts.into_iter().for_each(|host| self.watchers.hosts.notify(host));
        news.jobs.into_iter().for_each(|job| self.watchers.jobs.notify(job));
        self.version.send_modify(|version| *version += 1);
    }

    /// Tells all who wait that anything may have happened.
    fn tell_all(&self) {
        self.watchers.hosts.notify_all();
        self.watchers.jobs.notify_all();
        self.version.send_modify(|version| *version += 1);
    }

    /// The time by which the scheduler goes.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Looks at the state.
    pub async fn core(&self) -> RwLockReadGuard<'_, Core> {
        self.core.read().await
    }

    /// Tells the scheduler, and waits until what follows is durable.
    ///
    /// # Errors
    /// The core refuses, or the store is away.
    pub async fn apply(&self, event: Event) -> Result<Reply, EngineError> {
        self.apply_then(event, None, |reply, _| reply).await
    }

    /// The same, and looks at the state as it is then. With `remember`, a name and the digest of the request, the number in the reply is kept
    /// under that name.
    ///
    /// # Errors
    /// The core refuses, or the store is away.
    pub async fn apply_then<T: Send + 'static>(
        &self,
        mut event: Event,
        remember: Option<(String, String)>,
        look: impl FnOnce(Reply, &Core) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        self.writes()?;
        event.cut();
        let (sender, answer) = oneshot::channel();
        let tell: Told = Box::new(move |told| {
            // The caller may be gone.
            let _gone = sender.send(told.map(|(reply, core)| look(reply, core)));
        });
        let request = Request { event, remember, tell };
        let stopping = |_| EngineError::Unavailable("it is shutting down".to_owned());
        self.requests.send(request).await.map_err(stopping)?;
        answer
            .await
            .map_err(|_| EngineError::Unavailable("it is shutting down".to_owned()))?
    }

    /// Wakes when a host's orders change.
    pub fn watch_host(&self, host: HostId) -> watch::Receiver<u64> {
        self.watchers.hosts.subscribe(host)
    }

    /// Wakes when a job changes.
    pub fn watch_job(&self, job: JobId) -> watch::Receiver<u64> {
        self.watchers.jobs.subscribe(job)
    }

    /// Checkpoints that no job needs any more, of those committed since the start; they are forgotten here.
    pub async fn take_superseded(&self) -> BTreeSet<Digest> {
        let needed = self.core.read().await.needed_blobs();
        let mut superseded = self.superseded.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *superseded).difference(&needed).copied().collect()
    }

    /// Wakes when anything changes.
    pub fn watch_all(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

fn unheard(event: Event) -> Request {
    Request {
        event,
        remember: None,
        tell: Box::new(|_| {}),
    }
}

/// Ends when the server is to stop.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _told = stop.wait_for(|stop| *stop).await.is_ok();
}
