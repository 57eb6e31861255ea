//! Several projects in one process: what each agent's planner says of itself, whose the next lease is, and one view and one status of all.
//!
//! Each project has an agent of its own, with a planner, an identity, a folder and a stream of orders; they run on one thread, and none waits for another. What they
//! share is here: the account of each ([`planner::shares`] decides by it), the volunteer's history, the terminal, and `status.json`.
//!
//! Invariant: an agent takes its turn before each step of its planner and says afterwards what it holds, so that two never compute on one device.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

use planner::shares::{self, Account, Demand, Project};
use planner::{Contributed, Planner, Turn};
use protocol::Digest;

use super::history::History;
use super::machine;
use super::state::StateFolder;
use super::view::{ShareStatus, Status, View};

/// What one agent said last.
struct Place {
    server: String,
    share: u32,
    account: Account,
    demand: Demand,
    holds: BTreeSet<String>,
    computes: BTreeSet<String>,
    has_turn: bool,
    /// Since when it has the turn, and what it has is not known.
    asked: Option<Instant>,
    contributed: Contributed,
    needed: BTreeSet<Digest>,
    status: Option<Status>,
}

/// What the agents of a process share.
pub(crate) struct Board {
    state: StateFolder,
    places: Vec<Place>,
    devices: BTreeSet<String>,
    history: History,
    view: View,
    is_unsaved: bool,
}

/// One agent's place at the board.
#[derive(Clone)]
pub(crate) struct Seat {
    board: Rc<RefCell<Board>>,
    place: usize,
}

impl Board {
    /// A seat for each project: its server and its share.
    pub(crate) fn seats(state: &StateFolder, projects: &[(String, u32)]) -> Vec<Seat> {
        let known: BTreeMap<String, Account> = state.read("shares.json").unwrap_or_default();
        let of = |server: &String| known.get(server).copied();
        // A new project is owed nothing of the time before it came.
        let least = projects
            .iter()
            .filter_map(|(server, _)| of(server))
            .map(|account| account.weighted_us)
            .min();
        let newcomer = Account {
            computed_ms: 0,
            weighted_us: least.unwrap_or(0),
        };
        let places = projects.iter().map(|(server, share)| Place {
            server: server.clone(),
            share: *share,
            account: of(server).unwrap_or(newcomer),
            demand: Demand::Unknown,
            holds: BTreeSet::new(),
            computes: BTreeSet::new(),
            has_turn: false,
            asked: None,
            contributed: Contributed::default(),
            needed: BTreeSet::new(),
            status: None,
        });
        let mut board = Self {
            state: state.clone(),
            places: places.collect(),
            devices: BTreeSet::new(),
            history: state.read("history.json").unwrap_or_default(),
            view: View::new(),
            is_unsaved: false,
        };
        let contributed = state.read("contributed.json").unwrap_or_default();
        board.history.count(contributed, machine::now_ms());
        // All of before counts with the first one, which goes on from it.
        if let Some(first) = board.places.first_mut() {
            first.contributed = contributed;
        }
        let board = Rc::new(RefCell::new(board));
        let seat = |place| Seat {
            board: Rc::clone(&board),
            place,
        };
        (0..projects.len()).map(seat).collect()
    }

    fn projects(&self) -> Vec<Project> {
        let project = |place: &Place| Project {
            weighted_us: place.account.weighted_us,
            demand: place.demand,
            asked_ms: place
                .asked
                .map_or(0, |since| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)),
            holds: place.holds.clone(),
        };
        self.places.iter().map(project).collect()
    }

    fn decide(&mut self) {
        let turns = shares::turns(&self.projects(), &self.devices);
        for (place, has_turn) in self.places.iter_mut().zip(turns) {
            place.has_turn = has_turn;
            let is_asked = has_turn && place.demand == Demand::Unknown;
            place.asked = is_asked.then(|| place.asked.unwrap_or_else(Instant::now));
        }
    }

    /// The project that one without the turn leaves the next lease to: one that holds a job, else one that has the turn, else the one that is furthest behind. It may be itself,
    /// while its own job computes.
    fn ahead(&self) -> Option<String> {
        let holder = self.places.iter().find(|place| !place.holds.is_empty());
        let ahead = holder.or_else(|| self.places.iter().find(|place| place.has_turn));
        let ahead = ahead.or_else(|| self.places.iter().min_by_key(|place| place.account.weighted_us));
        ahead.map(|place| place.server.clone())
    }

    /// One status of all.
    fn status(&self) -> Option<Status> {
        let shares = self.places.iter().map(|place| {
            let status = place.status.as_ref();
            ShareStatus {
                server: place.server.clone(),
                host: status.and_then(|status| status.host),
                share: place.share,
                computed_ms: place.account.computed_ms,
                has_turn: place.has_turn,
                waits: status.and_then(|status| status.waits.clone()),
            }
        });
        let statuses = self
            .places
            .iter()
            .filter_map(|place| Some((place.has_turn, place.status.as_ref()?)));
        Status::of_all(shares.collect(), &statuses.collect::<Vec<_>>())
    }
}

