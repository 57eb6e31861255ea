//! What a machine does with the planner's effects, and the checks that each has to pass.

use planner::{Answer, Boundary, Cause, Control, Effect, Ending, Errand, ErrandId, Failure, Input, RunId};
use protocol::http::Orders;
use protocol::{AttemptId, Outcome};

use super::Mutant;
use super::chance::{Kind, Purpose};
use super::happening::Happening;
use super::machine::Thread;
use super::world::{MINUTE, World};

/// How often a paused thread looks whether it may go on.
const LOOK_MS: u64 = 5000;

impl World {
    /// Gives an input to a machine's planner, and carries out what comes of it.
    pub(super) fn give(&mut self, index: usize, input: Input) {
        let now_ms = self.now_ms;
        let machine = &mut self.machines[index];
        let time = machine.time(now_ms);
        let Some(planner) = &mut machine.planner else { return };
        let host = planner.host_number();
        let told = machine.told.as_ref().map_or(0, |told| told.sequence);
        let newer = orders_in(&input).filter(|orders| Some(orders.host) == host && orders.sequence >= told);
        if let Some(orders) = newer {
            machine.told = Some(orders.clone());
        }
        let effects = planner.step(input, time);
        for effect in effects {
            self.carry_out(index, effect);
        }
        let machine = &mut self.machines[index];
        let Some(planner) = &machine.planner else { return };
        if let Some(at) = planner.wake_at() {
            let at = machine.at(at).max(now_ms + 1);
            if machine.wake_ms.is_none_or(|planned| planned > at || planned <= now_ms) {
                machine.wake_ms = Some(at);
                let life = machine.life;
                self.timeline.put(at, Happening::Wake { machine: index, life });
            }
        }
        self.check_threads(index);
    }

    /// Every thread is one of a job that the planner holds, and was told what the planner believes; others stop now.
    fn check_threads(&mut self, index: usize) {
        let machine = &self.machines[index];
        let Some(planner) = &machine.planner else { return };
        let wrong = machine.threads.iter().find(|(run, thread)| {
            let job = planner.jobs().find(|job| job.thread.is_some_and(|(of, _)| of == **run));
            let told = job
                .and_then(|job| job.thread)
                .map_or(Control::StopNow, |(_, control)| control);
            thread.control != told
        });
        if let Some((run, thread)) = wrong {
            let what = format!(
                "host {index}: {run:?} of attempt {} was told {:?}",
                thread.attempt, thread.control
            );
            self.breaks(what);
        }
    }

    fn carry_out(&mut self, index: usize, effect: Effect) {
        let now_ms = self.now_ms;
        match effect {
            Effect::Begin(id, errand) => {
                if let Errand::Commit { attempt, boundaries, .. } = &errand {
                    self.gather(index, *attempt, boundaries);
                }
                if let Errand::End { attempt, end } = &errand
                    && end.outcome == Outcome::Migrated
                {
                    self.check_hand_over(index, *attempt);
                }
                if self.machines[index].errands.insert(id, errand).is_some() {
                    self.breaks(format!("host {index}: {id:?} was used before"));
                }
                self.send(index, id);
            }
            Effect::Cancel(id) => drop(self.machines[index].errands.remove(&id)),
            Effect::Compute {
                run,
                device,
                attempt,
                until_segment,
                ..
            } => {
                let machine = &mut self.machines[index];
                let twice = machine.threads.values().any(|thread| thread.device == device);
                let thread = Thread {
                    device,
                    attempt,
                    control: Control::Compute,
                    until: until_segment,
                    stamp: 0,
                };
                let is_whole = machine
                    .folders
                    .get(&attempt)
                    .map(|folder| folder.reached() == folder.first() || folder.checkpoints.contains(&folder.reached()));
                let void = machine.is_void(attempt);
                machine.threads.insert(run, thread);
                match is_whole {
                    _ if twice => self.breaks(format!("host {index}: two threads on a device")),
                    _ if void => self.breaks(format!("host {index}: attempt {attempt} begins, whose lease is gone")),
                    None => self.breaks(format!("host {index}: attempt {attempt} begins, but nothing was fetched")),
                    Some(false) => self.breaks(format!("host {index}: attempt {attempt} begins at a checkpoint that is torn")),
                    Some(true) => {}
                }
                self.segment(index, run, true);
            }
            Effect::SetControl(run, control) => {
                if let Some(thread) = self.machines[index].threads.get_mut(&run) {
                    thread.control = control;
                    if control == Control::StopNow {
                        thread.stamp += 1;
                        let (life, stamp) = (self.machines[index].life, self.machines[index].threads[&run].stamp);
                        let machine = index;
                        self.timeline.put(
                            now_ms + 1,
                            Happening::Segment {
                                machine,
                                life,
                                run,
                                stamp,
                            },
                        );
                    }
                }
            }
            Effect::DeleteFiles {
                attempt,
                checkpoints,
                outputs,
            } => self.delete_files(index, attempt, &checkpoints, &outputs),
            Effect::DeleteJob(attempt) => self.delete_job(index, attempt),
            Effect::DeleteJobsExcept(keep) => {
                let all: Vec<AttemptId> = self.machines[index].folders.keys().copied().collect();
                for attempt in all.into_iter().filter(|attempt| !keep.contains(attempt)) {
                    self.delete_job(index, attempt);
                }
            }
            Effect::SaveOrders(orders) => self.machines[index].saved = Some(*orders),
            Effect::ForgetHost => {
                let machine = &mut self.machines[index];
                machine.void.extend(machine.folders.keys());
                (machine.identity, machine.told, machine.saved) = (None, None, None);
            }
            Effect::Exit(ending) => self.exit(index, &ending),
            Effect::Listen
            | Effect::Unoccupied { .. }
            | Effect::SaveContributed(_)
            | Effect::KeepCheckpoint { .. }
            | Effect::SweepFetched(_)
            | Effect::FindDevice { .. }
            | Effect::Say(_) => {}
        }
    }

