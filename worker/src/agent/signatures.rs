//! What this host signs, and whose signature it asks for before it computes.
//!
//! The state folder has the host's own key (`host.key`), and each server's folder the newest key list that was seen there (`keys.json`). Invariant: a
//! server's root key, once seen, stays, and the number of its list never falls: a server that was broken into can list no key of its own.

use std::sync::Arc;

use planner::{Cause, Failure, Trouble};
use protocol::http::signed::Keys;
use protocol::http::{KeyList, Lease};
use protocol::{AttemptId, ChainEntry, HostId, PublicKey, Signature};
use signing::commit::Boundary;
use signing::{Refusal, SecretKey, list, submission};

use super::machine;
use super::state::StateFolder;
use crate::net::link::Link;
use crate::net::{Client, NetError};

/// The host's key in the state folder.
const KEY: &str = "host.key";
/// The newest key list in a server's folder.
const LIST: &str = "keys.json";

/// The host's own key; a new one at the first start.
///
/// # Errors
/// Its file cannot be read or written, or holds something else.
pub(crate) fn own_key(state: &StateFolder) -> anyhow::Result<SecretKey> {
    Ok(SecretKey::read_or_create(&state.join(KEY))?)
}

/// Signs what this host commits to one server.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) key: Arc<SecretKey>,
    /// The server's own name.
    pub(crate) server: String,
    pub(crate) host: HostId,
}

impl Signer {
    /// This host's word for the last boundary of a commit.
    pub(crate) fn sign(&self, attempt: AttemptId, epoch: u64, entry: &ChainEntry) -> Signature {
        Boundary::of(&self.server, self.host, entry).sign(&self.key, attempt, epoch)
    }
}

/// Notes a server's key list, if it has one that counts: from then on its root key is known. Without an answer it is noted later.
pub(crate) async fn pin(client: &Client, home: &StateFolder) {
    if let Ok(Keys { list: Some(list), .. }) = client.get::<Keys>("/v1/keys").await
        && let Err(why) = newest(home, None, list)
    {
        tracing::warn!("{why}");
    }
}

/// Holds a list against what is known of the server, and notes it. `root`: the root key by the volunteer's own word.
fn newest(home: &StateFolder, root: Option<PublicKey>, list: KeyList) -> Result<KeyList, String> {
    let known: Option<KeyList> = match home.join(LIST).exists() {
        false => None,
        true => match home.read(LIST) {
            Some(known) => Some(known),
            None => {
                return Err(format!(
                    "{} cannot be read: what root key the server had is not known",
                    home.join(LIST).display()
                ));
            }
        },
    };
    let (root, least) = match &known {
        Some(known) => (root.unwrap_or(known.root), known.number),
        None => (root.unwrap_or(list.root), 0),
    };
    list::check(&list, root, least, machine::now_ms()).map_err(|refusal| refusal.to_string())?;
    if known.as_ref() != Some(&list) {
        home.write(LIST, &list).map_err(|error| format!("{error:#}"))?;
    }
    Ok(list)
}

/// Whose work this host takes.
#[derive(Clone)]
pub(crate) struct Taken {
    /// Signed work alone.
    pub(crate) signed_only: bool,
    /// The server's root key, by the volunteer's own word.
    pub(crate) root: Option<PublicKey>,
    /// The server's folder.
    pub(crate) home: StateFolder,
    /// The server's own name.
    pub(crate) server: String,
}

impl Taken {
    /// Whether this host takes a lease: before anything of it is fetched.
    ///
    /// # Errors
    /// It is not signed as it should be; or the server's trouble.
    pub(crate) async fn check(&self, client: &Client, link: &Link, lease: &Lease) -> Result<(), Trouble> {
        if !self.signed_only {
            return Ok(());
        }
        let keys = link.insist(|| client.get::<Keys>("/v1/keys")).await;
        let keys = keys.map_err(|error: NetError| refused(&error.to_string()))?;
        self.judge(keys, lease).map_err(|why| refused(&why))
    }

