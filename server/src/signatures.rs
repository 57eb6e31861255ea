//! Which signatures count here: the operator's key list, and the server's own key, with which it signs proofs.
//!
//! Both are kept in the store. The first list that an operator publishes names the root key for good; from then on submissions have to be signed by a
//! listed key, and a list counts only under that root, with a higher number than the one before.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use axum::http::StatusCode;
use protocol::Digest;
use protocol::http::signed::Keys;
use protocol::http::{KeyList, Proof, SubmitJob};
use signing::{Refusal, SecretKey, list, proof, submission};

use crate::problem::{Answer, Fault};
use crate::store::{Store, StoreError};

/// Names of what is kept.
const LIST: &str = "key-list";
const SECRET: &str = "signing-key";

/// Key list and own key.
pub struct Signatures {
    own: SecretKey,
    list: RwLock<Option<KeyList>>,
    /// One publication at a time.
    publishing: tokio::sync::Mutex<()>,
}

impl Signatures {
    /// Reads them from the store; the own key is made up at the first start.
    ///
    /// # Errors
    /// The store does not answer, holds something else, or the machine gives no random bytes.
    pub async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let facts = store.facts().await?;
        let damaged = |name: &str| StoreError::Folder(std::io::Error::other(format!("the store's {name} cannot be read")));
        let seed = match facts.get(SECRET) {
            Some(text) => text.parse::<Digest>().map_err(|_| damaged(SECRET))?,
            None => {
                let seed = Digest(crate::identity::random()?);
                store.put_fact(SECRET.to_owned(), seed.to_string()).await?;
                seed
            }
        };
        let list = facts
            .get(LIST)
            .map(|text| serde_json::from_str(text).map_err(|_| damaged(LIST)));
        Ok(Self {
            own: SecretKey::from_seed(seed.0),
            list: RwLock::new(list.transpose()?),
            publishing: tokio::sync::Mutex::default(),
        })
    }

    /// Whether a server has made its own key in a store: before, none can be read but by the one that leads.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn are_begun(store: &dyn Store) -> Result<bool, StoreError> {
        Ok(store.facts().await?.contains_key(SECRET))
    }

    /// Puts in force the list that another server has kept.
    ///
    /// # Errors
    /// What is kept is no list.
    pub fn follow(&self, facts: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let list = facts.get(LIST).map(|text| serde_json::from_str(text));
        let list = list.transpose().map_err(|error| StoreError::Damaged {
            what: "facts",
            reason: format!("{LIST}: {error}"),
        })?;
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list;
        Ok(())
    }

    /// The keys, as anyone with a token may know them.
    pub fn view(&self) -> Keys {
        Keys {
            server: self.own.public(),
            list: self.list(),
        }
    }

    /// The list in force.
    pub fn list(&self) -> Option<KeyList> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why a host without a key does no work; none where no list is in force: with one everything that counts is signed, what hosts commit as well.
    pub fn why_not_without_key(&self) -> Option<Refusal> {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.is_some().then_some(Refusal::Unsigned {
            what: "what this host commits",
            fix: "this server has a key list, so that hosts have keys; update its agent, which makes one, and start it again",
        })
    }

    /// Puts a newer list in force.
    ///
    /// # Errors
    /// It is not the root's, not newer, or has ended; or the store does not answer. Then the one before stays.
    pub async fn publish(&self, store: &dyn Store, new: KeyList, now_ms: u64) -> Answer<()> {
        let _alone = self.publishing.lock().await;
        let before = self.list();
        let root = before.as_ref().map_or(new.root, |list| list.root);
        let least = before.as_ref().map_or(0, |list| list.number.saturating_add(1));
        list::check(&new, root, least, now_ms).map_err(|refusal| refused("keys", &refusal))?;
        let text = serde_json::to_string(&new).map_err(|error| Fault::invalid("keys", error.to_string()))?;
        store.put_fact(LIST.to_owned(), text).await?;
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = Some(new);
        Ok(())
    }

    /// Checks the signature of a submission, where a list is in force: else there is none to hold it against, and a signed one is refused as well.
    /// The name under which it is remembered, so that it makes one job and no second one.
    ///
    /// # Errors
    /// The reason for which it does not count.
    pub fn check_submission(&self, job: &SubmitJob, server: &str, subject: &str, now_ms: u64) -> Answer<Option<String>> {
        match (&self.list(), &job.signed) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Fault::invalid(
                "signed",
                "this server has no key list, so that no signature counts: submit without --key, or ask the operator to publish a list",
            )),
            (Some(list), signed) => {
                let checked = list::check(list, list.root, 0, now_ms)
                    .and_then(|()| submission::check(job, server, subject, list, now_ms));
                checked.map_err(|refusal| refused("signed", &refusal))?;
                Ok(signed
                    .as_ref()
                    .map(|signed| format!("signed {} {}", signed.key, signed.number)))
            }
        }
    }

    /// The server's word under a proof.
    pub fn sign(&self, made: &mut Proof) {
        made.keys = self.list();
        proof::sign(&self.own, made);
    }
}

/// Something signed that does not count.
pub fn refused(field: &str, refusal: &Refusal) -> Fault {
    let title = "A signature does not count";
    Fault::new(StatusCode::BAD_REQUEST, "signature", title, refusal.to_string()).field(field)
}
