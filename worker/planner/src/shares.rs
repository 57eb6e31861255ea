//! Several projects in one agent, each with its own planner and a share: whose the next lease is.
//!
//! The project that is furthest behind its share is asked for work first. One that has none, or whose server is away, does not hold up the others: the next one is
//! asked as well, and time in which a project had no work is not owed to it afterwards. A lease that was taken is completed, so shares hold over many leases: of two
//! projects that have work all the time, neither is further ahead than by one lease of its own, or one batch of short ones, which servers give together. None is taken
//! while another one of any project computes: whose the next is shows then.
//!
//! Invariant: [`turns`] is a function of its arguments alone, and no device is asked for while a job for it is here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A project that was asked for work is waited for so long before the next one is asked too.
pub const ASK_PATIENCE_MS: u64 = 10_000;
/// The largest share.
pub const SHARE_MAX: u32 = 1000;

/// What was computed for a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Time, milliseconds.
    pub computed_ms: u64,
    /// The same divided by the share that it had then, microseconds, and what it is not owed: who has less is behind.
    pub weighted_us: u64,
}

impl Account {
    /// So much was computed, under this share.
    pub fn computed(&mut self, ms: u64, share: u32) {
        self.computed_ms = self.computed_ms.saturating_add(ms);
        let weighted = ms.saturating_mul(1000) / u64::from(share.max(1));
        self.weighted_us = self.weighted_us.saturating_add(weighted);
    }
}

/// What is known of a project's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It has some.
    Work,
    /// It has none now.
    Nothing,
    /// It was not asked since something changed, or has not answered.
    Unknown,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// What was computed for it, over its share.
    pub weighted_us: u64,
    /// What is known of its work.
    pub demand: Demand,
    /// It may take leases, and has not answered for so long.
    pub asked_ms: u64,
    /// Devices for which it holds a job that is not computed yet.
    pub holds: BTreeSet<String>,
}

impl Project {
    /// Whether others are asked besides it.
    fn lets_pass(&self) -> bool {
        self.demand == Demand::Nothing || self.demand == Demand::Unknown && self.asked_ms >= ASK_PATIENCE_MS
    }
}

/// Places of the projects, the one that is furthest behind first; of two that are equally far, the one that was named first.
fn order(projects: &[Project]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..projects.len()).collect();
    order.sort_by_key(|place| projects[*place].weighted_us);
    order
}

/// Which projects may take leases for these devices now.
#[must_use]
pub fn turns(projects: &[Project], devices: &BTreeSet<String>) -> Vec<bool> {
    let mut turns = vec![false; projects.len()];
    for place in order(projects) {
        // What it is offered counts as held, and is still to be taken.
        let is_free = |device: &String| {
            let held = |(other, project): (usize, &Project)| {
                project.holds.contains(device) && (other != place || project.demand != Demand::Work)
            };
            !projects.iter().enumerate().any(held)
        };
        turns[place] = devices.iter().any(is_free);
        if !projects[place].lets_pass() {
            break;
        }
    }
    turns
}

