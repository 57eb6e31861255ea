//! No secret in a log, on standard output or in a database, however much is logged and whatever goes wrong.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::common::{Person, Worker, a_job, another_scientist, token};
use reqwest::Method;

#[tokio::test]
async fn no_secret_gets_into_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_baton-server"))
        .arg("--data")
        .arg(folder.path())
        .args(["--listen", "127.0.0.1:0"])
        .env("BATON_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut said = String::new();
    while !said.contains("The page:") {
        let mut bytes = [0; 4096];
        let read = stdout.read(&mut bytes).unwrap();
        assert!(read > 0, "{said}");
        said += std::str::from_utf8(&bytes[..read]).unwrap();
    }
    let url = said
        .lines()
        .next()
        .unwrap()
        .strip_prefix("baton-server listens on ")
        .unwrap()
        .to_owned();
    let names = ["operator", "scientist", "host"];
    let mut secrets: Vec<String> = names.iter().map(|name| token(folder.path(), name)).collect();
    let scientist = Person::new(&url, secrets[1].clone());
    let operator = Person::new(&url, secrets[0].clone());
    secrets.push(another_scientist(&operator, "bob").await.token);
    let worker = Worker::register(&url, &secrets[2], "desk", 1).await;
    secrets.push(worker.person.token.clone());
    scientist.submit(&a_job(&scientist, 3).await).await;
    worker.take().await;
    // Good and bad logins, tokens in the wrong places, wrong scopes, unknown paths and broken bodies.
    let guess = "baton_operator_0123456789abcdef".to_owned();
    secrets.push(guess.clone());
    for secret in &secrets {
        let login = scientist.request(Method::POST, "/login").body(format!("token={secret}"));
        drop(login.send().await.unwrap());
        let person = Person::new(&url, secret.clone());
        for path in [
            "/v1/jobs",
            "/v1/tokens",
            "/nowhere",
            "/v1/hosts/1/leases",
            "/page/events",
            &format!("/v1/jobs?token={secret}"),
        ] {
            drop(person.send(Method::POST, path, &secret).await);
            drop(person.request(Method::GET, path).send().await.unwrap());
        }
        let cookie = scientist
            .request(Method::GET, "/")
            .header("cookie", format!("baton={secret}"));
        drop(cookie.send().await.unwrap());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.lines().count() > 50 && log.contains("/v1/tokens"),
        "little was logged:\n{log}"
    );
    for (name, text) in [("the log", &log), ("standard output", &(said + &rest))] {
        for secret in &secrets {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{name} holds a secret");
        }
    }
}

#[test]
fn a_database_that_does_not_answer_is_told_of_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_baton-server"))
        .arg("--data")
        .arg(folder.path())
        .env("BATON_DATABASE", "postgres://baton:open-sesame@127.0.0.1:1/baton")
        .env("BATON_LOG", "trace")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("PostgreSQL") && !said.contains("open-sesame"), "{said}");
}
