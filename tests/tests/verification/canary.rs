//! A device that computes other bits than its class says does not go on with class-bound work; one that computes the same does.

use contracts::sharing::{FAST, Stage, poll};
use contracts::short_package;
use protocol::Tier;

use super::hostile::{Bench, Hostile, Kind};

#[test]
fn a_device_goes_on_with_class_bound_work_only_where_it_computes_what_was_computed_before() {
    let flags: Vec<&str> = FAST.iter().copied().chain(["--prefetch-s=0"]).collect();
    let stage = Stage::new(None, &flags);
    let portable = short_package("ising", 16, &stage.path("portable"));
    let mut manifest = portable.manifest().clone();
    manifest.tier = Tier::ClassBound;
    let package = portable.with_manifest(manifest).expect("it is of both tiers");
    package.save(&stage.path("package")).expect("the folder can be written");
    let mut one = stage.worker("one", &[]);
    let classes = poll(|| Some(stage.host(1)?.devices.first()?.classes.clone())).expect("it registers");
    one.signal("INT");
    one.ended();
    let device = device::select("cpu").expect("the CPU device is always there");
    let mut bench = Bench::open(&package, &*device);
    // Each brings one segment home and leaves: the first is right, the second says that its device is of a class whose bits it does not compute.
    for (kind, is_right) in [(Kind::TurnsBad(9), true), (Kind::Invents, false)] {
        let job = stage.submit(&stage.path("package"), &["--segments=3", "--verify=none"]);
        let mut host = Hostile::enrol(&stage, kind, &classes, 1);
        poll(|| {
            host.turn(&stage, &mut bench);
            (host.right + host.wrong > 0).then_some(())
        })
        .expect("it is offered the job");
        host.leave(&stage);
        let mut worker = stage.worker("one", &[]);
        match is_right {
            true => {
                stage.completed(job);
                stage.assert_same_as_local(job, &package);
            }
            false => {
                let said = "the package's first segment came out different";
                let refused = || {
                    stage
                        .why(job)
                        .changes
                        .iter()
                        .any(|change| change.reason.contains(said))
                        .then_some(())
                };
                poll(refused).unwrap_or_else(|| panic!("{:#?}\n{}", stage.why(job), stage.logs()));
                assert_eq!(stage.job(job).expect("an answer").segment, 1, "it computed nothing of it");
            }
        }
        worker.signal("INT");
        worker.ended();
    }
}
