//! The operator's list of keys that count: signed by a root key that is kept offline, with a number that only rises and an end, so that neither an
//! older list nor an old one can be passed off as today's.

use protocol::http::signed::KEYS_MAX;
use protocol::http::{KeyList, KeyRole, ListedKey};
use protocol::{PublicKey, Signature};

use crate::statement::Statement;
use crate::{Refusal, SecretKey};

const WHAT: &str = "the key list";

/// `keys`, in order, under the root's signature.
pub fn sign(root: &SecretKey, number: u64, expires_ms: u64, keys: Vec<ListedKey>) -> KeyList {
    let mut list = KeyList {
        number,
        expires_ms,
        keys,
        root: root.public(),
        signature: Signature([0; 64]),
    };
    list.signature = statement(&list).sign(root);
    list
}

fn statement(list: &KeyList) -> Statement {
    let head = Statement::new("key list")
        .field("root", list.root)
        .field("number", list.number)
        .field("expires", list.expires_ms)
        .field("keys", list.keys.len());
    list.keys.iter().fold(head, |statement, key| {
        statement
            .field("key", key.key)
            .field("role", key.role.as_str())
            .field("subject", &key.subject)
            .field("until", key.until_ms)
    })
}

/// Checks a list against the root that is trusted, the newest number that was seen, and a time.
///
/// # Errors
/// Too many keys, another root, a wrong signature, an older list than was seen, or one that ended.
pub fn check(list: &KeyList, root: PublicKey, least: u64, at_ms: u64) -> Result<(), Refusal> {
    let keys = list.keys.len();
    if keys > KEYS_MAX {
        return Err(Refusal::Inconsistent(format!(
            "{WHAT} has {keys} keys, expected at most {KEYS_MAX}"
        )));
    }
    if list.root != root {
        return Err(Refusal::OtherRoot {
            found: list.root,
            expected: root,
        });
    }
    if !statement(list).is_signed(root, list.signature) {
        return Err(Refusal::Wrong {
            what: WHAT.to_owned(),
            key: root,
        });
    }
    if list.number < least {
        return Err(Refusal::OlderList {
            found: list.number,
            known: least,
        });
    }
    if list.expires_ms <= at_ms {
        return Err(Refusal::Expired {
            what: WHAT,
            expired_ms: list.expires_ms,
            now_ms: at_ms,
        });
    }
    Ok(())
}

/// The entry of a key that signed something at a time, in a list that was checked.
///
/// # Errors
/// It is not listed for this, or counted no more then.
pub fn entry(list: &KeyList, key: PublicKey, role: KeyRole, signed_ms: u64) -> Result<&ListedKey, Refusal> {
    let found = list.keys.iter().find(|listed| listed.key == key && listed.role == role);
    let listed = found.ok_or(Refusal::NotListed {
        key,
        role: role.as_str(),
        number: list.number,
    })?;
    if listed.until_ms <= signed_ms {
        return Err(Refusal::KeyExpired {
            key,
            subject: listed.subject.clone(),
            until_ms: listed.until_ms,
            signed_ms,
        });
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(seed: u8, until_ms: u64) -> ListedKey {
        ListedKey {
            key: SecretKey::from_seed([seed; 32]).public(),
            role: KeyRole::Scientist,
            subject: "ann".to_owned(),
            until_ms,
        }
    }

    #[test]
    fn a_list_counts_under_its_root_until_its_end_unless_a_newer_one_was_seen() {
        let root = SecretKey::from_seed([1; 32]);
        let list = sign(&root, 5, 1000, vec![listed(2, 800)]);
        assert_eq!(check(&list, root.public(), 5, 999), Ok(()));
        let other = SecretKey::from_seed([9; 32]);
        assert!(matches!(check(&list, other.public(), 0, 0), Err(Refusal::OtherRoot { .. })));
        assert_eq!(
            check(&list, root.public(), 6, 0),
            Err(Refusal::OlderList { found: 5, known: 6 })
        );
        assert!(matches!(check(&list, root.public(), 0, 1000), Err(Refusal::Expired { .. })));
        let changes: [fn(&mut KeyList); 5] = [
            |list| list.number = 6,
            |list| list.expires_ms = 2000,
            |list| list.keys[0].until_ms = 900,
            |list| list.keys[0].subject.push('a'),
            |list| drop(list.keys.pop()),
        ];
        for change in changes {
            let mut changed = list.clone();
            change(&mut changed);
            assert!(
                matches!(check(&changed, root.public(), 0, 0), Err(Refusal::Wrong { .. })),
                "{changed:?}"
            );
        }
        // Another root's list says so, also where it claims this one.
        let forged = KeyList {
            root: root.public(),
            ..sign(&other, 5, 1000, Vec::new())
        };
        assert!(matches!(check(&forged, root.public(), 0, 0), Err(Refusal::Wrong { .. })));
    }

    #[test]
    fn a_key_counts_for_its_role_until_its_end() {
        let root = SecretKey::from_seed([1; 32]);
        let list = sign(&root, 5, 1000, vec![listed(2, 800)]);
        let key = list.keys[0].key;
        assert_eq!(entry(&list, key, KeyRole::Scientist, 799).unwrap().subject, "ann");
        assert!(matches!(
            entry(&list, key, KeyRole::Scientist, 800),
            Err(Refusal::KeyExpired { .. })
        ));
        assert!(matches!(
            entry(&list, key, KeyRole::Server, 0),
            Err(Refusal::NotListed { .. })
        ));
    }

    #[test]
    fn weak_keys_sign_nothing() {
        // The neutral element, under which a signature of zeros passes a lax check of any message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut zero = [0; 64];
        zero[0] = 1;
        let mut list = sign(&SecretKey::from_seed([1; 32]), 1, 1000, Vec::new());
        (list.root, list.signature) = (PublicKey(neutral), Signature(zero));
        assert!(check(&list, PublicKey(neutral), 0, 0).is_err());
    }
}
