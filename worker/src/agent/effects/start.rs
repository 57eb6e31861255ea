//! The agent as it starts: from its state folder, the command line, the configuration file and the machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use planner::{Planner, Time};
use protocol::http::RegisterHost;
use tokio::sync::mpsc::unbounded_channel;

use super::errands::Errands;
use super::watch::{self, Looked, Watch};
use super::{Agent, DeviceSlot, Setup, classes, millis};
use crate::agent::preferences::Preferences;
use crate::agent::state::{Asked, Identity, StateFolder};
use crate::agent::view::View;
use crate::console::signals::Stop;
use crate::net::Client;
use crate::net::link::Link;

impl Agent {
    /// An agent that knows what its state folder holds.
    ///
    /// # Errors
    /// No server is named, the configuration file is wrong, or the first start has no token.
    pub(crate) fn new(setup: Setup, stop: Stop) -> anyhow::Result<Self> {
        let (found, table) = setup.access.worker()?;
        let preferences = Preferences::merge(&setup.given, table)?;
        let anonymous = Client::new(&found.server, "", found.ca.as_deref())?;
        let enrolment = found.token.as_deref().map(|token| anonymous.with_token(token));
        let server = anonymous.base().to_owned();
        let identity: Option<Identity> = setup.state.read("host.json");
        let identity = identity.filter(|identity| identity.server == server);
        if identity.is_none() && enrolment.is_none() {
            bail!(crate::exit::Usage(
                "no token: the first start needs the server's host token, --token-file FILE (host.token in the server's folder)".into()
            ));
        }
        let link = Arc::new(Link::new(setup.retry_max));
        let own = identity.as_ref().map(|own| anonymous.with_token(&own.token));
        let errands = Errands {
            client: own.unwrap_or_else(|| anonymous.clone()),
            link: Arc::clone(&link),
            blobs: setup.state.join("blobs"),
            jobs: setup.state.join("jobs"),
            downloading: Arc::default(),
        };
        let slots = setup.devices.iter().map(|device| DeviceSlot {
            device: Arc::clone(device),
            classes: classes(&**device),
            idle: Arc::default(),
        });
        let slots: Vec<DeviceSlot> = slots.collect();
        let asked = recall_request(&setup.state)?;
        let began = Instant::now();
        let looked = watch::look(&preferences, &setup.state);
        let watch = Watch::new(&setup.access, asked, looked.clone());
        let planner = Planner::new(
            planner::Setup {
                devices: slots
                    .iter()
                    .map(|slot| planner::Device {
                        id: slot.device.info().id.clone(),
                        classes: slot.classes.clone(),
                    })
                    .collect(),
                host: identity.as_ref().map(|own| own.host),
                can_enrol: enrolment.is_some(),
                orders: setup.state.read("orders.json"),
                description: describe(&slots, &preferences, &looked),
                policy: preferences.policy(),
                facts: looked.facts,
                request: asked.request(Time(0)),
                pause_patience_ms: millis(setup.pause_patience),
                contributed: setup.state.read("contributed.json").unwrap_or_default(),
                seed: getrandom::u64().unwrap_or_else(|_| std::process::id().into()),
            },
            Time(0),
        );
        let (sender, notes) = unbounded_channel();
        Ok(Self {
            planner,
            began,
            ending: None,
            state: setup.state,
            access: setup.access,
            given: setup.given,
            preferences,
            slots,
            threads: BTreeMap::new(),
            arrived: BTreeMap::new(),
            server,
            identity,
            anonymous,
            enrolment,
            errands,
            beat_pauses: link.pauses(),
            link,
            tasks: BTreeMap::new(),
            stream: None,
            refusal: None,
            stop,
            watch,
            view: View::new(),
            drawn: None,
            sender,
            notes,
        })
    }
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
pub(super) fn describe(slots: &[DeviceSlot], preferences: &Preferences, looked: &Looked) -> RegisterHost {
    let devices = slots.iter().map(|slot| protocol::http::DeviceReport {
        id: slot.device.info().id.clone(),
        name: slot
            .device
            .info()
            .name
            .chars()
            .filter(|c| !c.is_control())
            .take(100)
            .collect(),
        classes: slot.classes.clone(),
    });
    RegisterHost {
        name: name_of(preferences, looked),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: protocol::http::PROTOCOL,
        devices: devices.collect(),
        night: preferences.night(looked.minutes_ahead_of_utc),
        instance: None,
    }
}

pub(super) fn name_of(preferences: &Preferences, looked: &Looked) -> String {
    preferences.name.clone().unwrap_or_else(|| looked.name.clone())
}
