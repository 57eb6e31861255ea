//! Contract: a made-up result is found by other volunteers' machines, taken back, and the end is that of an honest run, byte for byte. Real processes on
//! loopback; the host that lies is a client of the protocol that computes nothing.
//!
//! A referee, which is the operator's own machine, decides against two that agree on a lie.
//!
//! Run: `cargo nextest run --release -p contracts --test verification`.

#[expect(unreachable_pub, reason = "the server's own tests share it")]
#[path = "../../server/tests/it/common/postgres.rs"]
mod postgres;

use contracts::sharing::{FAST, Stage, poll};
use contracts::{baton, short_package};
use kernels::package::Package;
use kernels::run::initial_boundary;
use protocol::checkpoint::content_digest;
use protocol::http::{Commit, DeviceReport, Lease, Orders, PROTOCOL, RegisterHost, Registered};
use protocol::{ChainEntry, Checkpoint, Digest, HardwareClass, HostId};
use serde::de::DeserializeOwned;

/// A host that returns what it made up.
struct Liar {
    host: HostId,
    token: String,
}

fn read<T: DeserializeOwned>(answer: Option<serde_json::Value>) -> T {
    let answer = answer.expect("an answer");
    serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{error} in {answer}"))
}

impl Liar {
    fn enrol(stage: &Stage, classes: &[HardwareClass]) -> Self {
        let token = std::fs::read_to_string(stage.token_file("host")).expect("the token file");
        let body = RegisterHost {
            name: "liar".to_owned(),
            version: "1".to_owned(),
            protocol: PROTOCOL,
            devices: vec![DeviceReport {
                id: "cpu".to_owned(),
                name: "nothing".to_owned(),
                classes: classes.to_vec(),
            }],
            night: None,
            instance: None,
            referee: false,
            key: None,
        };
        let body = serde_json::to_vec(&body).expect("JSON");
        let registered: Registered = read(stage.send("POST", "/v1/hosts", token.trim(), &body));
        Self {
            host: registered.host,
            token: registered.token.expect("a first registration gives one"),
        }
    }

    /// The lease that it is offered.
    fn take(&self, stage: &Stage) -> Option<Lease> {
        let path = format!("/v1/hosts/{}/leases", self.host);
        let orders: Orders = read(stage.send("POST", &path, &self.token, &[]));
        orders.leases.into_iter().next()
    }

    /// Commits the first segment of a package: the initial state with one bit changed.
    fn lie(&self, stage: &Stage, lease: &Lease, package: &Package) {
        let (first, mut buffers) = initial_boundary(package);
        buffers[0].bytes[5] ^= 1;
        let step = package.manifest().run.steps_per_segment;
        let content = content_digest(&buffers);
        let entry = ChainEntry::next(package.digest(), Some(&first), step, content, first.outputs);
        let checkpoint = Checkpoint {
            package: package.digest(),
            entry: entry.clone(),
            class: lease.class,
            buffers,
        };
        let bytes = checkpoint.to_bytes().expect("a checkpoint");
        let blob = Digest::of(&bytes);
        let path = format!("/v1/blobs/{blob}?size={}", bytes.len());
        stage.send("PUT", &path, &self.token, &bytes);
        let commit = Commit {
            epoch: lease.epoch,
            entries: vec![first, entry],
            checkpoint: blob,
            outputs: None,
            computed_ms: 1,
            signature: None,
        };
        let path = format!("/v1/attempts/{}/commit", lease.attempt);
        let body = serde_json::to_vec(&commit).expect("JSON");
        let committed: protocol::http::Committed = read(stage.send("POST", &path, &self.token, &body));
        assert_eq!(committed.segment, 1, "one host's word is taken, for now");
    }
}

