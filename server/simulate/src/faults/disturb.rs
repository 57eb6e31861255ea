//! What goes wrong in a world, one fault after the other, and the calm afterwards.

use planner::{Facts, Input};

use super::world::{HOUR, Happening, MINUTE, World};

impl World {
    /// One fault, and when the next comes.
    pub(super) fn fault(&mut self) {
        if self.calm {
            return;
        }
        let machine = usize::try_from(self.draws.below(self.machines.len() as u64)).unwrap_or(0);
        let a_while = MINUTE + self.draws.below(90 * MINUTE);
        match self.draws.below(9) {
            0..=2 => {
                let torn = self.draws.below(2) == 0;
                self.crash(machine, torn);
                self.timeline.put(self.now_ms + a_while, Happening::Start(machine));
            }
            3 | 4 => self.machines[machine].cut_until_ms = self.now_ms + a_while,
            5 => {
                self.played.restarts += 1;
                self.server.up = false;
                self.timeline.put(self.now_ms + a_while / 10, Happening::ServerBack);
            }
            6 => {
                let jump = i64::try_from(self.draws.below(2 * HOUR)).unwrap_or(0);
                self.server.clock_ms += if self.draws.below(2) == 0 { jump } else { -jump };
            }
            7 => self.machines[machine].clock_ms = i64::try_from(self.draws.below(1000 * HOUR)).unwrap_or(0),
            _ => {
                self.timeline.put(self.now_ms, Happening::Owner(machine, true));
                self.timeline.put(self.now_ms + a_while, Happening::Owner(machine, false));
            }
        }
        let next = self.now_ms + MINUTE + self.draws.below(25 * MINUTE);
        self.timeline.put(next, Happening::Fault);
    }

    /// A boundary that the server has was whole: only one that it does not have may be torn.
    fn crash(&mut self, machine: usize, torn: bool) {
        self.played.crashes += 1;
        let server = &self.server;
        self.machines[machine].crash(|folder| torn && server.safe(folder.job) < Some(folder.reached()));
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
