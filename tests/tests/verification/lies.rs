//! One host that computes nothing, and two that agree on a lie: found by other volunteers' machines or the operator's referee, and taken back.

use contracts::sharing::{FAST, Stage, poll};
use contracts::{baton, short_package};
use protocol::HostId;

use super::hostile::{Bench, Hostile, Kind};

/// A lie is committed; two honest machines come, find it, and finish the job.
#[test]
fn a_lie_is_found_and_taken_back() {
    let flags: Vec<&str> = FAST
        .iter()
        .copied()
        .chain(["--check-same-network", "--check-patience-s=1", "--prefetch-s=0"])
        .collect();
    let stage = Stage::new(None, &flags);
    let package = short_package("ising", 16, &stage.path("package"));
    // What class the CPU device is of, an agent says.
    let mut one = stage.worker("one", &[]);
    let classes = poll(|| Some(stage.host(1)?.devices.first()?.classes.clone())).expect("it registers");
    one.signal("INT");
    one.ended();
    // Checks are what is meant without a word.
    let job = stage.submit(&stage.path("package"), &["--segments=4"]);
    let device = device::select("cpu").expect("the CPU device is always there");
    let mut bench = Bench::open(&package, &*device);
    let mut liar = Hostile::enrol(&stage, Kind::Invents, &classes, 1);
    poll(|| {
        liar.turn(&stage, &mut bench);
        (liar.wrong > 0).then_some(())
    })
    .expect("it is offered the job");
    assert_eq!(
        stage.job(job).expect("an answer").segment,
        liar.wrong,
        "one host's word is taken, for now"
    );
    let workers = [stage.worker("one", &[]), stage.worker("two", &[])];
    let view = stage.completed(job);
    // Until today nothing was: a host is not told when it is checked.
    let verified = poll(|| workers[0].status()["verified"]["segments"].as_u64());
    assert_eq!(verified, Some(0));
    let host = stage.host(liar.host.0).expect("an answer");
    assert_eq!((host.standing.as_str(), host.faults), ("suspect", 1), "{host:#?}");
    let spans = &view.verification.spans;
    assert!(spans.iter().all(|span| span.host != liar.host), "{spans:#?}");
    assert!(view.verification.segments > 0, "{view:#?}");
    let why = stage.why(job);
    for said in ["came out differently on", "goes back to boundary 0 from"] {
        assert!(
            why.changes.iter().any(|change| change.reason.contains(said)),
            "{said}: {why:#?}"
        );
    }
    stage.assert_same_as_local(job, &package);
    let shown = stage.scientist(&["job", &job.to_string()]).output().expect("baton starts");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("confirmed by host"), "{shown}");
    let out = stage.path(&format!("fetched-{job}"));
    let found = std::fs::read(out.join("verification.json")).expect("a fetched run says what is verified");
    let found: serde_json::Value = serde_json::from_slice(&found).expect("JSON");
    assert_eq!(found[0]["verification"]["wanted"], "sampled");
    assert!(found[0]["verification"]["segments"].as_u64() > Some(0), "{found}");
    let mut fetch = stage.scientist(&["fetch", &job.to_string(), "--proof", "--out"]);
    let fetched = fetch.arg(&out).output().expect("baton starts");
    assert!(fetched.status.success(), "{}", contracts::said(&fetched));
    let mut verify = baton(["verify", "--json"]);
    let verified = verify.arg(out.join("proof.json")).output().expect("baton starts");
    assert!(verified.status.success(), "{}", contracts::said(&verified));
    let proven: serde_json::Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert_eq!((&proven["segments"], &proven["signed"]), (&4.into(), &4.into()), "{proven}");
    assert!(
        proven["confirmed"].as_u64() > Some(0) && proven["same_as_directory"] == true,
        "{proven}"
    );
    let mut verify = baton(["verify", "--sample", "2", "--device", "cpu"]);
    let verified = verify
        .arg(stage.path(&format!("fetched-{job}")))
        .output()
        .expect("baton starts");
    assert!(verified.status.success(), "{}", contracts::said(&verified));
}

/// A token of a scope for somebody, from the operator.
pub fn issue(stage: &Stage, scope: &str, subject: &str) -> Vec<u8> {
    let mut token = baton(["token", "new", scope, subject, "--server", &stage.url()]);
    let issued = token
        .arg("--token-file")
        .arg(stage.token_file("operator"))
        .output()
        .expect("baton starts");
    assert!(issued.status.success(), "{}", contracts::said(&issued));
    issued.stdout
}

/// Puts a token that enrols referees where [`Stage::worker`] looks for it.
pub fn referee_token(stage: &Stage) {
    std::fs::write(stage.token_file("referee"), issue(stage, "referee", "house")).expect("the token file");
}

/// Two liars confirm each other's lie; the operator's referee finds both.
#[test]
fn a_referee_decides_against_two_that_agree_on_a_lie() {
    let checks = [
        "--check-same-network",
        "--check-patience-s=1",
        "--prefetch-s=0",
        "--audit-percent=100",
    ];
    let flags: Vec<&str> = FAST.iter().copied().chain(checks).collect();
    let stage = Stage::new(None, &flags);
    let package = short_package("ising", 16, &stage.path("package"));
    // What may not be a referee says so.
    let mut wrong = baton([
        "worker",
        "--referee",
        "--device=cpu",
        "--no-priority-change",
        "--server",
        &stage.url(),
    ]);
    wrong
        .arg("--token-file")
        .arg(stage.token_file("host"))
        .arg("--state")
        .arg(stage.path("wrong"));
    let refused = wrong.output().expect("baton starts");
    assert!(
        contracts::said(&refused).contains("scope referee"),
        "{}",
        contracts::said(&refused)
    );
    referee_token(&stage);
    let referee = stage.worker("house", &["--referee"]);
    let house = poll(|| stage.host(referee.host())).expect("it registers");
    assert_eq!(house.standing, "referee");
    let classes = house.devices.first().expect("its device").classes.clone();
    let enrol = |seed| Hostile::enrol(&stage, Kind::Conspires, &classes, seed);
    let mut liars = [enrol(1), enrol(2)];
    let job = stage.submit(&stage.path("package"), &["--segments=4", "--verify=sampled"]);
    let device = device::select("cpu").expect("the CPU device is always there");
    let mut bench = Bench::open(&package, &*device);
    poll(|| {
        liars.iter_mut().for_each(|liar| liar.turn(&stage, &mut bench));
        liars.iter().all(|liar| liar.wrong > 0).then_some(())
    })
    .expect("one has the job, the other its check");
    let standing = |liar: &Hostile| stage.host(liar.host.0).is_some_and(|host| host.standing == "quarantined");
    poll(|| liars.iter().all(standing).then_some(())).expect("the referee finds both");
    // It takes no job: an honest machine does.
    let _worker = stage.worker("one", &[]);
    let view = stage.completed(job);
    let spans = &view.verification.spans;
    assert!(spans.iter().all(|span| span.host != HostId(referee.host())), "{spans:#?}");
    assert!(
        spans.iter().all(|span| liars.iter().all(|liar| liar.host != span.host)),
        "{spans:#?}"
    );
    stage.assert_same_as_local(job, &package);
}