    /// A job goes on elsewhere from what is safe: that has to be all of it.
    fn check_hand_over(&mut self, index: usize, attempt: AttemptId) {
        let machine = &self.machines[index];
        let Some(folder) = machine.folders.get(&attempt).filter(|_| !machine.is_void(attempt)) else {
            return;
        };
        let (safe, reached) = (self.server.safe_in(folder), folder.reached());
        if safe.unwrap_or(0) < reached {
            self.breaks(format!(
                "host {index}: attempt {attempt} is handed over at {safe:?}, boundary {reached} was reached"
            ));
        }
    }

    /// The agent ends because it was told to, and is started again after a while.
    fn exit(&mut self, index: usize, ending: &Ending) {
        let machine = &self.machines[index];
        let unsafe_here = machine
            .folders
            .iter()
            .find(|(attempt, folder)| !machine.is_void(**attempt) && self.server.safe_in(folder) < Some(folder.reached()));
        let unsafe_here = unsafe_here.map(|(attempt, _)| *attempt);
        match (ending, unsafe_here) {
            _ if !machine.told_to_end => self.breaks(format!("host {index}: the agent ends: {ending:?}")),
            (Ending::Done, Some(attempt)) => self.breaks(format!(
                "host {index}: the agent says that all is done, attempt {attempt} is not safe"
            )),
            _ => {}
        }
        self.played.ended += 1;
        self.machines[index].crash(|_| false);
        let at = self.now_ms + self.chance.draws(Purpose::Start, index).below(30 * MINUTE);
        self.timeline.put(at, Happening::Start(index));
    }

    /// A commit begins: the outputs of its boundaries are read once. They have to be there.
    fn gather(&mut self, index: usize, attempt: AttemptId, boundaries: &[Boundary]) {
        let Some(folder) = self.machines[index].folders.get_mut(&attempt) else {
            return;
        };
        let with_outputs = boundaries.iter().filter(|boundary| boundary.output_bytes > 0);
        let segments = with_outputs.map(|boundary| boundary.entry.segment);
        let lost = segments.clone().find(|segment| !folder.outputs.contains(segment));
        if self.mutant == Some(Mutant::DeletedEarly) {
            for segment in segments {
                folder.outputs.remove(&segment);
            }
        }
        if let Some(lost) = lost {
            self.breaks(format!(
                "host {index}: outputs of boundary {lost} are gone, which a commit needs"
            ));
        }
    }

    fn delete_files(&mut self, index: usize, attempt: AttemptId, checkpoints: &[u64], outputs: &[u64]) {
        // A folder that went before has no files to delete.
        let Some(folder) = self.machines[index].folders.get_mut(&attempt) else {
            return;
        };
        let safe = self.server.safe_in(folder);
        let reached = folder.reached();
        for segment in outputs {
            folder.outputs.remove(segment);
        }
        for segment in checkpoints {
            folder.checkpoints.remove(segment);
        }
        if let Some(segment) = outputs.iter().find(|segment| safe < Some(**segment)) {
            self.breaks(format!(
                "host {index}: outputs of boundary {segment} are deleted, {safe:?} is safe"
            ));
        }
        if checkpoints.contains(&reached) {
            self.breaks(format!("host {index}: the newest checkpoint of attempt {attempt} is deleted"));
        }
    }

