//! The rules at work on one record.

use std::borrow::Cow;

use serde_json::Value;

use super::layout::{Cell, Layout};
use super::leg::{Leg, Reads, Trouble, Work};
use super::source::{Seen, Source, each};
use super::{Issue, IssueCode, MAX_ISSUES, MAX_OUTPUT, Outcome};
use crate::functions::Context;
use crate::rules::Steps;
use crate::transform::weigh;

/// All rules of a mapping in one direction.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) legs: Vec<Leg>,
    /// The legs in the order in which they run.
    pub(super) order: Vec<usize>,
    pub(super) layout: Layout,
    /// How many cells the legs write.
    pub(super) cells: usize,
}

/// Sees what each rule does. A run that nobody watches costs nothing for it.
pub(super) trait Watch {
    /// The leg of this number begins, on the item at this place if it runs for each.
    fn begins(&mut self, _leg: usize, _at: &[usize]) {}
    /// What it reads.
    fn input(&mut self, _value: Option<&Value>) {}
    /// What a function made of it.
    fn stepped(&mut self, _function: &'static str, _value: Result<Option<&Value>, &str>) {}
    /// What the validation says.
    fn checked(&mut self, _valid: Result<(), &str>) {}
    /// How it ends.
    fn ends(&mut self, _end: Result<Option<&Value>, (&Trouble, bool)>) {}
}

/// Nobody looks.
pub(super) struct Unwatched;

impl Watch for Unwatched {}

/// One record on its way.
struct Run<'p, 'r, W> {
    program: &'p Program,
    record: &'r Value,
    cells: Vec<Cell>,
    outcome: Outcome,
    /// What the output may still weigh.
    room: usize,
    work: Work,
    watch: &'r mut W,
}

impl Program {
    /// What the rules make of the record.
    pub(super) fn run(&self, record: &Value, watch: &mut impl Watch) -> Outcome {
        let mut run = Run {
            program: self,
            record,
            cells: vec![Cell::Empty; self.cells],
            outcome: Outcome::default(),
            room: MAX_OUTPUT,
            work: Work::for_record(),
            watch,
        };
        for number in &self.order {
            let leg = &self.legs[*number];
            match &leg.reads {
                Reads::Once(source) => run.once(*number, leg, source),
                Reads::EachItem(steps) => run.each_item(*number, leg, steps),
            }
        }
        let Run {
            mut cells,
            mut outcome,
            ..
        } = run;
        if outcome.errors.is_empty() {
            outcome.output = Some(self.layout.build(&mut cells));
        }
        outcome
    }
}

impl<W: Watch> Run<'_, '_, W> {
    fn once(&mut self, number: usize, leg: &Leg, source: &Source) {
        self.watch.begins(number, &[]);
        let context = Context {
            record: self.record,
        };
        let cells = &self.cells;
        let legs = &self.program.legs;
        let written = |leg: usize| {
            legs[leg]
                .targets
                .first()
                .and_then(|t| cells[t.cell].value())
        };
        // What chooses among values looks at all of them.
        let whole = source.searches().then_some(self.record);
        let value = self.work.charge(whole).and_then(|()| {
            let input = source.read(self.record, &written);
            leg.evaluate(input, context, &mut self.work, self.watch)
        });
        if let [target] = leg.targets.as_slice() {
            let value = value.map(|value| value.map(Cow::into_owned));
            self.settle(leg, &target.steps, target.cell, &[], value);
            return;
        }
        match value.and_then(|value| leg.parts(value)) {
            Ok(parts) => {
                for (target, part) in leg.targets.iter().zip(parts) {
                    self.settle(leg, &target.steps, target.cell, &[], Ok(part));
                }
            }
            Err(trouble) => {
                for target in &leg.targets {
                    self.trouble(leg, &target.steps, &[], &trouble);
                }
            }
        }
    }

    fn each_item(&mut self, number: usize, leg: &Leg, steps: &Steps) {
        let [target] = leg.targets.as_slice() else {
            return;
        };
        let context = Context {
            record: self.record,
        };
        let mut any = false;
        each(
            self.record,
            steps.steps(),
            &mut Vec::new(),
            &mut |seen, at| match seen {
                Seen::List => self.cells[target.cell].open(at),
                Seen::Value(value) => {
                    any = true;
                    self.watch.begins(number, at);
                    let value = leg.evaluate(
                        value.map(Cow::Borrowed),
                        context,
                        &mut self.work,
                        self.watch,
                    );
                    let value = value.map(|value| value.map(Cow::into_owned));
                    self.settle(leg, &target.steps, target.cell, at, value);
                }
            },
        );
        if !any && leg.required {
            self.watch.begins(number, &[]);
            let trouble = Trouble::new(
                IssueCode::Missing,
                "the field is required and there is no item",
            );
            self.trouble(leg, &target.steps, &[], &trouble);
        }
    }

    /// Writes a value, or tells why it is not written.
    fn settle(
        &mut self,
        leg: &Leg,
        target: &Steps,
        cell: usize,
        at: &[usize],
        value: Result<Option<Value>, Trouble>,
    ) {
        let value = match value {
            Ok(value) => value,
            Err(trouble) => return self.trouble(leg, target, at, &trouble),
        };
        let weight = value
            .as_ref()
            .map_or(Some(0), |value| weigh(value, self.room));
        let Some(weight) = weight else {
            let detail =
                format!("the record would become larger than {MAX_OUTPUT} bytes; map fewer fields");
            let trouble = Trouble::new(IssueCode::TooLarge, detail);
            return self.trouble(leg, target, at, &trouble);
        };
        self.room -= weight;
        self.watch.ends(Ok(value.as_ref()));
        self.cells[cell].put(at, value);
    }

    /// Rejects the record if the field is required, else leaves the field out.
    fn trouble(&mut self, leg: &Leg, target: &Steps, at: &[usize], trouble: &Trouble) {
        let rejects = leg.required || trouble.code == IssueCode::TooLarge;
        self.watch.ends(Err((trouble, rejects)));
        let issues = if rejects {
            &mut self.outcome.errors
        } else {
            &mut self.outcome.warnings
        };
        if issues.len() >= MAX_ISSUES {
            self.outcome.more_issues += 1;
            return;
        }
        let issue = Issue {
            pointer: leg.pointer.clone(),
            source: leg.source_text.clone(),
            target: target.at(at).to_string(),
            code: trouble.code,
            detail: trouble.detail.clone(),
        };
        issues.push(issue);
    }
}
