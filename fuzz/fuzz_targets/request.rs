//! The description of an operation as a tenant writes it, with an input: refused with pointers, or made into a request whose parts
//! a parser reads as they were meant.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tieline_domain::{
    Bounds,
    operation::{Operation, Recipe},
};
use tieline_mapping::check_depth;
use url::Url;

const DEPTH: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    if check_depth(bytes, DEPTH).is_err() {
        return;
    }
    let Ok(case) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let Ok(operation) = serde_json::from_value::<Operation>(case["operation"].clone()) else {
        return;
    };
    let recipe = match Recipe::compile(&operation, &Bounds::default()) {
        Ok(recipe) => recipe,
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            return;
        }
    };
    let input = &case["input"];
    if !recipe.faults(input).is_empty() {
        return;
    }
    let Ok(request) = recipe.prepare(input, input) else {
        return;
    };
    let url = Url::parse(&request.url).expect("a URL");
    let probe = Url::parse(recipe.probe()).expect("a URL");
    assert_eq!(url.origin(), probe.origin());
    assert_eq!(
        url.path_segments().map(Iterator::count),
        probe.path_segments().map(Iterator::count)
    );
    for (_, value, _) in &request.headers {
        assert!(!value.chars().any(char::is_control));
    }
});
