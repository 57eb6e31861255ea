//! Who stands for each segment of a job: what a proof of it is made of, beside the chain.

use protocol::http::{ProofSpan, SignedSubmission};
use protocol::{ChainEntry, Digest, JobId};

use crate::tables::Job;
use crate::{Core, Refusal};

/// The words of scientist and hosts for a job.
#[derive(Clone, Debug)]
pub struct Words {
    /// Identity of the package.
    pub package: Digest,
    /// The scientist's.
    pub submission: Option<SignedSubmission>,
    /// The boundary that it starts from, of the job before; none when it starts from C0.
    pub start: Option<ChainEntry>,
    /// Those of hosts, in order.
    pub spans: Vec<ProofSpan>,
}

/// The words for a job in memory, or one that left it.
pub(crate) fn words_of(job: &Job) -> Words {
    let spans = job.spans.iter().map(|span| {
        let confirmed_by = span.state.witness();
        ProofSpan {
            first: span.from + 1,
            last: span.to,
            host: span.host,
            commit: span.signed,
            confirmed_by,
            confirmation: span.confirmed.filter(|_| confirmed_by.is_some()),
        }
    });
    let start = job.spans.first().and_then(|span| span.start.as_ref());
    Words {
        package: job.package,
        submission: job.signed.as_deref().cloned(),
        start: start.map(|safe| safe.entry.clone()),
        spans: spans.collect(),
    }
}

impl Core {
    /// The words for a job in memory.
    ///
    /// # Errors
    /// No such job.
    pub fn words(&self, id: JobId) -> Result<Words, Refusal> {
        self.job_row(id).map(words_of)
    }
}
