//! Tokens made, listed and revoked in a server's data while no server runs: the way back in for an operator that has lost the token.
//!
//! Invariant: it holds what a server would hold, the folder's lock and the database's, so none runs meanwhile.

use std::fs::File;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use protocol::http::{IssueToken, TokenView};

use super::Place;
use crate::audit::Audited;
use crate::auth::{Tokens, is_wanted};
use crate::clock::Clock;
use crate::identity;
use crate::private;
use crate::serve::open_store;
use crate::store::postgres::LEASE;
use crate::store::{Store, TokenRow};

/// Who does it, in the record of who did what.
const OFFLINE: &str = "(baton-server token)";

/// The tokens of a server that does not run.
pub struct Offline {
    tokens: Tokens,
    store: Arc<dyn Store>,
    now_ms: u64,
    _lock: File,
}

impl Offline {
    /// Opens a server's data.
    ///
    /// # Errors
    /// A server runs on it, or none ever did.
    pub async fn open(place: &Place) -> anyhow::Result<Self> {
        let running = "a server runs on this data: ask it, with the operator's token (baton token …), or stop it first";
        let data = &place.data;
        if place.database.is_none() && !place.file().exists() {
            bail!("{}: no {} in it: no server has begun there", data.display(), super::DATABASE);
        }
        private::folder(data).with_context(|| data.display().to_string())?;
        let path = data.join("lock");
        let lock = private::create(&path).with_context(|| path.display().to_string())?;
        if lock.try_lock().is_err() {
            bail!("{}: {running}", data.display());
        }
        let store = open_store(data, place.database.as_deref(), LEASE).await?;
        if !store.lead(String::new()).await.context("the database")? {
            bail!("the database: {running}");
        }
        let Some(identity) = identity::read(store.as_ref()).await? else {
            bail!("no server has begun on this data: start it once, and it writes tokens into its folder");
        };
        Ok(Self {
            tokens: Tokens::load(Arc::clone(&store), identity.life).await?,
            store,
            now_ms: Clock::begin(0).now_ms(),
            _lock: lock,
        })
    }

    /// A new token: its name and its secret, which is nowhere else.
    ///
    /// # Errors
    /// Such a token cannot be, or the store does not take it.
    pub async fn new_token(&self, wanted: &IssueToken) -> anyhow::Result<(String, String)> {
        is_wanted(wanted).map_err(|(field, expected)| anyhow::anyhow!("{field}: {expected}"))?;
        let object = format!("{} {}", wanted.scope.as_str(), wanted.subject);
        self.store
            .put_audit(Audited::of_service(self.now_ms, OFFLINE, "token", object, String::new()))
            .await?;
        let issued = self.tokens.issue(wanted, None, self.now_ms).await;
        let (row, secret) = issued.map_err(|fault| anyhow::anyhow!("{fault}"))?;
        Ok((row.id, secret))
    }

    /// All tokens, without their secrets.
    pub fn list(&self) -> Vec<TokenView> {
        self.tokens.list().iter().map(TokenRow::view).collect()
    }

    /// From now on a token counts for nothing. A host's leases end when it has been silent for long enough.
    ///
    /// # Errors
    /// No such token, or the store does not take it.
    pub async fn revoke(&self, id: &str) -> anyhow::Result<TokenView> {
        self.store
            .put_audit(Audited::of_service(
                self.now_ms,
                OFFLINE,
                "revoke",
                format!("token {id}"),
                String::new(),
            ))
            .await?;
        let revoked = self.tokens.revoke(id, self.now_ms).await;
        Ok(revoked.map_err(|fault| anyhow::anyhow!("{fault}"))?.view())
    }

    /// Lets go of the data.
    pub async fn close(self) {
        self.store.close().await;
    }
}
