//! The agent itself: compares its orders with what it does, and acts on the difference.
//!
//! Everything that happens comes in as a [`Note`]; after each one, and a few times a second, [`Desk::act`] looks at every lease and every
//! device and does what is due. Nothing here blocks: computing has threads, the network has errands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use device::{Device, DeviceError, DeviceKind, SessionOptions};
use kernels::package::Package;
use kernels::run::RunError;
use protocol::HardwareClass;
use protocol::http::{
    Action, AttemptId, Committed, EndAttempt, Heartbeat, JobProgress, JobState, Lease, LeaveNotice, Orders, Outcome,
    RegisterHost, Registered,
};
use reqwest::Method;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::compute::{Gate, Idle, Task, Wish};
use super::errands::{Errands, Trouble};
use super::held::{Held, Phase};
use super::policy::{self, Watch, now_ms};
use super::preferences::{Given, Preferences};
use super::record::{JobFolder, Kept};
use super::state::{Contributed, Identity, StateFolder, Wished};
use super::view::{DeviceStatus, JobStatus, Status, View};
use crate::exit::Exit;
use crate::net::client::fresh_key;
use crate::net::events::Events;
use crate::net::link::{Link, Pauses};
use crate::net::{Access, Client, NetError};
use crate::signals::Stop;

/// Between two looks at signals and wishes.
const TICK: Duration = Duration::from_millis(150);
/// Length of submits, so that a desktop stays smooth.
const SUBMIT_MS: f32 = 10.0;
/// With nothing to do for this long, an agent that shall end when idle ends.
const IDLE_END: Duration = Duration::from_secs(5);

/// Something that happened.
pub(crate) enum Note {
    /// The server said what to do.
    Orders(Orders),
    /// An answer to a registration, and whether it was the first.
    Registered(bool, Box<Result<Registered, NetError>>),
    /// An answer to a heartbeat.
    Beat(Result<Orders, NetError>),
    /// An answer to taking offers.
    Taken(Result<Orders, NetError>),
    /// The server was told where we are.
    Told(Place, Result<Orders, NetError>),
    /// A lease's package and checkpoint are here, or cannot be.
    Fetched(AttemptId, Result<Arc<Package>, Trouble>),
    /// A boundary was reached.
    Boundary(AttemptId, Kept),
    /// A thread stopped.
    Stopped(AttemptId, Result<(), RunError>),
    /// Boundaries came home.
    Home(AttemptId, Contributed, Result<Committed, Trouble>),
    /// An attempt's end was told.
    Ended(AttemptId, Result<Orders, Trouble>),
    /// The server does not know our token.
    Unknown(String),
}

/// Where we are, as the server is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Here, taking jobs or not.
    Here,
    /// Away for a while: jobs migrate.
    Away(String, Option<u64>),
    /// About to end: jobs migrate.
    Leaving(String),
}

/// A device, and its place in the line of jobs.
struct Seat {
    device: Arc<dyn Device>,
    classes: Vec<HardwareClass>,
    running: Option<AttemptId>,
    idle: Arc<Idle>,
}

/// What the command line says of how the agent works.
pub(crate) struct Setup {
    /// The state folder, locked by the caller.
    pub(crate) state: StateFolder,
    /// Server and token.
    pub(crate) access: Access,
    /// Preferences on the command line.
    pub(crate) given: Given,
    /// Devices to use.
    pub(crate) devices: Vec<Arc<dyn Device>>,
    /// Longest pause before the server is asked again.
    pub(crate) retry_max: Duration,
    /// After a pause of this length jobs migrate.
    pub(crate) pause_patience: Duration,
}

/// The agent.
pub(crate) struct Desk {
    setup: Setup,
    preferences: Preferences,
    config_changed: Option<std::time::SystemTime>,
    server: String,
    enrolment: Option<Client>,
    anonymous: Client,
    identity: Option<Identity>,
    link: Arc<Link>,
    errands: Errands,
    seats: Vec<Seat>,
    held: BTreeMap<AttemptId, Held>,
    /// Attempts that are over, and that the last orders may still list.
    over: BTreeSet<AttemptId>,
    orders: Option<Orders>,
    /// Orders came from the server since this process began.
    heard: bool,
    sender: UnboundedSender<Note>,
    notes: UnboundedReceiver<Note>,
    stop: Stop,
    asked: u32,
    view: View,
    watch: Watch,
    wished: Wished,
    why_not: Option<String>,
    paused_since: Option<Instant>,
    /// Where the server was told that we are; none when that is not known.
    told: Option<Place>,
    telling: bool,
    /// The server heard of us after it was told that we leave: it has to be told again.
    stirred: bool,
    registering: bool,
    registered_as: Option<RegisterHost>,
    taking: bool,
    beating: bool,
    beat_due: Instant,
    beat_pauses: Pauses,
    accepting_told: Option<bool>,
    stream: Option<AbortHandle>,
    errors: u32,
    contributed: Contributed,
    idle_since: Option<Instant>,
    drawn: Option<Instant>,
    swept: Instant,
    away_said: Option<String>,
    fatal: Option<anyhow::Error>,
}

