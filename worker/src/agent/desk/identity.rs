//! Who we are to the server: registering, enrolling anew, and the held stream of orders.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::http::{RegisterHost, Registered};
use reqwest::Method;

use super::{Desk, Note, Place};
use crate::agent::state::Identity;
use crate::agent::{machine, policy};
use crate::net::NetError;
use crate::net::client::fresh_key;
use crate::net::events::Events;

impl Desk {
    pub(super) fn register(&mut self) {
        if self.registering {
            return;
        }
        let seen = self.watch.look(&self.preferences, &self.setup.state);
        let body = RegisterHost {
            name: self.preferences.name.clone().unwrap_or_else(machine::name),
            protocol: protocol::http::PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            devices: self
                .seats
                .iter()
                .map(|seat| protocol::http::DeviceReport {
                    id: seat.device.info().id.clone(),
                    name: seat
                        .device
                        .info()
                        .name
                        .chars()
                        .filter(|c| !c.is_control())
                        .take(100)
                        .collect(),
                    classes: seat.classes.clone(),
                })
                .collect(),
            night: policy::night(&self.preferences, seen),
        };
        if self.registered_as.as_ref() == Some(&body) {
            return;
        }
        self.registering = true;
        self.registered_as = Some(body.clone());
        let (link, sender) = (Arc::clone(&self.link), self.sender.clone());
        let first = self.identity.is_none();
        let answer = match (&self.identity, &self.enrolment) {
            (Some(own), _) => {
                let (client, path) = (self.errands.client.clone(), format!("/v1/hosts/{}", own.host));
                tokio::spawn(async move { link.insist(|| client.send(Method::PUT, &path, &body)).await })
            }
            (None, Some(client)) => {
                let client = client.clone();
                let key = self.enrolment_key(&body);
                tokio::spawn(async move { link.insist(|| client.post_once("/v1/hosts", &key, &body)).await })
            }
            (None, None) => {
                self.fatal = Some(anyhow::anyhow!(
                    "{} does not know this host any more; enrol it again with the server's host token (--token-file FILE)",
                    self.server
                ));
                return;
            }
        };
        tokio::spawn(async move {
            if let Ok(answer) = answer.await {
                drop(sender.send(Note::Registered(first, Box::new(answer))));
            }
        });
    }

    /// The same key for the same registration, also after a crash before the answer came: so one host comes of it.
    pub(super) fn enrolment_key(&self, body: &RegisterHost) -> String {
        let what = protocol::Digest::of(&serde_json::to_vec(&(&self.server, body)).unwrap_or_default());
        let known: Option<(protocol::Digest, String)> = self.setup.state.read("enrol.json");
        if let Some((_, key)) = known.filter(|(known, _)| *known == what) {
            return key;
        }
        let key = fresh_key();
        self.setup.state.write_lightly("enrol.json", &(what, &key));
        key
    }

    pub(super) fn registered(&mut self, first: bool, answer: Result<Registered, NetError>) {
        self.registering = false;
        let registered = match answer {
            Ok(registered) => registered,
            Err(error) if !first => return self.refused(&error),
            Err(error) => {
                let text = format!("{} does not take this host: {error}", self.server);
                self.fatal = Some(anyhow::Error::new(error).context(text));
                return;
            }
        };
        if let Some(token) = registered.token {
            let identity = Identity {
                server: self.server.clone(),
                host: registered.host,
                token,
            };
            if let Err(error) = self.setup.state.write_identity(&identity) {
                self.fatal = Some(error);
                return;
            }
            // Attempts of another server, or of another life of this one, are not ours.
            self.clear(&[]);
            self.errands.client = self.anonymous.with_token(&identity.token);
            self.identity = Some(identity);
            drop(std::fs::remove_file(self.setup.state.join("enrol.json")));
            self.say(&format!("registered as host {}", registered.host));
        } else if !self.heard {
            self.say(&format!("back as host {}", registered.host));
        }
        self.beat_due = Instant::now();
        self.listen();
    }

    /// Hold a stream of orders.
    pub(super) fn listen(&mut self) {
        if let Some(old) = self.stream.take() {
            old.abort();
        }
        let Some(own) = &self.identity else { return };
        let path = format!("/v1/hosts/{}/events", own.host);
        let (client, link, sender) = (self.errands.client.clone(), Arc::clone(&self.link), self.sender.clone());
        let task = tokio::spawn(async move {
            loop {
                let mut events = match link.insist(|| Events::open(&client, &path)).await {
                    Ok(events) => events,
                    Err(error) => return drop(sender.send(Note::Unknown(error.to_string()))),
                };
                while let Ok(Some(data)) = events.next().await {
                    match serde_json::from_str(&data) {
                        Ok(orders) => drop(sender.send(Note::Orders(orders))),
                        Err(error) => tracing::warn!("orders that cannot be read: {error}"),
                    }
                }
                let pause = link.pauses().next(None);
                link.pause("the stream of orders was cut", pause).await;
            }
        });
        self.stream = Some(task.abort_handle());
    }

    pub(super) fn refused(&mut self, error: &NetError) {
        match error.status() {
            401 | 403 | 404 => self.unknown(&error.to_string()),
            _ => {
                tracing::warn!("{error}");
                self.beat_due = self.beat_due.max(Instant::now() + Duration::from_secs(5));
            }
        }
    }

    /// The server does not know us: all it told us is void, and we enrol anew.
    pub(super) fn unknown(&mut self, why: &str) {
        if self.identity.take().is_none() {
            return;
        }
        self.say(&format!(
            "{} does not know this host any more ({why}): enrolling anew",
            self.server
        ));
        for attempt in self.held.keys().copied().collect::<Vec<_>>() {
            self.drop_held(attempt);
        }
        self.orders = None;
        self.over.clear();
        self.registered_as = None;
        self.registering = false;
        (self.told, self.telling, self.taking, self.beating) = (Some(Place::Here), false, false, false);
        drop(std::fs::remove_file(self.setup.state.join("host.json")));
        if let Some(stream) = self.stream.take() {
            stream.abort();
        }
    }
}
