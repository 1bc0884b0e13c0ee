//! The steps of a trigger with their templates read: what they use is there when they are taken.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tieline_mapping::{
    nearest,
    template::{Name, RenderError, Scope, Syntax, Template},
};

use super::{
    Condition, MAX_STEPS, NewEvent, Step,
    values::{EVENT, STEPS},
};
use crate::{SubscriptionId, Violation, event_type, pattern::EventType};

/// What an event has for templates.
const EVENT_FIELDS: [&str; 6] = ["id", "type", "source", "subject", "time", "data"];
/// The longest name of a step, in characters.
const MAX_NAME: usize = 64;
/// The longest template of a message, in bytes.
const MAX_MESSAGE: usize = 32 * 1024;

/// A trigger, ready to be run.
#[derive(Debug)]
pub struct Plan {
    /// Which events it is about.
    pub condition: Option<Condition>,
    /// What is done.
    pub steps: Vec<PlannedStep>,
}

/// A step, ready to be taken.
#[derive(Debug)]
pub struct PlannedStep {
    /// Its name: the one that it was given, or `step_` and its place, from 0.
    pub name: String,
    /// What it does.
    pub does: Does,
}

/// What a step does.
#[derive(Debug)]
pub enum Does {
    /// Runs an action.
    Action {
        /// Its name or id.
        action: String,
        /// What it is run with.
        input: Template,
    },
    /// Tells an agent something.
    Agent {
        /// Its id.
        agent: String,
        /// What it is told.
        message: Template,
        /// What keeps messages together.
        conversation_key: Option<Template>,
    },
    /// Publishes an event.
    Event {
        /// Its type.
        event_type: EventType,
        /// Its content.
        data: Template,
        /// What it is about.
        subject: Option<Template>,
    },
    /// Delivers the event that started the run.
    Webhook {
        /// To this one.
        webhook: SubscriptionId,
    },
}

impl Does {
    /// The word for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Action { .. } => "action",
            Self::Agent { .. } => "agent",
            Self::Event { .. } => "event",
            Self::Webhook { .. } => "webhook",
        }
    }

    /// What the step does with the values of `scope`, as it is shown and kept: the input of an action, the message to
    /// an agent, the event that is published.
    pub fn render(&self, scope: &(impl Scope + ?Sized)) -> Result<Value, RenderError> {
        let object = |template: &Template| -> Result<Value, RenderError> {
            Ok(template.render(scope)?.unwrap_or_else(|| json!({})))
        };
        let text = |template: &Option<Template>| -> Result<Value, RenderError> {
            let rendered = template.as_ref().map(|template| template.render(scope));
            Ok(rendered.transpose()?.flatten().map_or(Value::Null, as_text))
        };
        Ok(match self {
            Self::Action { input, .. } => object(input)?,
            Self::Agent {
                agent,
                message,
                conversation_key,
            } => json!({
                "agent": agent,
                "message": message.render(scope)?.map_or(Value::Null, as_text),
                "conversation_key": text(conversation_key)?,
            }),
            Self::Event {
                event_type,
                data,
                subject,
            } => json!({
                "type": event_type,
                "subject": text(subject)?,
                "data": object(data)?,
            }),
            Self::Webhook { webhook } => json!({"webhook": webhook}),
        })
    }
}

/// A value where text is asked for: text as it is, `null` as nothing, anything else as JSON.
fn as_text(value: Value) -> Value {
    match value {
        Value::Null | Value::String(_) => value,
        other => Value::String(other.to_string()),
    }
}

/// The steps with their templates read, or everything that is wrong with them, with pointers into the list.
pub fn compile_steps(steps: &[Step]) -> Result<Vec<PlannedStep>, Vec<Violation>> {
    if steps.is_empty() || steps.len() > MAX_STEPS {
        let detail = format!("give 1 to {MAX_STEPS} steps");
        return Err(vec![Violation::new("", detail)]);
    }
    let mut compiler = Compiler::default();
    let mut planned = Vec::with_capacity(steps.len());
    for (number, step) in steps.iter().enumerate() {
        compiler.place = format!("/{number}");
        let name = compiler.name(number, step);
        planned.extend(compiler.does(step).map(|does| PlannedStep {
            name: name.clone(),
            does,
        }));
        compiler.earlier.push(name);
    }
    if compiler.faults.is_empty() {
        Ok(planned)
    } else {
        Err(compiler.faults)
    }
}

#[derive(Default)]
struct Compiler {
    /// The step that is read.
    place: String,
    /// The names of the steps before it.
    earlier: Vec<String>,
    faults: Vec<Violation>,
}

