//! Bad input on every route of the OpenAPI document: a problem document each, never a 500, nothing stored.

use crate::common::{Person, Worker, a_job, start, token};
use protocol::http::Problem;
use reqwest::Method;
use serde_json::{Value, json};

/// What no field expects.
fn wrong_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(-1),
        json!(1.5),
        json!(18_446_744_073_709_551_615u64),
        json!(""),
        json!("\u{0}\u{7f}<script>"),
        json!("x".repeat(100_000)),
        json!([]),
        json!([[[[]]]]),
        json!({}),
        json!({"a": {"b": {"c": 1}}}),
        json!(true),
    ]
}

/// A value that fits a schema, from its example-free description.
fn fitting(document: &Value, schema: &Value, depth: usize) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return fitting(document, &document["components"]["schemas"][name], depth + 1);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[choice].as_array() {
            return fitting(document, &choices[choices.len() - 1], depth + 1);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words[0].clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str().unwrap_or("null").to_owned(),
        kind => kind.as_str().unwrap_or("object").to_owned(),
    };
    match kind.as_str() {
        "integer" | "number" => json!(1),
        "boolean" => json!(false),
        "string" if schema["pattern"].is_string() => json!("0".repeat(64)),
        "string" => json!("word"),
        "array" if depth > 8 => json!([]),
        "array" => json!([fitting(document, &schema["items"], depth + 1)]),
        "object" => {
            let empty = serde_json::Map::new();
            let properties = schema["properties"].as_object().unwrap_or(&empty);
            Value::Object(
                properties
                    .iter()
                    .map(|(name, of)| (name.clone(), fitting(document, of, depth + 1)))
                    .collect(),
            )
        }
        _ => Value::Null,
    }
}

/// Bodies that are wrong in one place each, and some that are no bodies at all.
fn wrong_bodies(document: &Value, schema: &Value) -> Vec<Vec<u8>> {
    let good = fitting(document, schema, 0);
    let mut bodies: Vec<Vec<u8>> = [
        &b""[..],
        b"{",
        b"nul",
        b"\xff\xfe",
        b"[1,2",
        b"\"text\"",
        b"{\"unknown_field\":1}",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    bodies.push(vec![b'['; 200_000]);
    bodies.push(vec![b' '; 9 << 20]);
    bodies.extend(wrong_values().iter().map(|value| value.to_string().into_bytes()));
    if let Some(fields) = good.as_object() {
        for name in fields.keys() {
            for wrong in wrong_values() {
                let mut body = good.clone();
                body[name] = wrong;
                bodies.push(body.to_string().into_bytes());
            }
        }
        let mut body = good.clone();
        body["unknown_field"] = json!(1);
        bodies.push(body.to_string().into_bytes());
    }
    bodies
}

async fn judge(person: &Person, method: &Method, path: &str, body: Option<Vec<u8>>, expect_error: bool) -> bool {
    let mut request = person.request(method.clone(), path);
    let shown = body
        .as_ref()
        .map(|body| String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned());
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body);
    }
    let Ok(response) = request.send().await else {
        // The server may close on a body that it does not want to read.
        return false;
    };
    let status = response.status();
    assert_ne!(status.as_u16(), 500, "{method} {path} {shown:?}");
    let kind = response
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("")
        .to_owned();
    if status.is_success() {
        assert!(!expect_error, "{method} {path} took {shown:?}");
        return true;
    }
    assert_eq!(kind, "application/problem+json", "{method} {path} {shown:?} gave {status}");
    let text = response.text().await.unwrap();
    let problem: Problem = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{method} {path}: {error} in {text}"));
    assert!(problem.status == status.as_u16() && !problem.title.is_empty() && !problem.detail.is_empty());
    false
}

#[tokio::test]
async fn every_route_answers_bad_input_with_a_problem_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    scientist.submit(&a_job(&scientist, 5).await).await;
    worker.take().await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let enrolment = Person::new(&server.url, token(folder.path(), "host"));
    let nobody = Person::new(&server.url, "baton_operator_0".to_owned());
    let document: Value = operator.get("/v1/openapi.json").await;
    let before = server.engine.core().await.counts();
    let (jobs, hosts) = (before.jobs, before.hosts);
    let (mut routes, mut requests, mut enrolled) = (0, 0, 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            routes += 1;
            let open = matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics" | "/v1/server");
            let person = match path.as_str() {
                "/v1/hosts" if method == Method::POST => &enrolment,
                path if path.starts_with("/v1/hosts/") || path.starts_with("/v1/attempts/") => &worker.person,
                path if path.starts_with("/v1/tokens") => &operator,
                _ => &scientist,
            };
            let own = path
                .replace("{job}", "1")
                .replace("{host}", &worker.host.to_string())
                .replace("{attempt}", "1")
                .replace("{digest}", &"0".repeat(64))
                .replace("{id}", "none");
            if !open {
                judge(&nobody, &method, &own, None, true).await;
            }
            if path.contains('{') {
                for wrong in [
                    "0",
                    "99999",
                    "-1",
                    "1.5",
                    "18446744073709551616",
                    "%00",
                    "..%2f..%2fetc",
                    "x",
                    &"9".repeat(3000),
                ] {
                    let (begin, rest) = path.split_once('{').unwrap();
                    let (_, rest) = rest.split_once('}').unwrap();
                    requests += 1;
                    judge(person, &method, &format!("{begin}{wrong}{rest}"), Some(b"{}".to_vec()), true).await;
                }
            }
            for query in [
                "?cursor=x",
                "?cursor=-1",
                "?state=none",
                "?from=%ff",
                "?unknown=1",
                "?size=x&offset=y",
                "?offset=5&size=1",
            ] {
                let takes_none = operation["parameters"]
                    .as_array()
                    .is_none_or(|all| all.iter().all(|one| one["in"] != "query"));
                if !takes_none {
                    requests += 1;
                    judge(person, &method, &format!("{own}{query}"), None, true).await;
                }
            }
            let Some(schema) = operation["requestBody"]["content"]
                .get("application/json")
                .map(|content| &content["schema"])
            else {
                continue;
            };
            assert!(schema.is_object(), "{method} {path} has no schema");
            for body in wrong_bodies(&document, schema) {
                requests += 1;
                // Some of these are harmless where a field may be anything; they must not be errors of the server.
                let taken = judge(person, &method, &own, Some(body), false).await;
                enrolled += u64::from(taken && path == "/v1/hosts");
            }
            let untyped = person.request(method.clone(), &own).body("{}").send().await.unwrap();
            assert_eq!(
                untyped.headers()["content-type"],
                "application/problem+json",
                "{method} {path}"
            );
        }
    }
    println!("{routes} routes, {requests} bad requests");
    assert!(routes >= 28, "{routes} routes");
    let after = server.engine.core().await.counts();
    assert_eq!(
        after.jobs.values().sum::<u64>(),
        jobs.values().sum::<u64>(),
        "no job was stored"
    );
    let registered = after.hosts.values().sum::<u64>() - hosts.values().sum::<u64>();
    assert_eq!(registered, enrolled, "a host was stored that was refused");
    server.stop().await;
}
