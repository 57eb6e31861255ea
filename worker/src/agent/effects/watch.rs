//! What is looked at now and then, and given to the planner when it changed: signals, a person's request, the configuration file, the machine.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use planner::{Facts, Input, Server};

use super::start::describe;
use super::{Agent, Note};
use crate::agent::devices::{Doubt, Lookout};
use crate::agent::preferences::Preferences;
use crate::agent::state::{Asked, StateFolder};
use crate::agent::{drivers, machine, words};
use crate::net::Access;

/// Different answers of what is not the server that are said while it is away.
const ODD_MAX: usize = 8;

/// Looking at processes and disk takes a while: not oftener than this.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The machine as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    /// For the planner.
    pub(crate) facts: Facts,
    /// Minutes by which local time is ahead of UTC.
    pub(crate) minutes_ahead_of_utc: i32,
    /// The machine's name.
    pub(crate) name: String,
    /// Marks of graphics drivers and cards.
    pub(crate) drivers: Vec<String>,
}

/// Look at the machine. This runs programs and walks through the state folder.
pub(super) fn look(preferences: &Preferences, state: &StateFolder) -> Looked {
    let minutes_ahead_of_utc = match preferences.hours {
        Some(_) => machine::minutes_ahead_of_utc(),
        None => 0,
    };
    let idle = if preferences.run_if_user_active {
        None
    } else {
        machine::idle()
    };
    Looked {
        facts: Facts {
            on_battery: !preferences.run_on_batteries && machine::on_battery(),
            user_idle_ms: idle.map(super::millis),
            exclusive_app: machine::running(&preferences.exclusive_apps).map(str::to_owned),
            disk_used_bytes: state.bytes(),
            local_minute: machine::local_minute(machine::now_ms(), minutes_ahead_of_utc),
            // The agent knows these.
            month_bytes: 0,
            required_version: None,
        },
        minutes_ahead_of_utc,
        name: machine::name(),
        drivers: drivers::marks(),
    }
}

/// When the machine was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Done(Instant),
    UnderWay,
    Due,
}

/// Signals, requests, configuration and machine, as they were at the last look.
pub(super) struct Watch {
    asked: Asked,
    asked_to_stop: u32,
    config_changed: Option<SystemTime>,
    looked: Looked,
    /// The version that the server requires, as it was said.
    required: Option<String>,
    look: Look,
    lookout: Lookout,
    is_away: bool,
    /// What answered instead of the server since it is away, as far as it was said.
    odd: BTreeSet<String>,
}

impl Watch {
    pub(super) fn new(access: &Access, asked: Asked, looked: Looked, lookout: Lookout) -> Self {
        Self {
            asked,
            asked_to_stop: 0,
            config_changed: config_time(access),
            looked,
            required: None,
            look: Look::Done(Instant::now()),
            lookout,
            is_away: false,
            odd: BTreeSet::new(),
        }
    }

    /// The machine as it was found last.
    pub(super) fn looked(&self) -> &Looked {
        &self.looked
    }
}

impl Agent {
    /// Look at everything, and give the planner what changed.
    pub(super) fn look_around(&mut self) {
        self.look_at_signals();
        self.look_at_request();
        self.look_at_config();
        self.look_at_link();
        let is_due = match self.watch.look {
            Look::Done(at) => at.elapsed() >= LOOK_EVERY,
            Look::Due => true,
            Look::UnderWay => false,
        };
        if is_due {
            self.watch.look = Look::UnderWay;
            let (preferences, state, sender) = (self.preferences.clone(), self.state.clone(), self.sender.clone());
            tokio::task::spawn_blocking(move || drop(sender.send(Note::Looked(look(&preferences, &state)))));
        }
    }

    /// The machine was looked at.
    pub(super) fn looked(&mut self, looked: Looked) {
        // Preferences that changed meanwhile ask for another look.
        if self.watch.look == Look::UnderWay {
            self.watch.look = Look::Done(Instant::now());
        }
        self.watch.looked = looked;
        if let Some(doubt) = self.watch.lookout.compare(self.watch.looked.drivers.clone()) {
            self.find_devices(doubt);
        }
        self.count_traffic();
        self.note_required_version();
        self.give(Input::Facts(self.watch.looked.facts.clone()));
        self.describe_again();
    }

