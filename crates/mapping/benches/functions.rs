//! Nanoseconds per function, validation, pattern and expression, and what it takes to make each ready.
//!
//! `scripts/bench-mapping.sh` runs it. One thread, the median of five runs of a tenth of a second; prints one line of
//! tab-separated cells for each figure.
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::borrow::Cow;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tieline_mapping::expression::Expression;
use tieline_mapping::functions::{ALL, Context, Function, Tables};
use tieline_mapping::pattern::Pattern;
use tieline_mapping::validation::{Check, KINDS};

const RUNS: usize = 5;
const RUN: Duration = Duration::from_millis(100);
/// Calls between two looks at the clock.
const BATCH: u32 = 100;
const EMAIL: &str = r"^[\w-\.]+@([\w-]+\.)+[\w-]{2,4}$";

fn main() {
    // Cargo's own arguments, such as --bench, mean nothing here.
    println!("what\tns per call\tns to make ready");
    functions();
    validations();
    let pattern = Pattern::compile(EMAIL).expect("the seed's pattern compiles");
    let ready = time(|| drop(black_box(Pattern::compile(EMAIL))));
    let call = time(|| {
        let _ = black_box(pattern.is_match("ada.lovelace@example.com"));
    });
    row("pattern of seed 001", call, ready);
    let event =
        json!({"type": "order.paid", "data": {"total": 120.5, "items": 3, "tags": ["vip", "eu"]}});
    let sources = [
        "event.type == 'order.paid' && event.data.total > 100 && event.data.items < 5",
        "event.data.tags.exists(t, t.startsWith('v'))",
    ];
    for source in sources {
        let expression = Expression::parse(source).expect("the expression is valid");
        let ready = time(|| drop(black_box(Expression::parse(source))));
        let call = time(|| drop(black_box(expression.is_true_with(&[("event", &event)]))));
        row(source, call, ready);
    }
}

/// Each function on the first of its examples that has a value.
fn functions() {
    for declaration in ALL {
        let examples = declaration.examples.iter();
        let example = examples.clone().find(|example| !example.input.is_empty());
        let example = example.unwrap_or(&declaration.examples[0]);
        let parameters: Map<String, Value> = read(example.parameters);
        let tables = Tables::default();
        let compile = || Function::compile(declaration.name, &parameters, &tables);
        let function = compile().expect("examples compile");
        let input: Option<Value> = (!example.input.is_empty()).then(|| read(example.input));
        let record: Value = example.record.map(read).unwrap_or_default();
        let context = Context { record: &record };
        let ready = time(|| drop(black_box(compile())));
        let call = time(|| {
            drop(black_box(
                function.apply(input.as_ref().map(Cow::Borrowed), &context),
            ));
        });
        row(declaration.name, call, ready);
    }
}

fn validations() {
    for kind in KINDS.iter().filter(|kind| kind.name != "enum") {
        let written = json!(kind.name);
        let check = Check::compile(&written).expect("kinds compile");
        let value: Value = read(kind.good[0]);
        let ready = time(|| drop(black_box(Check::compile(&written))));
        let call = time(|| drop(black_box(check.check(&value))));
        row(&format!("validation {}", kind.name), call, ready);
    }
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).expect("declarations are written as JSON")
}

fn row(what: &str, call: f64, ready: f64) {
    println!("{what}\t{call:.0}\t{ready:.0}");
}

/// The median of the runs, in nanoseconds.
fn time(mut work: impl FnMut()) -> f64 {
    work();
    let mut runs = [0.0; RUNS];
    for run in &mut runs {
        let (mut calls, started) = (0_u32, Instant::now());
        while started.elapsed() < RUN {
            (0..BATCH).for_each(|_| work());
            calls += BATCH;
        }
        *run = started.elapsed().as_nanos() as f64 / f64::from(calls);
    }
    runs.sort_by(f64::total_cmp);
    runs[RUNS / 2]
}
