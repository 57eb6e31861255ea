//! Accounts of those who submit: what each received and has running.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A user's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UserId(u32);

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    /// Computing received, milliseconds; what fair share compares.
    pub(crate) served: u64,
    /// Jobs with an attempt.
    pub(crate) running: u32,
    /// Jobs that are not final.
    pub(crate) unfinished: u32,
    /// Bytes of archives and outputs that are kept for it.
    #[serde(default)]
    pub(crate) stored_bytes: u64,
}

/// All accounts, by number and by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Users {
    rows: Vec<User>,
    by_name: BTreeMap<String, UserId>,
}

fn id(index: usize) -> UserId {
    UserId(u32::try_from(index).expect("fewer than 2^32 users have a token"))
}

impl Users {
    pub(super) fn restore(rows: Vec<User>) -> Self {
        let by_name = rows
            .iter()
            .enumerate()
            .map(|(index, user)| (user.name.clone(), id(index)))
            .collect();
        Self { rows, by_name }
    }

    pub(super) fn rows(&self) -> &[User] {
        &self.rows
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = UserId> + use<> {
        (0..self.rows.len()).map(id)
    }

    pub(super) fn find(&self, name: &str) -> Option<UserId> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, id: UserId) -> &User {
        &self.rows[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: UserId) -> &mut User {
        &mut self.rows[id.0 as usize]
    }

    pub(super) fn add(&mut self, name: &str, served: u64) -> UserId {
        let id = id(self.rows.len());
        self.rows.push(User {
            name: name.to_owned(),
            served,
            running: 0,
            unfinished: 0,
            stored_bytes: 0,
        });
        self.by_name.insert(name.to_owned(), id);
        id
    }
}
