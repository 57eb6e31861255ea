//! A driver that computes wrongly, on the machines of three volunteers whom nothing connects: its class is quarantined, and nobody else.

use contracts::sharing::{FAST, Stage, poll};
use contracts::short_package;
use protocol::http::job::ClassPresence;
use protocol::{Digest, HardwareClass, Tier};

use super::hostile::{Bench, Hostile, Kind};
use super::impostor::{Impostor, cpu};
use super::lies::{issue, referee_token};

#[test]
fn a_driver_that_computes_wrongly_on_three_hosts_is_quarantined_and_nobody_else() {
    let checks = ["--check-same-network", "--check-patience-s=1", "--prefetch-s=0"];
    let flags: Vec<&str> = FAST.iter().copied().chain(checks).collect();
    let stage = Stage::new(None, &flags);
    let package = short_package("ising", 16, &stage.path("package"));
    referee_token(&stage);
    let referee = stage.worker("house", &["--referee"]);
    let sound = poll(|| Some(stage.host(referee.host())?.devices.first()?.classes.clone())).expect("it registers");
    // It passed as portable once; then a new version of the driver came.
    let broken = HardwareClass {
        tier: Tier::ClassBound,
        key: Digest::of(b"a driver"),
    };
    let portable = sound.iter().copied().filter(|class| class.tier == Tier::Portable);
    let classes: Vec<HardwareClass> = portable.chain([broken]).collect();
    let device = Impostor::new(cpu(), |program, _| {
        for module in &mut program.modules {
            module.source = module.source.replace("x == width - 1u", "x == width - 2u");
        }
    });
    let mut bench = Bench::open(&package, &device);
    let job = stage.submit(&stage.path("package"), &["--segments=2", "--verify=full"]);
    let (mut hosts, mut numbers) = (Vec::new(), Vec::new());
    for name in ["ann", "bob", "cay"] {
        let token = String::from_utf8(issue(&stage, "host", name)).expect("a token");
        // It says what its device computed, always.
        let mut host = Hostile::enrol_with(&stage, Kind::TurnsBad(u64::MAX), &classes, 1, token.trim());
        hosts.push(name);
        // The referee is the only one that may check it, and finds it wrong.
        poll(|| {
            host.turn(&stage, &mut bench);
            let changes = stage.why(job).changes;
            let back = changes
                .iter()
                .filter(|change| change.reason.contains("goes back to boundary"));
            (back.count() >= hosts.len()).then_some(())
        })
        .unwrap_or_else(|| panic!("{name} is not found\n{}", stage.logs()));
        assert!(host.right > 0, "it computed the job");
        host.leave(&stage);
        numbers.push(host.host);
    }
    let rows: Vec<ClassPresence> = serde_json::from_value(stage.get("/v1/classes").expect("an answer")).expect("classes");
    let quarantined: Vec<&ClassPresence> = rows.iter().filter(|row| row.quarantined.is_some()).collect();
    let [row] = quarantined[..] else { panic!("{rows:#?}") };
    assert_eq!(row.class, broken);
    for host in numbers {
        let view = stage.host(host.0).expect("an answer");
        assert_eq!(view.faults, 0, "the fault was the driver's: {view:#?}");
    }
    // Another driver of the same portable class goes on with everything.
    let honest = stage.worker("one", &[]);
    stage.completed(job);
    stage.assert_same_as_local(job, &package);
    let view = stage.host(honest.host()).expect("an answer");
    assert_eq!(view.faults, 0, "{view:#?}");
    assert_eq!(stage.host(referee.host()).expect("an answer").faults, 0);
}
