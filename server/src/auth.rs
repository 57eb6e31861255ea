//! Tokens: who may do what. A secret is shown once; its BLAKE3 digest is all that is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use protocol::http::{IssueToken, Scope};
use protocol::{Digest, HostId};
use tokio::sync::watch;

use crate::problem::{Answer, Fault};
use crate::store::{Store, StoreError, TokenRow};

/// The holder of a request's token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The token's name.
    pub id: String,
    /// Requests that it may make.
    pub scope: Scope,
    /// Name of the person or host that holds it.
    pub subject: String,
    /// The host that it speaks for.
    pub host: Option<HostId>,
    /// It enrols one host and no more.
    pub invitation: bool,
    /// The host that it enrolled, as an invitation.
    pub enrolled: Option<HostId>,
    /// The session of the page through which it comes.
    pub session: Option<Digest>,
}

/// Who may enrol hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// Everybody with a host token, however many hosts.
    Shared,
    /// Everybody with an invitation, one host each.
    Invitation,
}

/// Subject of the folder's host token, which volunteers share: it tells none of them apart.
pub const SHARED_SUBJECT: &str = "volunteers";

impl Caller {
    /// Operators only.
    ///
    /// # Errors
    /// 403 for any other caller.
    pub fn operator(&self) -> Answer<()> {
        self.only(self.scope == Scope::Operator, "an operator's token")
    }

    /// Scientists and operators.
    ///
    /// # Errors
    /// 403 for hosts.
    pub fn scientist(&self) -> Answer<()> {
        self.only(self.scope >= Scope::Scientist, "a scientist's token")
    }

    /// May enrol a host; `again`: the host that the same request enrolled before, whose answer was lost.
    ///
    /// # Errors
    /// 403 for any other caller, and for an invitation that is used up.
    pub fn enrols(&self, enrolment: Enrolment, again: Option<HostId>) -> Answer<()> {
        let may = match self.scope {
            Scope::Operator | Scope::Referee => true,
            Scope::Host => self.host.is_none(),
            Scope::Scientist => false,
        };
        self.only(
            may,
            "a token that enrols hosts: an invitation, or the host token of the server's folder",
        )?;
        if let Some(host) = self.enrolled.filter(|host| again != Some(*host)) {
            return Err(Fault::forbidden(format!(
                "this invitation enrolled host {host} and is used up: ask the operator for another"
            )));
        }
        let by_invitation = self.invitation || self.scope != Scope::Host;
        match enrolment {
            Enrolment::Invitation if !by_invitation => Err(Fault::forbidden(
                "this server enrols hosts by invitation: ask the operator for one (baton token new host SUBJECT --invitation)",
            )),
            _ => Ok(()),
        }
    }

    /// Whether it may see what belongs to an owner: the one rule for the API and the page.
    pub fn sees(&self, owner: &str) -> bool {
        self.sees_all() || self.scope == Scope::Scientist && self.subject == owner
    }

    /// Whether it may see what belongs to anybody.
    pub fn sees_all(&self) -> bool {
        self.scope == Scope::Operator
    }

    /// The host itself; not an operator in its name.
    ///
    /// # Errors
    /// 403 for any other caller.
    pub fn speaks_for(&self, host: HostId) -> Answer<()> {
        self.only(
            self.host == Some(host),
            &format!("the token that host {host} got when it registered"),
        )
    }

    /// The host that asks.
    ///
    /// # Errors
    /// 403 for callers that are no host.
    pub fn as_host(&self) -> Answer<HostId> {
        self.host
            .ok_or_else(|| Fault::forbidden("needed: the token that a host got when it registered"))
    }

    /// The owner of something, or an operator.
    ///
    /// # Errors
    /// 403 for any other caller.
    pub fn owns(&self, owner: &str) -> Answer<()> {
        self.scientist()?;
        self.only(self.sees(owner), "its owner's token")
    }

    fn only(&self, may: bool, needed: &str) -> Answer<()> {
        if may {
            Ok(())
        } else {
            Err(Fault::forbidden(format!(
                "needed: {needed}; this token has scope {} and belongs to {}",
                self.scope.as_str(),
                self.subject
            )))
        }
    }
}