impl Desk {
    /// An agent that knows what its state folder holds.
    ///
    /// # Errors
    /// No server is named, or the configuration file is wrong.
    pub(crate) fn new(setup: Setup, stop: Stop) -> anyhow::Result<Self> {
        let (found, table) = setup.access.worker()?;
        let preferences = Preferences::merge(&setup.given, table)?;
        let anonymous = Client::new(&found.server, "", found.ca.as_deref())?;
        let enrolment = found.token.as_deref().map(|token| anonymous.with_token(token));
        let server = anonymous.base().to_owned();
        let identity: Option<Identity> = setup.state.read("host.json");
        let identity = identity.filter(|identity| identity.server == server);
        if identity.is_none() && enrolment.is_none() {
            bail!(crate::exit::Usage(
                "no token: the first start needs the server's host token, --token-file FILE (host.token in the server's folder)".into()
            ));
        }
        let link = Arc::new(Link::new(setup.retry_max));
        let own = identity
            .as_ref()
            .map_or_else(|| anonymous.clone(), |own| anonymous.with_token(&own.token));
        let errands = Errands {
            client: own,
            link: Arc::clone(&link),
            blobs: setup.state.join("blobs"),
            downloading: Arc::default(),
        };
        let seats = setup.devices.iter().map(|device| Seat {
            device: Arc::clone(device),
            classes: classes(&**device),
            running: None,
            idle: Arc::default(),
        });
        let seats = seats.collect();
        let (sender, notes) = unbounded_channel();
        let now = Instant::now();
        let has_identity = identity.is_some();
        let mut desk = Self {
            preferences,
            config_changed: None,
            server,
            enrolment,
            anonymous,
            identity,
            beat_pauses: link.pauses(),
            link,
            errands,
            seats,
            held: BTreeMap::new(),
            over: BTreeSet::new(),
            orders: None,
            heard: false,
            sender,
            notes,
            stop,
            asked: 0,
            view: View::new(),
            watch: Watch::default(),
            wished: setup.state.read("wish.json").unwrap_or_default(),
            why_not: None,
            paused_since: None,
            // An agent before us may have announced that it leaves.
            told: if has_identity { None } else { Some(Place::Here) },
            telling: false,
            stirred: false,
            registering: false,
            registered_as: None,
            taking: false,
            beating: false,
            beat_due: now,
            accepting_told: None,
            stream: None,
            errors: 0,
            contributed: setup.state.read("contributed.json").unwrap_or_default(),
            idle_since: None,
            drawn: None,
            swept: now,
            away_said: None,
            fatal: None,
            setup,
        };
        // A wish to finish was for the agent that ended then.
        if desk.wished == Wished::Finish {
            desk.wish(Wished::Run)?;
        }
        desk.config_changed = desk.config_time();
        desk.recall();
        Ok(desk)
    }

    fn wish(&mut self, wished: Wished) -> anyhow::Result<()> {
        self.wished = wished;
        self.setup.state.write("wish.json", &wished)
    }

    fn config_time(&self) -> Option<std::time::SystemTime> {
        let path = self.setup.access.config_path().ok()?;
        std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
    }

    /// Folders of attempts that are neither listed nor at work: left by a process before this one.
    fn clear(&self, listed: &[Lease]) {
        let folders = std::fs::read_dir(self.setup.state.join("jobs"));
        for entry in folders.into_iter().flatten().flatten() {
            let attempt: Option<AttemptId> = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let needed = attempt.is_some_and(|attempt| {
                let runs = self.seats.iter().any(|seat| seat.running == Some(attempt));
                runs || listed.iter().any(|lease| lease.attempt == attempt)
            });
            if !needed {
                drop(std::fs::remove_dir_all(entry.path()));
            }
        }
    }

    /// Go on with what was told before this process began, until the server says otherwise.
    fn recall(&mut self) {
        let orders: Option<Orders> = self.setup.state.read("orders.json");
        let orders = orders.filter(|orders| self.identity.as_ref().is_some_and(|own| own.host == orders.host));
        if let Some(orders) = orders {
            self.follow(&orders);
            self.orders = Some(orders);
        }
    }

    /// Work until there is a reason to end.
    ///
    /// # Errors
    /// What makes going on senseless: the server refuses to have us.
    pub(crate) async fn run(mut self) -> anyhow::Result<Exit> {
        self.register();
        loop {
            let note = tokio::time::timeout(TICK, self.notes.recv()).await;
            if let Ok(Some(note)) = note {
                self.hear(note);
                // All that came meanwhile is looked at once.
                while let Ok(note) = self.notes.try_recv() {
                    self.hear(note);
                }
            }
            if let Some(error) = self.fatal.take() {
                return Err(error);
            }
            if let Some(exit) = self.act() {
                self.show(true);
                return Ok(exit);
            }
        }
    }

    fn hear(&mut self, note: Note) {
        match note {
            Note::Orders(orders) => self.obey(orders),
            Note::Registered(first, answer) => self.registered(first, *answer),
            Note::Beat(answer) => {
                self.beating = false;
                match answer {
                    Ok(orders) => {
                        self.errors = 0;
                        self.stirred = true;
                        self.beat_pauses = self.link.pauses();
                        self.beat_due = Instant::now() + beat_pause(orders.heartbeat_s);
                        self.obey(orders);
                    }
                    Err(NetError::Away { why, again }) => {
                        self.accepting_told = None;
                        let pause = self.beat_pauses.next(again);
                        self.link.down(&why, pause);
                        self.beat_due = Instant::now() + pause;
                    }
                    Err(error) => self.refused(&error),
                }
            }
            Note::Taken(answer) => {
                self.taking = false;
                match answer {
                    Ok(orders) => self.obey(orders),
                    Err(error) => self.refused(&error),
                }
            }
            Note::Told(place, answer) => {
                self.telling = false;
                match answer {
                    Ok(orders) => {
                        self.told = Some(place);
                        self.stirred = self.beating;
                        self.obey(orders);
                    }
                    Err(error) => self.refused(&error),
                }
            }
            Note::Fetched(attempt, answer) => self.fetched(attempt, answer),
            Note::Boundary(attempt, kept) => {
                if let Some(held) = self.held.get_mut(&attempt) {
                    if held.segment_ms == 0 {
                        // The server plans with it.
                        self.beat_due = Instant::now();
                    }
                    held.reach(kept);
                }
            }
            Note::Stopped(attempt, ended) => self.stopped(attempt, ended),
            Note::Home(attempt, delta, answer) => self.came_home(attempt, delta, answer),
            Note::Ended(attempt, answer) => match answer {
                Ok(orders) => {
                    self.drop_held(attempt);
                    self.obey(orders);
                }
                Err(Trouble::Unknown(why)) => self.unknown(&why),
                Err(_) => self.drop_held(attempt),
            },
            Note::Unknown(why) => self.unknown(&why),
        }
    }