    /// Bytes that went over the network since the last look.
    fn count_traffic(&mut self) {
        let moved = self.errands.client.transfers.moved();
        if self.traffic.count(moved, machine::now_ms()) {
            self.state.write_lightly("traffic.json", &self.traffic);
        }
        self.watch.looked.facts.month_bytes = self.traffic.bytes;
    }

    /// The version that the server requires, where this program is older.
    fn note_required_version(&mut self) {
        let required = words::required(self.errands.client.min_agent(), env!("CARGO_PKG_VERSION"));
        if let Some(version) = &required
            && self.watch.required != required
        {
            self.say(&format!(
                "version {version} or newer is required by the server, and this is {}: jobs that are here are completed, no new ones are taken. Nothing is installed by itself",
                env!("CARGO_PKG_VERSION")
            ));
        }
        self.watch.required.clone_from(&required);
        self.watch.looked.facts.required_version = required;
    }

    /// The state folder has so many bytes more than when it was looked at: a limit holds from here on, and what was deleted meanwhile counts from
    /// the next look on.
    pub(super) fn grown(&mut self, bytes: u64) {
        let facts = &mut self.watch.looked.facts;
        facts.disk_used_bytes = facts.disk_used_bytes.saturating_add(bytes);
        if facts.disk_used_bytes > self.preferences.policy().disk_max_used_bytes {
            self.watch.look = Look::Due;
            let facts = facts.clone();
            self.give(Input::Facts(facts));
        }
    }

    fn describe_again(&mut self) {
        let description = describe(
            &self.devices,
            &self.preferences,
            &self.watch.looked,
            (&self.instance, &self.key),
        );
        self.give(Input::Description(Box::new(description)));
    }

    fn look_at_signals(&mut self) {
        let asked = self.stop.asked();
        if asked != self.watch.asked_to_stop {
            self.watch.asked_to_stop = asked;
            self.give(Input::Stop(match asked {
                0 => planner::Stop::No,
                1 => planner::Stop::AtBoundary,
                _ => planner::Stop::Now,
            }));
        }
    }

    fn look_at_request(&mut self) {
        let asked: Asked = self.state.read("request.json").unwrap_or_default();
        if asked != self.watch.asked {
            self.watch.asked = asked;
            self.watch.look = Look::Due;
            let now = self.now();
            self.give(Input::Request(asked.request(now)));
        }
    }

    fn look_at_config(&mut self) {
        let changed = config_time(&self.access);
        if changed == self.watch.config_changed {
            return;
        }
        self.watch.config_changed = changed;
        let found = self.access.preferences();
        match found.and_then(|table| Preferences::merge(&self.given, table)) {
            Ok(preferences) => {
                let shares: Vec<(String, u32)> = preferences
                    .projects
                    .iter()
                    .map(|project| (project.server.clone(), project.share))
                    .collect();
                if !self.seat.set_shares(&shares) && self.seat.is_first() {
                    self.say("other projects than before are named: they count from the next start on");
                }
                let same_devices = self.preferences.devices == preferences.devices
                    && self.preferences.exclude_gpus == preferences.exclude_gpus;
                self.preferences = preferences;
                if !same_devices {
                    self.find_devices(Doubt::none());
                }
                self.preferences.limit(&self.errands.client.transfers);
                self.watch.look = Look::Due;
                if self.seat.is_first() {
                    self.say("the preferences changed");
                }
                self.give(Input::Policy(self.preferences.policy()));
                self.describe_again();
            }
            Err(error) if self.seat.is_first() => self.say(&format!("{error}; the preferences stay as they were")),
            Err(_) => {}
        }
    }

    fn look_at_link(&mut self) {
        let away = self.link.away();
        let odd = away.as_ref().and_then(|away| away.odd.clone());
        if away.is_some() != self.watch.is_away {
            self.watch.is_away = away.is_some();
            self.watch.odd.clear();
            let why = away.map(|away| away.odd.unwrap_or(away.why));
            self.watch.odd.extend(odd);
            self.give(Input::Server(why.map_or(Server::Reachable, Server::Away)));
        } else if let Some(odd) = odd
            && self.watch.odd.len() < ODD_MAX
            && self.watch.odd.insert(odd.clone())
        {
            // A person may have to do something about it.
            self.say(&odd);
        }
    }
}

fn config_time(access: &Access) -> Option<SystemTime> {
    let path = access.config_path().ok()?;
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
