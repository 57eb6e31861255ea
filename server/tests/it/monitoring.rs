//! What is kept about each host and job, asked for over HTTP.

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::{MINUTE_MS, Person, Worker, a_job, start, token};
use protocol::Outcome;
use protocol::http::job::ClassPresence;
use protocol::http::{EndAttempt, Heartbeat, HostView, JobProgress, LeaveNotice, Listed, Orders, Why};
use reqwest::{Method, StatusCode};

#[tokio::test]
async fn latency_availability_boundaries_and_errors_are_kept_per_host() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 9).await).await;
    let lease = worker.take().await[0].clone();
    worker.compute(&lease, None, 2).await;
    let now_ms = server.engine.now_ms();
    for (rtt_ms, errors) in [(100, 0), (40, 2), (160, 1)] {
        let beat = Heartbeat {
            clock_ms: now_ms + 3_600_000,
            rtt_ms: Some(rtt_ms),
            jobs: vec![JobProgress {
                attempt: lease.attempt,
                epoch: lease.epoch,
                segment: 5,
                segment_ms: 20 * MINUTE_MS,
            }],
            accepting: true,
            why: None,
            errors,
            instance: None,
        };
        worker.orders("heartbeat", &beat).await;
    }
    let path = format!("/v1/hosts/{}", worker.host);
    let view: HostView = scientist.get(&path).await;
    assert_eq!((view.rtt_min_ms, view.rtt_mean_ms), (Some(40), Some(100)));
    assert!(
        (3_590_000..=3_600_000).contains(&view.clock_skew_ms),
        "{}",
        view.clock_skew_ms
    );
    assert_eq!((view.boundaries, view.errors, view.addresses), (3, 3, 1), "C0 is a boundary");
    assert_eq!((view.reliability.as_str(), view.losses, view.unplanned_stops), ("new", 0, 0));
    assert!(!view.hours_percent.is_empty() && view.hours_per_day_tenths > 200, "{view:?}");
    assert!(view.chance_ppm[0] > view.chance_ppm[1] && view.chance_ppm[1] > view.chance_ppm[2]);

    let running = scientist.job(job).await;
    assert_eq!(
        (running.progress, running.segment, running.left_ms),
        (5, 2, Some(4 * 20 * MINUTE_MS))
    );
    let moved = running.moved_bytes as f64 / 1e6;
    let ratio = running.minutes_per_mb.unwrap();
    assert!(
        (ratio - running.computed_ms as f64 / 60_000.0 / moved).abs() < 1e-9 && running.moved_bytes > 19,
        "{ratio}"
    );

    let end = EndAttempt {
        epoch: lease.epoch,
        outcome: Outcome::ClientError,
        cause: protocol::ErrorCause::Host,
        message: "device lost".to_owned(),
    };
    let _: Orders = worker.person.post(&format!("/v1/attempts/{}/end", lease.attempt), &end).await;
    let view: HostView = scientist.get(&path).await;
    assert!(
        view.errors == 4 && view.backoff_until_ms.is_some() && view.reason.contains("device lost"),
        "{view:?}"
    );
    assert!(view.devices[0].idle.as_ref().unwrap().contains("backed off"), "{view:?}");
    let notice = LeaveNotice {
        in_s: 0,
        back_in_s: None,
        reason: "Ctrl-C".to_owned(),
    };
    worker.orders("departure", &notice).await;
    let view: HostView = scientist.get(&path).await;
    assert_eq!((view.planned_stops, view.state), (1, protocol::HostState::Offline));

    let why: Why = scientist.get(&format!("/v1/jobs/{job}/why")).await;
    let class = why.class.unwrap();
    assert_eq!(
        (class.class, class.devices, class.online, class.waiting),
        (lease.class, 1, 0, 1)
    );
    assert!(
        why.sentence.contains("0 of 1 devices online, last seen 0 minutes ago"),
        "{}",
        why.sentence
    );
    assert!(
        why.sentence.contains("client-error on desk (host 1): device lost"),
        "{}",
        why.sentence
    );
    let classes: Vec<ClassPresence> = scientist.get("/v1/classes").await;
    assert_eq!(classes.iter().filter(|presence| presence.waiting == 1).count(), 1);
    server.stop().await;
}

#[tokio::test]
async fn metrics_count_requests_jobs_and_hosts_without_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    scientist.submit(&a_job(&scientist, 9).await).await;
    let nobody = Person::new(&server.url, String::new());
    let response = nobody.request(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.text().await.unwrap();
    for line in [
        "baton_jobs{state=\"queued\"} 1",
        "baton_hosts{state=\"online\"} 1",
        "baton_attempts 1",
        "baton_requests_total{method=\"POST\",route=\"/v1/jobs\",status=\"201\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    server.stop().await;
}

/// Names of the server's metrics in a text.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("baton_")).collect()
}

#[tokio::test]
async fn every_metric_that_the_board_and_the_alert_rules_name_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let _counted: Listed<HostView> = scientist.get("/v1/hosts").await;
    let text = scientist
        .client
        .get(format!("{}/metrics", server.url))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let known = metrics_in(&text);
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("monitoring");
    let board = std::fs::read_to_string(files.join("board.json")).unwrap();
    let _board: serde_json::Value = serde_json::from_str(&board).expect("the board is JSON");
    let alerts = std::fs::read_to_string(files.join("alerts.yml")).unwrap();
    for (file, text) in [("board.json", &board), ("alerts.yml", &alerts)] {
        let named = metrics_in(text);
        assert!(named.len() > 4, "{file} names {named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}, the server has {known:?}");
    }
    server.stop().await;
}
