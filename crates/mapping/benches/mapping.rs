//! Records per second and core, the time to compile a plan, and what a record allocates.
//!
//! `scripts/bench-mapping.sh` runs it beside the plain Python mapper of seed 002 on the same records. One thread, the
//! median of five runs of a second each; prints one line of tab-separated cells for each figure.
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tieline_mapping::batch::Apply;
use tieline_mapping::plan::{Plan, Way};
use tieline_mapping::rules::{Definition, Overrides};
use tieline_mapping::suggest::suggest;
use tieline_mapping::types::Field;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Records that are mapped in turn, so that none stays in the nearest cache.
const RECORDS: usize = 1_000;
const RUNS: usize = 5;
const RUN: Duration = Duration::from_secs(1);

fn main() {
    // Cargo's own arguments, such as --bench, mean nothing here.
    let records: Vec<Value> = (0..RECORDS).map(record).collect();
    let canonical: Vec<Value> = (0..RECORDS).map(canonical_record).collect();
    let ten = json!({"lookup_tables": tables(), "mappings": rules(1)});
    let fifty = json!({"lookup_tables": tables(), "mappings": rules(5)});
    let seed = json!({"provider": "salesforce"});
    let (ten_plan, fifty_plan, seed_plan) = (plan(&ten), plan(&fifty), plan(&seed));
    println!("what\tper second\tbytes allocated\tallocations");
    run("10 rules", &records, |record| ten_plan.to_external(record));
    run("50 rules", &records, |record| {
        fifty_plan.to_external(record)
    });
    run("10 rules, traced", &records, |record| {
        ten_plan.run_traced(Way::ToExternal, record)
    });
    run("seed 002, to external", &canonical, |record| {
        seed_plan.to_external(record)
    });
    let external: Vec<Value> = canonical
        .iter()
        .filter_map(|r| seed_plan.to_external(r).output)
        .collect();
    run("seed 002, from external", &external, |record| {
        seed_plan.from_external(record)
    });
    let lines: Vec<Vec<u8>> = records
        .iter()
        .map(|record| record.to_string().into_bytes())
        .collect();
    let apply = Apply::new(&ten_plan, Way::ToExternal);
    run("10 rules, a line of JSON in and out", &lines, |line| {
        apply.line(1, line).map(|line| line.to_bytes())
    });
    let fields = |names: &str| -> Vec<Field> {
        (0..500)
            .map(|n| Field::text(&format!("{names}_{n}")))
            .collect()
    };
    let (ours, theirs) = (fields("work_phone"), fields("PhoneNumber"));
    run("suggest, 500 by 500 fields", &[()], |()| {
        suggest(&ours, &theirs, Some("salesforce"))
    });
    run("compile 10 rules", &[ten], plan);
    run("compile 50 rules", &[fifty], plan);
}

fn plan(document: &Value) -> Plan {
    let definition = Definition::read(document).expect("the bench's mappings are valid");
    Plan::compile(&definition, &Overrides::default()).expect("the bench's mappings are valid")
}

/// Measures `work` on each of the inputs in turn, and prints a line.
fn run<T, R>(what: &str, inputs: &[T], work: impl Fn(&T) -> R) {
    let work = |input: &T| drop(black_box(work(input)));
    inputs.iter().for_each(work);
    let region = Region::new(ALLOCATOR);
    inputs.iter().for_each(work);
    let change = region.change();
    let count = inputs.len() as f64;
    let bytes = change.bytes_allocated as f64 / count;
    let allocations = (change.allocations + change.reallocations) as f64 / count;
    let mut rates: Vec<f64> = (0..RUNS).map(|_| rate(inputs, work)).collect();
    rates.sort_by(f64::total_cmp);
    println!(
        "{what}\t{:.0}\t{bytes:.0}\t{allocations:.1}",
        rates[RUNS / 2]
    );
}

fn rate<T>(inputs: &[T], work: impl Fn(&T) + Copy) -> f64 {
    let started = Instant::now();
    let mut done = 0_u64;
    while started.elapsed() < RUN {
        inputs.iter().for_each(work);
        done += inputs.len() as u64;
    }
    done as f64 / started.elapsed().as_secs_f64()
}

/// A lead as forms and chats send them.
fn record(number: usize) -> Value {
    json!({
        "first_name": format!(" Ada{number}"),
        "last_name": "Lovelace",
        "email": format!("Ada.Lovelace{number}@Example.com"),
        "phone": "+441234567890",
        "company": {"name": "Analytical Engines", "address": {"city": "London", "country": "GB"}},
        "priority": (["low", "normal", "high"][number % 3]),
        "tags": ["vip", "newsletter", "spring"],
        "score": number,
        "note": "Called about the engine, wants an offer by Friday."
    })
}

/// The record of the Python run: seed 002's keys.
fn canonical_record(number: usize) -> Value {
    json!({
        "contact.email": format!("ada{number}@example.com"),
        "contact.first_name": "Ada",
        "contact.last_name": "Lovelace",
        "contact.phone": "+441234567890",
        "contact.company": "Analytical Engines",
        "ticket.subject": format!("Ticket {number}"),
        "ticket.description": "It does not turn.",
        "ticket.priority": "high"
    })
}

fn tables() -> Value {
    json!({"priority": {"low": "P3", "normal": "P2", "high": "P1"}})
}

/// Ten rules as people write them, as many times over as asked, each time with targets of their own.
fn rules(times: usize) -> Value {
    let ten = |n: usize| {
        let at = |target: &str| {
            if n == 0 {
                target.to_owned()
            } else {
                format!("Copy{n}.{target}")
            }
        };
        [
            json!({"source": "first_name", "target": at("FirstName"), "transformation": "trim"}),
            json!({"source": "last_name", "target": at("LastName"), "transformation": "trim", "required": true}),
            json!({"source": "email", "target": at("Email"), "transformation": "lowercase", "validation": "email", "required": true}),
            json!({"source": "phone", "target": at("Phone")}),
            json!({"source": ["first_name", "last_name"], "target": at("FullName"), "transformation": "concat", "separator": " "}),
            json!({"source": "company.name", "target": at("Account.Name")}),
            json!({"source": "company.address.city", "target": at("Account.City")}),
            json!({"source": "priority", "target": at("Priority"), "transformation": "lookup", "table": "priority"}),
            json!({"source": "tags", "target": at("Tags"), "transformation": "join", "separator": ";"}),
            json!({"source": "score", "target": at("Score")}),
        ]
    };
    (0..times).flat_map(ten).collect()
}
