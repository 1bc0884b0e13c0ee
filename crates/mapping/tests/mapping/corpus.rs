//! Definitions and records that once were, or could be, trouble: each file is `{"definition", "records"}`.
//!
//! A definition that fuzzing finds to be trouble is added here as a file; it needs no code.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tieline_mapping::plan::Way;

use super::compile;

/// Time that one file may take, compiling and running. Far more than any takes, and far less than a hang.
const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn every_file_ends_quickly_and_without_a_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the corpus is committed") {
        let path = entry.expect("readable").path();
        let text = fs::read_to_string(&path).expect("readable");
        let case: Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let started = Instant::now();
        run(&case);
        let took = started.elapsed();
        assert!(took < PATIENCE, "{}: {took:?}", path.display());
        files += 1;
    }
    assert!(files >= 10, "{files} files");
}

fn run(case: &Value) {
    let expected = case["compiles"]
        .as_bool()
        .expect("each file says whether it compiles");
    let plan = match compile(&case["definition"]) {
        Ok(plan) => plan,
        Err(faults) => {
            assert!(!expected && !faults.is_empty(), "{faults:?}");
            return;
        }
    };
    assert!(expected, "{} should be refused", case["definition"]);
    for record in case["records"].as_array().into_iter().flatten() {
        for way in [Way::ToExternal, Way::FromExternal] {
            let outcome = plan.run(way, record);
            assert_eq!(outcome.output.is_some(), outcome.errors.is_empty());
        }
    }
}
