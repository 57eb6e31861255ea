//! Carries out the planner's effects: each goes to files, a task on the network, or a compute thread.
//!
//! Invariant: an errand's answer comes back as a note, whatever becomes of its task, unless the planner cancelled it.

use std::fs;
use std::sync::Arc;

use planner::{Answer, Effect, Errand, ErrandId, Input, Trouble};
use protocol::AttemptId;

use super::{Agent, Note};
use crate::agent::devices::{Doubt, Lent};
use crate::agent::job_folder::JobFolder;
use crate::agent::signatures::{Signer, Taken};
use crate::agent::words;

impl Agent {
    /// Carry out one effect.
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Begin(id, errand) => self.begin(id, errand),
            Effect::Cancel(id) => {
                if let Some(task) = self.tasks.remove(&id) {
                    task.abort();
                }
            }
            Effect::Listen => {
                self.listen();
                self.ask_for_credit();
            }
            Effect::Compute {
                run,
                device,
                attempt,
                class,
                until_segment,
            } => self.compute(run, &device, attempt, class, until_segment),
            Effect::SetControl(run, control) => self.set_control(run, control),
            Effect::FindDevice { lost } => self.find_devices(Doubt::Lost([lost].into())),
            Effect::Unoccupied { device } => {
                if let Some(lent) = self.lent(&device) {
                    lent.idle.forget();
                }
            }
            Effect::SaveOrders(orders) => {
                if let Err(error) = self.home.write("orders.json", &orders) {
                    tracing::warn!("{error:#}");
                }
            }
            Effect::SaveContributed(contributed) => self.seat.contribute(contributed),
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
                let (errands, needed) = (self.errands.clone(), self.seat.needed(needed));
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
                let room = self
                    .preferences
                    .room(self.devices.len(), self.watch.looked().facts.disk_used_bytes);
                let taken = Taken {
                    signed_only: self.preferences.signed_only,
                    root: self.preferences.root_key,
                    home: self.home.clone(),
                    server: self.server_name(),
                };
                self.spawn(id, async move {
                    let fetched = match taken.check(&errands.client, &errands.link, &lease).await {
                        Ok(()) => errands.fetch(*lease, room).await,
                        Err(trouble) => Err(trouble),
                    };
                    Note::Fetched(id, attempt, fetched)
                });
            }
            Errand::Commit {
                attempt,
                epoch,
                boundaries,
            } => {
                let (errands, folder) = (self.errands.clone(), self.folder(attempt));
                let signer = self.identity.as_ref().map(|own| Signer {
                    key: Arc::clone(&self.key),
                    server: self.server_name(),
                    host: own.host,
                });
                self.spawn(id, async move {
                    let answer = errands.commit(folder, (attempt, epoch), boundaries, signer).await;
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
    pub(super) fn spawn(&mut self, id: ErrandId, work: impl Future<Output = Note> + Send + 'static) {
        let sender = self.sender.clone();
        let task = tokio::spawn(async move {
            drop(sender.send(work.await));
        });
        self.tasks.insert(id, task.abort_handle());
    }

    /// A device that is here.
    pub(super) fn lent(&self, device: &str) -> Option<&Lent> {
        self.devices.iter().find(|lent| lent.device.info().id == device)
    }

    /// The server's own name; empty for a server of before such names, which knows no signatures either.
    fn server_name(&self) -> String {
        let id = self.identity.as_ref().and_then(|own| own.id.as_ref());
        id.map(|id| id.as_str().to_owned()).unwrap_or_default()
    }

    /// The folder of a job.
    pub(super) fn folder(&self, attempt: AttemptId) -> JobFolder {
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

pub(super) fn answered(id: ErrandId, answer: Result<Answer, Trouble>) -> Note {
    Note::Input(Input::Answer(id, answer.unwrap_or_else(Answer::Trouble)))
}
