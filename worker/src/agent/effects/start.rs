//! The agent as it starts: from its state folder, the command line, the configuration file and the machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use planner::{Planner, Time};
use protocol::http::RegisterHost;
use signing::SecretKey;
use tokio::sync::mpsc::unbounded_channel;

use super::devices::{Search, listen, planner_device};
use super::errands::Errands;
use super::watch::{self, Looked, Watch};
use super::{Agent, Setup, millis};
use crate::agent::devices::{Lent, Lookout};
use crate::agent::machine;
use crate::agent::preferences::Preferences;
use crate::agent::signatures;
use crate::agent::state::{Asked, Identity, StateFolder};
use crate::agent::traffic::Traffic;
use crate::console::signals::Stop;
use crate::net::Client;
use crate::net::client::fresh_key;
use crate::net::link::Link;

/// Time for the server to say which one it is; without an answer the agent goes on as the host that it was there.
const ASK_TIME: Duration = Duration::from_secs(5);

impl Agent {
    /// An agent that knows what its state folder holds of the server.
    ///
    /// # Errors
    /// No server is named, the configuration file is wrong, or the first start has no token.
    pub(crate) async fn new(setup: Setup, stop: Stop) -> anyhow::Result<Self> {
        let (found, seat) = (setup.server, setup.seat);
        let preferences = Preferences::merge(&setup.given, setup.access.preferences()?)?;
        let mut anonymous = Client::new(&found.server, "", found.ca.as_deref())?;
        anonymous.transfers = setup.transfers;
        let enrolment = found.token.as_deref().map(|token| anonymous.with_token(token));
        let server = anonymous.base();
        let (own, words) = recall_identity(&setup.state, &anonymous).await?;
        if own.is_none() && enrolment.is_none() {
            bail!(crate::exit::Usage(match words {
                Some(words) => format!("{words}; that needs the server's host token, --token-file FILE"),
                None if seat.is_shared() => format!(
                    "no token for {server}: the first start needs the server's host token, token-file=FILE behind its URL (host.token in the server's folder)"
                ),
                None =>
                    "no token: the first start needs the server's host token, --token-file FILE (host.token in the server's folder)".into(),
            }));
        }
        let link = Arc::new(Link::new(setup.retry_max));
        let (identity, home) = match own {
            Some((identity, home)) => (Some(identity), home),
            // Nothing is written here: a host that is not registered has neither orders nor jobs.
            None => (None, setup.state.unregistered()),
        };
        let own = identity
            .as_ref()
            .map(|own| anonymous.with_token(&own.token).of_server(own.id.clone()));
        let errands = Errands {
            client: own.unwrap_or_else(|| anonymous.clone()),
            link: Arc::clone(&link),
            blobs: setup.state.join("blobs"),
            jobs: home.join("jobs"),
            downloading: Arc::default(),
        };
        let found = setup.found.or_refused(identity.is_some())?;
        let devices = found.devices;
        let instance = fresh_key();
        let key = Arc::new(signatures::own_key(&setup.state)?);
        let asked = recall_request(&setup.state)?;
        let began = Instant::now();
        let mut looked = watch::look(&preferences, &setup.state);
        let mut traffic: Traffic = setup.state.read("traffic.json").unwrap_or_default();
        traffic.count(0, machine::now_ms());
        looked.facts.month_bytes = traffic.bytes;
        let contributed = seat.contributed();
        preferences.limit(&anonymous.transfers);
        let watch = Watch::new(&setup.access, asked, looked.clone(), Lookout::new(setup.drivers));
        let planner = Planner::new(
            planner::Setup {
                devices: devices.iter().map(planner_device).collect(),
                host: identity.as_ref().map(|own| own.host),
                can_enrol: enrolment.is_some(),
                orders: home.read("orders.json"),
                description: describe(&devices, &preferences, &looked, (&instance, &key)),
                policy: preferences.policy(),
                facts: looked.facts,
                request: asked.request(Time(0)),
                pause_patience_ms: millis(setup.pause_patience),
                contributed,
                seed: getrandom::u64().unwrap_or_else(|_| std::process::id().into()),
            },
            Time(0),
        );
        let (sender, notes) = unbounded_channel();
        let mut agent = Self {
            planner,
            began,
            ending: None,
            state: setup.state,
            home,
            access: setup.access,
            given: setup.given,
            preferences,
            traffic,
            seat,
            turn: planner::Turn::default(),
            devices,
            search: Search::Idle,
            threads: BTreeMap::new(),
            arrived: BTreeMap::new(),
            server,
            instance,
            key,
            identity,
            anonymous,
            enrolment,
            errands,
            beat_pauses: link.pauses(),
            link,
            tasks: BTreeMap::new(),
            stream: None,
            credit: None,
            verified: None,
            refusal: None,
            stop,
            watch,
            drawn: None,
            sender,
            notes,
        };
        for path in agent.state.damaged_identities() {
            agent.say(&format!(
                "{} cannot be read: what this host was there, and its jobs, are not known; it enrols anew",
                path.display()
            ));
        }
        if let Some(words) = words {
            agent.say(&words);
        }
        for line in found.missing {
            agent.say(&format!("{line}; it is looked for again when drivers or cards change"));
        }
        listen(agent.sender.clone())?;
        Ok(agent)
    }
}

