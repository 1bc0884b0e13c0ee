//! What a record, and a plan, allocate: bytes and allocations, on average.
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::alloc::System;
use std::hint::black_box;

use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

mod data;

use data::{RECORDS, canonical_record, plan, record, rules, tables};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let records: Vec<Value> = (0..RECORDS).map(record).collect();
    let canonical: Vec<Value> = (0..RECORDS).map(canonical_record).collect();
    let ten = json!({"lookup_tables": tables(), "mappings": rules(1)});
    let fifty = json!({"lookup_tables": tables(), "mappings": rules(5)});
    let seed = plan(&json!({"provider": "salesforce"}));
    let (ten_plan, fifty_plan) = (plan(&ten), plan(&fifty));
    println!("what\tbytes\tallocations");
    count("10 rules", &records, |record| ten_plan.to_external(record));
    count("50 rules", &records, |record| {
        fifty_plan.to_external(record)
    });
    count("seed 002, to external", &canonical, |record| {
        seed.to_external(record)
    });
    count("compile 10 rules", &[ten], plan);
    count("compile 50 rules", &[fifty], plan);
}

fn count<T, R>(what: &str, inputs: &[T], work: impl Fn(&T) -> R) {
    let work = |input: &T| drop(black_box(work(input)));
    inputs.iter().for_each(work);
    let region = Region::new(ALLOCATOR);
    inputs.iter().for_each(work);
    let change = region.change();
    let inputs = inputs.len() as f64;
    let bytes = change.bytes_allocated as f64 / inputs;
    let allocations = (change.allocations + change.reallocations) as f64 / inputs;
    println!("{what}\t{bytes:.0}\t{allocations:.1}");
}
