//! A definition becomes a plan, or a list of everything that is wrong with it.

use super::layout::{Clash, MAX_DEPTH, MAX_INDEX};
use super::leg::{Leg, Reads, Target};
use super::order::order;
use super::run::Program;
use super::skeleton::Skeleton;
use super::source::Source;
use super::{Plan, Way, way_back};
use crate::Fault;
use crate::functions::{Function, Tables};
use crate::path::Path;
use crate::rules::{
    Call, Definition, Direction, Form, MAX_RULES, MAX_SEARCHES, Overrides, Place, Rule, Step, Steps,
};
use crate::validation::Check;

/// What stands before the target of another rule whose result a rule reads.
const OUTPUT: &str = "@.";

pub(super) fn plan(definition: &Definition, overrides: &Overrides) -> Result<Plan, Vec<Fault>> {
    let direction = definition.direction;
    let laid_over;
    let rules = if overrides.is_empty() {
        &definition.rules
    } else {
        laid_over = overrides.over(definition.rules.clone(), direction);
        &laid_over
    };
    if rules.len() > MAX_RULES {
        let detail = format!(
            "{} rules, but a mapping has at most {MAX_RULES}; split it by object",
            rules.len()
        );
        return Err(vec![Fault::new("/mappings", detail)]);
    }
    let tables = Tables::read(&definition.lookup_tables).map_err(|faults| {
        faults
            .into_iter()
            .map(|fault| fault.under("/lookup_tables"))
            .collect::<Vec<_>>()
    })?;
    let mut faults = directions(rules, direction);
    let way = match direction {
        Direction::FromExternal => Way::FromExternal,
        Direction::ToExternal | Direction::Both => Way::ToExternal,
    };
    let runs = |rule: &&Rule| {
        rule.direction
            .is_none_or(|own| own.covers(Direction::from(way)))
    };
    let forth: Vec<&Rule> = rules.iter().filter(runs).collect();
    let forth = program(&forth, way, &tables, &mut faults);
    let mut notices = Vec::new();
    let back = (direction == Direction::Both && faults.is_empty())
        .then(|| way_back::program(rules, &tables, &mut notices, &mut faults));
    if faults.is_empty() {
        return Ok(Plan {
            direction,
            forth,
            back,
            notices,
        });
    }
    Err(faults)
}

/// Rules that ask for a direction which their mapping does not run.
fn directions(rules: &[Rule], of: Direction) -> Vec<Fault> {
    let asks = |rule: &&Rule| rule.direction.is_some_and(|own| !of.covers(own));
    let fault = |rule: &Rule| {
        let detail = format!(
            "the mapping runs `{}`; a rule can only run less than that",
            of.as_str()
        );
        Fault::new(format!("{}/direction", rule.pointer), detail)
    };
    rules.iter().filter(asks).map(fault).collect()
}

/// The rules as they are written.
fn program(rules: &[&Rule], way: Way, tables: &Tables, faults: &mut Vec<Fault>) -> Program {
    let targets: Vec<Option<Steps>> = rules.iter().map(|rule| target(rule, way, faults)).collect();
    let mut searches = 0;
    let mut legs = Vec::new();
    for (rule, steps) in rules.iter().zip(&targets) {
        let reads = reads(rule, steps.as_ref(), &targets, &mut searches, faults);
        let ready = functions(&rule.functions, tables, faults);
        // Only the way back runs them, but a mistake in them is one in any mapping.
        functions(rule.reverse.as_deref().unwrap_or_default(), tables, faults);
        let check = check(rule, faults);
        legs.push(Leg {
            pointer: rule.pointer.clone(),
            source_text: rule.source_text(),
            reads: reads.unwrap_or(Reads::Once(Source::Nothing)),
            functions: ready,
            check,
            checks_input: false,
            required: rule.required,
            targets: vec![Target {
                steps: steps.clone().unwrap_or_default(),
                cell: 0,
                pointer: rule.target.pointer.clone(),
            }],
        });
    }
    if !faults.is_empty() {
        return Program::default();
    }
    finish(legs, faults, |clash, text, other| {
        clash_detail(clash, text, other)
    })
}