    fn judge(&self, keys: Keys, lease: &Lease) -> Result<(), String> {
        let unsigned = || Refusal::Unsigned {
            what: "the server's work",
            fix: "this host takes signed work alone (`signed_only`), and the server has no key list",
        };
        let list = keys.list.ok_or_else(|| unsigned().to_string())?;
        let list = newest(&self.home, self.root, list)?;
        let wanted = (self.server.as_str(), lease.package, lease.archive, lease.until_segment);
        submission::check_lease(lease.signed.as_deref(), wanted, &list).map_err(|refusal| refusal.to_string())
    }
}

fn refused(why: &str) -> Trouble {
    Trouble::Failed(Failure::new(Cause::Host, format!("not computed here: {why}")))
}

#[cfg(test)]
mod tests {
    use protocol::http::{Action, KeyRole, ListedKey, SubmitJob};
    use protocol::{Digest, HardwareClass, JobId, Tier};

    use super::*;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed([seed; 32])
    }

    fn keys(root: u8, number: u64, scientist: u8) -> Keys {
        let entry = ListedKey {
            key: key(scientist).public(),
            role: KeyRole::Scientist,
            subject: "ann".to_owned(),
            until_ms: u64::MAX,
        };
        Keys {
            server: key(9).public(),
            list: Some(list::sign(&key(root), number, u64::MAX, vec![entry])),
        }
    }

    fn lease(signed_by: Option<u8>) -> Lease {
        let (package, archive) = (Digest::of(b"package"), Digest::of(b"archive"));
        let job: SubmitJob = serde_json::from_value(serde_json::json!({
            "name": "argon", "package": package, "archive": archive, "tier": Tier::Portable, "segments": 4}))
        .unwrap();
        let sign = |seed| submission::sign(&key(seed), "server", &job, (1, 2), archive);
        Lease {
            job: JobId(1),
            attempt: AttemptId(7),
            epoch: 1,
            batch: AttemptId(7),
            device: "cpu".into(),
            action: Action::Run,
            reason: String::new(),
            name: String::new(),
            package,
            archive,
            checkpoint: None,
            class: HardwareClass {
                tier: Tier::Portable,
                key: archive,
            },
            until_segment: 4,
            commit_every_s: 30,
            canary: None,
            signed: signed_by.map(sign).map(Box::new),
        }
    }

    #[test]
    fn signed_only_takes_what_a_listed_key_signed_and_a_root_once_seen_stays() {
        let place = tempfile::tempdir().unwrap();
        let state = StateFolder::open(place.path()).unwrap();
        let taken = Taken {
            signed_only: true,
            root: None,
            home: state.home(None, "http://a").unwrap(),
            server: "server".to_owned(),
        };
        let no_list = Keys {
            list: None,
            ..keys(1, 1, 3)
        };
        let refused = |keys: Keys, lease: &Lease, part: &str| {
            let why = taken.judge(keys, lease).expect_err("it is refused");
            assert!(why.contains(part), "{why}");
        };
        refused(no_list.clone(), &lease(Some(3)), "no key list");
        taken.judge(keys(1, 5, 3), &lease(Some(3))).unwrap();
        refused(keys(1, 5, 3), &lease(None), "is not signed");
        refused(keys(1, 5, 3), &lease(Some(4)), "is not on the operator's list");
        refused(keys(1, 4, 4), &lease(Some(4)), "number 5 was seen before");
        refused(keys(2, 6, 4), &lease(Some(4)), "is signed by root");
        refused(no_list, &lease(Some(3)), "no key list");
        let mut longer = lease(Some(3));
        longer.until_segment = 5;
        refused(keys(1, 5, 3), &longer, "segments is 5");
        taken.judge(keys(1, 6, 4), &lease(Some(4))).unwrap();
        let other = Taken {
            root: Some(key(2).public()),
            ..taken
        };
        assert!(
            other
                .judge(keys(1, 7, 4), &lease(Some(4)))
                .unwrap_err()
                .contains("is signed by root")
        );
    }
}