impl Seat {
    /// Whether there are other projects.
    pub(crate) fn is_shared(&self) -> bool {
        self.board.borrow().places.len() > 1
    }

    /// Whether it is the first: what is of the whole machine is said once.
    pub(crate) fn is_first(&self) -> bool {
        self.place == 0
    }

    /// What the other projects leave to this one.
    pub(crate) fn turn(&self) -> Turn {
        let board = self.board.borrow();
        if board.places.len() < 2 {
            return Turn::default();
        }
        let has_turn = board.places.get(self.place).is_some_and(|place| place.has_turn);
        let others = board.places.iter().enumerate().filter(|(place, _)| *place != self.place);
        let taken = others.flat_map(|(_, other)| other.computes.iter().map(|device| (device.clone(), other.server.clone())));
        Turn {
            is_shared: true,
            elsewhere: if has_turn { None } else { board.ahead() },
            taken: taken.collect(),
        }
    }

    /// Say what the planner has and wants, on these devices.
    pub(crate) fn post(&self, planner: &Planner, devices: BTreeSet<String>) {
        let mut board = self.board.borrow_mut();
        let holds = planner.holds();
        let Some(held) = board.places.get(self.place).map(|place| place.holds.clone()) else {
            return;
        };
        if holds.iter().any(|device| !held.contains(device)) {
            let accounts = shares::forgiven(&board.projects(), self.place);
            for (place, weighted_us) in board.places.iter_mut().zip(accounts) {
                place.account.weighted_us = weighted_us;
            }
        }
        board.devices = devices;
        let place = &mut board.places[self.place];
        place.holds = holds;
        place.demand = planner.demand();
        place.computes = planner.computes().map(str::to_owned).collect();
        board.decide();
    }

    /// A segment was computed for it.
    pub(crate) fn computed(&self, ms: u64) {
        let mut board = self.board.borrow_mut();
        let place = &mut board.places[self.place];
        place.account.computed(ms, place.share);
        board.is_unsaved = true;
    }

    /// The preferences give these shares now. Servers that are new or gone: they count from the next start on.
    pub(crate) fn set_shares(&self, projects: &[(String, u32)]) -> bool {
        let mut board = self.board.borrow_mut();
        for place in &mut board.places {
            let found = projects.iter().find(|(server, _)| *server == place.server);
            place.share = found.map_or(place.share, |(_, share)| *share);
        }
        let same = |(server, _): &(String, u32)| board.places.iter().any(|place| place.server == *server);
        projects.is_empty() || projects.len() == board.places.len() && projects.iter().all(same)
    }

    /// It ends, and holds nothing any more.
    pub(crate) fn leave(&self) {
        let mut board = self.board.borrow_mut();
        let place = &mut board.places[self.place];
        (place.holds, place.computes) = (BTreeSet::new(), BTreeSet::new());
        place.demand = Demand::Nothing;
        board.decide();
    }

    /// What was contributed before, as far as it counts here.
    pub(crate) fn contributed(&self) -> Contributed {
        self.board.borrow().places[self.place].contributed
    }

    /// All that was contributed for this project, and what counts here of before.
    pub(crate) fn contribute(&self, contributed: Contributed) {
        let mut board = self.board.borrow_mut();
        board.places[self.place].contributed = contributed;
        let all = board
            .places
            .iter()
            .fold(Contributed::default(), |sum, place| sum.plus(place.contributed));
        board.state.write_lightly("contributed.json", &all);
        board.history.count(all, machine::now_ms());
        board.state.write_lightly("history.json", &board.history);
    }

    /// The newest days on which something was contributed.
    pub(crate) fn days(&self, count: usize) -> Vec<(u64, Contributed)> {
        self.board.borrow().history.newest(count, machine::now_ms())
    }

    /// What all projects need of the fetched files, where this one needs these.
    pub(crate) fn needed(&self, needed: BTreeSet<Digest>) -> BTreeSet<Digest> {
        let mut board = self.board.borrow_mut();
        board.places[self.place].needed = needed;
        board.places.iter().flat_map(|place| place.needed.iter().copied()).collect()
    }

    /// Say something that stays, of this project.
    pub(crate) fn say(&self, text: &str) {
        let mut board = self.board.borrow_mut();
        let of = match board.places.len() {
            0 | 1 => String::new(),
            _ => format!("{}: ", board.places[self.place].server),
        };
        board.view.say(&format!("{of}{text}"));
    }

    /// Write the status file and draw the view, with this project as it stands now.
    pub(crate) fn show(&self, status: Status) {
        let mut board = self.board.borrow_mut();
        board.places[self.place].status = Some(status);
        if let Some(all) = board.status() {
            board.state.write_lightly("status.json", &all);
            board.view.draw(&all);
        }
        if std::mem::take(&mut board.is_unsaved) && board.places.len() > 1 {
            // A project that comes back one day begins as a new one.
            let of = |place: &Place| (place.server.clone(), place.account);
            let accounts: BTreeMap<String, Account> = board.places.iter().map(of).collect();
            board.state.write_lightly("shares.json", &accounts);
        }
    }
}