/// Gives every target its cell and its place, and the legs their order.
pub(super) fn finish(
    mut legs: Vec<Leg>,
    faults: &mut Vec<Fault>,
    detail: impl Fn(Clash, &str, &Target) -> String,
) -> Program {
    let mut program = Program::default();
    let mut owners: Vec<(usize, usize)> = Vec::new();
    for number in 0..legs.len() {
        for place in 0..legs[number].targets.len() {
            let cell = owners.len();
            owners.push((number, place));
            legs[number].targets[place].cell = cell;
            let target = &legs[number].targets[place];
            if let Err(clash) = program.layout.place(&target.steps, cell) {
                let (Clash::Same(other) | Clash::Inside(other) | Clash::Kind(other)) = clash;
                let (leg, place) = owners[other];
                let detail = detail(clash, &target.steps.to_string(), &legs[leg].targets[place]);
                faults.push(Fault::new(target.pointer.clone(), detail));
            }
        }
    }
    program.cells = owners.len();
    let needs: Vec<Vec<usize>> = legs.iter().map(Leg::needs).collect();
    match order(&needs) {
        Ok(order) => program.order = order,
        Err(ring) => {
            let names: Vec<String> = ring
                .iter()
                .map(|leg| format!("`{}`", legs[*leg].targets[0].steps))
                .collect();
            let detail = format!(
                "{} need one another's result; let one of them read the record instead",
                names.join(", ")
            );
            faults.push(Fault::new(legs[ring[0]].pointer.clone(), detail));
        }
    }
    program.legs = legs;
    program
}

fn clash_detail(clash: Clash, text: &str, other: &Target) -> String {
    let (there, at) = (&other.steps, &other.pointer);
    match clash {
        Clash::Same(_) => format!("`{text}` is written by {at} too; a field has one rule"),
        Clash::Inside(_) => format!(
            "`{text}` and `{there}` ({at}) cannot both be written: one lies inside the other"
        ),
        Clash::Kind(_) => format!(
            "`{text}` and `{there}` ({at}) cannot both be written: one wants names, the other positions or [*]"
        ),
    }
}

/// The place that the rule writes.
fn target(rule: &Rule, way: Way, faults: &mut Vec<Fault>) -> Option<Steps> {
    if rule.form == Form::Keys && way == Way::FromExternal {
        return Some(Steps::name(&rule.target.text));
    }
    one_place(&rule.target)
        .map_err(|fault| faults.push(fault))
        .ok()
}

/// The steps of a path that names one place in what is made.
fn one_place(place: &Place) -> Result<Steps, Fault> {
    let fault = |detail: String| Fault::new(place.pointer.clone(), detail);
    let path = Path::parse(&place.text).map_err(|error| fault(error.to_string()))?;
    let steps = Steps::of(&path).ok_or_else(|| {
        fault(format!("`{path}` chooses among places; a target names one, such as Account.Name or lines[*].sku"))
    })?;
    if steps.steps().len() > MAX_DEPTH {
        let detail = format!("a target has at most {MAX_DEPTH} steps; nest less deeply");
        return Err(fault(detail));
    }
    let outside =
        |step: &&Step| matches!(step, Step::Index(index) if !(0..=MAX_INDEX).contains(index));
    match steps.steps().iter().find(outside) {
        Some(_) => Err(fault(format!(
            "a position in a target is from 0 to {MAX_INDEX}"
        ))),
        None => Ok(steps),
    }
}