    // ---- who we are ----

    fn register(&mut self) {
        if self.registering {
            return;
        }
        let seen = self.watch.look(&self.preferences, &self.setup.state);
        let body = RegisterHost {
            name: self.preferences.name.clone().unwrap_or_else(super::machine::name),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            devices: self
                .seats
                .iter()
                .map(|seat| protocol::http::DeviceReport {
                    id: seat.device.info().id.clone(),
                    name: seat
                        .device
                        .info()
                        .name
                        .chars()
                        .filter(|c| !c.is_control())
                        .take(100)
                        .collect(),
                    classes: seat.classes.clone(),
                })
                .collect(),
            night: policy::night(&self.preferences, seen),
        };
        if self.registered_as.as_ref() == Some(&body) {
            return;
        }
        self.registering = true;
        self.registered_as = Some(body.clone());
        let (link, sender) = (Arc::clone(&self.link), self.sender.clone());
        let first = self.identity.is_none();
        let answer = match (&self.identity, &self.enrolment) {
            (Some(own), _) => {
                let (client, path) = (self.errands.client.clone(), format!("/v1/hosts/{}", own.host));
                tokio::spawn(async move { link.insist(|| client.send(Method::PUT, &path, &body)).await })
            }
            (None, Some(client)) => {
                let client = client.clone();
                let key = self.enrolment_key(&body);
                tokio::spawn(async move { link.insist(|| client.post_once("/v1/hosts", &key, &body)).await })
            }
            (None, None) => {
                self.fatal = Some(anyhow::anyhow!(
                    "{} does not know this host any more; enrol it again with the server's host token (--token-file FILE)",
                    self.server
                ));
                return;
            }
        };
        tokio::spawn(async move {
            if let Ok(answer) = answer.await {
                drop(sender.send(Note::Registered(first, Box::new(answer))));
            }
        });
    }

    /// The same key for the same registration, also after a crash before the answer came: so one host comes of it.
    fn enrolment_key(&self, body: &RegisterHost) -> String {
        let what = protocol::Digest::of(&serde_json::to_vec(&(&self.server, body)).unwrap_or_default());
        let known: Option<(protocol::Digest, String)> = self.setup.state.read("enrol.json");
        if let Some((_, key)) = known.filter(|(known, _)| *known == what) {
            return key;
        }
        let key = fresh_key();
        self.setup.state.write_lightly("enrol.json", &(what, &key));
        key
    }

    fn registered(&mut self, first: bool, answer: Result<Registered, NetError>) {
        self.registering = false;
        let registered = match answer {
            Ok(registered) => registered,
            Err(error) if !first => return self.refused(&error),
            Err(error) => {
                let text = format!("{} does not take this host: {error}", self.server);
                self.fatal = Some(anyhow::Error::new(error).context(text));
                return;
            }
        };
        if let Some(token) = registered.token {
            let identity = Identity {
                server: self.server.clone(),
                host: registered.host,
                token,
            };
            if let Err(error) = self.setup.state.write_identity(&identity) {
                self.fatal = Some(error);
                return;
            }
            // Attempts of another server, or of another life of this one, are not ours.
            self.clear(&[]);
            self.errands.client = self.anonymous.with_token(&identity.token);
            self.identity = Some(identity);
            drop(std::fs::remove_file(self.setup.state.join("enrol.json")));
            self.say(&format!("registered as host {}", registered.host));
        } else if !self.heard {
            self.say(&format!("back as host {}", registered.host));
        }
        self.beat_due = Instant::now();
        self.listen();
    }

    /// Hold a stream of orders.
    fn listen(&mut self) {
        if let Some(old) = self.stream.take() {
            old.abort();
        }
        let Some(own) = &self.identity else { return };
        let path = format!("/v1/hosts/{}/events", own.host);
        let (client, link, sender) = (self.errands.client.clone(), Arc::clone(&self.link), self.sender.clone());
        let task = tokio::spawn(async move {
            loop {
                let mut events = match link.insist(|| Events::open(&client, &path)).await {
                    Ok(events) => events,
                    Err(error) => return drop(sender.send(Note::Unknown(error.to_string()))),
                };
                while let Ok(Some(data)) = events.next().await {
                    match serde_json::from_str(&data) {
                        Ok(orders) => drop(sender.send(Note::Orders(orders))),
                        Err(error) => tracing::warn!("orders that cannot be read: {error}"),
                    }
                }
                let pause = link.pauses().next(None);
                link.pause("the stream of orders was cut", pause).await;
            }
        });
        self.stream = Some(task.abort_handle());
    }

    fn refused(&mut self, error: &NetError) {
        match error.status() {
            401 | 403 | 404 => self.unknown(&error.to_string()),
            _ => {
                tracing::warn!("{error}");
                self.beat_due = self.beat_due.max(Instant::now() + Duration::from_secs(5));
            }
        }
    }

