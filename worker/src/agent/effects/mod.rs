//! The event loop: what happens is given to the [`planner`] as inputs, and its effects are carried out with files, HTTP and threads.
//!
//! Computing has threads, the network has tasks, and what takes long on disk goes to the pool for blocking work; the loop itself writes and
//! deletes only small files of the state folder.
//!
//! | module | owns |
//! |---|---|
//! | [`errands`] | jobs over the network: packages and checkpoints in, boundaries out |
//! | [`host`] | this host over the network: identity, registration, heartbeats, the stream of orders |
//! | [`threads`] | compute threads: started, told what to do, listened to |
//! | [`watch`] | what is looked at: signals, a person's request, the configuration file, the machine |
//! | [`show`] | the status file and the live view |

mod errands;
mod host;
mod show;
mod threads;
mod watch;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use device::Device;
use kernels::run::RunError;
use planner::{Answer, Effect, Ending, Errand, ErrandId, Input, Planner, Time, Trouble};
use protocol::http::{RegisterHost, Registered};
use protocol::{AttemptId, HardwareClass};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use self::errands::{Arrived, Errands};
use self::threads::Thread;
use self::watch::{Looked, Watch};
use super::compute::Idle;
use super::preferences::{Given, Preferences};
use super::record::{JobFolder, Kept};
use super::state::{Asked, Identity, StateFolder};
use super::view::View;
use super::words;
use crate::console::signals::Stop;
use crate::exit::Exit;
use crate::net::link::{Link, Pauses};
use crate::net::{Access, Client, NetError};

/// Between two looks at signals and requests.
const TICK: Duration = Duration::from_millis(150);

/// Something that happened outside of the event loop.
pub(crate) enum Note {
    /// Something that the planner understands as it is.
    Input(Input),
    /// A heartbeat was answered, or the server is away.
    Beat(ErrandId, Box<Result<Answer, NetError>>),
    /// A first registration was answered.
    Enrolled(ErrandId, Box<Result<Registered, NetError>>),
    /// A lease's package and checkpoint are here, or cannot be.
    Fetched(ErrandId, AttemptId, Result<Box<Arrived>, Trouble>),
    /// A compute thread reached a boundary.
    Boundary(AttemptId, Kept),
    /// A compute thread has ended.
    Stopped(AttemptId, Result<(), RunError>),
    /// The machine was looked at.
    Looked(Looked),
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

/// A device that the planner gives jobs to.
struct DeviceSlot {
    device: Arc<dyn Device>,
    classes: Vec<HardwareClass>,
    idle: Arc<Idle>,
}

/// The agent.
pub(crate) struct Agent {
    planner: Planner,
    began: Instant,
    ending: Option<Ending>,

    state: StateFolder,
    access: Access,
    given: Given,
    preferences: Preferences,
    slots: Vec<DeviceSlot>,
    threads: BTreeMap<AttemptId, Thread>,
    arrived: BTreeMap<AttemptId, Arrived>,

    server: String,
    identity: Option<Identity>,
    anonymous: Client,
    enrolment: Option<Client>,
    errands: Errands,
    link: Arc<Link>,
    beat_pauses: Pauses,
    tasks: BTreeMap<ErrandId, AbortHandle>,
    stream: Option<AbortHandle>,
    refusal: Option<NetError>,

    stop: Stop,
    watch: Watch,
    view: View,
    drawn: Option<Instant>,
    sender: UnboundedSender<Note>,
    notes: UnboundedReceiver<Note>,
}

impl Agent {
    /// An agent that knows what its state folder holds.
    ///
    /// # Errors
    /// No server is named, the configuration file is wrong, or the first start has no token.
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
        let own = identity.as_ref().map(|own| anonymous.with_token(&own.token));
        let errands = Errands {
            client: own.unwrap_or_else(|| anonymous.clone()),
            link: Arc::clone(&link),
            blobs: setup.state.join("blobs"),
            jobs: setup.state.join("jobs"),
            downloading: Arc::default(),
        };
        let slots = setup.devices.iter().map(|device| DeviceSlot {
            device: Arc::clone(device),
            classes: classes(&**device),
            idle: Arc::default(),
        });
        let slots: Vec<DeviceSlot> = slots.collect();
        let asked = recall_request(&setup.state)?;
        let began = Instant::now();
        let looked = watch::look(&preferences, &setup.state);
        let watch = Watch::new(&setup.access, asked, looked.clone());
        let planner = Planner::new(
            planner::Setup {
                devices: slots
                    .iter()
                    .map(|slot| planner::Device {
                        id: slot.device.info().id.clone(),
                        classes: slot.classes.clone(),
                    })
                    .collect(),
                host: identity.as_ref().map(|own| own.host),
                can_enrol: enrolment.is_some(),
                orders: setup.state.read("orders.json"),
                description: describe(&slots, &preferences, &looked),
                policy: preferences.policy(),
                facts: looked.facts,
                request: asked.request(Time(0)),
                pause_patience_ms: millis(setup.pause_patience),
                contributed: setup.state.read("contributed.json").unwrap_or_default(),
                seed: getrandom::u64().unwrap_or_else(|_| std::process::id().into()),
            },
            Time(0),
        );
        let (sender, notes) = unbounded_channel();
        Ok(Self {
            planner,
            began,
            ending: None,
            state: setup.state,
            access: setup.access,
            given: setup.given,
            preferences,
            slots,
            threads: BTreeMap::new(),
            arrived: BTreeMap::new(),
            server,
            identity,
            anonymous,
            enrolment,
            errands,
            beat_pauses: link.pauses(),
            link,
            tasks: BTreeMap::new(),
            stream: None,
            refusal: None,
            stop,
            watch,
            view: View::new(),
            drawn: None,
            sender,
            notes,
        })
    }

