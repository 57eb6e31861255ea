//! Finished jobs leave memory after a while: the store keeps them for later requests, and brings one back when another job is to start
//! from it. So the state is as large as what goes on, whatever has gone on before.

use protocol::http::JobView;
use protocol::{Digest, JobId, JobState};
use serde::{Deserialize, Serialize};

use crate::tables::{Job, Timer};
use crate::views::view_of;
use crate::{Command, Core, Refusal};

/// A job that ended, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    owner: String,
    job: Job,
}

impl Finished {
    /// Its number.
    pub fn id(&self) -> JobId {
        self.job.id
    }

    /// Its owner.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Its final state.
    pub fn state(&self) -> JobState {
        self.job.state()
    }

    /// As people see it.
    pub fn view(&self) -> JobView {
        view_of(&self.job, &self.owner, None, self.job.reason().to_owned())
    }

    /// Why it ended, in a sentence.
    pub fn why(&self) -> String {
        format!("job {} is {}: {}", self.job.id, self.job.state(), self.job.reason())
    }

    /// Who stands for its segments.
    pub fn words(&self) -> crate::views::Words {
        crate::views::words_of(&self.job)
    }

    /// Blobs that it still needs: its package's archive, its last checkpoint.
    pub fn blobs(&self) -> impl Iterator<Item = Digest> + '_ {
        [Some(self.job.archive), self.job.safe.as_ref().map(|safe| safe.blob)]
            .into_iter()
            .flatten()
    }
}

impl Core {
    /// A job ended long ago.
    pub(super) fn retire(&mut self, id: JobId) {
        if let Some((owner, job)) = self.jobs.retire(id) {
            self.commands.push(Command::Retired(Box::new(Finished { owner, job })));
        }
    }

    /// Another job is to start from one that left memory.
    pub(crate) fn recall(&mut self, finished: &Finished) -> Result<(), Refusal> {
        let id = finished.id();
        if !finished.state().is_final() || id.0 >= self.jobs.next() {
            return Err(Refusal::State(format!("job {id} has not ended")));
        }
        if self.jobs.recall(&finished.owner, &finished.job) {
            self.timers.set(Timer::Retire(id), self.now_ms + self.config.retire_ms);
        }
        Ok(())
    }

    /// A finished job that left memory is kept no longer: its owner has room for so many bytes more.
    pub(crate) fn expire(&mut self, id: JobId, user: &str, bytes: u64) -> Result<(), Refusal> {
        if self.jobs.get(id).is_some() || id.0 >= self.jobs.next() {
            return Err(Refusal::State(format!(
                "job {id} has not ended, or another one may start from it"
            )));
        }
        self.jobs.free(user, bytes);
        self.commands.push(Command::Expired(id));
        Ok(())
    }
}
