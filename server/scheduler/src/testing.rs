//! A state of any size, reached by events like any other: for benches and load tests.

use protocol::http::{DeviceReport, RegisterHost, SubmitJob};
use protocol::{Digest, HardwareClass, HostId, Tier};

use super::{Config, Core, Event, Origin};

/// Begins here: some Unix time, milliseconds.
pub const START_MS: u64 = 1_800_000_000_000;

/// The class number `index` of a tier, as measured nowhere.
pub fn class(tier: Tier, index: u64) -> HardwareClass {
    HardwareClass {
        tier,
        key: Digest::of(&index.to_le_bytes()),
    }
}

/// A registration of a host with one device of the portable class and of class-bound class number `kind`.
pub fn registration(name: &str, kind: u64) -> RegisterHost {
    RegisterHost {
        name: name.to_owned(),
        version: "0".to_owned(),
        protocol: protocol::http::PROTOCOL,
        devices: vec![DeviceReport {
            id: "cpu".to_owned(),
            name: "a device".to_owned(),
            classes: vec![class(Tier::Portable, 0), class(Tier::ClassBound, kind)],
        }],
        night: None,
        instance: None,
        referee: false,
        key: None,
    }
}

/// A submission of a job of that many segments.
pub fn submission(name: &str, tier: Tier, segments: u64) -> SubmitJob {
    SubmitJob {
        name: name.to_owned(),
        package: Digest::of(b"package"),
        archive: Digest::of(b"archive"),
        tier,
        segments,
        priority: 3,
        now: false,
        deadline_ms: None,
        after: None,
        tags: Vec::new(),
        segment_ms: None,
        restart_on_other_class: false,
        hold: false,
        verify: protocol::Verify::None,
        notify: None,
        signed: None,
    }
}

/// A scheduler with `hosts` hosts of `kinds` class-bound classes and `jobs` jobs of `users` users; every host has taken its offer.
///
/// # Panics
/// The scheduler refuses what it is given: more kinds than hosts, say.
pub fn populated(hosts: u64, jobs: u64, kinds: u64, users: u64) -> Core {
    populated_with((Digest::of(b"package"), Digest::of(b"archive")), hosts, jobs, kinds, users)
}

/// The same, whose jobs are of a package: its identity, and the blob of its archive.
///
/// # Panics
/// As above.
pub fn populated_with((package, archive): (Digest, Digest), hosts: u64, jobs: u64, kinds: u64, users: u64) -> Core {
    let mut core = Core::new(Config::default());
    for index in 0..jobs {
        let tier = if index % 2 == 0 { Tier::Portable } else { Tier::ClassBound };
        let mut job = submission(&format!("job {index}"), tier, 100 + index % 1000);
        job.priority = u8::try_from(index % 6).unwrap_or(0);
        (job.package, job.archive) = (package, archive);
        let event = Event::Submit {
            user: format!("user-{}", index % users.max(1)),
            job: Box::new(job),
            bytes: 1000,
        };
        core.apply(&event, START_MS).expect("such a submission is in order");
    }
    for index in 0..hosts {
        let body = registration(&format!("host {index}"), index % kinds.max(1));
        let register = Event::Register {
            host: None,
            body,
            address: index,
            origin: Origin::default(),
        };
        core.apply(&register, START_MS).expect("such a registration is in order");
        let take = Event::Take { host: HostId(index + 1) };
        core.apply(&take, START_MS).expect("the host has just registered");
        core.take_commands();
    }
    core
}