impl Compiler {
    fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        let place = format!("{}{pointer}", self.place);
        self.faults.push(Violation::new(place, detail));
    }

    fn name(&mut self, number: usize, step: &Step) -> String {
        let Some(name) = &step.name else {
            return format!("step_{number}");
        };
        let is_character = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
        if !begins || name.len() > MAX_NAME || !name.chars().all(is_character) {
            let detail = format!(
                "a step is named by at most {MAX_NAME} letters, digits, `_` and `-`, a letter first"
            );
            self.fault("/name", detail);
        } else if self.earlier.contains(name) {
            self.fault("/name", "an earlier step has this name; choose another one");
        }
        name.clone()
    }

    /// What a step does; notes what is wrong with it.
    fn does(&mut self, step: &Step) -> Option<Does> {
        let Step {
            name: _,
            action,
            input,
            agent,
            message,
            conversation_key,
            event,
            webhook,
        } = step;
        let given = [
            ("action", action.is_some()),
            ("agent", agent.is_some()),
            ("event", event.is_some()),
            ("webhook", webhook.is_some()),
        ];
        let kinds = given.iter().filter(|(_, given)| *given);
        let kinds: Vec<_> = kinds.map(|(kind, _)| *kind).collect();
        let [kind] = kinds[..] else {
            self.fault(
                "",
                "give exactly one of `action`, `agent`, `event` and `webhook`",
            );
            return None;
        };
        let belonging = [
            ("input", input.is_some(), "action"),
            ("message", message.is_some(), "agent"),
            ("conversation_key", conversation_key.is_some(), "agent"),
        ];
        for (field, is_given, of) in belonging {
            if is_given && of != kind {
                let detail = format!("`{field}` belongs to `{of}`; leave it out");
                self.fault(&format!("/{field}"), detail);
            }
        }
        if let Some(action) = action {
            return self.action(action, input.as_ref());
        }
        if let Some(agent) = agent {
            return self.agent(agent, message.as_deref(), conversation_key.as_deref());
        }
        if let Some(event) = event {
            return self.event(event);
        }
        webhook.map(|webhook| Does::Webhook { webhook })
    }

    fn action(&mut self, action: &str, input: Option<&Value>) -> Option<Does> {
        let nothing = json!({});
        let input = input.unwrap_or(&nothing);
        if !input.is_object() {
            self.fault("/input", "the input of an action is an object");
            return None;
        }
        let input = self.template("/input", input)?;
        Some(Does::Action {
            action: action.to_owned(),
            input,
        })
    }

    fn agent(&mut self, agent: &str, message: Option<&str>, key: Option<&str>) -> Option<Does> {
        let Some(message) = message.filter(|message| !message.is_empty()) else {
            self.fault(
                "/message",
                "say what the agent is told, such as \"{{event.data.text}}\"",
            );
            return None;
        };
        if message.len() > MAX_MESSAGE {
            self.fault("/message", format!("at most {MAX_MESSAGE} bytes"));
            return None;
        }
        let message = self.template("/message", &json!(message));
        let conversation_key = match key {
            Some(key) => Some(self.template("/conversation_key", &json!(key))?),
            None => None,
        };
        Some(Does::Agent {
            agent: agent.to_owned(),
            message: message?,
            conversation_key,
        })
    }

    fn event(&mut self, event: &NewEvent) -> Option<Does> {
        let NewEvent {
            event_type,
            data,
            subject,
        } = event;
        if event_type::own(event_type.as_str()).is_some() {
            let detail =
                format!("`{event_type}` is a type that only Tieline publishes; choose another one");
            self.fault("/event/type", detail);
        }
        let nothing = json!({});
        let data = self.template("/event/data", data.as_ref().unwrap_or(&nothing));
        let subject = match subject {
            Some(subject) => Some(self.template("/event/subject", &json!(subject))?),
            None => None,
        };
        Some(Does::Event {
            event_type: event_type.clone(),
            data: data?,
            subject,
        })
    }

    fn template(&mut self, pointer: &str, template: &Value) -> Option<Template> {
        let template = match Template::parse(template, Syntax::Double) {
            Ok(template) => template,
            Err(error) => {
                self.fault(
                    &format!("{pointer}{}", error.pointer),
                    error.problem.to_string(),
                );
                return None;
            }
        };
        let wrong: Vec<_> = template
            .uses()
            .into_iter()
            .filter_map(|used| Some((used.pointer, self.unknown(used.name)?)))
            .collect();
        for (at, detail) in wrong {
            self.fault(&format!("{pointer}{at}"), detail);
        }
        Some(template)
    }

    /// What is wrong with a name that a template uses.
    fn unknown(&self, name: &Name) -> Option<String> {
        let second = name.steps().get(1).map(String::as_str);
        match (name.root(), second) {
            (EVENT, None) => None,
            (EVENT, Some(field)) if EVENT_FIELDS.contains(&field) => None,
            (EVENT, Some(field)) => Some(format!(
                "an event has no `{field}`{}",
                meant(field, EVENT_FIELDS)
            )),
            (STEPS, Some(step)) => self.unknown_step(step),
            (STEPS, None) => {
                Some("name one step, such as {{steps[0].id}} or {{steps.NAME.id}}".to_owned())
            }
            (root, _) => Some(format!(
                "`{root}` is unknown: values come from the event, as {{{{event.data.id}}}}, and from earlier steps, \
                 as {{{{steps[0].id}}}}{}",
                meant(root, [EVENT, STEPS])
            )),
        }
    }

    fn unknown_step(&self, step: &str) -> Option<String> {
        if let Ok(number) = step.parse::<usize>() {
            return (number >= self.earlier.len()).then(|| {
                format!("step {number} comes no earlier than this one; steps are counted from 0")
            });
        }
        let known: BTreeSet<&str> = self.earlier.iter().map(String::as_str).collect();
        (!known.contains(step))
            .then(|| format!("no earlier step is named `{step}`{}", meant(step, known)))
    }
}

/// The name that was probably meant, for the end of a sentence.
fn meant<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let nearest = nearest(given, known);
    nearest.map_or_else(String::new, |nearest| {
        format!("; did you mean `{nearest}`?")
    })
}
