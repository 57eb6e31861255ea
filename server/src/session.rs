//! Sessions of the page: a random secret in a cookie stands for a token, for some hours, here alone.
//!
//! Invariant: a cookie holds no token, and what it holds is worth nothing after its session's end, after a log-out, after the token was revoked, or after a
//! restart of the server. As with tokens, a secret's digest is all that is kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::Digest;

/// How long a session lasts.
pub const LASTS: Duration = Duration::from_secs(12 * 3600);
/// Sessions under one token; beyond it the oldest ends.
const OF_TOKEN_MAX: usize = 32;

struct Session {
    token: String,
    ends: Instant,
}

/// All sessions.
#[derive(Default)]
pub struct Sessions(Mutex<BTreeMap<Digest, Session>>);

impl Sessions {
    /// Begins a session under a token's name. Its secret, for the cookie.
    ///
    /// # Errors
    /// The machine gives no random bytes.
    pub fn begin(&self, token: &str, now: Instant) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let secret = Digest(bytes).to_string();
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.ends > now);
        let own = sessions.iter().filter(|(_, session)| session.token == token);
        if own.clone().count() >= OF_TOKEN_MAX
            && let Some(oldest) = own.min_by_key(|(_, session)| session.ends).map(|(key, _)| *key)
        {
            sessions.remove(&oldest);
        }
        let session = Session {
            token: token.to_owned(),
            ends: now + LASTS,
        };
        sessions.insert(key(&secret), session);
        Ok(secret)
    }

    /// The session of a secret, and the name of its token.
    pub fn find(&self, secret: &str, now: Instant) -> Option<(Digest, String)> {
        let key = key(secret);
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(&key).filter(|session| session.ends > now)?;
        Some((key, session.token.clone()))
    }

    /// Whether a session goes on.
    pub fn stands(&self, session: Digest, now: Instant) -> bool {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&session).is_some_and(|session| session.ends > now)
    }

    /// Ends a session.
    pub fn end(&self, session: Digest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&session);
    }
}

fn key(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_its_secrets_and_has_an_end() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let secret = sessions.begin("ann", now).unwrap();
        let (session, token) = sessions.find(&secret, now).unwrap();
        assert_eq!(token, "ann");
        assert!(sessions.find(&secret[1..], now).is_none() && sessions.find("", now).is_none());
        assert!(sessions.find(&secret, now + LASTS).is_none() && !sessions.stands(session, now + LASTS));
        sessions.end(session);
        assert!(sessions.find(&secret, now).is_none());
        let first = sessions.begin("ann", now).unwrap();
        let others: Vec<String> = (0..OF_TOKEN_MAX)
            .map(|index| sessions.begin("ann", now + Duration::from_secs(1 + index as u64)).unwrap())
            .collect();
        let later = now + Duration::from_secs(60);
        assert!(sessions.find(&first, later).is_none(), "the oldest makes room");
        assert!(others.iter().all(|secret| sessions.find(secret, later).is_some()));
    }
}
