//! An S3-compatible store in this process, spoken to over HTTP: what of S3's protocol the server uses, by S3's documentation. Signatures are checked, those of links too; conditional
//! writes, parts of less than 5 MiB and lists of more than one page are as there. It can be away, forbid, be slow, have another clock, or ignore conditions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, NaiveDateTime, Utc};
use ring::{digest, hmac};
use server::blob::{BlobPlace, s3::Settings};

pub const KEY: &str = "AKIDTEST";
pub const SECRET: &str = "a secret/of+the tests";
pub const BUCKET: &str = "lab";
/// Objects in one page of a list.
const PAGE: usize = 7;
const PART_BYTES_MIN: usize = 5 << 20;

struct Object {
    bytes: Bytes,
    at: DateTime<Utc>,
}

struct Upload {
    key: String,
    parts: BTreeMap<u32, Bytes>,
}

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    begun: u64,
}

/// What goes wrong, until it is taken back.
#[derive(Default)]
pub struct Faults {
    /// Every request is answered with status 503.
    pub away: AtomicBool,
    /// Requests that change anything are forbidden.
    pub read_only: AtomicBool,
    /// Conditions of writes are ignored.
    pub unconditional: AtomicBool,
    /// Requests are answered, and the answers are cut before their end.
    pub cut: AtomicBool,
    /// Before each answer, milliseconds.
    pub delay_ms: AtomicU64,
    /// By how many seconds the store's clock is ahead.
    pub ahead_s: AtomicU64,
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    faults: Faults,
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now() + Duration::from_secs(self.faults.ahead_s.load(Ordering::SeqCst))
    }
}