    /// The server does not know us: all it told us is void, and we enrol anew.
    fn unknown(&mut self, why: &str) {
        if self.identity.take().is_none() {
            return;
        }
        self.say(&format!(
            "{} does not know this host any more ({why}): enrolling anew",
            self.server
        ));
        for attempt in self.held.keys().copied().collect::<Vec<_>>() {
            self.drop_held(attempt);
        }
        self.orders = None;
        self.over.clear();
        self.registered_as = None;
        self.registering = false;
        (self.told, self.telling, self.taking, self.beating) = (Some(Place::Here), false, false, false);
        drop(std::fs::remove_file(self.setup.state.join("host.json")));
        if let Some(stream) = self.stream.take() {
            stream.abort();
        }
    }

    // ---- orders ----

    fn obey(&mut self, orders: Orders) {
        if self.identity.as_ref().is_none_or(|own| own.host != orders.host) {
            return;
        }
        self.link.up(None);
        if !self.heard {
            self.heard = true;
            self.clear(&orders.leases);
        }
        if self.orders.as_ref().is_some_and(|last| last.sequence > orders.sequence) {
            return;
        }
        if self.orders.as_ref() != Some(&orders) {
            // Durably: with it a restart knows which folders it may go on with.
            if let Err(error) = self.setup.state.write("orders.json", &orders) {
                tracing::warn!("{error:#}");
            }
        }
        self.over
            .retain(|attempt| orders.leases.iter().any(|lease| lease.attempt == *attempt));
        let gone: Vec<AttemptId> = self
            .held
            .keys()
            .filter(|attempt| !orders.leases.iter().any(|lease| lease.attempt == **attempt))
            .copied()
            .collect();
        for attempt in gone {
            self.drop_held(attempt);
        }
        self.follow(&orders);
        self.orders = Some(orders);
    }

    /// Take note of every lease that is listed.
    fn follow(&mut self, orders: &Orders) {
        for lease in &orders.leases {
            let safe = lease.checkpoint.as_ref().map(|safe| safe.entry.segment);
            if let Some(held) = self.held.get_mut(&lease.attempt) {
                if held.lease.action != lease.action {
                    let told = match lease.action {
                        Action::StopAtBoundary => Some("stops at its next boundary"),
                        Action::StopNow => Some("stops now"),
                        Action::Run | Action::Wait => None,
                    };
                    if let Some(told) = told {
                        let text = format!("job {} {told}: {}", lease.job, lease.reason);
                        self.view.say(&text);
                    }
                }
                held.lease = lease.clone();
                if let Some(safe) = safe {
                    held.safe(safe);
                }
            } else if !self.over.contains(&lease.attempt) {
                self.hold(lease);
            }
        }
    }

    fn hold(&mut self, lease: &Lease) {
        let path = self.setup.state.join("jobs").join(lease.attempt.to_string());
        let folder = match JobFolder::create(&path) {
            Ok(folder) => folder,
            Err(error) => {
                self.errors += 1;
                return tracing::error!("{error}");
            }
        };
        let mut held = Held {
            lease: lease.clone(),
            folder,
            phase: Phase::Fetching,
            package: None,
            pending: Vec::new(),
            reached: 0,
            committed: lease.checkpoint.as_ref().map(|safe| safe.entry.segment),
            segment_ms: 0,
            gate: Arc::new(Gate::new(Wish::Go)),
            step: Arc::new(AtomicU64::new(0)),
            homing: None,
            ending: false,
            failed: None,
            spoiled: false,
            committed_at: Instant::now(),
            errand: None,
            began: None,
        };
        let seat = self.seats.iter().find(|seat| seat.device.info().id == lease.device);
        if seat.is_none_or(|seat| !seat.classes.contains(&lease.class)) {
            held.phase = Phase::Stopped;
            let problem = format!("device '{}' of class {} is not here", lease.device, lease.class);
            held.failed = Some((Outcome::Mismatch, problem));
        } else {
            let (errands, sender) = (self.errands.clone(), self.sender.clone());
            let (folder, lease) = (held.folder.clone(), lease.clone());
            let errand = tokio::spawn(async move {
                let attempt = lease.attempt;
                let answer = errands.fetch(folder, lease).await;
                drop(sender.send(Note::Fetched(attempt, answer)));
            });
            held.errand = Some(errand.abort_handle());
        }
        self.held.insert(lease.attempt, held);
    }

