//! What the world does with the planner's effects, and the checks that each has to pass.

use std::collections::VecDeque;

use planner::{Control, Effect, Errand};
use protocol::AttemptId;

use super::{Thread, World};

impl World {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Begin(id, errand) => {
                self.heartbeats += usize::from(matches!(errand, Errand::Heartbeat(..)));
                if let Errand::Commit { attempt, boundaries, .. } = &errand {
                    let outputs = &self.folders[attempt].outputs;
                    let with_outputs = boundaries.iter().filter(|boundary| boundary.output_bytes > 0);
                    for segment in with_outputs.map(|boundary| boundary.entry.segment) {
                        assert!(
                            outputs.contains(&segment),
                            "outputs of {segment} are gone, which a commit reads"
                        );
                    }
                }
                assert!(self.errands.insert(id, errand).is_none(), "{id:?} was used before");
            }
            Effect::Cancel(id) => drop(self.errands.remove(&id)),
            Effect::Compute {
                run,
                device,
                attempt,
                until_segment,
                ..
            } => {
                assert!(
                    self.threads.values().all(|thread| thread.device != device),
                    "two threads on a device"
                );
                assert!(self.devices.contains(&*device), "computes on a device that is gone");
                assert!(!self.is_void(attempt), "computes for a lease that is gone");
                assert!(self.folders.contains_key(&attempt), "nothing was fetched");
                let thread = Thread {
                    device,
                    attempt,
                    control: Control::Compute,
                    until: until_segment,
                    ended: false,
                    notes: VecDeque::new(),
                };
                self.threads.insert(run, thread);
            }
            Effect::SetControl(run, control) => {
                if let Some(thread) = self.threads.get_mut(&run) {
                    thread.control = control;
                }
            }
            Effect::DeleteFiles {
                attempt,
                checkpoints,
                outputs,
            } => {
                let job = self.folders[&attempt].job;
                let committed = self.committed(job);
                let folder = self.folders.get_mut(&attempt).expect("it is there");
                for segment in outputs {
                    assert!(
                        committed >= Some(segment),
                        "outputs of {segment} are deleted, {committed:?} is safe"
                    );
                    folder.outputs.remove(&segment);
                }
                for segment in checkpoints {
                    assert_ne!(segment, folder.reached, "the newest checkpoint is deleted");
                    folder.checkpoints.remove(&segment);
                }
            }
            Effect::DeleteJob(attempt) => self.delete_job(attempt),
            Effect::DeleteJobsExcept(keep) => {
                let gone: Vec<AttemptId> = self
                    .folders
                    .keys()
                    .filter(|attempt| !keep.contains(attempt))
                    .copied()
                    .collect();
                for attempt in gone {
                    self.delete_job(attempt);
                }
            }
            Effect::FindDevice { .. } => self.finds_devices = true,
            Effect::Exit(ending) => self.ended = Some(ending),
            Effect::ForgetHost
            | Effect::Listen
            | Effect::Unoccupied { .. }
            | Effect::SaveContributed(_)
            | Effect::KeepCheckpoint { .. }
            | Effect::SweepFetched(_) => {}
            Effect::SaveOrders(orders) => self.saved = Some(*orders),
            Effect::Say(message) => self.said.push(message),
        }
    }

    pub(super) fn delete_job(&mut self, attempt: AttemptId) {
        assert!(
            self.threads.values().all(|thread| thread.attempt != attempt),
            "a folder is deleted while a thread writes into it"
        );
        if let Some(folder) = self.folders.remove(&attempt) {
            let safe = self.committed(folder.job) >= Some(folder.reached);
            assert!(safe || self.is_void(attempt), "boundaries of {attempt} are deleted");
        }
    }
}
