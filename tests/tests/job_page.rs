//! Contract: the page of a molecular job shows the particles of its newest checkpoint, which a volunteer computed, as a picture that mouse and keyboard turn. In a real browser, with real processes.

#[expect(unreachable_pub, reason = "the server's own tests share it")]
#[path = "../../server/tests/it/common/chromium.rs"]
mod chromium;

use std::path::Path;

use chromium::Browser;
use contracts::sharing::{FAST, Stage};
use kernels::import::{Files, Options, openmm};
use kernels::md::Plan;
use kernels::package::Package;
use serde_json::{Value, json};

/// Alanine dipeptide in water: 22 atoms of 2269.
fn alanine(steps_per_segment: u64) -> Package {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/openmm/alanine-dipeptide");
    let files = Files {
        system: &folder.join("system.xml.gz"),
        state: &folder.join("state.xml.gz"),
        integrator: Some(&folder.join("integrator.xml")),
    };
    let plan = Plan {
        steps_per_segment,
        segments: 2,
        energies_every: 2,
        positions_every: steps_per_segment,
    };
    let imported = openmm(&files, &Options::default()).expect("a system");
    imported.system.package(plan).expect("a package")
}

/// What is drawn: a picture's address holds all of its bytes.
fn drawn(browser: &mut Browser) -> String {
    // A frame later, what was asked for is there.
    let look = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(document.getElementById('frame').toDataURL()))))";
    browser.evaluate(look).as_str().expect("an address").to_owned()
}

fn press(browser: &mut Browser, key: &str) {
    for kind in ["keyDown", "keyUp"] {
        browser.call("Input.dispatchKeyEvent", &json!({"type": kind, "key": key}));
    }
}

#[test]
fn a_molecular_jobs_page_draws_its_last_frame_which_mouse_and_keyboard_turn() {
    let Some(mut browser) = Browser::start() else { return };
    let stage = Stage::new(None, FAST);
    alanine(4).save(&stage.path("package")).expect("a folder");
    let job = stage.submit(&stage.path("package"), &["--verify=none"]);
    let _worker = stage.worker("one", &[]);
    stage.completed(job);
    let token = std::fs::read_to_string(stage.token_file("scientist")).expect("a token");

    browser.screen(1280, 1400);
    browser.go(&stage.url());
    browser.evaluate(&format!(
        "document.getElementById('token').value = {:?}; document.querySelector('form button').click()",
        token.trim()
    ));
    browser.wait("document.getElementById('live')?.textContent === 'live'");
    browser.go(&format!("{}/jobs/{job}", stage.url()));
    browser.wait("document.getElementById('frame') !== null");
    let words = browser.evaluate("document.getElementById('frame').getAttribute('aria-label')");
    assert_eq!(words, json!("22 of 2269 particles, without water: 12 H, 6 C, 2 O, 2 N"));
    // What the page fetches is what the checkpoint holds: bonds are as long as bonds are.
    let scene = browser.evaluate("fetch(document.getElementById('frame').dataset.frame).then(answer => answer.json())");
    assert_eq!(
        (&scene["segment"], scene["bonds"].as_array().map(Vec::len)),
        (&json!(2), Some(21))
    );
    let at: Vec<f64> = scene["at"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    for bond in scene["bonds"].as_array().expect("a list") {
        let [a, b] = [0, 1].map(|end| bond[end].as_u64().expect("a number") as usize);
        let length_pm = (0..3).map(|k| (at[3 * a + k] - at[3 * b + k]).powi(2)).sum::<f64>().sqrt();
        assert!((90.0..170.0).contains(&length_pm), "{a} to {b}: {length_pm} pm");
    }
    let empty = "(() => { const frame = document.getElementById('frame'); return !frame.getContext('2d').getImageData(0, 0, frame.width, frame.height).data.some(byte => byte > 0); })()";
    browser.wait(&format!("!{empty}"));

    let mut pictures = vec![drawn(&mut browser)];
    let box_of = browser.evaluate("(() => { const box = document.getElementById('frame').getBoundingClientRect(); return [box.left + 100, box.top + 100]; })()");
    let [x, y] = [0, 1].map(|k| box_of[k].as_f64().expect("a number"));
    for (kind, right) in [("mousePressed", 0.0), ("mouseMoved", 60.0), ("mouseReleased", 60.0)] {
        let event = json!({"type": kind, "x": x + right, "y": y, "button": "left", "buttons": 1, "clickCount": 1});
        browser.call("Input.dispatchMouseEvent", &event);
    }
    pictures.push(drawn(&mut browser));
    let wheel = json!({"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -100});
    browser.call("Input.dispatchMouseEvent", &wheel);
    browser.evaluate("new Promise(done => setTimeout(done, 200))");
    pictures.push(drawn(&mut browser));
    for key in ["ArrowLeft", "ArrowUp", "+", "-"] {
        press(&mut browser, key);
        pictures.push(drawn(&mut browser));
    }
    for (at, pair) in pictures.windows(2).enumerate() {
        assert!(pair[0] != pair[1], "nothing changed at {at}");
    }
    press(&mut browser, "0");
    assert!(drawn(&mut browser) == pictures[0], "0 goes back to the front");

    // A second look is answered from memory; who has no session sees nothing.
    let path = browser.evaluate("document.getElementById('frame').dataset.frame");
    let path = path.as_str().expect("a path");
    let (status, _) = stage.ask("GET", path, "nobody", b"").expect("an answer");
    assert_eq!(status, 401);
    axe(&mut browser);
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", &dark);
    browser.screen(390, 844);
    browser.evaluate("document.getElementById('frame').scrollIntoView({block: 'center'})");
    drawn(&mut browser);
    let width = browser.evaluate("document.documentElement.scrollWidth");
    assert!(width.as_u64() <= Some(390), "{width} wide");
    browser.picture("page-molecule-phone-dark.png");
}

fn axe(browser: &mut Browser) {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(axe) else {
        return println!("skipped: axe-core is not installed");
    };
    browser.evaluate(&axe);
    let found =
        "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(it => it.id + ': ' + it.help))";
    assert_eq!(browser.evaluate(found), json!([]));
}
