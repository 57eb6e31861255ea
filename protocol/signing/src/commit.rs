//! A host's word for a boundary: under this lease, the chain ends in this digest at this segment. The chain's digest covers the package, every boundary
//! before and the state, so that nothing else needs to be signed.

use protocol::http::HostSignature;
use protocol::{AttemptId, ChainEntry, Digest, HostId, PublicKey, Signature};

use crate::statement::Statement;
use crate::{Refusal, SecretKey};

/// What is signed, beside lease and key.
#[derive(Clone, Copy, Debug)]
pub struct Boundary<'a> {
    /// The server's own name.
    pub server: &'a str,
    /// The host.
    pub host: HostId,
    /// The boundary's number.
    pub segment: u64,
    /// Digest of the chain there.
    pub digest: Digest,
}

impl<'a> Boundary<'a> {
    /// A boundary that a host committed to a server.
    pub fn of(server: &'a str, host: HostId, entry: &ChainEntry) -> Self {
        Self {
            server,
            host,
            segment: entry.segment,
            digest: entry.digest,
        }
    }

    fn statement(&self, (attempt, epoch): (AttemptId, u64)) -> Statement {
        Statement::new("commit")
            .field("server", self.server)
            .field("host", self.host)
            .field("attempt", attempt)
            .field("epoch", epoch)
            .field("segment", self.segment)
            .field("digest", self.digest)
    }

    /// The host signs.
    pub fn sign(&self, key: &SecretKey, attempt: AttemptId, epoch: u64) -> Signature {
        self.statement((attempt, epoch)).sign(key)
    }

    /// Whether the host's key signed it.
    ///
    /// # Errors
    /// It did not.
    pub fn check(&self, signed: &HostSignature) -> Result<(), Refusal> {
        let HostSignature {
            attempt,
            epoch,
            key,
            signature,
        } = *signed;
        match self.statement((attempt, epoch)).is_signed(key, signature) {
            true => Ok(()),
            false => Err(Refusal::Wrong {
                what: format!("host {}'s commit of segment {}", self.host, self.segment),
                key,
            }),
        }
    }

    /// Checks what a host commits under a lease.
    ///
    /// # Errors
    /// It has a key and did not sign, or signed something else.
    pub fn check_commit(
        &self,
        key: Option<PublicKey>,
        attempt: AttemptId,
        epoch: u64,
        signature: Option<Signature>,
    ) -> Result<(), Refusal> {
        let Some(key) = key else { return Ok(()) };
        let signature = signature.ok_or(Refusal::Unsigned {
            what: "the commit",
            fix: "this host registered a key, and signs what it commits with it",
        })?;
        self.check(&HostSignature {
            attempt,
            epoch,
            key,
            signature,
        })
    }
}
