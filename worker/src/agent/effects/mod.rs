//! The event loop: what happens is given to the [`planner`] as inputs, and its effects are carried out with files, HTTP and threads.
//!
//! Computing has threads, the network has tasks, and what takes long on disk goes to the pool for blocking work; the loop itself writes and
//! deletes only small files of the state folder.
//!
//! | module | owns |
//! |---|---|
//! | [`credit`] | what of this host's work is verified, for people |
//! | [`start`] | the agent from its state folder, command line and configuration |
//! | [`devices`] | devices that come and go |
//! | [`dispatch`] | one effect to the part that carries it out |
//! | [`errands`] | jobs over the network: packages and checkpoints in, boundaries out |
//! | [`host`] | this host over the network: identity, registration, heartbeats, the stream of orders |
//! | [`threads`] | compute threads: started, told what to do, listened to |
//! | [`watch`] | what is looked at: signals, a person's request, the configuration file, the machine |
//! | [`show`] | the status file and the live view |

mod credit;
mod devices;
mod dispatch;
mod errands;
mod host;
mod show;
mod start;
mod threads;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernels::run::RunError;
use planner::{Answer, Ending, ErrandId, Input, Planner, Time, Trouble, Turn};
use protocol::AttemptId;
use signing::SecretKey;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;

use self::devices::Search;
#[cfg(test)]
pub(crate) use self::errands::{ARCHIVE_BYTES_MAX, KEEP, TRIES};
use self::errands::{Arrived, Errands};
use self::host::Enrolled;
use self::threads::Thread;
use self::watch::{Looked, Watch};
use super::board::Seat;
use super::devices::{Doubt, Found, Lent};
use super::job_folder::Kept;
use super::preferences::{Given, Preferences};
use super::state::{Identity, StateFolder};
use super::traffic::Traffic;
use super::view::Verified;
use crate::console::signals::Stop;
use crate::exit::Exit;
use crate::net::link::{Link, Pauses};
use crate::net::transfer::Transfers;
use crate::net::{Access, Client, NetError, access};

/// Between two looks at signals and requests.
const TICK: Duration = Duration::from_millis(150);

/// Notes that are taken in between two looks at signals.
const NOTES_AT_ONCE: usize = 256;

/// Something that happened outside of the event loop.
pub(crate) enum Note {
    /// Something that the planner understands as it is.
    Input(Input),
    /// A heartbeat was answered, or the server is away.
    Beat(ErrandId, Box<Result<Answer, NetError>>),
    /// A first registration was answered.
    Enrolled(ErrandId, Box<Result<Enrolled, NetError>>),
    /// A lease's package and checkpoint are here, or cannot be.
    Fetched(ErrandId, AttemptId, Result<Box<Arrived>, Trouble>),
    /// A compute thread reached a boundary.
    Boundary(AttemptId, Kept),
    /// A compute thread has ended.
    Stopped(AttemptId, Result<(), RunError>),
    /// The server said what of this host's work is verified.
    Verified(Verified),
    /// The machine was looked at.
    Looked(Looked),
    /// Devices are to be looked for.
    FindDevices,
    /// Devices were looked for.
    Found(Found),
}

/// What the command line says of how the agent works.
pub(crate) struct Setup {
    /// The state folder, locked by the caller.
    pub(crate) state: StateFolder,
    /// Where the configuration file is.
    pub(crate) access: Access,
    /// Server and token.
    pub(crate) server: access::Found,
    /// This project's place beside others of the process.
    pub(crate) seat: Seat,
    /// Limits of bandwidth, and what is under way, of all projects together.
    pub(crate) transfers: Arc<Transfers>,
    /// Preferences on the command line.
    pub(crate) given: Given,
    /// Devices to use, as they were found.
    pub(crate) found: Found,
    /// Marks of drivers before that look.
    pub(crate) drivers: Vec<String>,
    /// Longest pause before the server is asked again.
    pub(crate) retry_max: Duration,
    /// After a pause of this length jobs migrate.
    pub(crate) pause_patience: Duration,
}

/// The agent.
pub(crate) struct Agent {
    planner: Planner,
    began: Instant,
    ending: Option<Ending>,

    state: StateFolder,
    /// The part of the state folder that is of the server; of none before this host is registered.
    home: StateFolder,
    access: Access,
    given: Given,
    preferences: Preferences,
    traffic: Traffic,
    seat: Seat,
    /// What the other projects leave to this one, as the planner knows it.
    turn: Turn,
    /// Devices that are here.
    devices: Vec<Lent>,
    search: Search,
    threads: BTreeMap<AttemptId, Thread>,
    arrived: BTreeMap<AttemptId, Arrived>,

    server: String,
    /// Which running agent this is.
    instance: String,
    /// With it, this host signs what it commits.
    key: Arc<SecretKey>,
    identity: Option<Identity>,
    anonymous: Client,
    enrolment: Option<Client>,
    errands: Errands,
    link: Arc<Link>,
    beat_pauses: Pauses,
    tasks: BTreeMap<ErrandId, AbortHandle>,
    stream: Option<AbortHandle>,
    /// The task that asks for credit.
    credit: Option<AbortHandle>,
    verified: Option<Verified>,
    refusal: Option<NetError>,

    stop: Stop,
    watch: Watch,
    drawn: Option<Instant>,
    sender: UnboundedSender<Note>,
    notes: UnboundedReceiver<Note>,
}

impl Agent {
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
                // What came meanwhile is looked at once, but a server that never stops talking does not keep signals from being heard.
                for _ in 0..NOTES_AT_ONCE {
                    let Ok(note) = self.notes.try_recv() else { break };
                    self.hear(note);
                }
            }
            self.look_around();
            self.give(Input::Tick);
            if let Some(ending) = self.ending.take() {
                self.show(true);
                self.seat.leave();
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
            Ending::Copied(why) => Err(anyhow::anyhow!(
                "two agents run with copies of one state folder ({why}). The other one goes on as this host. To enrol this one as a host of its own, delete {} and start it with the server's host token \
                 (--token-file FILE)",
                self.home.path().display()
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
        let turn = self.seat.turn();
        if turn != self.turn {
            self.turn = turn.clone();
            for effect in self.planner.step(Input::Turn(turn), now) {
                self.carry_out(effect);
            }
        }
        for effect in self.planner.step(input, now) {
            self.carry_out(effect);
        }
        let devices = self.devices.iter().map(|lent| lent.device.info().id.clone());
        self.seat.post(&self.planner, devices.collect());
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
                // The planner cancelled it meanwhile: the identity is not used.
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
            Note::Boundary(attempt, kept) => {
                let checkpoint = self.folder(attempt).checkpoint(kept.entry.segment);
                let bytes = std::fs::metadata(checkpoint).map_or(0, |metadata| metadata.len());
                self.seat.computed(kept.ms);
                self.grown(bytes.saturating_add(kept.output_bytes));
                match self.threads.get_mut(&attempt) {
                    Some(thread) => {
                        thread.temperature.clone_from(&kept.temperature);
                        Input::Boundary(thread.run, threads::boundary(kept))
                    }
                    None => return,
                }
            }
            Note::Stopped(attempt, ended) => match self.threads.remove(&attempt) {
                Some(thread) => Input::Stopped(thread.run, ended.map_err(|error| threads::failure(&error))),
                None => return,
            },
            Note::Verified(verified) => {
                self.verified = Some(verified);
                return;
            }
            Note::Looked(looked) => return self.looked(looked),
            Note::FindDevices => return self.find_devices(Doubt::none()),
            Note::Found(found) => return self.found_devices(found),
        };
        self.give(input);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
