//! Where blobs are: one contract for a folder and a bucket; what a bucket adds; copies from one to the other; and what an operator is told of settings that do not fit.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use crate::common::s3::{BUCKET, Store};
use crate::common::{Worker, a_job, compute, options, token};
use futures_util::StreamExt as _;
use protocol::http::{BLOB_LINK, BlobView};
use protocol::{Digest, JobState};
use reqwest::{Method, StatusCode};
use server::blob::{BlobError, BlobPlace, Blobs, ByteStream, Bytes, FRESH, FolderBlobs, S3Blobs, read, s3::Settings};
use server::operate::blobs::copy;
use server::serve::Server;

const HOUR: Duration = Duration::from_secs(3600);
/// Bytes of a part of a blob in a bucket.
const PART: usize = 8 << 20;

fn stream(parts: Vec<io::Result<Bytes>>) -> ByteStream<'static> {
    futures_util::stream::iter(parts).boxed()
}

fn bytes(text: &str) -> Vec<io::Result<Bytes>> {
    vec![Ok(Bytes::from(text.to_owned()))]
}

fn cut(text: &str) -> Vec<io::Result<Bytes>> {
    let mut parts = bytes(text);
    parts.push(Err(io::Error::other("cut")));
    parts
}

/// Bytes that are not the same everywhere.
fn large(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|byte| (byte % 249) as u8 ^ (byte >> 17) as u8 ^ seed)
        .collect()
}

