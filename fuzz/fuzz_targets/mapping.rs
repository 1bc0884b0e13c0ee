//! `{"definition", "records"}`: whatever the definition says, it is refused with faults or runs both ways over the records, and a
//! record is either passed on whole or rejected with errors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tieline_mapping::{
    check_depth,
    plan::{Plan, Way},
    rules::{Definition, Overrides},
};

/// The depth to which a server reads bodies, unless it is told otherwise.
const DEPTH: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    if check_depth(bytes, DEPTH).is_err() {
        return;
    }
    let Ok(case) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let plan = Definition::read(&case["definition"])
        .and_then(|definition| Plan::compile(&definition, &Overrides::default()));
    let plan = match plan {
        Ok(plan) => plan,
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            return;
        }
    };
    for record in case["records"].as_array().into_iter().flatten() {
        for way in [Way::ToExternal, Way::FromExternal] {
            let outcome = plan.run(way, record);
            assert_eq!(outcome.output.is_some(), outcome.errors.is_empty());
            let (traced, _) = plan.run_traced(way, record);
            assert_eq!(traced.output, outcome.output, "a trace changes nothing");
        }
    }
});