/// Whether a name can hold a token.
pub fn is_subject(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

/// Whether a token can be issued.
///
/// # Errors
/// The field that cannot be so, and what is expected of it.
pub fn is_wanted(wanted: &IssueToken) -> Result<(), (&'static str, &'static str)> {
    // Hosts are named by the server.
    if !is_subject(&wanted.subject) || wanted.scope != Scope::Host && wanted.subject.starts_with("host-") {
        return Err(("subject", "expected 1 to 64 of a-z 0-9 . _ - and not beginning with host-"));
    }
    if wanted.invitation && wanted.scope != Scope::Host {
        return Err(("invitation", "an invitation enrols a host: its scope is host"));
    }
    Ok(())
}

/// All tokens, in memory for speed and in the store to last.
pub struct Tokens {
    store: Arc<dyn Store>,
    /// The server's life, which new tokens name.
    life: u64,
    known: RwLock<Known>,
    /// Held while a row is read, changed and kept: of two changes at once neither is lost.
    changing: tokio::sync::Mutex<()>,
    /// Told when a token is revoked.
    revocations: watch::Sender<u64>,
}

/// Tokens by the digest of their secret, and these by name.
#[derive(Default)]
struct Known {
    by_digest: BTreeMap<Digest, TokenRow>,
    by_name: BTreeMap<String, Digest>,
}

impl Known {
    fn keep(&mut self, row: TokenRow) {
        self.by_name.insert(row.id.clone(), row.digest);
        self.by_digest.insert(row.digest, row);
    }

    fn named(&self, id: &str) -> Option<&TokenRow> {
        self.by_digest.get(self.by_name.get(id)?)
    }
}

/// A random secret, with the life of the server that issues it.
///
/// # Errors
/// The machine gives no random bytes.
fn secret(scope: Scope, life: u64) -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(format!("baton_{}_{life:014x}_{}", scope.as_str(), Digest(bytes)))
}

/// The life that a secret names; none for those of older versions, and for what is no secret.
fn life_of(secret: &str) -> Option<u64> {
    let mut parts = secret.strip_prefix("baton_")?.split('_').skip(1);
    let life = parts.next()?;
    parts.next()?;
    u64::from_str_radix(life, 16).ok()
}

fn caller(row: &TokenRow) -> Caller {
    Caller {
        id: row.id.clone(),
        scope: row.scope,
        subject: row.subject.clone(),
        host: row.host,
        invitation: row.invitation,
        enrolled: row.enrolled,
        session: None,
    }
}

