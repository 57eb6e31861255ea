//! The agent itself: compares its orders with what it does, and acts on the difference.
//!
//! Everything that happens comes in as a [`Note`]; after each one, and a few times a second, `act` looks at every lease and every
//! device and does what is due. Nothing here blocks: computing has threads, the network has errands.
//!
//! | module | owns |
//! |---|---|
//! | [`identity`] | who we are to the server |
//! | [`orders`] | what it says is to be done, and what comes of it |
//! | [`act`] | what is due |
//! | [`tell`] | what the server is told of us |
//! | [`show`] | what people see |

mod act;
mod identity;
mod orders;
mod show;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use device::Device;
use kernels::run::RunError;
use protocol::http::{Committed, Orders, RegisterHost, Registered};
use protocol::{AttemptId, HardwareClass};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::compute::Idle;
use super::errands::{Arrived, Errands, Trouble};
use super::held::Held;
use super::policy::Watch;
use super::preferences::{Given, Preferences};
use super::record::Kept;
use super::state::{Contributed, Identity, StateFolder, Wished};
use super::view::View;
use crate::console::signals::Stop;
use crate::exit::Exit;
use crate::net::link::{Link, Pauses};
use crate::net::{Access, Client, NetError};

/// Between two looks at signals and wishes.
const TICK: Duration = Duration::from_millis(150);

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
    Fetched(AttemptId, Result<Box<Arrived>, Trouble>),
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
                        self.beat_due = Instant::now() + tell::beat_pause(orders.heartbeat_s);
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
}

/// A device's hardware classes, one a tier at most.
pub(crate) fn classes(device: &dyn Device) -> Vec<HardwareClass> {
    [protocol::Tier::Portable, protocol::Tier::ClassBound]
        .into_iter()
        .filter_map(|tier| fpcheck::class(device, tier))
        .collect()
}