    fn delete_job(&mut self, index: usize, attempt: AttemptId) {
        let machine = &mut self.machines[index];
        let writes = machine.threads.values().any(|thread| thread.attempt == attempt);
        let Some(folder) = machine.folders.remove(&attempt) else {
            return;
        };
        let void = machine.is_void(attempt);
        let safe = self.server.safe_in(&folder) >= Some(folder.reached());
        if writes {
            self.breaks(format!(
                "host {index}: the folder of attempt {attempt} is deleted while a thread writes into it"
            ));
        }
        if !safe && !void {
            self.breaks(format!(
                "host {index}: boundaries of attempt {attempt} are deleted that are not safe"
            ));
        }
    }

    /// A thread comes to a boundary, or to its end.
    pub(super) fn thread(&mut self, index: usize, life: u64, run: RunId, stamp: u64) {
        let machine = &self.machines[index];
        let thread = machine.threads.get(&run);
        let Some(thread) = thread.filter(|thread| thread.stamp == stamp && machine.life == life) else {
            return;
        };
        let (control, until, attempt) = (thread.control, thread.until, thread.attempt);
        let fails = control != Control::Pause && control != Control::StopNow;
        let fails = fails && self.strikes(Kind::DriverReset, index, 60, "the driver is reset").is_some();
        let hostile = self.machines[index].hostile && !fails;
        let made_up = hostile
            .then(|| self.strikes(Kind::MadeUp, index, 3, "a boundary is made up"))
            .flatten();
        let Some(folder) = self.machines[index].folders.get_mut(&attempt) else {
            return;
        };
        let ended = match control {
            Control::Pause => return self.segment(index, run, false),
            Control::StopNow => Some(Ok(())),
            _ if fails => Some(Err(Failure::new(Cause::Host, "the driver was reset"))),
            _ if folder.reached() >= until => Some(Ok(())),
            Control::Compute | Control::StopAtBoundary => {
                let boundary = match made_up {
                    Some(mut draws) => folder.make_up(draws.bits()),
                    None => folder.advance(),
                };
                self.played.made_up += u64::from(made_up.is_some());
                let done = control == Control::StopAtBoundary || folder.reached() == until;
                self.give(index, Input::Boundary(run, boundary));
                done.then_some(Ok(()))
            }
        };
        match ended {
            None => self.segment(index, run, true),
            Some(ended) => {
                if self.machines[index].life == life && self.machines[index].threads.remove(&run).is_some() {
                    self.give(index, Input::Stopped(run, ended));
                }
            }
        }
    }

    /// The next event of a thread: its next boundary, or another look while it is paused.
    pub(super) fn segment(&mut self, index: usize, run: RunId, computes: bool) {
        let ms = if computes {
            60_000 + self.chance.draws(Purpose::Segment, index).below(240_000)
        } else {
            LOOK_MS
        };
        let machine = &mut self.machines[index];
        let life = machine.life;
        let Some(thread) = machine.threads.get_mut(&run) else { return };
        thread.stamp += 1;
        let stamp = thread.stamp;
        let machine = index;
        self.timeline.put(
            self.now_ms + ms,
            Happening::Segment {
                machine,
                life,
                run,
                stamp,
            },
        );
    }

    /// An answer has come: what it means for the disk, and then for the planner.
    pub(super) fn answered(&mut self, index: usize, id: ErrandId, answer: Answer) {
        let rolls_back = self.mutant != Some(Mutant::RollbackForgotten);
        let Some(errand) = self.machines[index].errands.remove(&id) else {
            return;
        };
        let full = matches!((&errand, &answer), (Errand::Fetch(_), Answer::Updated));
        let full = full && self.strikes(Kind::DiskFull, index, 50, "the disk is full").is_some();
        let machine = &mut self.machines[index];
        let over = matches!(answer, Answer::Trouble(planner::Trouble::LeaseOver(_)));
        let answer = match (&errand, answer) {
            (Errand::Fetch(_), Answer::Updated) if full => {
                let failure = Failure::new(Cause::Host, "the disk is full");
                Answer::Trouble(planner::Trouble::Failed(failure))
            }
            (Errand::Fetch(lease), Answer::Updated) => Answer::Fetched(machine.look(lease, rolls_back)),
            (Errand::Enrol(_), Answer::Enrolled(host)) => {
                machine.identity = Some(host);
                Answer::Enrolled(host)
            }
            (_, answer) => answer,
        };
        match &errand {
            Errand::End { attempt, .. } => drop(machine.void.insert(*attempt)),
            Errand::Commit { attempt, .. } if over => drop(machine.void.insert(*attempt)),
            Errand::Fetch(lease) if over => drop(machine.void.insert(lease.attempt)),
            _ => {}
        }
        self.give(index, Input::Answer(id, answer));
    }
}

fn orders_in(input: &Input) -> Option<&Orders> {
    match input {
        Input::Orders(orders) | Input::Answer(_, Answer::Orders(orders)) => Some(orders),
        _ => None,
    }
}