/// What this host is at the server that answers at the URL; where none answers, at the one that was last reached there. And what a person
/// should know of it.
async fn recall_identity(
    state: &StateFolder,
    anonymous: &Client,
) -> anyhow::Result<(Option<(Identity, StateFolder)>, Option<String>)> {
    let server = anonymous.base();
    let mut known = state.identities();
    let by_url = known.iter().position(|(own, _)| own.server == server);
    let asked = tokio::time::timeout(ASK_TIME, anonymous.ask_id()).await;
    let Ok(Ok(Some(id))) = asked else {
        return Ok((by_url.map(|index| known.swap_remove(index)), None));
    };
    if let Some(index) = known.iter().position(|(own, _)| own.id.as_ref() == Some(&id)) {
        let (own, home) = known.swap_remove(index);
        if own.server == server {
            return Ok((Some((own, home)), None));
        }
        let words = format!(
            "{server} is the server of host {}, which was reached at {} before",
            own.host, own.server
        );
        let own = Identity { server, ..own };
        home.write_identity(&own)?;
        return Ok((Some((own, home)), Some(words)));
    }
    let Some((own, home)) = by_url.map(|index| known.swap_remove(index)) else {
        return Ok((None, None));
    };
    if own.id.is_none() {
        // Registered before servers had ids.
        let (own, home) = (
            Identity {
                id: Some(id.clone()),
                ..own
            },
            state.rename_home(&home, &id)?,
        );
        home.write_identity(&own)?;
        return Ok((Some((own, home)), None));
    }
    let words = format!(
        "another server than before answers at {server}, so this host enrols there anew. What is of the former one, where it is host {}, stays in {} ({} jobs); \
         delete that folder if that server is gone for good",
        own.host,
        home.path().display(),
        home.job_folders()
    );
    Ok((None, Some(words)))
}

/// What a person asked for earlier. A request to finish was for the agent that ended then.
fn recall_request(state: &StateFolder) -> anyhow::Result<Asked> {
    let asked: Asked = state.read("request.json").unwrap_or_default();
    if asked != Asked::Finish {
        return Ok(asked);
    }
    state.write("request.json", &Asked::Run)?;
    Ok(Asked::Run)
}

/// What the server is to know of this host.
pub(super) fn describe(
    devices: &[Lent],
    preferences: &Preferences,
    looked: &Looked,
    (instance, key): (&str, &SecretKey),
) -> RegisterHost {
    RegisterHost {
        name: name_of(preferences, looked),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: protocol::http::PROTOCOL,
        devices: devices.iter().map(Lent::report).collect(),
        night: preferences.night(looked.facts.local_minute, looked.minutes_ahead_of_utc),
        instance: Some(instance.to_owned()),
        referee: preferences.referee,
        key: Some(key.public()),
    }
}

pub(super) fn name_of(preferences: &Preferences, looked: &Looked) -> String {
    preferences.name.clone().unwrap_or_else(|| looked.name.clone())
}