/// What the rule reads; `targets` are those of all rules, for what reads another's result.
fn reads(
    rule: &Rule,
    target: Option<&Steps>,
    targets: &[Option<Steps>],
    searches: &mut usize,
    faults: &mut Vec<Fault>,
) -> Option<Reads> {
    let before = faults.len();
    let mut sources = Vec::new();
    for place in &rule.sources {
        match source(place, rule.form, targets, searches) {
            Ok(source) => sources.push(source),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.len() > before {
        return None;
    }
    let items = target.map_or(0, Steps::eaches);
    if items > 0 {
        return each_item(rule, items)
            .map_err(|fault| faults.push(fault))
            .ok();
    }
    Some(Reads::Once(match sources.pop() {
        None => Source::Nothing,
        Some(only) if !rule.gathers => only,
        Some(last) => {
            sources.push(last);
            Source::List(sources)
        }
    }))
}

/// What a rule reads that writes item by item.
fn each_item(rule: &Rule, items: usize) -> Result<Reads, Fault> {
    let found = match rule.sources.as_slice() {
        [only] if !rule.gathers => Path::parse(&only.text)
            .ok()
            .and_then(|path| Steps::of(&path)),
        _ => None,
    };
    match found {
        Some(steps) if steps.eaches() == items => Ok(Reads::EachItem(steps)),
        found => {
            let has = found.map_or(0, |steps| steps.eaches());
            let detail = format!(
                "`{}` writes item by item: it needs one source with as many [*], {items} where there are {has}",
                rule.target.text
            );
            Err(Fault::new(rule.target.pointer.clone(), detail))
        }
    }
}

fn source(
    place: &Place,
    form: Form,
    targets: &[Option<Steps>],
    searches: &mut usize,
) -> Result<Source, Fault> {
    let fault = |detail: String| Fault::new(place.pointer.clone(), detail);
    let parse = |text: &str| Path::parse(text).map_err(|error| fault(error.to_string()));
    if let Some(output) = place.text.trim().strip_prefix(OUTPUT) {
        let steps = Steps::of(&parse(output)?);
        let found = targets
            .iter()
            .position(|target| target.is_some() && *target == steps);
        return match found {
            Some(leg) if steps.is_some_and(|steps| steps.eaches() > 0) => {
                let written = targets[leg]
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                Err(fault(format!(
                    "`{written}` is written item by item; only whole results can be read"
                )))
            }
            Some(leg) => Ok(Source::Output(leg)),
            None => {
                let known: Vec<String> =
                    targets.iter().flatten().map(ToString::to_string).collect();
                let known = known.iter().map(String::as_str);
                let what = "no target of another rule";
                Err(Fault::unknown(place.pointer.clone(), what, output, known))
            }
        };
    }
    let path = parse(&place.text)?;
    if path.searches() {
        *searches += 1;
        if *searches > MAX_SEARCHES {
            let detail = format!(
                "a mapping takes at most {MAX_SEARCHES} paths with `..`; name the steps in between"
            );
            return Err(fault(detail));
        }
    }
    if let Some(slice) = Skeleton::of(&path).empty_slice() {
        return Err(fault(format!(
            "`[{slice}]` holds nothing, so the path can match no record"
        )));
    }
    Ok(Source::of(path, form))
}

/// The functions made ready, those that can be.
pub(super) fn functions(calls: &[Call], tables: &Tables, faults: &mut Vec<Fault>) -> Vec<Function> {
    let compiled = calls.iter().filter_map(|call| {
        let compiled = Function::compile(&call.name, &call.parameters, tables);
        let wrong = |wrong: Vec<Fault>| faults.extend(wrong.into_iter().map(|f| call.locate(f)));
        compiled.map_err(wrong).ok()
    });
    compiled.collect()
}

/// The validation made ready.
pub(super) fn check(rule: &Rule, faults: &mut Vec<Fault>) -> Option<Check> {
    let (written, pointer) = rule.validation.as_ref()?;
    let wrong = |wrong: Vec<Fault>| faults.extend(wrong.into_iter().map(|f| f.under(pointer)));
    Check::compile(written).map_err(wrong).ok()
}
