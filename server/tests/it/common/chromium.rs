//! A real Chromium without a window, driven over a pipe by its DevTools protocol.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Browser {
    child: Child,
    commands: File,
    answers: Receiver<Value>,
    next: u64,
    session: Option<String>,
    _folder: tempfile::TempDir,
}

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("BATON_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    named.into_iter().chain(usual).find(|path| path.exists())
}

fn pipe(path: &Path) -> File {
    assert!(Command::new("mkfifo").arg(path).status().is_ok_and(|status| status.success()));
    // Open in both directions, so that opening waits for nobody.
    File::options().read(true).write(true).open(path).expect("a pipe")
}

impl Browser {
    /// None, and a printed word, where Chromium is not installed.
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            println!("skipped: Chromium is not installed");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let (to, from) = (folder.path().join("to"), folder.path().join("from"));
        let (commands, answers) = (pipe(&to), pipe(&from));
        let child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<\"$TO\" 4>\"$FROM\""])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--remote-debugging-pipe", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg("about:blank")
            .env("TO", &to)
            .env("FROM", &from)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(answers).split(0) {
                let value = message.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
                if value.is_none_or(|value| sender.send(value).is_err()) {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            commands,
            answers: receiver,
            next: 0,
            session: None,
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", &attach);
        browser.session = Some(attached["sessionId"].as_str().expect("a session").to_owned());
        browser.call("Page.enable", &json!({}));
        browser.call("Runtime.enable", &json!({}));
        Some(browser)
    }

    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.ask(method, parameters)
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Result<Value, Value> {
        self.next += 1;
        let mut message = json!({"id": self.next, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.commands
            .write_all(format!("{message}\0").as_bytes())
            .expect("Chromium reads");
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let answer = self
                .answers
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("no answer to {method}"));
            if answer["id"] == self.next {
                return match &answer["error"] {
                    Value::Null => Ok(answer["result"].clone()),
                    error => Err(error.clone()),
                };
            }
        }
    }

    /// The value of an expression in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        self.try_evaluate(expression)
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    fn try_evaluate(&mut self, expression: &str) -> Result<Value, Value> {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.ask("Runtime.evaluate", &parameters)?;
        match &result["exceptionDetails"] {
            Value::Null => Ok(result["result"]["value"].clone()),
            exception => Err(exception.clone()),
        }
    }

    /// Waits until an expression is true; while one page makes way for the next there is nothing to ask.
    pub fn wait(&mut self, expression: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.try_evaluate(expression);
            if found == Ok(json!(true)) {
                return;
            }
            if Instant::now() > until {
                let text = self.evaluate("document.body.innerText");
                panic!(
                    "never true: {expression} ({found:?}); the page reads:\n{}",
                    text.as_str().unwrap_or("")
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn go(&mut self, url: &str) {
        self.call("Page.navigate", &json!({"url": url}));
        self.wait(&format!(
            "location.href.startsWith({url:?}) && document.readyState === 'complete'"
        ));
    }

    /// The size of the screen, as a phone or a desk has it.
    pub fn screen(&mut self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// A picture of what is on the screen, into the folder that `BATON_SCREENSHOTS` names, if it does.
    pub fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("BATON_SCREENSHOTS") else {
            return;
        };
        let shot = self.call("Page.captureScreenshot", &json!({"captureBeyondViewport": false}));
        let bytes = base64(shot["data"].as_str().expect("a picture"));
        std::fs::write(Path::new(&folder).join(name), bytes).expect("a place for pictures");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let message = json!({"id": 0, "method": "Browser.close"});
        let asked = self.commands.write_all(format!("{message}\0").as_bytes());
        for _ in 0..50 {
            if asked.is_err() || self.child.try_wait().is_ok_and(|status| status.is_some()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _killed = self.child.kill().is_ok();
        let _ended = self.child.wait().is_ok();
    }
}

fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
