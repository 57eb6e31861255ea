//! This host over the network: identity, registration, presence, offers, heartbeats, and the held stream of orders.

use std::sync::Arc;
use std::time::{Duration, Instant};

use planner::{Answer, Cause, Errand, ErrandId, Failure, Input, Presence, Trouble};
use protocol::http::{Heartbeat, LeaveNotice, Orders, RegisterHost, Registered};
use reqwest::Method;

use super::dispatch::answered;
use super::{Agent, Note};
use crate::agent::state::{Identity, StateFolder};
use crate::agent::{machine, signatures, words};
use crate::net::client::fresh_key;
use crate::net::events::Events;
use crate::net::link::Link;
use crate::net::{Client, NetError};

/// Between two orders that are read from the stream.
const ORDERS_PAUSE: Duration = Duration::from_millis(20);
/// Between two requests for a stream that was refused.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);

impl Agent {
    /// Begin an errand of the host itself.
    pub(super) fn begin_of_host(&mut self, id: ErrandId, errand: Errand) {
        let (client, link) = (self.errands.client.clone(), Arc::clone(&self.link));
        match errand {
            Errand::Enrol(body) => {
                let (state, anonymous) = (self.state.clone(), self.anonymous.clone());
                let enrolment = self.enrolment.clone().unwrap_or(client);
                self.spawn(id, async move {
                    let enrolled = enrol(&link, &state, &anonymous, &enrolment, &body).await;
                    Note::Enrolled(id, Box::new(enrolled))
                });
            }
            Errand::Update(host, body) => self.spawn(id, async move {
                let path = format!("/v1/hosts/{host}");
                let answer = link.insist(|| client.send::<Registered>(Method::PUT, &path, &body)).await;
                answered(id, answer.map(|_| Answer::Updated).map_err(trouble))
            }),
            Errand::Announce(host, presence) => {
                let path = format!("/v1/hosts/{host}/departure");
                let notice = notice(&presence);
                self.spawn(id, async move {
                    let answer: Result<Orders, NetError> = match &notice {
                        None => link.insist(|| client.call(Method::DELETE, &path)).await,
                        Some(notice) => link.insist(|| client.send(Method::POST, &path, notice)).await,
                    };
                    answered(id, answer.map(Answer::Orders).map_err(trouble))
                });
            }
            Errand::TakeOffers(host) => self.spawn(id, async move {
                let path = format!("/v1/hosts/{host}/leases");
                let answer: Result<Orders, NetError> = link.insist(|| client.call(Method::POST, &path)).await;
                answered(id, answer.map(Answer::Orders).map_err(trouble))
            }),
            Errand::Heartbeat(host, beat) => {
                let body = Heartbeat {
                    clock_ms: machine::now_ms(),
                    rtt_ms: link.rtt_ms(),
                    jobs: beat.jobs,
                    accepting: beat.declined.is_none(),
                    why: beat.declined.as_ref().map(words::declined),
                    errors: 0,
                    instance: Some(self.instance.clone()),
                };
                self.spawn(id, async move {
                    let path = format!("/v1/hosts/{host}/heartbeat");
                    let begun = Instant::now();
                    let answer = client.send(Method::POST, &path, &body).await;
                    if answer.is_ok() {
                        link.up(Some(begun.elapsed()));
                    }
                    Note::Beat(id, Box::new(answer.map(Answer::Orders)))
                });
            }
            // These are of a job.
            Errand::Fetch(_) | Errand::Commit { .. } | Errand::End { .. } => {}
        }
    }

    /// A heartbeat was answered, or was not: the pauses between those that are not grow.
    pub(super) fn beaten(&mut self, answer: Result<Answer, NetError>) -> Answer {
        match answer {
            Ok(answer) => {
                self.beat_pauses = self.link.pauses();
                answer
            }
            Err(error @ NetError::Refused(_)) => Answer::Trouble(trouble(error)),
            Err(error) => {
                let is_odd = !error.is_away();
                let (why, again) = match error {
                    NetError::Away { why, again } => (why, again),
                    other => (other.to_string(), None),
                };
                let pause = self.beat_pauses.next(again);
                if is_odd {
                    self.link.odd(&why, pause);
                } else {
                    self.link.down(&why, pause);
                }
                Answer::Away {
                    again_ms: super::millis(pause),
                }
            }
        }
    }

    /// Keep the identity that the server gave, or take up the one that this host has there already.
    pub(super) fn enrolled(&mut self, answer: Result<Enrolled, NetError>) -> Answer {
        let enrolled = match answer {
            Ok(enrolled) => enrolled,
            Err(error) => {
                let answer = Answer::NotEnrolled(format!("{} does not take this host", self.server));
                self.refusal = Some(error);
                return answer;
            }
        };
        let Enrolled { identity, home } = enrolled;
        if let Err(error) = home.write_identity(&identity) {
            return Answer::NotEnrolled(format!("the identity of this host cannot be kept: {error:#}"));
        }
        drop(std::fs::remove_file(home.join("enrol.json")));
        let host = identity.host;
        self.take_up(identity, home);
        Answer::Enrolled(host)
    }