    /// Work until there is a reason to end.
    ///
    /// # Errors
    /// What makes going on senseless: the server refuses this host.
    pub(crate) async fn run(mut self) -> anyhow::Result<Exit> {
        self.give(Input::Tick);
        loop {
            let note = tokio::time::timeout(TICK, self.notes.recv()).await;
            if let Ok(Some(note)) = note {
                self.hear(note);
                // All that came meanwhile is looked at once.
                while let Ok(note) = self.notes.try_recv() {
                    self.hear(note);
                }
            }
            self.look_around();
            self.give(Input::Tick);
            if let Some(ending) = self.ending.take() {
                self.show(true);
                return self.end(ending);
            }
            self.show(false);
        }
    }

    fn end(&mut self, ending: Ending) -> anyhow::Result<Exit> {
        match ending {
            Ending::Done => Ok(Exit::Done),
            Ending::Stopped => Ok(Exit::Stopped),
            Ending::NoToken => Err(anyhow::anyhow!(
                "{} does not know this host any more; enrol it again with the server's host token (--token-file FILE)",
                self.server
            )),
            Ending::NotEnrolled(why) => Err(match self.refusal.take() {
                Some(error) => anyhow::Error::new(error).context(why),
                None => anyhow::anyhow!(why),
            }),
        }
    }

    fn now(&self) -> Time {
        Time(millis(self.began.elapsed()))
    }

    /// Give the planner an input, and carry out what comes of it.
    fn give(&mut self, input: Input) {
        let now = self.now();
        for effect in self.planner.step(input, now) {
            self.carry_out(effect);
        }
    }

