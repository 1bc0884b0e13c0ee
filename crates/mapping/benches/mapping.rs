//! Records per second and core, and the time to compile a plan, with the allocator of the server.
//!
//! `scripts/bench-mapping.sh` runs it beside the plain Python mapper of seed 002 on the same records. One thread, the
//! median of five runs of 0.3 seconds on a core each; prints a line with a tab for each figure. What a record allocates
//! is counted by `allocations`, for counting takes time.
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tieline_mapping::batch::Apply;
use tieline_mapping::plan::Way;
use tieline_mapping::suggest::suggest;
use tieline_mapping::types::Field;

mod data;

use data::{RECORDS, canonical_record, plan, record, rules, tables};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;
const RUN: Duration = Duration::from_millis(300);

fn main() {
    // Cargo's own arguments, such as --bench, mean nothing here.
    let records: Vec<Value> = (0..RECORDS).map(record).collect();
    let canonical: Vec<Value> = (0..RECORDS).map(canonical_record).collect();
    let ten = json!({"lookup_tables": tables(), "mappings": rules(1)});
    let fifty = json!({"lookup_tables": tables(), "mappings": rules(5)});
    let seed = json!({"provider": "salesforce"});
    let (ten_plan, fifty_plan, seed_plan) = (plan(&ten), plan(&fifty), plan(&seed));
    println!("what\tper second and core");
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

/// Measures `work` on each of the inputs in turn, and prints a line.
fn run<T, R>(what: &str, inputs: &[T], work: impl Fn(&T) -> R) {
    let work = |input: &T| drop(black_box(work(input)));
    inputs.iter().for_each(work);
    let mut rates: Vec<f64> = (0..RUNS).map(|_| rate(inputs, work)).collect();
    rates.sort_by(f64::total_cmp);
    println!("{what}\t{:.0}", rates[RUNS / 2]);
}

fn rate<T>(inputs: &[T], work: impl Fn(&T) + Copy) -> f64 {
    let clock = CoreClock::start();
    let mut done = 0_u64;
    while clock.elapsed() < RUN {
        inputs.iter().for_each(work);
        done += inputs.len() as u64;
    }
    done as f64 / clock.elapsed().as_secs_f64()
}

/// The time that this thread has had a core, so that a busy machine does not make the figures worse; the time of the
/// wall where the system does not tell.
struct CoreClock {
    wall: Instant,
    core: Option<Duration>,
}

impl CoreClock {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            core: Self::core(),
        }
    }

    fn elapsed(&self) -> Duration {
        match (self.core, Self::core()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.wall.elapsed(),
        }
    }

    /// Nanoseconds on a core, the first field of Linux's `schedstat`.
    fn core() -> Option<Duration> {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split_whitespace()
            .next()?
            .parse()
            .ok()
            .map(Duration::from_nanos)
    }
}