/// The one contract of all places. `age` makes a whole blob older.
async fn contract(blobs: &dyn Blobs, age: &dyn Fn(Digest, Duration)) {
    // A cut upload goes on where it stopped, and is invisible until it is whole.
    let digest = Digest::of(b"hello world");
    let first = blobs.put(digest, 0, 11, stream(cut("hello "))).await;
    assert!(matches!(first, Err(BlobError::Cut(_))), "{first:?}");
    assert_eq!(blobs.size(digest).await.unwrap(), None);
    assert!(matches!(blobs.get(digest, 0, 3).await, Err(BlobError::Missing(_))));
    assert_eq!(blobs.received(digest).await.unwrap(), 6);
    let gap = blobs.put(digest, 7, 11, stream(bytes("orld"))).await;
    assert!(matches!(gap, Err(BlobError::Offset { found: 7, expected: 6 })));
    assert_eq!(blobs.put(digest, 6, 11, stream(bytes("world"))).await.unwrap(), 11);
    assert_eq!(read(blobs, digest, 100).await.unwrap(), b"hello world");
    assert!(matches!(read(blobs, digest, 10).await, Err(BlobError::TooLarge { .. })));
    let mut part = blobs.get(digest, 6, 5).await.unwrap();
    assert_eq!(part.next().await.unwrap().unwrap(), "world");
    let empty = Digest::of(b"");
    assert_eq!(blobs.put(empty, 0, 0, stream(Vec::new())).await.unwrap(), 0);
    assert_eq!(read(blobs, empty, 0).await.unwrap(), b"");

    // Wrong bytes are dropped, and too many refused.
    let right = Digest::of(b"right");
    let wrong = blobs.put(right, 0, 5, stream(bytes("wrong"))).await;
    assert!(matches!(wrong, Err(BlobError::Digest { .. })));
    assert_eq!(blobs.received(right).await.unwrap(), 0);
    let long = blobs.put(right, 0, 4, stream(bytes("right"))).await;
    assert!(matches!(long, Err(BlobError::TooLarge { .. })));
    assert_eq!(blobs.put(right, 0, 5, stream(bytes("right"))).await.unwrap(), 5);

    // A sweep leaves an upload that goes on alone, and no second request gets between.
    let going = Digest::of(b"going on");
    let (send, rest) = tokio::sync::oneshot::channel();
    let last = futures_util::stream::once(async { rest.await.map_err(io::Error::other) });
    let upload = blobs.put(going, 0, 8, futures_util::stream::iter(bytes("going")).chain(last).boxed());
    let beside = async {
        while blobs.received(going).await.unwrap() < 5 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let second = blobs.put(going, 5, 8, stream(bytes(" on"))).await;
        assert!(matches!(second, Err(BlobError::Busy(_))), "{second:?}");
        assert_eq!(blobs.sweep(BTreeSet::new(), Duration::ZERO, Duration::ZERO).await.unwrap(), 0);
        send.send(Bytes::from(" on")).unwrap();
    };
    let (uploaded, ()) = tokio::join!(upload, beside);
    assert_eq!(uploaded.unwrap(), 8);

    // A sweep removes what it is told, when that is old enough, and old unfinished uploads.
    let (kept, gone, unfinished) = (Digest::of(b"kept"), Digest::of(b"gone"), Digest::of(b"cut"));
    for (digest, text) in [(kept, "kept"), (gone, "gone")] {
        blobs.put(digest, 0, 4, stream(bytes(text))).await.unwrap();
    }
    blobs.put(unfinished, 0, 3, stream(bytes("c"))).await.unwrap();
    let all = blobs.all().await.unwrap();
    let expected = [(digest, 11), (empty, 0), (right, 5), (going, 8), (kept, 4), (gone, 4)];
    assert_eq!(all, expected.into_iter().collect());
    let unneeded = BTreeSet::from([gone, unfinished]);
    assert_eq!(blobs.older(HOUR).await.unwrap(), BTreeSet::new());
    assert_eq!(blobs.sweep(unneeded.clone(), HOUR, HOUR).await.unwrap(), 0, "too young");
    [kept, gone].into_iter().for_each(|digest| age(digest, 2 * HOUR));
    blobs.put(kept, 0, 4, stream(bytes("kept"))).await.unwrap();
    let older = blobs.older(HOUR).await.unwrap();
    assert_eq!(
        older,
        BTreeSet::from([kept, gone]),
        "sent again while it is fresh, it is no younger"
    );
    age(kept, 2 * FRESH);
    assert!(!blobs.is_fresh(kept).await.unwrap());
    blobs.put(kept, 0, 4, stream(bytes("kept"))).await.unwrap();
    assert_eq!(
        blobs.older(HOUR).await.unwrap(),
        BTreeSet::from([gone]),
        "sent again, it is young"
    );
    assert_eq!(blobs.sweep(unneeded, HOUR, HOUR).await.unwrap(), 4);
    assert_eq!(
        (blobs.size(gone).await.unwrap(), blobs.size(kept).await.unwrap()),
        (None, Some(4))
    );
    assert_eq!(blobs.received(unfinished).await.unwrap(), 1);
    assert_eq!(blobs.sweep(BTreeSet::new(), HOUR, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(blobs.received(unfinished).await.unwrap(), 0);

    // Larger than a part.
    let content = large(2 * PART + 1000, 1);
    let digest = Digest::of(&content);
    let pieces = content.chunks(3 << 20).map(|piece| Ok(Bytes::from(piece.to_vec()))).collect();
    let size = content.len() as u64;
    assert_eq!(blobs.put(digest, 0, size, stream(pieces)).await.unwrap(), size);
    assert!(read(blobs, digest, size).await.unwrap() == content);

    assert_eq!(blobs.mark().await.unwrap(), None);
    blobs.set_mark("0123".to_owned()).await.unwrap();
    assert_eq!(blobs.mark().await.unwrap().as_deref(), Some("0123"));
}

fn file(folder: &Path, digest: Digest) -> PathBuf {
    folder.join(&digest.to_string()[..2]).join(digest.to_string())
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::open(folder.path()).unwrap();
    let age = |digest: Digest, by: Duration| {
        let file = File::options().write(true).open(file(folder.path(), digest)).unwrap();
        file.set_modified(SystemTime::now() - by).unwrap();
    };
    contract(&blobs, &age).await;
}

#[tokio::test]
async fn of_two_servers_that_share_a_folder_one_alone_works_on_an_upload() {
    let folder = tempfile::tempdir().unwrap();
    let servers = [(); 2].map(|()| FolderBlobs::open(folder.path()).unwrap());
    let digest = Digest::of(b"hello world");
    let (send, rest) = tokio::sync::oneshot::channel();
    let last = futures_util::stream::once(async { rest.await.map_err(io::Error::other) });
    let bytes_and_last = futures_util::stream::iter(bytes("hello ")).chain(last).boxed();
    let upload = servers[0].put(digest, 0, 11, bytes_and_last);
    let beside = async {
        while servers[1].received(digest).await.unwrap() < 6 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for (offset, text) in [(0, "other bytes"), (6, "there")] {
            let second = servers[1].put(digest, offset, 11, stream(bytes(text))).await;
            assert!(matches!(second, Err(BlobError::Busy(_))), "{second:?}");
        }
        send.send(Bytes::from("world")).unwrap();
    };
    let (uploaded, ()) = tokio::join!(upload, beside);
    assert_eq!(uploaded.unwrap(), 11);
    assert_eq!(read(&servers[1], digest, 11).await.unwrap(), b"hello world");
    // What one has begun the other goes on with, once that request has ended.
    let digest = Digest::of(b"handed over");
    assert_eq!(servers[0].put(digest, 0, 11, stream(bytes("handed "))).await.unwrap(), 7);
    assert_eq!(servers[1].put(digest, 7, 11, stream(bytes("over"))).await.unwrap(), 11);
}

#[tokio::test]
async fn a_bucket_keeps_the_contract_and_is_left_without_traces() {
    let store = Store::start().await;
    let blobs = store.place("deep/in/it").open().await.unwrap();
    contract(&*blobs, &|digest, by| store.age(&digest.to_string(), by)).await;
    let keys = store.keys();
    assert!(keys.iter().all(|key| key.starts_with("deep/in/it/")), "{keys:?}");
    assert!(
        !keys.iter().any(|key| key.contains("partial") || key.contains("tried")),
        "{keys:?}"
    );
    assert_eq!(store.uploads(), 0);
}

#[tokio::test]
async fn an_upload_goes_on_at_another_server_and_a_broken_one_is_ended_in_the_store() {
    let store = Store::start().await;
    let servers = [(); 2].map(|()| S3Blobs::open(&store.settings("")).unwrap());
    let content = large(3 * PART, 2);
    let (digest, size) = (Digest::of(&content), content.len() as u64);
    let piece = |from: usize, to: usize| stream(vec![Ok(Bytes::from(content[from..to].to_vec()))]);
    let came = servers[0].put(digest, 0, size, piece(0, 2 * PART + 5)).await.unwrap();
    assert_eq!(came, 2 * PART as u64 + 5);
    // The other one has what the store has.
    assert_eq!(servers[1].received(digest).await.unwrap(), 2 * PART as u64);
    let gap = servers[1].put(digest, came, size, piece(2 * PART + 5, 3 * PART)).await;
    assert!(matches!(gap, Err(BlobError::Offset { expected, .. }) if expected == 2 * PART as u64));
    assert_eq!(servers[1].size(digest).await.unwrap(), None);
    assert_eq!(
        servers[1]
            .put(digest, 2 * PART as u64, size, piece(2 * PART, 3 * PART))
            .await
            .unwrap(),
        size
    );
    assert!(read(&servers[1], digest, size).await.unwrap() == content);
    assert_eq!((store.uploads(), store.keys().len()), (0, 1));
    // The first one, which knows nothing of that, is told that it is there.
    assert_eq!(
        servers[0]
            .put(digest, came, size, piece(2 * PART + 5, 3 * PART))
            .await
            .unwrap(),
        size
    );

    // A size that changes on the way, so that nothing is left for the last part.
    let odd = large(2 * PART, 5);
    let digest = Digest::of(&odd);
    let first = odd[..PART + 1].to_vec();
    servers[0]
        .put(digest, 0, size, stream(vec![Ok(Bytes::from(first))]))
        .await
        .unwrap();
    let none = servers[1].put(digest, PART as u64, PART as u64, stream(Vec::new())).await;
    assert!(matches!(none, Err(BlobError::Offset { expected: 0, .. })), "{none:?}");
    assert_eq!((servers[1].received(digest).await.unwrap(), store.uploads()), (0, 0));

    // Two at once: what one says counts, the other's client begins again from there.
    let other = large(3 * PART, 3);
    let (digest, piece) = (Digest::of(&other), |from: usize, to: usize| {
        stream(vec![Ok(Bytes::from(other[from..to].to_vec()))])
    });
    assert!(servers[0].put(digest, 0, size, piece(0, PART + 1)).await.is_ok());
    let late = servers[1].put(digest, PART as u64, size, piece(PART, 2 * PART + 1)).await;
    assert_eq!(late.unwrap(), 2 * PART as u64 + 1);
    let overtaken = servers[0]
        .put(digest, PART as u64 + 1, size, piece(PART + 1, 2 * PART + 1))
        .await;
    assert!(matches!(overtaken, Err(BlobError::Busy(_))), "{overtaken:?}");
    assert_eq!(servers[0].received(digest).await.unwrap(), 2 * PART as u64);

    // Nobody goes on with it.
    assert_eq!(store.uploads(), 1);
    assert_eq!(servers[0].sweep(BTreeSet::new(), HOUR, HOUR).await.unwrap(), 0);
    store.age("partial", 2 * HOUR);
    assert_eq!(servers[0].sweep(BTreeSet::new(), HOUR, HOUR).await.unwrap(), 2 * PART as u64);
    assert_eq!((store.uploads(), store.keys().len()), (0, 1));
    // The server that had it in memory begins again.
    let gone = servers[1]
        .put(digest, 2 * PART as u64 + 1, size, piece(2 * PART + 1, 3 * PART))
        .await;
    assert!(gone.is_err());
    let whole = stream(vec![Ok(Bytes::from(other.clone()))]);
    assert_eq!(servers[1].put(digest, 0, size, whole).await.unwrap(), size);
    assert_eq!((store.uploads(), store.keys().len()), (0, 2));
}

#[tokio::test]
async fn a_server_on_a_bucket_runs_a_job_gives_links_and_waits_for_a_store_that_is_away() {
    let store = Store::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut with = options(folder.path(), None);
    with.blobs = Some(store.place("lab"));
    with.sizes.blob_max = 64 << 20;
    let server = Server::start(with.clone()).await.unwrap();
    let scientist = crate::common::Person::new(&server.url, token(folder.path(), "scientist"));
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let template = a_job(&scientist, 3).await;
    let job = scientist.submit(&template).await;
    let lease = worker.take().await[0].clone();
    let (first, last) = worker.compute(&lease, None, 1).await;
    assert_eq!(first.status(), StatusCode::OK);

    // Away for a moment: the upload waits, and is answered.
    store.faults().away.store(true, Ordering::SeqCst);
    let back = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        store.faults().away.store(false, Ordering::SeqCst);
    };
    let (done, ()) = tokio::join!(worker.compute(&lease, Some(last), 2), back);
    assert_eq!(done.0.status(), StatusCode::OK);
    let view = scientist.job(job).await;
    let end = compute(template.package, None, 3).pop().map(|entry| entry.digest);
    assert_eq!((view.state, view.chain), (JobState::Completed, end));

    // A link for who can follow it, the bytes for others and of small blobs.
    let content = large(1 << 20, 4);
    let digest = scientist.upload(&content).await;
    let path = format!("/v1/blobs/{digest}");
    let asked = |path: &str| scientist.request(Method::GET, path);
    assert_eq!(asked(&path).send().await.unwrap().bytes().await.unwrap(), content);
    let answer = asked(&path).header(BLOB_LINK, "yes").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let link = answer.headers()[BLOB_LINK].to_str().unwrap().to_owned();
    assert!(
        link.starts_with(&store.endpoint) && !link.contains(&scientist.token),
        "{link}"
    );
    let linked = |link: String| crate::common::client().get(link).header("range", "bytes=1000-").send();
    let found = linked(link.clone()).await.unwrap();
    assert_eq!(
        (found.status(), found.bytes().await.unwrap()),
        (StatusCode::PARTIAL_CONTENT, content[1000..].to_vec().into())
    );
    let other = template.archive.to_string();
    let forged = link.replace(
        &format!("{}/{digest}", &digest.to_string()[..2]),
        &format!("{}/{other}", &other[..2]),
    );
    assert!(forged != link && linked(forged).await.unwrap().status() == StatusCode::FORBIDDEN);
    let small = asked(&format!("/v1/blobs/{other}"))
        .header(BLOB_LINK, "yes")
        .send()
        .await
        .unwrap();
    assert_eq!(small.status(), StatusCode::OK);
    let view: BlobView = scientist.get(&format!("{path}/upload")).await;
    assert!(view.whole && view.received == 1 << 20);

    // Another database's server is kept from these blobs, and the setting keeps clients from links.
    server.stop().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let mut other = options(elsewhere.path(), None);
    other.blobs = Some(store.place("lab"));
    let refused = format!("{:#}", Server::start(other).await.err().expect("refused"));
    assert!(
        refused.contains("--blobs s3://lab/lab: these are the blobs of another database"),
        "{refused}"
    );
    with.blob_links = false;
    let server = Server::start(with).await.unwrap();
    let asked = scientist
        .client
        .get(format!("{}{path}", server.url))
        .bearer_auth(token(folder.path(), "operator"));
    assert_eq!(asked.header(BLOB_LINK, "yes").send().await.unwrap().status(), StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn bytes_that_the_store_gives_damaged_are_not_held_against_the_host_and_its_commit_comes_again() {
    let store = Store::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut with = options(folder.path(), None);
    with.blobs = Some(store.place("lab"));
    let server = Server::start(with).await.unwrap();
    let scientist = crate::common::Person::new(&server.url, token(folder.path(), "scientist"));
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 3).await).await;
    let lease = worker.take().await[0].clone();
    let (commit, _) = worker.work(&lease, None, 1, lease.class).await;
    let checkpoint = commit.checkpoint.to_string();
    store.damage(&checkpoint);
    let damaged = worker.commit(lease.attempt, &commit).await;
    assert_eq!(damaged.status(), StatusCode::SERVICE_UNAVAILABLE);
    let view = scientist.job(job).await;
    assert_eq!((view.segment, view.epoch, view.host), (0, 1, Some(worker.host)));
    assert!(view.errors.is_empty(), "{:?}", view.errors);
    // The same bit once more: what was brought is there again.
    store.damage(&checkpoint);
    let again = worker.commit(lease.attempt, &commit).await;
    assert_eq!((again.status(), scientist.job(job).await.segment), (StatusCode::OK, 1));
    server.stop().await;
}

fn copying(from: &str, to: &str, store: &Store) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton-server"));
    command.args(["blobs", "copy", from, to]).envs(store.environment());
    command
}

