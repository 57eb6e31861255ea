//! Tokens: who may do what. A secret is shown once; its BLAKE3 digest is all that is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use protocol::http::Scope;
use protocol::{Digest, HostId};

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
}

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

    /// May enrol a host.
    ///
    /// # Errors
    /// 403 for any other caller.
    pub fn enrols(&self) -> Answer<()> {
        let may = self.scope == Scope::Operator || self.scope == Scope::Host && self.host.is_none();
        self.only(may, "a host token of the server's folder, which enrols hosts")
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
        let may = self.scope == Scope::Operator || self.subject == owner;
        self.only(may, "its owner's token")
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

/// All tokens, in memory for speed and in the store to last.
pub struct Tokens {
    store: Arc<dyn Store>,
    by_digest: RwLock<BTreeMap<Digest, TokenRow>>,
}

/// A random secret.
///
/// # Errors
/// The machine gives no random bytes.
pub fn secret(scope: Scope) -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(format!("baton_{}_{}", scope.as_str(), Digest(bytes)))
}

impl Tokens {
    /// Reads them.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn load(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let rows = store.tokens().await?;
        Ok(Self {
            store,
            by_digest: RwLock::new(rows.into_iter().map(|row| (row.digest, row)).collect()),
        })
    }

    /// Whether there are none yet.
    pub fn is_empty(&self) -> bool {
        self.by_digest.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The caller that a secret belongs to.
    pub fn find(&self, secret: &str) -> Option<Caller> {
        let digest = Digest::of(secret.as_bytes());
        let tokens = self.by_digest.read().unwrap_or_else(PoisonError::into_inner);
        let row = tokens.get(&digest).filter(|row| row.revoked_ms.is_none())?;
        Some(Caller {
            id: row.id.clone(),
            scope: row.scope,
            subject: row.subject.clone(),
            host: row.host,
        })
    }

    /// A new token, and its secret.
    ///
    /// # Errors
    /// The store does not answer, or the machine gives no random bytes.
    pub async fn issue(&self, scope: Scope, subject: &str, host: Option<HostId>, now_ms: u64) -> Answer<(TokenRow, String)> {
        let secret = secret(scope).map_err(|error| Fault::unavailable(format!("no random bytes: {error}")))?;
        let digest = Digest::of(secret.as_bytes());
        let row = TokenRow {
            // Of the digest, so that nothing of the secret shows.
            id: Digest::of(&digest.0).short(),
            digest,
            scope,
            subject: subject.to_owned(),
            host,
            issued_ms: now_ms,
            revoked_ms: None,
        };
        self.keep(row.clone()).await?;
        Ok((row, secret))
    }

    async fn keep(&self, row: TokenRow) -> Result<(), StoreError> {
        self.store.put_token(row.clone()).await?;
        self.by_digest
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(row.digest, row);
        Ok(())
    }

    /// All of them.
    pub fn list(&self) -> Vec<TokenRow> {
        let tokens = self.by_digest.read().unwrap_or_else(PoisonError::into_inner);
        let mut rows: Vec<TokenRow> = tokens.values().cloned().collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows
    }

    /// From now on a token counts for nothing.
    ///
    /// # Errors
    /// No such token, or the store does not answer.
    pub async fn revoke(&self, id: &str, now_ms: u64) -> Answer<TokenRow> {
        let found = self.list().into_iter().find(|row| row.id == id);
        let mut row = found.ok_or_else(|| Fault::not_found(format!("there is no token {id:?}")))?;
        row.revoked_ms = row.revoked_ms.or(Some(now_ms));
        self.keep(row.clone()).await?;
        Ok(row)
    }
}