/// What each project's [`Account::weighted_us`] is once the one at this place took a lease: those before it, which had no work, are not owed the time.
#[must_use]
pub fn forgiven(projects: &[Project], taker: usize) -> Vec<u64> {
    let least = projects.get(taker).map_or(0, |taker| taker.weighted_us);
    let passed = |project: &Project| project.lets_pass() && project.holds.is_empty();
    let mut accounts: Vec<u64> = projects.iter().map(|project| project.weighted_us).collect();
    for (account, project) in accounts.iter_mut().zip(projects) {
        if passed(project) {
            *account = (*account).max(least);
        }
    }
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(weighted_us: u64, demand: Demand) -> Project {
        Project {
            weighted_us,
            demand,
            asked_ms: 0,
            holds: BTreeSet::new(),
        }
    }

    fn holding(weighted_us: u64, demand: Demand, devices: &[&str]) -> Project {
        Project {
            holds: devices.iter().map(ToString::to_string).collect(),
            ..project(weighted_us, demand)
        }
    }

    fn on(devices: &[&str], projects: &[Project]) -> Vec<bool> {
        turns(projects, &devices.iter().map(ToString::to_string).collect())
    }

    use Demand::{Nothing, Unknown, Work};

    #[test]
    fn the_project_that_is_furthest_behind_is_asked_first_and_the_next_one_once_it_has_nothing() {
        let asked = |a, b, c| on(&["cpu"], &[project(5, a), project(3, b), project(4, c)]);
        assert_eq!(asked(Work, Unknown, Work), [false, true, false]);
        assert_eq!(asked(Work, Work, Work), [false, true, false]);
        assert_eq!(asked(Unknown, Nothing, Unknown), [false, true, true]);
        assert_eq!(asked(Unknown, Nothing, Nothing), [true, true, true]);
        assert_eq!(
            on(&["cpu"], &[project(3, Work), project(3, Work)]),
            [true, false],
            "the one named first"
        );
        // A server that does not answer is waited for only so long.
        let mut silent = project(3, Unknown);
        silent.asked_ms = ASK_PATIENCE_MS - 1;
        assert_eq!(on(&["cpu"], &[silent.clone(), project(5, Work)]), [true, false]);
        silent.asked_ms = ASK_PATIENCE_MS;
        assert_eq!(on(&["cpu"], &[silent, project(5, Work)]), [true, true]);
    }

    #[test]
    fn no_device_for_which_a_job_is_here_is_asked_for() {
        let long = holding(9, Nothing, &["cpu"]);
        assert_eq!(on(&["cpu"], &[long.clone(), project(3, Work)]), [false, false]);
        assert_eq!(on(&["cpu", "gpu"], &[long.clone(), project(3, Work)]), [false, true]);
        assert_eq!(on(&["cpu", "gpu"], &[long, project(3, Nothing)]), [true, true]);
        // Nor by the same one, ahead: whose the next lease is shows once the device is free.
        let behind = holding(2, Unknown, &["cpu"]);
        assert_eq!(on(&["cpu"], &[behind, project(3, Work)]), [false, false]);
        // But what it was offered it may take.
        let offered = holding(2, Work, &["cpu"]);
        assert_eq!(on(&["cpu"], &[offered, project(3, Work)]), [true, false]);
        assert_eq!(on(&[], &[project(3, Work)]), [false]);
    }

    /// Leases of one device, one after the other, each as long as its project's are. Who took them.
    fn play(
        shares: &[u32],
        lease_ms: &[u64],
        works: impl Fn(usize, usize) -> bool,
        leases: usize,
    ) -> (Vec<usize>, Vec<Account>) {
        let (mut accounts, mut takers) = (vec![Account::default(); shares.len()], Vec::new());
        for lease in 0..leases {
            let demand = |place| if works(place, lease) { Work } else { Nothing };
            let projects: Vec<Project> = (0..shares.len())
                .map(|place| project(accounts[place].weighted_us, demand(place)))
                .collect();
            let turns = on(&["cpu"], &projects);
            let taker = (0..shares.len()).find(|place| turns[*place] && works(*place, lease));
            let Some(taker) = taker else { continue };
            for (account, weighted_us) in accounts.iter_mut().zip(forgiven(&projects, taker)) {
                account.weighted_us = weighted_us;
            }
            accounts[taker].computed(lease_ms[taker], shares[taker]);
            takers.push(taker);
        }
        (takers, accounts)
    }

    #[test]
    fn two_projects_of_shares_two_and_one_take_two_leases_and_one_in_turn() {
        let (takers, accounts) = play(&[2, 1], &[100, 100], |_, _| true, 9);
        assert_eq!(takers, [0, 1, 0, 0, 1, 0, 0, 1, 0]);
        assert_eq!((accounts[0].computed_ms, accounts[1].computed_ms), (600, 300));
    }

    #[test]
    fn with_leases_of_any_length_no_project_is_further_ahead_than_one_lease_of_its_own() {
        for (shares, lease_ms) in [([2, 1], [70, 1900]), ([1, 5], [10, 10]), ([3, 7], [5000, 11])] {
            let (_, accounts) = play(&shares, &lease_ms, |_, _| true, 5000);
            let ahead = accounts[0].weighted_us.abs_diff(accounts[1].weighted_us);
            let one = [0, 1].map(|place| lease_ms[place] * 1000 / u64::from(shares[place]));
            assert!(ahead <= one[0].max(one[1]), "{shares:?} {lease_ms:?}: {accounts:?}");
        }
    }

    #[test]
    fn time_in_which_a_project_has_no_work_is_not_owed_to_it() {
        // The second one has nothing for twenty leases, then always.
        let (takers, _) = play(&[1, 1], &[100, 100], |place, lease| place == 0 || lease >= 20, 30);
        assert_eq!(takers[..20], [0; 20]);
        let later = takers[20..].iter().filter(|taker| **taker == 1).count();
        assert!((5..=6).contains(&later), "{takers:?}");
    }
}
