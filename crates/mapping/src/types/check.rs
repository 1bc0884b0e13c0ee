//! What the fields of both sides say of a mapping's rules.

use serde::{Deserialize, Serialize};

use super::Field;
use super::chain::{Known, through};
use super::fields::{Fields, Found};
use super::findings::{Code, Finding, Status};
use super::fitting::{fitting, lacking, other_object, writable};
use crate::Fault;
use crate::plan::{Notice, Plan};
use crate::rules::{Definition, Direction, Overrides, Rule};

/// What the mapping is used for on the side that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Records are made.
    Create,
    /// Records that are there are changed.
    Update,
    /// Either, as it turns out.
    #[default]
    Upsert,
}

/// What is said of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The worst that is said.
    pub status: Status,
    /// Each rule, in the order in which they hold.
    pub rules: Vec<RuleCheck>,
    /// What no rule is to blame for: required fields that no rule writes, faults of the mapping as a whole.
    pub findings: Vec<Finding>,
}

/// What is said of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleCheck {
    /// The rule, as a JSON pointer into the definition.
    pub pointer: String,
    /// The fields that it reads.
    pub source: String,
    /// The field that it writes.
    pub target: String,
    /// The worst that is said of it.
    pub status: Status,
    /// What is said, the worst first.
    pub findings: Vec<Finding>,
}

/// Checks every rule against the fields of both sides, as the rules name them: `sources` are what they read, `targets`
/// what they write. An empty list says that the fields of that side are not known, and nothing is said of them.
pub fn check(
    definition: &Definition,
    overrides: &Overrides,
    sources: &[Field],
    targets: &[Field],
    mode: Mode,
) -> Report {
    let rules = overrides.over(definition.rules.clone(), definition.direction);
    let (notices, faults) = match Plan::compile(definition, overrides) {
        Ok(plan) => (plan.notices().to_vec(), Vec::new()),
        Err(faults) => (Vec::new(), faults),
    };
    let context = Checking {
        definition,
        rules: &rules,
        sources: Fields::of(sources),
        targets: Fields::of(targets),
        mode,
        notices: &notices,
        faults: &faults,
    };
    let checked: Vec<RuleCheck> = rules.iter().map(|rule| context.rule(rule)).collect();
    let mut findings = context.unmapped();
    let below_no_rule = |fault: &&Fault| {
        !rules
            .iter()
            .any(|rule| is_below(&fault.pointer, &rule.pointer))
    };
    findings.extend(faults.iter().filter(below_no_rule).map(fault_finding));
    let worst = checked
        .iter()
        .map(|rule| rule.status)
        .chain(findings.iter().map(|f| f.status))
        .max();
    Report {
        status: worst.unwrap_or_default(),
        rules: checked,
        findings,
    }
}

fn is_below(pointer: &str, place: &str) -> bool {
    pointer
        .strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn fault_finding(fault: &Fault) -> Finding {
    Finding::new(
        Status::Error,
        Code::Rule,
        &fault.pointer,
        &fault.detail,
        "correct the rule",
    )
}

struct Checking<'c> {
    definition: &'c Definition,
    rules: &'c [Rule],
    sources: Fields<'c>,
    targets: Fields<'c>,
    mode: Mode,
    notices: &'c [Notice],
    faults: &'c [Fault],
}

