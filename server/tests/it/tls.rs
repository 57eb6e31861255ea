//! TLS when given a certificate: made here by OpenSSL, trusted by one client and by no other.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Person, Worker, a_job, client, options, token};
use protocol::JobState;
use reqwest::{Certificate, Client};
use server::serve::{Options, Server};

/// A certificate for 127.0.0.1 that signs itself, and its key; none, and a printed word, where OpenSSL is not installed.
fn certificate(folder: &Path, name: &str) -> Option<(PathBuf, PathBuf)> {
    let (chain, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=baton",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=CA:FALSE",
        ])
        .arg("-out")
        .arg(&chain)
        .arg("-keyout")
        .arg(&key)
        .output();
    match made {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            Some((chain, key))
        }
        Err(error) => {
            println!("skipped: openssl, which makes the certificate, does not run: {error}");
            None
        }
    }
}

#[tokio::test]
async fn everything_goes_through_tls_and_only_to_those_who_trust_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let Some(pair) = certificate(folder.path(), "own") else {
        return;
    };
    let root = Certificate::from_pem(&std::fs::read(&pair.0).unwrap()).unwrap();
    let pair_again = Some(pair.clone());
    let with_tls = Options {
        tls: Some(pair),
        ..options(folder.path(), None)
    };
    let server = Server::start(with_tls).await.unwrap();
    assert!(server.url.starts_with("https://"), "{}", server.url);
    assert!(server.welcome(folder.path()).contains(&format!("--server {}", server.url)));

    let named = Options {
        url: Some("https://baton.example".parse().unwrap()),
        listen: "0.0.0.0:0".parse().unwrap(),
        ..options(&folder.path().join("named"), None)
    };
    let other = Server::start(named).await.unwrap();
    assert!(
        other
            .welcome(folder.path())
            .contains("baton worker --server https://baton.example --token-file")
    );
    let warning = "Warning: tokens and results can be read and changed on the way; give --tls-cert";
    assert!(
        other.welcome(folder.path()).contains(warning),
        "it listens beyond this machine in the clear"
    );
    assert!(!server.welcome(folder.path()).contains("Warning"));
    let loopback = Server::start(options(&folder.path().join("loopback"), None)).await.unwrap();
    assert!(!loopback.welcome(folder.path()).contains("Warning"));
    loopback.stop().await;
    let everywhere = Options {
        tls: pair_again,
        listen: "0.0.0.0:0".parse().unwrap(),
        ..options(&folder.path().join("everywhere"), None)
    };
    let everywhere = Server::start(everywhere).await.unwrap();
    assert!(!everywhere.welcome(folder.path()).contains("Warning"));
    everywhere.stop().await;
    other.stop().await;

    let stranger = client().get(format!("{}/healthz", server.url)).send().await;
    assert!(stranger.is_err(), "nobody else vouches for the certificate");
    let plain = client().get(server.url.replace("https", "http")).send().await;
    assert!(plain.is_err(), "nothing is answered without TLS");
    // A client that connects and says nothing keeps nobody out.
    let silent = tokio::net::TcpStream::connect(server.address).await.unwrap();

    let trusting = || {
        Client::builder()
            .no_proxy()
            .https_only(true)
            .tls_certs_only([root.clone()])
            .build()
            .unwrap()
    };
    let scientist = Person {
        client: trusting(),
        url: server.url.clone(),
        token: token(folder.path(), "scientist"),
    };
    let job = scientist.submit(&a_job(&scientist, 2).await).await;
    let enrolment = Person {
        client: trusting(),
        token: token(folder.path(), "host"),
        ..scientist.clone()
    };
    let worker = Worker::enrol(&enrolment, "desk", 1).await;
    let lease = worker.take().await[0].clone();
    worker.compute(&lease, None, 2).await;
    assert_eq!(scientist.job(job).await.state, JobState::Completed);

    let no_redirect = Client::builder()
        .no_proxy()
        .tls_certs_only([root.clone()])
        .redirect(reqwest::redirect::Policy::none());
    let login = no_redirect.build().unwrap().post(format!("{}/login", server.url));
    let answer = login.body(format!("token={}", scientist.token)).send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.ends_with("; Secure"),
        "the browser sends it through TLS alone: {cookie:?}"
    );
    drop(silent);
    server.stop().await;
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(own), Some(other)) = (certificate(folder.path(), "own"), certificate(folder.path(), "other")) else {
        return;
    };
    for (pair, word) in [
        ((own.0.clone(), other.1), "other.key"),
        ((own.1, own.0), "own.key"),
        (("no".into(), "no".into()), "no"),
    ] {
        let with_tls = Options {
            tls: Some(pair),
            ..options(&folder.path().join("data"), None)
        };
        let error = Server::start(with_tls).await.err().expect("refused");
        assert!(format!("{error:#}").contains(word), "{error:#}");
    }
}