fn ended(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn blobs_are_copied_to_a_bucket_and_back_and_a_copy_that_was_killed_goes_on() {
    let store = Store::start().await;
    let [source, back] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let from = FolderBlobs::open(source.path()).unwrap();
    let mut all = BTreeSet::new();
    for seed in 0..40 {
        let content = large(if seed == 0 { 2 * PART + 9 } else { 3000 }, seed);
        let digest = Digest::of(&content);
        from.put(digest, 0, content.len() as u64, stream(vec![Ok(Bytes::from(content))]))
            .await
            .unwrap();
        all.insert(digest);
    }
    from.set_mark("a mark".to_owned()).await.unwrap();
    let to = format!("s3://{BUCKET}/copied");
    let source_text = source.path().display().to_string();

    // Killed when some of it is there: no mark says that it is whole.
    store.faults().delay_ms.store(20, Ordering::SeqCst);
    let child = copying(&source_text, &to, &store).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while store.keys().len() < 12 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", store.keys());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ended(child);
    store.faults().delay_ms.store(0, Ordering::SeqCst);
    let target = store.place("copied");
    let there = S3Blobs::open(&store.settings("copied")).unwrap();
    let before = there.all().await.unwrap().len() as u64;
    assert!((1..40).contains(&before) && there.mark().await.unwrap().is_none(), "{before}");
    let again = tokio::task::spawn_blocking({
        let mut command = copying(&source_text, &to, &store);
        move || command.output().unwrap()
    });
    let again = again.await.unwrap();
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(
        again.status.success() && said.contains(&format!("{before} were there")),
        "{said}"
    );
    assert_eq!(there.all().await.unwrap().into_keys().collect::<BTreeSet<_>>(), all);
    assert_eq!(there.mark().await.unwrap().as_deref(), Some("a mark"));

    // Back, with a damaged one, which is named and does not arrive.
    let damaged = *all.last().unwrap();
    store.damage(&damaged.to_string());
    let place = BlobPlace::Folder(back.path().join("blobs"));
    let copied = copy(&target, &place, |_| {}).await.unwrap();
    assert_eq!((copied.came.0, copied.there, copied.wrong.len()), (39, 0, 1));
    assert!(
        copied.wrong[0].contains(&damaged.to_string()) && copied.wrong[0].contains("damaged"),
        "{copied:?}"
    );
    let folder = FolderBlobs::open(&back.path().join("blobs")).unwrap();
    assert_eq!(
        (folder.size(damaged).await.unwrap(), folder.mark().await.unwrap()),
        (None, None)
    );
    let copied = copy(&BlobPlace::Folder(source.path().to_owned()), &place, |_| {})
        .await
        .unwrap();
    assert_eq!((copied.came.0, copied.there, copied.wrong.len()), (1, 39, 0));
    assert_eq!(folder.all().await.unwrap().into_keys().collect::<BTreeSet<_>>(), all);
    from.set_mark("another mark".to_owned()).await.unwrap();
    let refused = copy(&BlobPlace::Folder(source.path().to_owned()), &target, |_| {}).await;
    assert!(format!("{:#}", refused.unwrap_err()).contains("another database"));
}

#[tokio::test]
async fn a_bucket_that_cannot_be_used_is_refused_with_the_setting_and_the_fix() {
    let store = Store::start().await;
    let open = async |settings: Settings| match BlobPlace::S3(settings).open().await {
        Ok(_) => "it was opened".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    let with = |name: &str, value: &str| {
        let mut variables = store.environment();
        variables.retain(|(known, _)| known != name);
        variables.push((name.to_owned(), value.to_owned()));
        store.settings("").with_environment(variables)
    };
    let elsewhere = Settings::parse("s3://elsewhere/baton")
        .unwrap()
        .with_environment(store.environment());
    let said = open(elsewhere).await;
    assert!(
        said.contains("--blobs s3://elsewhere/baton") && said.contains("no such bucket"),
        "{said}"
    );
    for (name, value, expected) in [
        ("AWS_ACCESS_KEY_ID", "AKIDOTHER", "correct AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "another", "correct AWS_SECRET_ACCESS_KEY"),
    ] {
        let said = open(with(name, value)).await;
        assert!(said.contains(expected) && !said.contains("a secret"), "{said}");
    }
    let faults = store.faults();
    faults.read_only.store(true, Ordering::SeqCst);
    let said = open(store.settings("")).await;
    assert!(
        said.contains("may not do this: its policy has to allow s3:GetObject, s3:PutObject"),
        "{said}"
    );
    faults.read_only.store(false, Ordering::SeqCst);
    faults.unconditional.store(true, Ordering::SeqCst);
    let said = open(store.settings("")).await;
    assert!(said.contains("conditional writes are needed"), "{said}");
    faults.unconditional.store(false, Ordering::SeqCst);
    for (ahead_s, expected) in [
        (400, "this machine's clock and the store's differ by"),
        (2000, "this machine's clock is far off"),
    ] {
        faults.ahead_s.store(ahead_s, Ordering::SeqCst);
        let said = open(store.settings("")).await;
        assert!(said.contains(expected) && said.contains("NTP"), "{said}");
    }
    faults.ahead_s.store(0, Ordering::SeqCst);
    assert!(store.keys().is_empty(), "what was tried is gone");
    assert_eq!(open(store.settings("")).await, "it was opened");
}