/// The store, until it is dropped.
pub struct Store {
    pub endpoint: String,
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Store {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Store {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self {
            endpoint,
            shared,
            serving,
        }
    }

    /// Variables by which a client finds it.
    pub fn environment(&self) -> Vec<(String, String)> {
        let all = [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    pub fn settings(&self, prefix: &str) -> Settings {
        let settings = Settings::parse(&format!("s3://{BUCKET}/{prefix}")).expect("a place");
        settings.with_environment(self.environment())
    }

    pub fn place(&self, prefix: &str) -> BlobPlace {
        BlobPlace::S3(self.settings(prefix))
    }

    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Keys of all objects.
    pub fn keys(&self) -> Vec<String> {
        self.shared.inner().objects.keys().cloned().collect()
    }

    /// Multipart uploads that are neither completed nor ended.
    pub fn uploads(&self) -> usize {
        self.shared.inner().uploads.len()
    }

    /// Makes the objects whose keys have a text in them older.
    pub fn age(&self, text: &str, by: Duration) {
        let mut inner = self.shared.inner();
        let objects = inner.objects.iter_mut().filter(|(key, _)| key.contains(text));
        objects.for_each(|(_, object)| object.at -= by);
    }

    /// Changes a byte of the object whose key has a text in it.
    pub fn damage(&self, text: &str) {
        let mut inner = self.shared.inner();
        let (_, object) = inner
            .objects
            .iter_mut()
            .find(|(key, _)| key.contains(text))
            .expect("an object");
        let mut bytes = object.bytes.to_vec();
        bytes[0] ^= 1;
        object.bytes = bytes.into();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

/// A refusal as S3 writes it.
fn refused(status: u16, code: &str) -> Response {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>a test's store says so</Message></Error>");
    (StatusCode::from_u16(status).expect("a status"), body).into_response()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        match (first, more) {
            (b'%', [a, b, after @ ..]) => {
                let digits = [*a, *b];
                let digits = std::str::from_utf8(&digits).expect("digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("digits"));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).expect("text")
}

type Query = BTreeMap<String, String>;

fn query(uri: &Uri) -> Query {
    let pairs = uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (unescaped(name), unescaped(value)))
        .collect()
}

/// A status and the code that S3 says with it.
type Refusal = (u16, &'static str);

/// Holds a request against its signature (AWS Signature Version 4).
fn signed(shared: &Shared, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let all = query(uri);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (credential, names, signature, date, payload) = match all.get("X-Amz-Signature") {
        Some(signature) => {
            let of = |name: &str| all.get(name).cloned().unwrap_or_default();
            let payload = "UNSIGNED-PAYLOAD".to_owned();
            (
                of("X-Amz-Credential"),
                of("X-Amz-SignedHeaders"),
                signature.clone(),
                of("X-Amz-Date"),
                payload,
            )
        }
        None => {
            let text = header("authorization");
            let of = |name: &str| {
                let rest = text.split(name).nth(1).unwrap_or("");
                rest.split([',', ' ']).next().unwrap_or("").to_owned()
            };
            let payload = header("x-amz-content-sha256").to_owned();
            (
                of("Credential="),
                of("SignedHeaders="),
                of("Signature="),
                header("x-amz-date").to_owned(),
                payload,
            )
        }
    };
    let parts: Vec<&str> = credential.split('/').collect();
    let [key, day, region, service, _] = parts[..] else {
        return Err((403, "AccessDenied"));
    };
    if key != KEY {
        return Err((403, "InvalidAccessKeyId"));
    }
    let at = NaiveDateTime::parse_from_str(&date, "%Y%m%dT%H%M%SZ").map_err(|_| (403, "AccessDenied"))?;
    let age_s = (shared.now() - at.and_utc()).num_seconds();
    match all.get("X-Amz-Expires").and_then(|text| text.parse::<i64>().ok()) {
        Some(valid_s) if age_s > valid_s => return Err((403, "AccessDenied")),
        None if age_s.abs() > 900 => return Err((403, "RequestTimeTooSkewed")),
        _ => {}
    }
    if payload != "UNSIGNED-PAYLOAD" && payload != sha256(body) {
        return Err((400, "XAmzContentSHA256Mismatch"));
    }
    let mut pairs: Vec<String> = uri
        .query()
        .unwrap_or("")
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(str::to_owned)
        .collect();
    pairs.retain(|pair| !pair.starts_with("X-Amz-Signature="));
    pairs
        .iter_mut()
        .filter(|pair| !pair.contains('='))
        .for_each(|pair| pair.push('='));
    pairs.sort();
    let lines: String = names
        .split(';')
        .map(|name| format!("{name}:{}\n", header(name).trim()))
        .collect();
    let request = format!("{method}\n{}\n{}\n{lines}\n{names}\n{payload}", uri.path(), pairs.join("&"));
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(request.as_bytes()));
    let steps = [day, region, service, "aws4_request"];
    let key = steps
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, step| mac(&key, step));
    match hex(&mac(&key, &text)) == signature {
        true => Ok(()),
        false => Err((403, "SignatureDoesNotMatch")),
    }
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", &sha256(bytes)[..32])
}

async fn answer(State(shared): State<Arc<Shared>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let answer = done(&shared, &method, &uri, &headers, body).await;
    match shared.faults.cut.load(Ordering::SeqCst) {
        true => {
            let (head, _) = answer.into_parts();
            let cut = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
            Response::from_parts(head, Body::from_stream(cut))
        }
        false => answer,
    }
}

async fn done(shared: &Shared, method: &Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Response {
    let faults = &shared.faults;
    tokio::time::sleep(Duration::from_millis(faults.delay_ms.load(Ordering::SeqCst))).await;
    if faults.away.load(Ordering::SeqCst) {
        return refused(503, "ServiceUnavailable");
    }
    if let Err((status, code)) = signed(shared, method, uri, headers, &body) {
        return refused(status, code);
    }
    let path = unescaped(uri.path());
    let (bucket, key) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    if bucket != BUCKET {
        return refused(404, "NoSuchBucket");
    }
    if faults.read_only.load(Ordering::SeqCst) && !method.is_safe() {
        return refused(403, "AccessDenied");
    }
    let all = query(uri);
    match (method.as_str(), key, all.get("uploadId")) {
        ("GET", "", _) => list(shared, &all),
        ("POST", "", _) => remove(shared, &body),
        ("POST", key, None) => begin(shared, key),
        ("PUT", key, Some(id)) => part(shared, key, id, &all, body),
        ("POST", key, Some(id)) => complete(shared, key, id, &body),
        ("DELETE", _, Some(id)) => match shared.inner().uploads.remove(id) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => refused(404, "NoSuchUpload"),
        },
        ("DELETE", key, None) => {
            shared.inner().objects.remove(key);
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", key, None) => put(shared, key, headers, body),
        ("GET" | "HEAD", key, _) => get(shared, key, headers),
        _ => refused(405, "MethodNotAllowed"),
    }
}

fn list(shared: &Shared, all: &Query) -> Response {
    let of = |name: &str| all.get(name).map_or("", String::as_str);
    let (prefix, after) = (of("prefix"), of("continuation-token").max(of("start-after")));
    let inner = shared.inner();
    let found = inner
        .objects
        .iter()
        .filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
    let found: Vec<_> = found.take(PAGE + 1).collect();
    let mut body = String::from("<?xml version=\"1.0\"?><ListBucketResult>");
    for (key, object) in found.iter().take(PAGE) {
        body += &format!(
            "<Contents><Key>{key}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
            object.at.format("%Y-%m-%dT%H:%M:%S.000Z"),
            tag(&object.bytes),
            object.bytes.len()
        );
    }
    match found.get(PAGE - 1).filter(|_| found.len() > PAGE) {
        Some((last, _)) => {
            body += &format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>");
        }
        None => body += "<IsTruncated>false</IsTruncated>",
    }
    (body + "</ListBucketResult>").into_response()
}

/// Texts of all elements of a name.
fn texts<'a>(body: &'a str, name: &str) -> Vec<&'a str> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let pieces = body.split(&begin).skip(1);
    pieces.filter_map(|piece| piece.split(&end).next()).collect()
}

fn remove(shared: &Shared, body: &[u8]) -> Response {
    let text = String::from_utf8_lossy(body);
    let mut answer = String::from("<?xml version=\"1.0\"?><DeleteResult>");
    for key in texts(&text, "Key") {
        shared.inner().objects.remove(key);
        answer += &format!("<Deleted><Key>{key}</Key></Deleted>");
    }
    (answer + "</DeleteResult>").into_response()
}

fn put(shared: &Shared, key: &str, headers: &HeaderMap, bytes: Bytes) -> Response {
    let mut inner = shared.inner();
    let must_be_new = headers.contains_key("if-none-match") && !shared.faults.unconditional.load(Ordering::SeqCst);
    if must_be_new && inner.objects.contains_key(key) {
        return refused(412, "PreconditionFailed");
    }
    let etag = tag(&bytes);
    let at = shared.now();
    inner.objects.insert(key.to_owned(), Object { bytes, at });
    [("etag", etag)].into_response()
}

fn get(shared: &Shared, key: &str, headers: &HeaderMap) -> Response {
    let inner = shared.inner();
    let Some(object) = inner.objects.get(key) else {
        return refused(404, "NoSuchKey");
    };
    let size = object.bytes.len();
    let range = headers
        .get("range")
        .and_then(|value| value.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let described = [
        ("etag", tag(&object.bytes)),
        ("last-modified", object.at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
    ];
    let Some((from, to)) = range else {
        return (described, object.bytes.clone()).into_response();
    };
    let from: usize = from.parse().expect("a number");
    let end = to.parse().map_or(size, |last: usize| (last + 1).min(size));
    if from >= end {
        return refused(416, "InvalidRange");
    }
    let of = [("content-range", format!("bytes {from}-{}/{size}", end - 1))];
    (StatusCode::PARTIAL_CONTENT, described, of, object.bytes.slice(from..end)).into_response()
}

fn begin(shared: &Shared, key: &str) -> Response {
    let mut inner = shared.inner();
    inner.begun += 1;
    let id = format!("upload/{}+", inner.begun);
    let (key, parts) = (key.to_owned(), BTreeMap::new());
    inner.uploads.insert(id.clone(), Upload { key, parts });
    let body = format!(
        "<?xml version=\"1.0\"?><InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
    );
    body.into_response()
}

fn part(shared: &Shared, key: &str, id: &str, all: &Query, bytes: Bytes) -> Response {
    let mut inner = shared.inner();
    let number = all.get("partNumber").and_then(|text| text.parse().ok());
    let upload = inner.uploads.get_mut(id).filter(|upload| upload.key == key);
    let Some((upload, number)) = upload.zip(number) else {
        return refused(404, "NoSuchUpload");
    };
    let etag = tag(&bytes);
    upload.parts.insert(number, bytes);
    [("etag", etag)].into_response()
}

fn complete(shared: &Shared, key: &str, id: &str, body: &[u8]) -> Response {
    let text = String::from_utf8_lossy(body).replace("&quot;", "\"");
    let mut inner = shared.inner();
    let Some(upload) = inner.uploads.get(id).filter(|upload| upload.key == key) else {
        return refused(404, "NoSuchUpload");
    };
    let (numbers, tags) = (texts(&text, "PartNumber"), texts(&text, "ETag"));
    let mut bytes = Vec::new();
    for (index, (number, etag)) in numbers.iter().zip(&tags).enumerate() {
        let part = number.parse().ok().and_then(|number: u32| upload.parts.get(&number));
        let Some(part) = part.filter(|part| tag(part) == **etag) else {
            return refused(400, "InvalidPart");
        };
        if index + 1 < numbers.len() && part.len() < PART_BYTES_MIN {
            return refused(400, "EntityTooSmall");
        }
        bytes.extend_from_slice(part);
    }
    let etag = tag(&bytes);
    inner.uploads.remove(id);
    let (bytes, at) = (bytes.into(), shared.now());
    inner.objects.insert(key.to_owned(), Object { bytes, at });
    let body =
        format!("<?xml version=\"1.0\"?><CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>");
    body.into_response()
}