    fn fetched(&mut self, attempt: AttemptId, answer: Result<Arc<Package>, Trouble>) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        held.errand = None;
        match answer {
            Ok(package) => {
                held.recall(package);
                held.phase = if held.finished() { Phase::Stopped } else { Phase::Ready };
            }
            Err(Trouble::Unknown(why)) => self.unknown(&why),
            Err(Trouble::Gone(why)) => {
                held.phase = Phase::Stopped;
                held.failed = Some((Outcome::Aborted, why));
            }
            Err(Trouble::Cannot(outcome, why)) => {
                held.phase = Phase::Stopped;
                held.failed = Some((outcome, why));
            }
        }
    }

    fn stopped(&mut self, attempt: AttemptId, ended: Result<(), RunError>) {
        for seat in &mut self.seats {
            if seat.running == Some(attempt) {
                seat.running = None;
            }
        }
        let Some(held) = self.held.get_mut(&attempt) else {
            // Its lease is gone; now its folder can go too.
            drop(std::fs::remove_dir_all(
                self.setup.state.join("jobs").join(attempt.to_string()),
            ));
            return;
        };
        held.phase = Phase::Stopped;
        match ended {
            Err(error) => {
                let text = format!("job {}: {error}", held.lease.job);
                held.failed = Some((outcome_of(&error), error.to_string()));
                self.say(&text);
            }
            // Stopped before its end though nobody wants that any more: its turn comes again.
            Ok(()) if !held.finished() && !held.stopping() => held.phase = Phase::Ready,
            Ok(()) => {}
        }
    }

    fn came_home(&mut self, attempt: AttemptId, delta: Contributed, answer: Result<Committed, Trouble>) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        held.errand = None;
        let target = held.homing.take();
        match answer {
            Ok(committed) => {
                if let Some(target) = target {
                    held.safe(target);
                }
                held.committed_at = Instant::now();
                let done = committed.state == JobState::Completed || committed.segment >= held.lease.until_segment;
                let (job, until) = (held.lease.job, held.lease.until_segment);
                self.contributed.segments += delta.segments;
                self.contributed.steps += delta.steps;
                self.contributed.computed_ms += delta.computed_ms;
                self.contributed.jobs += u64::from(done);
                self.setup.state.write_lightly("contributed.json", &self.contributed);
                if done {
                    self.drop_held(attempt);
                    self.say(&format!("job {job}: completed, segment {until} is safe"));
                }
            }
            Err(Trouble::Gone(why)) => {
                let text = format!(
                    "job {}: its lease is over, what was computed under it is dropped ({why})",
                    held.lease.job
                );
                self.drop_held(attempt);
                self.say(&text);
            }
            Err(Trouble::Unknown(why)) => self.unknown(&why),
            Err(Trouble::Cannot(outcome, why)) => {
                let text = format!("job {}: {why}", held.lease.job);
                held.spoiled = true;
                held.failed = Some((outcome, why));
                held.gate.set(Wish::Now);
                self.say(&text);
            }
        }
    }

    /// A lease is gone, and with it all that belongs to it.
    fn drop_held(&mut self, attempt: AttemptId) {
        let Some(held) = self.held.remove(&attempt) else { return };
        self.over.insert(attempt);
        held.gate.set(Wish::Now);
        if let Some(errand) = &held.errand {
            errand.abort();
        }
        // The last checkpoint is likely to be wanted again, here of all places.
        if let (true, Some(last)) = (held.committed == Some(held.reached), held.folder.last_blob()) {
            drop(held.folder.adopt(
                &held.folder.checkpoint(held.reached),
                &self.errands.blobs.join(last.to_string()),
            ));
        }
        if self.seats.iter().all(|seat| seat.running != Some(attempt)) {
            held.folder.remove();
        }
    }

    // ---- acting ----

    /// Do all that is due. An exit when there is a reason to end.
    fn act(&mut self) -> Option<Exit> {
        self.look_at_wishes();
        if let Some(exit) = self.look_at_signals() {
            return Some(exit);
        }
        // Not known any more: enrolled anew once nothing of the old life computes.
        if self.identity.is_none() && self.seats.iter().all(|seat| seat.running.is_none()) {
            self.register();
        }
        self.tell_place();
        self.take_offers();
        self.drive_seats();
        for attempt in self.held.keys().copied().collect::<Vec<_>>() {
            self.bring_home(attempt);
            self.tell_end(attempt);
        }
        self.beat();
        self.sweep();
        self.show(false);
        self.done()
    }

    fn look_at_wishes(&mut self) {
        let wished = self.setup.state.read("wish.json").unwrap_or_default();
        if wished != self.wished {
            self.wished = wished;
            self.watch.forget();
        }
        let changed = self.config_time();
        if changed != self.config_changed {
            self.config_changed = changed;
            let found = self.setup.access.worker();
            match found.and_then(|(_, table)| Preferences::merge(&self.setup.given, table)) {
                Ok(preferences) => {
                    self.preferences = preferences;
                    self.watch.forget();
                    self.say("the preferences changed");
                    if self.identity.is_some() {
                        self.register();
                    }
                }
                Err(error) => self.say(&format!("{error}; the preferences stay as they were")),
            }
        }
        let seen = self.watch.look(&self.preferences, &self.setup.state);
        let why_not = policy::why_not(&self.preferences, self.wished, seen, now_ms(), super::machine::utc_minute());
        let kind = |why: &Option<String>| {
            why.as_ref().map(|why| {
                why.split(" more")
                    .next()
                    .unwrap_or("")
                    .chars()
                    .filter(|c| !c.is_ascii_digit())
                    .collect::<String>()
            })
        };
        if kind(&why_not) != kind(&self.why_not) {
            match &why_not {
                Some(why) => self.say(why),
                None => self.say("goes on"),
            }
        }
        match (&why_not, self.paused_since) {
            (None, _) => self.paused_since = None,
            (Some(_), None) => self.paused_since = Some(Instant::now()),
            (Some(_), Some(_)) => {}
        }
        self.why_not = why_not;
    }

    fn look_at_signals(&mut self) -> Option<Exit> {
        let asked = self.stop.asked();
        if asked > self.asked {
            self.asked = asked;
            self.say(match (asked, self.held.is_empty()) {
                (1, true) => "leaving",
                (1, false) => "leaving: jobs go to their next boundary and home first; Ctrl-C again stops at once, and keeps every boundary",
                _ => "stopping now; every boundary is kept, and goes on when the agent starts again",
            });
        }
        if asked >= 2 {
            for held in self.held.values() {
                held.gate.set(Wish::Now);
            }
            let computing = self.seats.iter().any(|seat| seat.running.is_some());
            return (!computing).then_some(if self.held.is_empty() { Exit::Done } else { Exit::Stopped });
        }
        None
    }

    /// Where we are to be.
    fn place(&self) -> Place {
        if self.asked > 0 {
            return Place::Leaving("Ctrl-C or SIGTERM".into());
        }
        let nothing = self.held.is_empty() && self.orders.as_ref().is_none_or(|orders| orders.leases.is_empty());
        if self.wished == Wished::Finish && nothing && self.heard {
            return Place::Leaving("finished".into());
        }
        if self.idle_since.is_some_and(|since| since.elapsed() >= IDLE_END) {
            return Place::Leaving("nothing to do".into());
        }
        match (&self.why_not, self.paused_since) {
            (Some(why), Some(since)) if since.elapsed() >= self.setup.pause_patience => {
                let back = match self.wished {
                    Wished::Pause { until_ms: Some(until) } => Some(until.saturating_sub(now_ms()).div_ceil(1000)),
                    _ => None,
                };
                let reason = why.strip_prefix("paused: ").unwrap_or(why).to_owned();
                match &self.told {
                    // Told once; the seconds that are left change all the time.
                    Some(told @ Place::Away(..)) => told.clone(),
                    _ => Place::Away(reason, back),
                }
            }
            _ => Place::Here,
        }
    }

    fn tell_place(&mut self) {
        let place = self.place();
        let Some(own) = self
            .identity
            .as_ref()
            .filter(|_| !self.telling && self.told.as_ref() != Some(&place))
        else {
            return;
        };
        self.telling = true;
        let path = format!("/v1/hosts/{}/departure", own.host);
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        tokio::spawn(async move {
            let Errands { client, link, .. } = &errands;
            let notice = |reason: &str, back_in_s| LeaveNotice {
                in_s: 0,
                back_in_s,
                reason: reason.to_owned(),
            };
            let answer = match &place {
                Place::Here => link.insist(|| client.call(Method::DELETE, &path)).await,
                Place::Away(reason, back) => {
                    let notice = notice(reason, *back);
                    link.insist(|| client.send(Method::POST, &path, &notice)).await
                }
                Place::Leaving(reason) => {
                    let notice = notice(reason, None);
                    link.insist(|| client.send(Method::POST, &path, &notice)).await
                }
            };
            drop(sender.send(Note::Told(place, answer)));
        });
    }

    fn accepting(&self) -> bool {
        self.why_not.is_none() && self.wished != Wished::Finish && !matches!(self.place(), Place::Leaving(_))
    }

    fn take_offers(&mut self) {
        let offers = self.orders.as_ref().is_some_and(|orders| orders.offers > 0);
        let Some(own) = self.identity.as_ref().filter(|_| offers && !self.taking && self.accepting()) else {
            return;
        };
        self.taking = true;
        let path = format!("/v1/hosts/{}/leases", own.host);
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        tokio::spawn(async move {
            let answer = errands.link.insist(|| errands.client.call(Method::POST, &path)).await;
            drop(sender.send(Note::Taken(answer)));
        });
    }

    /// Give every device its next job, and every thread its wish.
    fn drive_seats(&mut self) {
        let paused = self.why_not.is_some();
        for held in self.held.values() {
            let wish = match held.lease.action {
                _ if held.failed.is_some() => Wish::Now,
                Action::StopNow => Wish::Now,
                Action::StopAtBoundary if paused => Wish::Now,
                Action::StopAtBoundary => Wish::Boundary,
                Action::Run | Action::Wait if paused => Wish::Pause,
                // The server may be away; it will say the same.
                Action::Run | Action::Wait if self.asked > 0 => Wish::Boundary,
                Action::Run | Action::Wait => Wish::Go,
            };
            held.gate.set(wish);
        }
        // What never began here, and shall not, has stopped already.
        for held in self.held.values_mut() {
            if held.phase == Phase::Ready && held.stopping() {
                held.phase = Phase::Stopped;
            }
            if held.phase == Phase::Fetching && held.stopping() {
                if let Some(errand) = held.errand.take() {
                    errand.abort();
                }
                held.phase = Phase::Stopped;
            }
            if held.phase == Phase::Stopped && !held.finished() && !held.stopping() && held.package.is_some() && !held.ending {
                held.phase = Phase::Ready;
            }
        }
        if paused || self.asked > 0 {
            return;
        }
        let orders = self.orders.take();
        for index in 0..self.seats.len() {
            if self.seats[index].running.is_some() {
                continue;
            }
            let id = self.seats[index].device.info().id.clone();
            let line = orders
                .iter()
                .flat_map(|orders| &orders.leases)
                .filter(|lease| lease.device == id);
            // The next begins as soon as the device is free, while the one before still goes home.
            let first = line
                .map(|lease| lease.attempt)
                .find(|attempt| self.held.get(attempt).is_some_and(|held| !held.off_device()));
            if first.is_none() {
                self.seats[index].idle.forget();
            }
            if let Some(attempt) = first
                && self.held.get(&attempt).is_some_and(|held| held.phase == Phase::Ready)
            {
                self.begin(index, attempt);
            }
        }
        self.orders = orders;
    }

    fn begin(&mut self, seat: usize, attempt: AttemptId) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        let Some(package) = held.package.clone() else { return };
        let seat = &mut self.seats[seat];
        let is_cpu = seat.device.info().kind == DeviceKind::BuiltInCpu;
        let session = SessionOptions {
            submit_ms: Some(SUBMIT_MS),
            threads: is_cpu.then(|| threads(self.preferences.max_ncpus_pct)),
            ..SessionOptions::default()
        };
        held.step
            .store(held.reached * package.manifest().run.steps_per_segment, Ordering::Relaxed);
        let task = Task {
            attempt,
            folder: held.folder.clone(),
            package,
            device: Arc::clone(&seat.device),
            class: held.lease.class,
            until: held.lease.until_segment,
            session,
            gate: Arc::clone(&held.gate),
            step: Arc::clone(&held.step),
            idle: Arc::clone(&seat.idle),
            notes: self.sender.clone(),
        };
        let text = format!(
            "job {} {}: computes on {} from segment {}",
            held.lease.job, held.lease.name, held.lease.device, held.reached
        );
        match task.spawn() {
            Ok(()) => {
                held.phase = Phase::Computing;
                held.began = Some(Instant::now());
                seat.running = Some(attempt);
                self.beat_due = Instant::now();
            }
            Err(error) => {
                held.phase = Phase::Stopped;
                held.failed = Some((Outcome::Aborted, format!("no thread: {error}")));
            }
        }
        self.say(&text);
    }

    /// Bring boundaries home when that is due.
    fn bring_home(&mut self, attempt: AttemptId) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        let waited = held.committed_at.elapsed() >= Duration::from_secs(held.lease.commit_every_s);
        let due = held.off_device() || waited && !held.stopping() || held.is_full();
        if !due || held.homing.is_some() || held.ending || !held.has_news() || self.identity.is_none() {
            return;
        }
        let load = held.load();
        let Some(target) = load.last().map(|kept| kept.entry.segment) else {
            return;
        };
        let news: Vec<&Kept> = load.iter().filter(|kept| kept.blob.is_some()).collect();
        let steps = held
            .package
            .as_ref()
            .map_or(0, |package| package.manifest().run.steps_per_segment);
        let delta = Contributed {
            segments: news.len() as u64,
            steps: news.len() as u64 * steps,
            computed_ms: news.iter().map(|kept| kept.ms).sum(),
            jobs: 0,
        };
        held.homing = Some(target);
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        let (folder, epoch) = (held.folder.clone(), held.lease.epoch);
        let errand = tokio::spawn(async move {
            let answer = errands.home(folder, attempt, epoch, load).await;
            drop(sender.send(Note::Home(attempt, delta, answer)));
        });
        held.errand = Some(errand.abort_handle());
    }

    /// Say that an attempt has stopped, once all of it is home.
    fn tell_end(&mut self, attempt: AttemptId) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        let over = held.stopping() && held.off_device() && held.homing.is_none() && !held.has_news();
        if !over || held.ending || held.finished() && held.failed.is_none() || self.identity.is_none() {
            return;
        }
        held.ending = true;
        let (outcome, message) = match &held.failed {
            Some((outcome, message)) => (*outcome, message.chars().take(500).collect()),
            None => (Outcome::Migrated, format!("stopped at segment {}", held.reached)),
        };
        let end = EndAttempt {
            epoch: held.lease.epoch,
            outcome,
            message,
        };
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        let errand = tokio::spawn(async move {
            let answer = errands.end(attempt, end).await;
            drop(sender.send(Note::Ended(attempt, answer)));
        });
        held.errand = Some(errand.abort_handle());
    }

    fn beat(&mut self) {
        let accepting = self.accepting();
        let changed = self.accepting_told.is_some_and(|told| told != accepting);
        let gone = matches!(self.place(), Place::Leaving(_)) && self.held.is_empty();
        let due = (Instant::now() >= self.beat_due || changed) && !gone;
        let Some(own) = self.identity.as_ref().filter(|_| due && !self.beating && !self.registering) else {
            return;
        };
        self.beating = true;
        self.beat_due = Instant::now() + Duration::from_secs(5);
        self.accepting_told = Some(accepting);
        let why = match (&self.why_not, self.wished) {
            (Some(why), _) => Some(why.strip_prefix("paused: ").unwrap_or(why).to_owned()),
            (None, Wished::Finish) => Some("finishing".to_owned()),
            _ => None,
        };
        let jobs = self.held.values().map(|held| JobProgress {
            attempt: held.lease.attempt,
            epoch: held.lease.epoch,
            segment: held.reached,
            segment_ms: held.segment_ms,
        });
        let beat = Heartbeat {
            clock_ms: now_ms(),
            rtt_ms: self.link.rtt_ms(),
            jobs: jobs.collect(),
            accepting,
            why: why.filter(|_| !accepting),
            errors: self.errors,
        };
        let path = format!("/v1/hosts/{}/heartbeat", own.host);
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        tokio::spawn(async move {
            let begun = Instant::now();
            let answer = errands.client.send(Method::POST, &path, &beat).await;
            if answer.is_ok() {
                errands.link.up(Some(begun.elapsed()));
            }
            drop(sender.send(Note::Beat(answer)));
        });
    }

    fn sweep(&mut self) {
        if self.swept.elapsed() < Duration::from_secs(600) {
            return;
        }
        self.swept = Instant::now();
        let leases = self.held.values().map(|held| &held.lease);
        let needed = leases.flat_map(|lease| [Some(lease.archive), lease.checkpoint.as_ref().map(|safe| safe.blob)]);
        self.errands.sweep(&needed.flatten().collect());
    }

    fn done(&mut self) -> Option<Exit> {
        let nothing = self.held.is_empty() && self.orders.as_ref().is_none_or(|orders| orders.leases.is_empty());
        let idle = self.preferences.exit_when_idle && nothing && self.heard && self.why_not.is_none();
        self.idle_since = if idle {
            self.idle_since.or_else(|| Some(Instant::now()))
        } else {
            None
        };
        if !matches!(self.place(), Place::Leaving(_)) || !self.held.is_empty() || self.beating {
            return None;
        }
        // With nothing left to bring home, a server that is away finds out by itself.
        if self.link.away().is_some() {
            return Some(Exit::Done);
        }
        if self.stirred && self.identity.is_some() {
            self.stirred = false;
            self.told = None;
            return None;
        }
        let told = matches!(self.told, Some(Place::Leaving(_))) || self.identity.is_none();
        told.then_some(Exit::Done)
    }

    // ---- showing ----

    fn say(&mut self, text: &str) {
        self.view.say(text);
        self.drawn = None;
    }

    fn show(&mut self, last: bool) {
        let away = self.link.away().map(|away| {
            let since = crate::progress::duration(away.since.elapsed().as_secs_f64());
            let again = away.again.saturating_duration_since(Instant::now()).as_secs_f64();
            let again = crate::progress::duration(again);
            (
                away.why.clone(),
                format!("waits for the server since {since}, asks again in {again}: {}", away.why),
            )
        });
        let key = away.as_ref().map(|(why, _)| why.clone());
        if key.is_some() != self.away_said.is_some() {
            match &key {
                Some(why) => self.say(&format!(
                    "the server is away ({why}); computing goes on, boundaries are kept here"
                )),
                None => self.say("the server is back"),
            }
            self.away_said = key;
        }
        if !last && self.drawn.is_some_and(|drawn| drawn.elapsed() < Duration::from_secs(1)) {
            return;
        }
        self.drawn = Some(Instant::now());
        let status = self.status(away.map(|(_, text)| text));
        self.setup.state.write_lightly("status.json", &status);
        self.view.draw(&status);
    }

    fn status(&self, waits: Option<String>) -> Status {
        let why_not = match (&self.why_not, self.wished, self.place()) {
            (_, _, Place::Leaving(reason)) => Some(format!("leaving: {reason}")),
            (Some(why), ..) => Some(why.clone()),
            (None, Wished::Finish, _) => Some("finishing: takes no new jobs".into()),
            _ => None,
        };
        Status {
            at_ms: now_ms(),
            pid: std::process::id(),
            server: self.server.clone(),
            host: self.identity.as_ref().map(|own| own.host.0),
            name: self.preferences.name.clone().unwrap_or_else(super::machine::name),
            waits,
            why_not,
            devices: self.seats.iter().map(|seat| self.device_status(seat)).collect(),
            contributed: self.contributed,
        }
    }

    fn device_status(&self, seat: &Seat) -> DeviceStatus {
        let info = seat.device.info();
        let jobs: Vec<JobStatus> = self
            .held
            .values()
            .filter(|held| held.lease.device == info.id)
            .map(job_status)
            .collect();
        let told = self
            .orders
            .iter()
            .flat_map(|orders| &orders.idle)
            .find(|idle| idle.device == info.id);
        let idle = match (&told, self.heard) {
            _ if !jobs.is_empty() => None,
            (Some(idle), _) => Some(idle.why.clone()),
            (None, false) => Some("idle: the server has not answered yet".into()),
            (None, true) => Some("idle".into()),
        };
        DeviceStatus {
            id: info.id.clone(),
            name: info.name.clone(),
            classes: seat.classes.iter().map(ToString::to_string).collect(),
            jobs,
            idle,
            gap_ms: seat.idle.gap_ms(),
        }
    }
}

