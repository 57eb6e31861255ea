//! The population has the paper's figures.

use simulate::{Parameters, calibration};

#[test]
fn the_population_has_the_papers_figures() {
    let found = calibration::measure(&Parameters::default());
    let value = |index: usize| found.rows[index].simulated;
    assert!(value(0) > 5.0 && value(0) < 5.6, "day 1: {}", value(0));
    assert!(value(1) < 1.0 && value(1) > 0.85, "day 21: {}", value(1));
    assert!((0.7..0.85).contains(&value(2)), "day 60: {}", value(2));
    assert!((0.65..0.8).contains(&value(3)), "day 180: {}", value(3));
    assert!((70.0..82.0).contains(&value(4)), "highly available: {} %", value(4));
    assert!((90.0..99.9).contains(&value(5)), "more than 12 hours: {} %", value(5));
    assert!((2.0..9.0).contains(&value(6)), "over 100 check-ins: {} %", value(6));
    assert!((35.0..70.0).contains(&value(7)), "one to one: {} %", value(7));
    assert!((25.0..45.0).contains(&value(8)), "one address: {} %", value(8));
    let (most, _) = found
        .network
        .iter()
        .max_by_key(|(_, check_ins)| *check_ins)
        .expect("159 hosts");
    assert!(
        *most < 100,
        "those that check in most do so for their line's sake: {most} addresses"
    );
    assert_eq!((found.hours.len(), found.retention.len()), (159, 181));
}
