//! What goes wrong in a world, one fault after the other, and the calm afterwards.

use planner::{Facts, Input, Stop};

use super::chance::{Kind, Purpose};
use super::happening::Happening;
use super::world::{HOUR, MINUTE, World};

impl World {
    /// One disturbance, and when the next comes.
    pub(super) fn fault(&mut self) {
        if self.calm {
            return;
        }
        let mut draws = self.chance.draws(Purpose::World, 0);
        let next = self.now_ms + MINUTE + draws.below(25 * MINUTE);
        self.timeline.put(next, Happening::Fault);
        let Some((strike, mut draws)) = self.chance.strikes(Kind::Disturbance, 0, 1) else {
            return;
        };
        let machine = usize::try_from(draws.below(self.machines.len() as u64)).unwrap_or(0);
        let a_while = MINUTE + draws.below(90 * MINUTE);
        let minutes = a_while / MINUTE;
        let text = match draws.below(11) {
            0..=2 => {
                let torn = draws.below(2) == 0;
                self.crash(machine, torn);
                self.timeline.put(self.now_ms + a_while, Happening::Start(machine));
                let how = if torn { ", its newest checkpoint torn" } else { "" };
                format!("host {machine}: the agent is killed for {minutes} min{how}")
            }
            3 | 4 => {
                self.machines[machine].cut_until_ms = self.now_ms + a_while;
                format!("host {machine}: cut off for {minutes} min")
            }
            5 => {
                self.played.restarts += 1;
                self.server.up = false;
                self.timeline.put(self.now_ms + a_while / 10, Happening::ServerBack);
                format!("the server is away for {} min", minutes / 10)
            }
            6 => {
                let jump = i64::try_from(draws.below(2 * HOUR)).unwrap_or(0);
                let jump = if draws.below(2) == 0 { jump } else { -jump };
                self.server.clock_ms += jump;
                self.server.jumped_ms = self.now_ms;
                format!("the server's clock jumps by {} s", jump / 1000)
            }
            7 => {
                let clock_ms = i64::try_from(draws.below(1000 * HOUR)).unwrap_or(0);
                self.machines[machine].clock_ms = clock_ms;
                format!("host {machine}: its clock is {} s ahead", clock_ms / 1000)
            }
            8 | 9 => {
                // A second signal comes at once, soon, or not at all.
                let life = self.machines[machine].life;
                let second =
                    [None, Some(draws.below(2000)), Some(draws.below(a_while))][usize::try_from(draws.below(3)).unwrap_or(0)];
                let stops = [(0, Stop::AtBoundary)].into_iter().chain(second.map(|ms| (ms, Stop::Now)));
                for (ms, stop) in stops {
                    self.timeline.put(self.now_ms + ms, Happening::Stop { machine, life, stop });
                }
                let again = second.map_or_else(String::new, |ms| format!(", and again after {ms} ms"));
                format!("host {machine}: the agent is told to end{again}")
            }
            _ => {
                self.timeline.put(self.now_ms, Happening::Owner(machine, true));
                self.timeline.put(self.now_ms + a_while, Happening::Owner(machine, false));
                format!("host {machine}: on battery for {minutes} min")
            }
        };
        self.chance.note(self.now_ms, strike, text);
    }

    /// A boundary that the server has was whole: only one that it does not have may be torn.
    fn crash(&mut self, machine: usize, torn: bool) {
        self.played.crashes += 1;
        let server = &self.server;
        self.machines[machine].crash(|folder| torn && server.safe_in(folder) < Some(folder.reached()));
    }

    /// From now on everything works.
    pub(super) fn settle(&mut self) {
        self.calm = true;
        for index in 0..self.machines.len() {
            let machine = &mut self.machines[index];
            machine.cut_until_ms = 0;
            machine.facts = Facts::default();
            self.timeline.put(self.now_ms + MINUTE, Happening::Start(index));
            self.give(index, Input::Facts(Facts::default()));
        }
        self.timeline.put(self.now_ms, Happening::ServerBack);
    }
}
