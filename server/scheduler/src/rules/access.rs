//! Hosts that an operator bans, and hosts whose token is revoked: their leases end at once, and nothing that they send is taken in.

use protocol::{HostId, HostState};

use super::presence::REASON_CHARS_MAX;
use crate::{Core, Refusal};

impl Core {
    /// Whether what a host sends is taken in at all.
    pub(crate) fn admit(&self, id: HostId) -> Result<(), Refusal> {
        match self.hosts.get(id).and_then(|host| host.banned()) {
            Some(reason) => Err(Refusal::Banned(format!("host {id} is banned: {reason}"))),
            None => Ok(()),
        }
    }

    /// Bans a host. Banned once more, it has the new reason.
    pub(crate) fn ban(&mut self, id: HostId, reason: &str, by: &str) -> Result<(), Refusal> {
        if !self.hosts.contains(id) {
            return Err(Refusal::NoHost(id));
        }
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let reason = match reason.trim() {
            "" => "no reason given".to_owned(),
            reason => reason.to_owned(),
        };
        self.hosts.set_banned(id, Some(reason.clone()));
        self.shut_out(id, "was banned", &format!("banned by {by}: {reason}"));
        Ok(())
    }

    /// Takes a ban back: the host is heard again when it next reports.
    pub(crate) fn unban(&mut self, id: HostId, by: &str) -> Result<(), Refusal> {
        let host = self.hosts.get(id).ok_or(Refusal::NoHost(id))?;
        if host.banned().is_none() {
            return Err(Refusal::State(format!("host {id} is not banned")));
        }
        self.hosts.set_banned(id, None);
        let state = self.hosts.get(id).map_or(HostState::Lost, |host| host.state());
        self.set_state(id, state, &format!("unbanned by {by}: not heard of since"));
        Ok(())
    }

    /// A host has no valid token any more.
    pub(crate) fn revoked(&mut self, id: HostId) -> Result<(), Refusal> {
        if !self.hosts.contains(id) {
            return Err(Refusal::NoHost(id));
        }
        self.shut_out(id, "lost its access", "its token was revoked");
        Ok(())
    }

    /// Ends what a host has, and counts it as lost, without a mark on its record.
    fn shut_out(&mut self, id: HostId, what: &str, reason: &str) {
        self.evict(id, what);
        self.set_state(id, HostState::Lost, reason);
    }
}