/// A lie is committed; two honest machines come, find it, and finish the job.
fn a_lie_is_found(database: Option<String>) {
    let flags: Vec<&str> = FAST
        .iter()
        .copied()
        .chain(["--check-same-network", "--check-patience-s=1", "--prefetch-s=0"])
        .collect();
    let stage = Stage::new(database, &flags);
    let package = short_package("ising", 16, &stage.path("package"));
    // What class the CPU device is of, an agent says.
    let mut one = stage.worker("one", &[]);
    let classes = poll(|| Some(stage.host(1)?.devices.first()?.classes.clone())).expect("it registers");
    one.signal("INT");
    one.ended();
    // Checks are what is meant without a word.
    let job = stage.submit(&stage.path("package"), &["--segments=4"]);
    let liar = Liar::enrol(&stage, &classes);
    let lease = poll(|| liar.take(&stage)).expect("it is offered the job");
    liar.lie(&stage, &lease, &package);
    assert_eq!(stage.job(job).expect("an answer").segment, 1);
    let _workers = [stage.worker("one", &[]), stage.worker("two", &[])];
    let view = stage.completed(job);
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

#[test]
fn a_lie_is_found_and_taken_back_on_sqlite() {
    a_lie_is_found(None);
}

#[test]
fn a_lie_is_found_and_taken_back_on_postgresql() {
    let Some(cluster) = postgres::Cluster::start() else { return };
    a_lie_is_found(Some(cluster.database("verification")));
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
    let mut token = baton(["token", "new", "referee", "house", "--server", &stage.url()]);
    let issued = token
        .arg("--token-file")
        .arg(stage.token_file("operator"))
        .output()
        .expect("baton starts");
    assert!(issued.status.success(), "{}", contracts::said(&issued));
    std::fs::write(stage.token_file("referee"), issued.stdout).expect("the token file");
    let referee = stage.worker("house", &["--referee"]);
    let house = poll(|| stage.host(referee.host())).expect("it registers");
    assert_eq!(house.standing, "referee");
    let classes = house.devices.first().expect("its device").classes.clone();
    let liars = [Liar::enrol(&stage, &classes), Liar::enrol(&stage, &classes)];
    let job = stage.submit(&stage.path("package"), &["--segments=4", "--verify=sampled"]);
    let mut lied = 0;
    poll(|| {
        for liar in &liars {
            if let Some(lease) = liar.take(&stage)
                && lied < 2
            {
                liar.lie(&stage, &lease, &package);
                lied += 1;
            }
        }
        (lied == 2).then_some(())
    })
    .expect("one has the job, the other its check");
    let standing = |liar: &Liar| stage.host(liar.host.0).is_some_and(|host| host.standing == "quarantined");
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

/// Keys are made, listed and published; then only what a listed key signed becomes a job, and an agent that takes signed work alone computes it. The
/// proof is checked against the root, and a changed one is refused.
#[test]
fn signed_work_from_the_scientists_key_to_a_proof_under_the_operators_root() {
    let stage = Stage::new(None, FAST);
    short_package("ising", 16, &stage.path("package"));
    let place = |name: &str| stage.path(name).display().to_string();
    let (url, operator) = (stage.url(), stage.token_file("operator").display().to_string());
    let as_operator = ["--server", url.as_str(), "--token-file", operator.as_str()];
    let run = |arguments: &[&str]| {
        let output = baton(arguments).output().expect("baton starts");
        assert!(output.status.success(), "{arguments:?}: {}", contracts::said(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let root = run(&["key", "new", &place("root.key")]);
    let ann = run(&["key", "new", &place("ann.key")]);
    assert_eq!(run(&["key", "show", &place("ann.key")]), ann);
    let own = run(&[&["key", "server", "--json"], &as_operator[..]].concat());
    let own: serde_json::Value = serde_json::from_str(&own).expect("JSON");
    let server = own["server"].as_str().expect("the server's key");
    let (scientist, server) = (
        format!("--add=scientist:scientist:{ann}"),
        format!("--add=server:baton:{server}"),
    );
    let list = place("keys.json");
    run(&["key", "list", "--root", &place("root.key"), &scientist, &server, "-o", &list]);
    run(&[&["key", "publish", &list], &as_operator[..]].concat());

    let refused = stage
        .try_submit(&stage.path("package"), &["--segments=2"])
        .expect_err("it is not signed");
    assert!(refused.contains("is not signed") && refused.contains("--key"), "{refused}");
    let job = stage.submit(&stage.path("package"), &["--segments=2", "--key", &place("ann.key")]);
    let _worker = stage.worker("careful", &["--signed-only", "--root-key", &root]);
    stage.completed(job);
    let out = stage.path("out");
    let mut fetch = stage.scientist(&["fetch", &job.to_string(), "--proof", "--out"]);
    let fetched = fetch.arg(&out).output().expect("baton starts");
    assert!(fetched.status.success(), "{}", contracts::said(&fetched));
    let proof = out.join("proof.json");
    let shown = run(&["verify", &proof.display().to_string(), "--root", &root, "--keys", &list]);
    for part in [
        "2 of 2 segments are signed by their hosts",
        "which the operator lists",
        "lists the server's key",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    // A newer list is known to the reader: the proof's is an older one.
    let newer = place("newer.json");
    run(&[
        "key",
        "list",
        "--root",
        &place("root.key"),
        "--from",
        &list,
        "--remove",
        &ann,
        "-o",
        &newer,
    ]);
    let older = baton(["verify", &proof.display().to_string(), "--root", &root, "--keys", &newer])
        .output()
        .expect("baton starts");
    assert!(!older.status.success() && contracts::said(&older).contains("number 1, and number 2 was seen before"));
    let text = std::fs::read_to_string(&proof).expect("the proof");
    let at = text.find("\"content\":\"").expect("a boundary") + "\"content\":\"".len();
    let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
    std::fs::write(&proof, format!("{}{other}{}", &text[..at], &text[at + 1..])).expect("the file");
    let changed = baton(["verify", &proof.display().to_string()])
        .output()
        .expect("baton starts");
    let said = contracts::said(&changed);
    assert!(
        !changed.status.success() && said.contains("line 1 of the chain: its digest is"),
        "{said}"
    );
}