impl Tokens {
    /// Reads them.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn load(store: Arc<dyn Store>, life: u64) -> Result<Self, StoreError> {
        let mut known = Known::default();
        store.tokens().await?.into_iter().for_each(|row| known.keep(row));
        Ok(Self {
            store,
            life,
            revocations: watch::Sender::new(0),
            known: RwLock::new(known),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Reads them again: another server may have changed them.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let _changing = self.changing.lock().await;
        let mut known = Known::default();
        self.store.tokens().await?.into_iter().for_each(|row| known.keep(row));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        self.tell();
        Ok(())
    }

    /// Whether there are none yet.
    pub fn is_empty(&self) -> bool {
        self.read().by_digest.is_empty()
    }

    /// The caller that a secret belongs to.
    pub fn find(&self, secret: &str) -> Option<Caller> {
        let digest = Digest::of(secret.as_bytes());
        let known = self.read();
        known
            .by_digest
            .get(&digest)
            .filter(|row| row.revoked_ms.is_none())
            .map(caller)
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caller under a token's name.
    pub fn named(&self, id: &str) -> Option<Caller> {
        self.read().named(id).filter(|row| row.revoked_ms.is_none()).map(caller)
    }

    /// What is wrong with a secret that belongs to no caller.
    pub fn unknown(&self, secret: &str) -> Fault {
        match life_of(secret).filter(|life| *life != self.life) {
            Some(_) => Fault::unauthorized(
                "the token is unknown here: it was issued by another server, or by this one after the backup from which it was restored; a host \
                 enrols anew, a person asks the operator for a new token",
            ),
            None => Fault::unauthorized("the token is unknown or revoked"),
        }
    }

    /// Told whenever a token is revoked.
    pub fn revocations(&self) -> watch::Receiver<u64> {
        self.revocations.subscribe()
    }

    /// Whether some token speaks for a host.
    pub fn speak_for(&self, host: HostId) -> bool {
        let known = self.read();
        let mut rows = known.by_digest.values();
        rows.any(|row| row.host == Some(host) && row.revoked_ms.is_none())
    }

    /// A new token, and its secret.
    ///
    /// # Errors
    /// The store does not answer, or the machine gives no random bytes.
    pub async fn issue(&self, wanted: &IssueToken, host: Option<HostId>, now_ms: u64) -> Answer<(TokenRow, String)> {
        let scope = wanted.scope;
        let secret = secret(scope, self.life).map_err(|error| Fault::unavailable(format!("no random bytes: {error}")))?;
        let digest = Digest::of(secret.as_bytes());
        let row = TokenRow {
            // Of the digest, so that nothing of the secret shows.
            id: Digest::of(&digest.0).short(),
            digest,
            scope,
            subject: wanted.subject.clone(),
            host,
            issued_ms: now_ms,
            revoked_ms: None,
            invitation: wanted.invitation,
            enrolled: None,
        };
        self.keep(row.clone()).await?;
        Ok((row, secret))
    }

    async fn keep(&self, row: TokenRow) -> Result<(), StoreError> {
        self.store.put_token(row.clone()).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).keep(row);
        Ok(())
    }

    /// All of them.
    pub fn list(&self) -> Vec<TokenRow> {
        let mut rows: Vec<TokenRow> = self.read().by_digest.values().cloned().collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows
    }

    /// From now on a token counts for nothing.
    ///
    /// # Errors
    /// No such token, or the store does not answer.
    pub async fn revoke(&self, id: &str, now_ms: u64) -> Answer<TokenRow> {
        let _changing = self.changing.lock().await;
        let found = self.read().named(id).cloned();
        let mut row = found.ok_or_else(|| Fault::not_found(format!("there is no token {id:?}")))?;
        row.revoked_ms = row.revoked_ms.or(Some(now_ms));
        self.keep(row.clone()).await?;
        self.revocations.send_modify(|version| *version += 1);
        Ok(row)
    }

    /// An invitation has enrolled a host: it enrols no other.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn use_up(&self, id: &str, host: HostId) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let found = self.read().named(id).cloned();
        if let Some(mut row) = found {
            row.enrolled = Some(host);
            self.keep(row).await?;
        }
        Ok(())
    }

    /// Tells those who watch that callers may have lost their access.
    pub fn tell(&self) {
        self.revocations.send_modify(|version| *version += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_names_the_life_that_issued_it() {
        let secret = secret(Scope::Host, 0x1f_0000_0000_0001).unwrap();
        assert_eq!(life_of(&secret), Some(0x1f_0000_0000_0001), "{secret}");
        for none in ["", "baton_host_0123", "baton_host", "x_host_1_2", "baton_host_xyz_2"] {
            assert_eq!(life_of(none), None, "{none}");
        }
    }

    #[tokio::test]
    async fn a_token_that_is_revoked_while_it_is_used_up_stays_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.sqlite");
        let store = crate::store::sqlite::SqliteStore::open(&path).await.unwrap();
        let tokens = Tokens::load(Arc::new(store), 1).await.unwrap();
        let wanted = IssueToken {
            scope: Scope::Host,
            subject: "ann".to_owned(),
            invitation: true,
        };
        for round in 0..20 {
            let (row, secret) = tokens.issue(&wanted, None, round).await.unwrap();
            let (revoked, used) = tokio::join!(tokens.revoke(&row.id, 7), tokens.use_up(&row.id, HostId(1)));
            revoked.unwrap();
            used.unwrap();
            assert!(tokens.find(&secret).is_none(), "round {round}");
            let kept = tokens.list().into_iter().find(|kept| kept.id == row.id).unwrap();
            assert_eq!((kept.revoked_ms, kept.enrolled), (Some(7), Some(HostId(1))), "round {round}");
        }
    }
}