    /// From now on be this host, with what its folder holds.
    pub(super) fn take_up(&mut self, identity: Identity, home: StateFolder) {
        self.errands.client = self.anonymous.with_token(&identity.token).of_server(identity.id.clone());
        self.errands.jobs = home.join("jobs");
        self.home = home;
        self.identity = Some(identity);
    }

    /// Delete the identity: the server has confirmed that it does not know it any more.
    pub(super) fn forget_host(&mut self) {
        self.identity = None;
        self.errands.client = self.anonymous.clone();
        drop(std::fs::remove_file(self.home.join("host.json")));
        if let Some(stream) = self.stream.take() {
            stream.abort();
        }
    }

    /// Hold a stream of orders, instead of the one that is held, if any.
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
                    Err(error) => {
                        // One refusal proves nothing: it is asked for again until the planner has made up its mind.
                        drop(sender.send(Note::Input(Input::Refused(trouble(error)))));
                        tokio::time::sleep(REFUSED_PAUSE).await;
                        continue;
                    }
                };
                while let Ok(Some(data)) = events.next().await {
                    match serde_json::from_str(&data) {
                        Ok(orders) => {
                            link.up(None);
                            drop(sender.send(Note::Input(Input::Orders(orders))));
                            // Nothing changes oftener that matters; what a server says faster waits in its connection.
                            tokio::time::sleep(ORDERS_PAUSE).await;
                        }
                        Err(error) => tracing::warn!("orders that cannot be read: {error}"),
                    }
                }
                let pause = link.pauses().next(None);
                link.pause("the stream of orders was cut", pause).await;
            }
        });
        self.stream = Some(task.abort_handle());
    }
}

/// A registration that was answered: who this host is, and the folder of that server.
pub(crate) struct Enrolled {
    identity: Identity,
    home: StateFolder,
}

/// Enrol at whatever server answers, unless this host is registered there already, by another URL perhaps.
async fn enrol(
    link: &Link,
    state: &StateFolder,
    anonymous: &Client,
    enrolment: &Client,
    body: &RegisterHost,
) -> Result<Enrolled, NetError> {
    let id = link.insist_at_first(|| anonymous.ask_id()).await?;
    let server = anonymous.base();
    let known = state.identities().into_iter().find(|(own, _)| id.is_some() && own.id == id);
    if let Some((identity, home)) = known {
        let identity = Identity { server, ..identity };
        return Ok(Enrolled { identity, home });
    }
    // Heartbeats say which running agent this is; a registration has to be the same when it is sent again after a crash.
    let body = &RegisterHost {
        instance: None,
        ..body.clone()
    };
    let home = state
        .home(id.as_ref(), &server)
        .map_err(|error| NetError::File(format!("{error:#}")))?;
    let (client, key) = (enrolment.of_server(id.clone()), enrolment_key(&home, &server, body));
    let registered: Registered = link.insist_at_first(|| client.post_once("/v1/hosts", &key, body)).await?;
    let token = registered
        .token
        .ok_or_else(|| NetError::Garbled(format!("{server} gave this host no token")))?;
    signatures::pin(&anonymous.with_token(&token).of_server(id.clone()), &home).await;
    let identity = Identity {
        server,
        id,
        host: registered.host,
        token,
    };
    Ok(Enrolled { identity, home })
}

/// The same key for the same registration, also after a crash before the answer came: so one host comes of it.
fn enrolment_key(home: &StateFolder, server: &str, body: &RegisterHost) -> String {
    let what = protocol::Digest::of(&serde_json::to_vec(&(server, body)).unwrap_or_default());
    let known: Option<(protocol::Digest, String)> = home.read("enrol.json");
    if let Some((_, key)) = known.filter(|(known, _)| *known == what) {
        return key;
    }
    let key = fresh_key();
    home.write_lightly("enrol.json", &(what, &key));
    key
}

/// What the server is told of where this host is; none that it is here.
fn notice(presence: &Presence) -> Option<LeaveNotice> {
    let (reason, back_in_ms) = match presence {
        Presence::Here => return None,
        Presence::Away { reason, back_in_ms } => (words::reason(reason), *back_in_ms),
        Presence::Leaving(why) => (words::leaving(*why).to_owned(), None),
    };
    Some(LeaveNotice {
        in_s: 0,
        back_in_s: back_in_ms.map(|ms| ms.div_ceil(1000)),
        reason,
    })
}

/// What a refusal of a request of the host says.
fn trouble(error: NetError) -> Trouble {
    let text = error.to_string();
    match error.status() {
        409 if error.kind() == "/problems/instance" => Trouble::Copied(text),
        401 | 403 | 404 => Trouble::UnknownHost(text),
        _ => {
            tracing::warn!("{text}");
            Trouble::Failed(Failure::new(Cause::Unknown, text))
        }
    }
}
