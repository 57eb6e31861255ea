//! Surveys: one machine's devices as a file, what is refused of such files, and the table of those that are committed.

use std::fs;
use std::path::Path;

use fpcheck::conformance::Settings;
use fpcheck::survey::{Survey, table};

fn survey() -> Survey {
    let settings = Settings {
        steps: 10,
        repeats: 1,
        orders: 1,
        cases: 256,
        only: vec!["probes".to_owned(), "golden".to_owned()],
    };
    let package = kernels::examples::load("ising").expect("an example");
    let cpu = device::select("cpu").expect("it is always here");
    Survey::make(&[cpu], &[package], &settings, 0.01, &mut |_| {}).expect("the CPU device is here")
}

#[test]
fn a_survey_is_read_as_it_was_written_and_a_wrong_one_is_refused() {
    let survey = survey();
    assert!(survey.conformance.passed());
    assert!(survey.devices[0].speed[0].steps_per_second > 0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.json");
    let text = serde_json::to_string_pretty(&survey).expect("it is data");
    fs::write(&path, &text).expect("it is written");
    assert_eq!(Survey::read(&path).expect("it is one"), survey);

    let refused = |text: &str| {
        fs::write(&path, text).expect("it is written");
        format!("{:#}", Survey::read(&path).expect_err("it is refused"))
    };
    let later = text.replacen("\"format\": 1", "\"format\": 2", 1);
    assert!(refused(&later).contains("format 2 is not known here"));
    assert!(refused(&text[..text.len() / 2]).contains("is no survey"));
    assert!(refused("{}").contains("is no survey"));
    assert!(refused("{\"format\": 1}").contains("with wrong content"));
    let last = text.rfind("\"id\": \"cpu\"").expect("its devices are last");
    let other = format!("{}\"id\": \"gpu\"{}", &text[..last], &text[last + 11..]);
    assert!(refused(&other).contains("not of the same devices"));
    assert!(refused(&" ".repeat((16 << 20) + 1)).contains("no survey"));
    assert!(
        format!(
            "{:#}",
            Survey::read(&folder.path().join("none")).expect_err("it is not there")
        )
        .contains("cannot open")
    );
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/devices");

/// The surveys in `docs/devices`, by name.
fn committed() -> Vec<(String, Survey)> {
    let entries = fs::read_dir(FOLDER).expect("the folder is here");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it is read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let survey = |path: &std::path::PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, Survey::read(path).expect("a survey"))
    };
    paths.iter().map(survey).collect()
}

#[test]
fn what_a_driver_calls_itself_stays_in_its_cell() {
    let (_, mut survey) = committed().remove(0);
    survey.conformance.devices.truncate(1);
    survey.devices.truncate(1);
    survey.conformance.devices[0].driver = "a | b\n<script>[x](y)".to_owned();
    let lines = table([("mine", &survey)]);
    assert_eq!(lines.len(), 3);
    assert!(!lines[2].contains('\n') && lines[2].contains(r"a \| b"), "{}", lines[2]);
    assert!(lines[2].contains(r"\<script\>\[x\](y)"), "{}", lines[2]);
    assert_eq!(
        lines[2].replace(r"\|", "").matches('|').count(),
        lines[0].matches('|').count()
    );
}

#[test]
fn the_committed_table_is_that_of_the_committed_surveys() {
    let surveys = committed();
    assert!(!surveys.is_empty());
    let lines = table(surveys.iter().map(|(name, survey)| (name.as_str(), survey)));
    let page = fs::read_to_string(Path::new(FOLDER).join("README.md")).expect("the page is here");
    assert!(
        page.contains(&lines.join("\n")),
        "docs/devices/README.md needs the lines of `fpcheck report --table docs/devices`:\n{}",
        lines.join("\n")
    );
}