fn job_status(held: &Held) -> JobStatus {
    let steps = held
        .package
        .as_ref()
        .map_or(0, |package| package.manifest().run.steps_per_segment);
    let step = held.step.load(Ordering::Relaxed).max(held.reached * steps);
    let speed = (held.segment_ms > 0).then(|| steps as f64 * 1000.0 / held.segment_ms as f64);
    let until = held.lease.until_segment * steps;
    let phase = match held.phase {
        Phase::Fetching => "fetching",
        Phase::Ready => "ready",
        Phase::Computing => "computing",
        Phase::Stopped if held.finished() => "finished, goes home",
        Phase::Stopped => "stopped",
    };
    JobStatus {
        job: held.lease.job.0,
        name: held.lease.name.clone(),
        phase: phase.into(),
        told: match held.lease.action {
            Action::Run => None,
            Action::Wait => Some("next in line".into()),
            Action::StopAtBoundary => Some(format!("stops at its next boundary: {}", held.lease.reason)),
            Action::StopNow => Some(format!("stops now: {}", held.lease.reason)),
        },
        step,
        steps: until,
        segment: held.reached,
        committed: held.committed.unwrap_or(0),
        segments: held.lease.until_segment,
        steps_per_s: speed,
        left_s: speed.map(|speed| until.saturating_sub(step) as f64 / speed),
        boundary_s: speed.map(|speed| ((held.reached + 1) * steps).saturating_sub(step) as f64 / speed),
    }
}

/// A device's hardware classes, one a tier at most.
pub(crate) fn classes(device: &dyn Device) -> Vec<HardwareClass> {
    [protocol::Tier::Portable, protocol::Tier::ClassBound]
        .into_iter()
        .filter_map(|tier| fpcheck::class(device, tier))
        .collect()
}

fn threads(percent: f64) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    ((cores as f64 * percent / 100.0).ceil() as usize).clamp(1, cores)
}

/// Four fifths of the longest pause that the server allows.
fn beat_pause(heartbeat_s: u64) -> Duration {
    let dice = f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX);
    Duration::from_secs_f64(heartbeat_s.max(1) as f64 * (0.7 + 0.2 * dice))
}

/// What an error means for the job: its own fault, or this machine's.
fn outcome_of(error: &RunError) -> Outcome {
    match error {
        RunError::Class { .. } | RunError::Diverged { .. } => Outcome::Mismatch,
        RunError::Disk { .. }
        | RunError::Folder { .. }
        | RunError::Device(DeviceError::Lost(_) | DeviceError::OutOfMemory(_) | DeviceError::NotFound { .. }) => {
            Outcome::Aborted
        }
        _ => Outcome::ClientError,
    }
}