impl Checking<'_> {
    fn rule(&self, rule: &Rule) -> RuleCheck {
        let mut findings = self.faults_of(rule);
        let known = self.source(rule, &mut findings);
        let known = through(rule, known, self.definition);
        findings.extend(lacking(&known, &rule.source_text()));
        self.target(rule, &known, &mut findings);
        if self.definition.direction == Direction::Both
            && rule.direction != Some(Direction::ToExternal)
        {
            self.way_back(rule, &mut findings);
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.status));
        RuleCheck {
            pointer: rule.pointer.clone(),
            source: rule.source_text(),
            target: rule.target.text.clone(),
            status: findings
                .first()
                .map(|finding| finding.status)
                .unwrap_or_default(),
            findings,
        }
    }

    fn faults_of(&self, rule: &Rule) -> Vec<Finding> {
        let text = &rule.target.text;
        let twice = self.rules.iter().find(|other| {
            other.target.text == *text
                && other.pointer != rule.pointer
                && other.direction == rule.direction
        });
        if let Some(other) = twice {
            let reason = format!("the rule at {} writes this field too", other.pointer);
            let fix = "drop one of the rules, or join their sources with `concat`";
            return vec![Finding::new(
                Status::Error,
                Code::DuplicateTarget,
                text,
                reason,
                fix,
            )];
        }
        let own = self
            .faults
            .iter()
            .filter(|fault| is_below(&fault.pointer, &rule.pointer));
        own.map(fault_finding).collect()
    }

    /// What is known of the value that is read.
    fn source(&self, rule: &Rule, findings: &mut Vec<Finding>) -> Known {
        let mut fields = Vec::new();
        for place in &rule.sources {
            let name = &place.text;
            match self.sources.find(name) {
                Found::Field(field) => {
                    if field.hidden {
                        let reason =
                            "the field is hidden or archived, so it may hold nothing any more";
                        let fix = "choose another field";
                        findings.push(Finding::new(
                            Status::Warning,
                            Code::Hidden,
                            name,
                            reason,
                            fix,
                        ));
                    }
                    fields.push(field);
                }
                Found::Untold => {}
                Found::Nowhere => {
                    let reason = format!("there is no such field{}", self.sources.hint(name));
                    let fix = "choose a field that is there, or refresh the fields";
                    findings.push(Finding::new(
                        Status::Warning,
                        Code::UnknownSource,
                        name,
                        reason,
                        fix,
                    ));
                }
            }
        }
        match fields.as_slice() {
            [only] if !rule.gathers => Known::field(only),
            _ => Known::nothing(),
        }
    }

    fn target(&self, rule: &Rule, known: &Known, findings: &mut Vec<Finding>) {
        let name = &rule.target.text;
        let field = match self.targets.find(name) {
            Found::Untold => return,
            Found::Field(field) => field,
            Found::Nowhere => {
                findings.push(self.nowhere(name));
                return;
            }
        };
        findings.extend(writable(field, self.mode));
        findings.extend(fitting(known, field));
        for place in &rule.sources {
            if let Found::Field(source) = self.sources.find(&place.text) {
                findings.extend(other_object(source, field));
            }
        }
        let wanted = field.required && self.mode != Mode::Update;
        if wanted && !rule.required && !known.always && !self.sources.all.is_empty() {
            let reason = "the field is required on the other side, and the source may hold nothing";
            let fix = "set `required`, or add `default`";
            findings.push(Finding::new(
                Status::Warning,
                Code::MayBeMissing,
                name,
                reason,
                fix,
            ));
        }
    }

    /// A target that is no field: perhaps one of a related record, which is written nowhere (seed 002's
    /// `contact.company` to `Account.Name`).
    fn nowhere(&self, name: &str) -> Finding {
        let relation = name.split_once('.').map(|(relation, _)| relation);
        let related = relation.filter(|relation| {
            let names = [
                (*relation).to_owned(),
                format!("{relation}Id"),
                format!("{relation}_id"),
            ];
            names
                .iter()
                .any(|name| self.targets.by_name.contains_key(name.as_str()))
        });
        if let Some(relation) = related {
            let reason = format!(
                "it is a field of the related `{relation}`, which can be read but not written here"
            );
            let fix = "map the related record by itself and link the two, or run the rule only from_external";
            return Finding::new(Status::Error, Code::RelatedRecord, name, reason, fix);
        }
        let reason = format!("there is no such field{}", self.targets.hint(name));
        let fix = "choose a field that is there, or refresh the fields";
        Finding::new(Status::Error, Code::UnknownTarget, name, reason, fix)
    }

    /// What stands against running the rule backwards.
    fn way_back(&self, rule: &Rule, findings: &mut Vec<Finding>) {
        if let Some(notice) = self
            .notices
            .iter()
            .find(|notice| notice.pointer == rule.pointer)
        {
            let fix = "give `reverse`, or set `direction` to `to_external`";
            let name = &rule.target.text;
            findings.push(Finding::new(
                Status::Warning,
                Code::OneWay,
                name,
                &notice.detail,
                fix,
            ));
            return;
        }
        for place in &rule.sources {
            let Found::Field(ours) = self.sources.find(&place.text) else {
                continue;
            };
            if ours.read_only {
                let reason = "the field is read-only, and the mapping writes it on the way back";
                let fix = "set the rule's `direction` to `to_external`";
                findings.push(Finding::new(
                    Status::Error,
                    Code::ReadOnly,
                    &ours.name,
                    reason,
                    fix,
                ));
            } else if let (true, Found::Field(theirs)) = (
                rule.functions.is_empty() && rule.reverse.is_none(),
                self.targets.find(&rule.target.text),
            ) {
                findings.extend(fitting(&Known::field(theirs), ours));
            }
        }
    }

    /// Required fields that no rule writes.
    fn unmapped(&self) -> Vec<Finding> {
        if self.mode == Mode::Update {
            return Vec::new();
        }
        let written = |field: &&Field| {
            self.rules.iter().any(|rule| {
                matches!(self.targets.find(&rule.target.text), Found::Field(found) if found.name == field.name)
            })
        };
        let required = self
            .targets
            .all
            .iter()
            .filter(|field| field.required && !field.read_only);
        let unmapped = required.filter(|field| !written(field)).map(|field| {
            let reason = "no record can be made without this field, and no rule writes it";
            let fix = "add a rule for it, perhaps with `constant` or `default`";
            Finding::new(
                Status::Error,
                Code::RequiredUnmapped,
                &field.name,
                reason,
                fix,
            )
        });
        unmapped.collect()
    }
}
