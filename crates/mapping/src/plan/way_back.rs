//! The rules of a mapping that runs both ways, turned round.
//!
//! A rule comes back if it reads places (not choices among them) and every function of it has an inverse, or if it
//! says itself what runs on the way back. What does not come back is told as a notice, and is a fault if the rule
//! asks for both ways itself.

use super::Notice;
use super::compile::{check, finish, functions};
use super::layout::Clash;
use super::leg::{Leg, Reads, Target};
use super::run::Program;
use super::source::Source;
use crate::Fault;
use crate::functions::{Function, Tables};
use crate::path::Path;
use crate::rules::{Direction, Form, Place, Rule, Steps};

/// The rules backwards. They compile forwards already, so that only what concerns the way back is told.
pub(super) fn program(
    rules: &[Rule],
    tables: &Tables,
    notices: &mut Vec<Notice>,
    faults: &mut Vec<Fault>,
) -> Program {
    let mut legs = Vec::new();
    for rule in rules {
        let only_forth = rule.direction == Some(Direction::ToExternal) || rule.sources.is_empty();
        if only_forth {
            continue;
        }
        match leg(rule, tables, faults) {
            Ok(leg) => legs.push(leg),
            Err(reason) if rule.direction.is_some() => {
                let detail = format!("{reason}, so this rule cannot run back");
                faults.push(Fault::new(rule.pointer.clone(), detail));
            }
            Err(reason) => notices.push(Notice {
                pointer: rule.pointer.clone(),
                detail: format!(
                    "{reason}, so this rule runs only to_external; give `reverse` (`[]` copies what is there), or \
                     `\"direction\": \"to_external\"` if that is meant"
                ),
            }),
        }
    }
    if !faults.is_empty() {
        return Program::default();
    }
    finish(legs, faults, |clash, text, other| {
        let (there, at) = (&other.steps, &other.pointer);
        let how = match clash {
            Clash::Same(_) => format!("{at} would write `{text}` too"),
            Clash::Inside(_) | Clash::Kind(_) => {
                format!("`{text}` and `{there}` ({at}) would clash")
            }
        };
        format!("on the way back, {how}; give one of the rules `\"direction\": \"to_external\"`")
    })
}

/// The rule turned round, or why it cannot be.
fn leg(rule: &Rule, tables: &Tables, faults: &mut Vec<Fault>) -> Result<Leg, String> {
    let undo = undo(rule, tables, faults)?;
    let mut targets = Vec::new();
    for place in &rule.sources {
        targets.push(written(rule, place)?);
    }
    let path = Path::parse(&rule.target.text).map_err(|error| error.to_string())?;
    let external = Steps::of(&path).unwrap_or_default();
    let reads = match targets.as_mut_slice() {
        [target] if !rule.gathers => {
            reads(rule, path, external, &mut target.steps, undo.is_empty())?
        }
        targets => {
            if targets.iter().any(|target| target.steps.eaches() > 0) {
                return Err("several sources are read and one of them has [*]".to_owned());
            }
            Reads::Once(Source::of(path, rule.form))
        }
    };
    Ok(Leg {
        pointer: rule.pointer.clone(),
        source_text: rule.target.text.clone(),
        reads,
        functions: undo,
        check: check(rule, faults),
        checks_input: true,
        required: rule.required,
        targets,
    })
}

/// What undoes the functions: what the rule says, else their inverses from the last to the first.
fn undo(rule: &Rule, tables: &Tables, faults: &mut Vec<Fault>) -> Result<Vec<Function>, String> {
    if let Some(reverse) = &rule.reverse {
        return Ok(functions(reverse, tables, faults));
    }
    let forth = functions(&rule.functions, tables, faults);
    let inverses = forth.iter().rev().map(|function| {
        let name = function.declaration().name;
        function
            .invert()
            .ok_or_else(|| format!("`{name}` has no inverse here"))
    });
    inverses.collect()
}

/// The place of ours that comes back.
fn written(rule: &Rule, place: &Place) -> Result<Target, String> {
    let text = &place.text;
    let steps = if rule.form == Form::Keys {
        Some(Steps::name(text))
    } else {
        Path::parse(text)
            .ok()
            .and_then(|path| Steps::of(&path))
            .filter(Steps::is_writable)
    };
    let steps = steps.ok_or_else(|| format!("`{text}` is no place that could be written"))?;
    Ok(Target {
        steps,
        cell: 0,
        pointer: place.pointer.clone(),
    })
}

/// What the way back reads, with [*] on both sides, on one, or on none.
fn reads(
    rule: &Rule,
    path: Path,
    external: Steps,
    ours: &mut Steps,
    copies: bool,
) -> Result<Reads, String> {
    let whole_list = ours.before_each().filter(|rest| rest.eaches() == 0);
    match (external.eaches(), ours.eaches()) {
        (0, 0) => Ok(Reads::Once(Source::of(path, rule.form))),
        (there, here) if there == here => Ok(Reads::EachItem(external)),
        (0, 1) if whole_list.is_some() => {
            *ours = whole_list.unwrap_or_default();
            Ok(Reads::Once(Source::of(path, rule.form)))
        }
        (0, 1) if copies => Ok(Reads::EachItem(external.and_each())),
        _ => Err(format!(
            "`{ours}` gathers from items, which cannot be told apart again"
        )),
    }
}
