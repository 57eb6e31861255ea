//! What of this host's work is verified, as its server says: asked for when orders are listened to, and again each hour. It is shown; nothing is decided by it.

use std::time::Duration;

use protocol::http::HostView;

use super::{Agent, Note};
use crate::agent::view::Verified;

/// Between two questions: the answer changes once a day.
const AGAIN: Duration = Duration::from_secs(3600);

impl Agent {
    /// Ask for it from now on, as the host that this is.
    pub(super) fn ask_for_credit(&mut self) {
        if let Some(old) = self.credit.take() {
            old.abort();
        }
        let Some(own) = &self.identity else { return };
        let path = format!("/v1/hosts/{}", own.host);
        let (client, sender) = (self.errands.client.clone(), self.sender.clone());
        let task = tokio::spawn(async move {
            loop {
                // A server that is away is asked again an hour later: nothing waits for it.
                if let Ok(view) = client.get::<HostView>(&path).await {
                    let verified = Verified {
                        segments: view.credit_segments,
                        seconds: view.credit_s,
                    };
                    drop(sender.send(Note::Verified(verified)));
                }
                tokio::time::sleep(AGAIN).await;
            }
        });
        self.credit = Some(task.abort_handle());
    }
}