    /// Turn what happened into an input.
    fn hear(&mut self, note: Note) {
        let input = match note {
            Note::Input(input) => {
                if let Input::Answer(errand, _) = &input {
                    self.tasks.remove(errand);
                }
                input
            }
            Note::Beat(errand, answer) => {
                self.tasks.remove(&errand);
                Input::Answer(errand, self.beaten(*answer))
            }
            Note::Enrolled(errand, answer) => {
                // Given up meanwhile, its identity would be nobody's.
                if self.tasks.remove(&errand).is_none() {
                    return;
                }
                Input::Answer(errand, self.enrolled(*answer))
            }
            Note::Fetched(errand, attempt, answer) => {
                let wanted = self.tasks.remove(&errand).is_some();
                Input::Answer(
                    errand,
                    match answer {
                        Ok(arrived) => {
                            let fetched = arrived.fetched.clone();
                            if wanted {
                                self.arrived.insert(attempt, *arrived);
                            }
                            Answer::Fetched(fetched)
                        }
                        Err(trouble) => Answer::Trouble(trouble),
                    },
                )
            }
            Note::Boundary(attempt, kept) => match self.threads.get(&attempt) {
                Some(thread) => Input::Boundary(thread.run, threads::boundary(kept)),
                None => return,
            },
            Note::Stopped(attempt, ended) => match self.threads.remove(&attempt) {
                Some(thread) => Input::Stopped(thread.run, ended.map_err(|error| threads::failure(&error))),
                None => return,
            },
            Note::Looked(looked) => return self.looked(looked),
        };
        self.give(input);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Begin(id, errand) => self.begin(id, errand),
            Effect::Cancel(id) => {
                if let Some(task) = self.tasks.remove(&id) {
                    task.abort();
                }
            }
            Effect::Listen => self.listen(),
            Effect::Compute {
                run,
                slot,
                attempt,
                class,
                until_segment,
            } => self.compute(run, slot, attempt, class, until_segment),
            Effect::SetGate(run, gate) => self.set_gate(run, gate),
            Effect::Unoccupied { slot } => {
                if let Some(slot) = self.slots.get(slot) {
                    slot.idle.forget();
                }
            }
            Effect::SaveOrders(orders) => {
                if let Err(error) = self.state.write("orders.json", &orders) {
                    tracing::warn!("{error:#}");
                }
            }
            Effect::SaveContributed(contributed) => self.state.write_lightly("contributed.json", &contributed),
            Effect::ForgetHost => self.forget_host(),
            Effect::DeleteFiles {
                attempt,
                checkpoints,
                outputs,
            } => {
                let folder = self.folder(attempt);
                let checkpoints = checkpoints.into_iter().map(|segment| folder.checkpoint(segment));
                for path in checkpoints.chain(outputs.into_iter().map(|segment| folder.outputs(segment))) {
                    drop(fs::remove_file(path));
                }
            }
            Effect::KeepCheckpoint { attempt, segment, blob } => {
                let folder = self.folder(attempt);
                let kept = self.errands.blobs.join(blob.to_string());
                drop(folder.adopt(&folder.checkpoint(segment), &kept));
            }
            Effect::DeleteJob(attempt) => {
                self.arrived.remove(&attempt);
                self.folder(attempt).remove();
            }
            Effect::DeleteJobsExcept(keep) => self.delete_jobs(|attempt| keep.contains(&attempt)),
            Effect::SweepFetched(needed) => {
                let errands = self.errands.clone();
                tokio::task::spawn_blocking(move || errands.sweep(&needed));
            }
            Effect::Say(message) => self.say(&words::message(&message, &self.server)),
            Effect::Exit(ending) => self.ending = Some(ending),
        }
    }

    /// Begin an errand, as a task whose answer comes back as a note.
    fn begin(&mut self, id: ErrandId, errand: Errand) {
        match errand {
            Errand::Fetch(lease) => {
                let errands = self.errands.clone();
                let attempt = lease.attempt;
                self.spawn(id, async move { Note::Fetched(id, attempt, errands.fetch(*lease).await) });
            }
            Errand::Commit {
                attempt,
                epoch,
                boundaries,
            } => {
                let (errands, folder) = (self.errands.clone(), self.folder(attempt));
                self.spawn(id, async move {
                    let answer = errands.commit(folder, attempt, epoch, boundaries).await;
                    answered(id, answer.map(Answer::Committed))
                });
            }
            Errand::End { attempt, end } => {
                let errands = self.errands.clone();
                self.spawn(id, async move {
                    answered(id, errands.end(attempt, end).await.map(Answer::Orders))
                });
            }
            of_host => self.begin_of_host(id, of_host),
        }
    }

    /// Run an errand. Its note comes, whatever becomes of the task, unless the task is cancelled.
    fn spawn(&mut self, id: ErrandId, work: impl Future<Output = Note> + Send + 'static) {
        let sender = self.sender.clone();
        let task = tokio::spawn(async move {
            drop(sender.send(work.await));
        });
        self.tasks.insert(id, task.abort_handle());
    }

    /// The folder of a job.
    fn folder(&self, attempt: AttemptId) -> JobFolder {
        JobFolder::at(self.errands.jobs.join(attempt.to_string()))
    }

    fn delete_jobs(&mut self, is_kept: impl Fn(AttemptId) -> bool) {
        self.arrived.retain(|attempt, _| is_kept(*attempt));
        for entry in fs::read_dir(&self.errands.jobs).into_iter().flatten().flatten() {
            let attempt: Option<AttemptId> = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if !attempt.is_some_and(&is_kept) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }
}

fn answered(id: ErrandId, answer: Result<Answer, Trouble>) -> Note {
    Note::Input(Input::Answer(id, answer.unwrap_or_else(Answer::Trouble)))
}

/// What a person asked for earlier. A request to finish was for the agent that ended then.
fn recall_request(state: &StateFolder) -> anyhow::Result<Asked> {
    let asked: Asked = state.read("request.json").unwrap_or_default();
    if asked != Asked::Finish {
        return Ok(asked);
    }
    state.write("request.json", &Asked::Run)?;
    Ok(Asked::Run)
}

/// What the server is to know of this host.
fn describe(slots: &[DeviceSlot], preferences: &Preferences, looked: &Looked) -> RegisterHost {
    let devices = slots.iter().map(|slot| protocol::http::DeviceReport {
        id: slot.device.info().id.clone(),
        name: slot
            .device
            .info()
            .name
            .chars()
            .filter(|c| !c.is_control())
            .take(100)
            .collect(),
        classes: slot.classes.clone(),
    });
    RegisterHost {
        name: name_of(preferences, looked),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: protocol::http::PROTOCOL,
        devices: devices.collect(),
        night: preferences.night(looked.minutes_ahead_of_utc),
    }
}

fn name_of(preferences: &Preferences, looked: &Looked) -> String {
    preferences.name.clone().unwrap_or_else(|| looked.name.clone())
}

/// A device's hardware classes, one a tier at most.
pub(crate) fn classes(device: &dyn Device) -> Vec<HardwareClass> {
    [protocol::Tier::Portable, protocol::Tier::ClassBound]
        .into_iter()
        .filter_map(|tier| fpcheck::class(device, tier))
        .collect()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
