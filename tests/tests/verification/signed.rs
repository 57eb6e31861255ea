//! Signatures from the scientist's key to a proof that is checked under the operator's root, by the programs that people run.

use contracts::baton;
use contracts::sharing::{FAST, Stage};
use contracts::short_package;

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
