//! The state folder: copied while an agent runs in it.

use contracts::sharing::{FAST, Stage, poll};
use contracts::{copy_folder, short_package};
use protocol::Outcome;

use crate::STEPS;

#[test]
fn a_copy_of_a_state_folder_becomes_a_host_of_its_own_and_disturbs_nothing() {
    let stage = Stage::new(None, FAST);
    let package = short_package("ising", STEPS, &stage.path("package"));
    let first = stage.worker("first", &[]);
    let host = first.host();
    stage.host_is(host, "online");
    copy_folder(&stage.path("first"), &stage.path("second"));
    let second = stage.worker("second", &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=40"]);
    let hosts = poll(|| {
        let hosts = [first.host(), second.host()];
        (hosts[0] != hosts[1]).then_some(hosts)
    });
    assert!(
        hosts.is_some_and(|hosts| hosts.contains(&host)),
        "{hosts:?}\n{}",
        stage.logs()
    );
    let done = stage.completed(job);
    let told = [first.said(), second.said()].map(|said| said.contains("copies of one state folder"));
    assert!(told[0] != told[1], "{}", stage.logs());
    let outcomes: Vec<Option<Outcome>> = done.stays.iter().map(|stay| stay.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Success)], "{}", stage.logs());
    stage.assert_same_as_local(job, &package);
}
