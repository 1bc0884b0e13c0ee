//! Conversations: messages written once, turns one after the other, consent, and nothing of another tenant.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tieline_domain::{
    AgentId, ApprovalId, ConversationId, DeliveryId, EventId, MessageId, TenantId, TurnId,
    conversation::{
        About, Approval, Conversation, Decision, Message, Role, Status, Step, StepKind, StepStatus,
        Turn, TurnStatus, WaitsFor,
    },
    event::{Event, types},
    pattern::EventType,
};
use tieline_store::{
    Error, PageRequest, Store,
    conversations::{
        Begun, ConversationFilter, Ending, Erasure, Passage, Said, Saying, approvals::Word,
    },
    documents::{Kind, NewDocument},
    retention::Old,
    spine::{Entry, NewDelivery, Start},
};

use crate::{
    engines::on_every_engine,
    setting::{at, by, made, tenant, two_tenants},
};

fn agent() -> AgentId {
    AgentId::new(at(0), 7)
}

fn conversation(of: TenantId, number: u64, key: Option<&str>) -> Conversation {
    let made = at(10 + number as i64);
    Conversation {
        id: ConversationId::new(made, number),
        tenant_id: of,
        agent_id: agent(),
        status: Status::Active,
        key: key.map(str::to_owned),
        about: About {
            channel: Some("web".to_owned()),
            ..About::default()
        },
        messages: 0,
        was_escalated: false,
        created_at: made,
        updated_at: made,
        ended_at: None,
    }
}

/// An event of a conversation, owed to the agent.
fn entry(of: TenantId, number: u64, kind: &str, line: Option<&Conversation>) -> Entry {
    let made = at(1_000 + number as i64);
    let event = Event {
        id: EventId::new(made, number),
        tenant_id: of,
        event_type: kind.parse::<EventType>().unwrap(),
        source: "/v1/conversations".into(),
        subject: None,
        time: made,
        data: "{}".into(),
        cause_id: None,
        trace_id: "0".into(),
        trust: None,
    };
    let delivery = line.map(|conversation| NewDelivery {
        id: DeliveryId::new(made, number),
        destination_id: agent().into(),
        ordering_key: Some(conversation.id.to_string().into()),
        start: Start::Due(made),
    });
    Entry {
        event: event.into(),
        deliveries: delivery.into_iter().collect(),
    }
}

fn message(of: &Conversation, number: u64, role: Role) -> Message {
    Message {
        id: MessageId::new(at(100 + number as i64), number),
        conversation_id: of.id,
        tenant_id: of.tenant_id,
        role,
        content: format!("message {number}"),
        metadata: Map::new(),
        turn_id: None,
        created_at: at(100 + number as i64),
    }
}

fn saying(of: &Conversation, number: u64) -> Saying {
    let message = message(of, number, Role::User);
    let told = entry(of.tenant_id, number, types::USER_MESSAGE, Some(of));
    Saying {
        conversation: of.clone(),
        started: Some(entry(
            of.tenant_id,
            500 + number,
            types::CONVERSATION_STARTED,
            None,
        )),
        turn: Turn {
            id: TurnId::about(message.id),
            tenant_id: of.tenant_id,
            conversation_id: of.id,
            agent_id: agent(),
            message_id: message.id,
            event_id: told.event.id,
            status: TurnStatus::Queued,
            waits_for: None,
            reason: None,
            reply_id: None,
            cancel: false,
            trace_id: "0".to_owned(),
            created_at: message.created_at,
            started_at: None,
            ended_at: None,
        },
        message,
        told: Some(told),
    }
}

/// A store with an agent of tenant 1, whose destination is there.
async fn store(db: tieline_store::Db) -> Store {
    let store = two_tenants(db).await;
    let new = NewDocument {
        tenant_id: tenant(1),
        kind: Kind::Agent,
        id: agent().to_string(),
        name: Some("agent_sales".to_owned()),
        body: "{}".to_owned(),
        sealed: Vec::new(),
        destination: true,
    };
    made(&store, new, 3).await;
    store
}

async fn say(store: &Store, of: &Conversation, number: u64) -> Turn {
    let saying = saying(of, number);
    assert_eq!(store.say(&saying).await.unwrap(), Said::New);
    saying.turn
}

async fn goes(store: &Store, turn: &Turn) -> bool {
    let begun = store.begin_turn(turn.tenant_id, turn.id, at(200)).await;
    matches!(begun.unwrap(), Begun::Goes(..))
}

async fn seen(store: &Store, turn: &Turn) -> Turn {
    let found = store.find_turn(turn.tenant_id, turn.id).await.unwrap();
    found.unwrap()
}

fn ending(of: &Conversation, number: u64) -> Ending {
    Ending {
        status: TurnStatus::Completed,
        reason: None,
        reply: Some(message(of, number, Role::Assistant)),
        at: at(300),
        notices: vec![entry(
            of.tenant_id,
            600 + number,
            types::AGENT_RESPONSE,
            None,
        )],
    }
}

fn wake(of: &Conversation, number: u64) -> impl FnOnce(&Turn) -> Entry + use<> {
    let entry = entry(of.tenant_id, 700 + number, types::TURN_RESUMED, Some(of));
    move |_| entry
}

async fn deliveries(store: &Store) -> usize {
    let filter = tieline_store::deliveries::DeliveryFilter {
        destination_id: Some(agent().into()),
        ..Default::default()
    };
    let page = PageRequest::first(100);
    let page = store.list_deliveries(tenant(1), &filter, &page).await;
    page.unwrap().items.len()
}

#[tokio::test]
async fn a_message_is_written_once_with_its_turn_and_its_delivery() {
    on_every_engine(async |db| {
        let store = store(db).await;
        let held = conversation(tenant(1), 1, None);
        say(&store, &held, 1).await;
        assert_eq!(store.say(&saying(&held, 1)).await.unwrap(), Said::Repeated);
        assert_eq!(deliveries(&store).await, 1);
        let found = store
            .find_conversation(tenant(1), held.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.messages, &found.about), (1, &held.about));
        let page = PageRequest::first(10);
        let listed = store
            .list_messages(tenant(1), held.id, &page)
            .await
            .unwrap();
        assert_eq!(listed.items, [saying(&held, 1).message]);
        let one = store
            .find_message(tenant(1), held.id, listed.items[0].id)
            .await;
        assert!(one.unwrap().is_some());
        assert!(
            store
                .find_conversation(tenant(2), held.id)
                .await
                .unwrap()
                .is_none()
        );
        let foreign = store
            .list_messages(tenant(2), held.id, &page)
            .await
            .unwrap();
        assert!(foreign.items.is_empty());

        for (status, expected) in [(Status::Active, 1), (Status::Completed, 0)] {
            let filter = ConversationFilter {
                agent_id: Some(agent()),
                status: Some(status),
            };
            let listed = store.list_conversations(tenant(1), &filter, &page).await;
            assert_eq!(listed.unwrap().items.len(), expected, "{status}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_has_one_open_conversation() {
    on_every_engine(async |db| {
        let store = store(db).await;
        let (one, other) = (
            conversation(tenant(1), 1, Some("k")),
            conversation(tenant(1), 2, Some("k")),
        );
        let started = |number| entry(tenant(1), number, types::CONVERSATION_STARTED, None);
        store.create_conversation(&one, &started(1)).await.unwrap();
        let again = store.create_conversation(&other, &started(2)).await;
        assert!(matches!(again, Err(Error::NameTaken)), "{again:?}");
        assert!(matches!(
            store.say(&saying(&other, 3)).await,
            Err(Error::NameTaken)
        ));
        let find = async || {
            let found = store.find_keyed_conversation(tenant(1), agent(), "k").await;
            found.unwrap().map(|found| found.id)
        };
        assert_eq!(find().await, Some(one.id));
        let passage = |to, number| Passage {
            to,
            from: &[Status::Active, Status::Escalated],
            at: at(20),
            notices: vec![entry(
                tenant(1),
                number,
                types::CONVERSATION_COMPLETED,
                None,
            )],
        };
        let pass = async |to, number| {
            let passage = passage(to, number);
            let passed = store.pass_conversation(tenant(1), one.id, &passage).await;
            passed.unwrap()
        };
        assert!(pass(Status::Escalated, 8).await);
        assert!(pass(Status::Completed, 9).await);
        assert!(!pass(Status::Completed, 10).await);
        let found = store
            .find_conversation(tenant(1), one.id)
            .await
            .unwrap()
            .unwrap();
        assert!(found.was_escalated && found.ended_at == Some(at(20)));
        assert_eq!(find().await, None);
        assert_eq!(store.say(&saying(&one, 4)).await.unwrap(), Said::Ended);
        assert_eq!(store.say(&saying(&other, 5)).await.unwrap(), Said::New);
    })
    .await;
}

#[tokio::test]
async fn turns_of_a_conversation_go_one_after_the_other() {
    on_every_engine(async |db| {
        let store = store(db).await;
        let held = conversation(tenant(1), 1, None);
        let (first, second) = (say(&store, &held, 1).await, say(&store, &held, 2).await);
        assert!(goes(&store, &first).await);
        assert!(!goes(&store, &second).await);
        assert_eq!(seen(&store, &second).await.waits_for, Some(WaitsFor::Turn));
        store
            .put_turn_off(tenant(1), first.id, "the model is busy")
            .await
            .unwrap();
        assert_eq!(
            seen(&store, &first).await.reason.as_deref(),
            Some("the model is busy")
        );
        assert!(goes(&store, &first).await);

        let before = deliveries(&store).await;
        let end = async |turn: &Turn, number| {
            let ending = ending(&held, number);
            let ended = store.end_turn(turn, &ending, wake(&held, number)).await;
            ended.unwrap()
        };
        assert!(end(&first, 3).await);
        assert_eq!(deliveries(&store).await, before + 1, "the second is woken");
        assert!(!end(&first, 4).await, "it ends once");
        let history = store
            .history(tenant(1), held.id, second.message_id, 10)
            .await
            .unwrap();
        let history: Vec<_> = history.iter().map(|message| &*message.content).collect();
        assert_eq!(history, ["message 1", "message 3", "message 2"]);
        assert!(goes(&store, &second).await);

        // What failed with its delivery begins anew when that is retried; what was completed does not.
        let failed = Ending {
            status: TurnStatus::Failed,
            reason: Some("no answer".to_owned()),
            reply: None,
            ..ending(&held, 5)
        };
        assert!(
            store
                .end_turn(&second, &failed, wake(&held, 3))
                .await
                .unwrap()
        );
        assert!(goes(&store, &second).await);
        assert!(!goes(&store, &first).await);
        assert!(store.ask_turn_to_stop(tenant(1), second.id).await.unwrap());
        assert!(seen(&store, &second).await.cancel);
        assert!(!store.ask_turn_to_stop(tenant(2), second.id).await.unwrap());
        let open = store.open_turns_of(tenant(1), agent(), 10).await.unwrap();
        assert_eq!(
            open.iter().map(|turn| turn.id).collect::<Vec<_>>(),
            [second.id]
        );
        let page = PageRequest::first(10);
        let listed = store.list_turns(tenant(1), held.id, &page).await.unwrap();
        assert_eq!(listed.items.len(), 2);
        let missing = store.begin_turn(tenant(2), second.id, at(1)).await.unwrap();
        assert!(matches!(missing, Begun::Missing));
    })
    .await;
}

fn step(turn: &Turn, number: u32, status: StepStatus) -> Step {
    Step {
        turn_id: turn.id,
        tenant_id: turn.tenant_id,
        number,
        kind: StepKind::Tool,
        name: "refund".to_owned(),
        call_id: Some("c1".to_owned()),
        status,
        input: json!({"order": 1042}),
        output: Value::Null,
        error: None,
        started_at: at(200),
        took: None,
    }
}

#[tokio::test]
async fn steps_are_kept_and_a_place_is_taken_once() {
    on_every_engine(async |db| {
        let store = store(db).await;
        let held = conversation(tenant(1), 1, None);
        let turn = say(&store, &held, 1).await;
        let steps = [
            step(&turn, 1, StepStatus::Running),
            step(&turn, 2, StepStatus::Running),
        ];
        store.write_steps(&steps).await.unwrap();
        let taken = store.write_steps(&steps[1..]).await;
        assert!(matches!(taken, Err(Error::NameTaken)), "{taken:?}");
        let done = Step {
            status: StepStatus::Completed,
            output: json!({"ok": true}),
            took: Some(Duration::from_millis(12)),
            ..steps[1].clone()
        };
        store.rewrite_step(&done).await.unwrap();
        let listed = store.list_steps(tenant(1), &[turn.id]).await.unwrap();
        assert_eq!(listed, [steps[0].clone(), done]);
        assert!(
            store
                .list_steps(tenant(2), &[turn.id])
                .await
                .unwrap()
                .is_empty()
        );
        assert!(store.list_steps(tenant(1), &[]).await.unwrap().is_empty());
    })
    .await;
}

fn approval(turn: &Turn, number: u64) -> Approval {
    Approval {
        id: ApprovalId::new(at(number as i64), number),
        tenant_id: turn.tenant_id,
        conversation_id: turn.conversation_id,
        turn_id: turn.id,
        step: number as u32,
        agent_id: agent(),
        tool: "refund".to_owned(),
        input: json!({"order": 1042}),
        decision: Decision::Pending,
        decided_by: None,
        reason: None,
        created_at: at(number as i64),
        decided_at: None,
    }
}

#[tokio::test]
async fn a_turn_goes_on_when_everything_is_decided() {
    on_every_engine(async |db| {
        let store = store(db).await;
        let held = conversation(tenant(1), 1, None);
        let turn = say(&store, &held, 1).await;
        assert!(goes(&store, &turn).await);
        let steps = [
            step(&turn, 1, StepStatus::Waiting),
            step(&turn, 2, StepStatus::Waiting),
        ];
        store.write_steps(&steps).await.unwrap();
        let asked = [approval(&turn, 1), approval(&turn, 2)];
        let notices = [entry(tenant(1), 50, types::APPROVAL_REQUESTED, None)];
        let waits = store.let_turn_wait(&turn, WaitsFor::Approval, &asked, &notices);
        assert!(waits.await.unwrap());
        assert!(!goes(&store, &turn).await);
        let page = PageRequest::first(10);
        let pending = store
            .list_approvals(tenant(1), Some(Decision::Pending), &page)
            .await;
        assert_eq!(pending.unwrap().items.len(), 2);

        let word = |approved| Word {
            approved,
            by: "key_owner".to_owned(),
            reason: Some("known".to_owned()),
            at: at(30),
        };
        let before = deliveries(&store).await;
        assert!(
            store
                .decide(&asked[0], &word(true), wake(&held, 1))
                .await
                .unwrap()
        );
        assert_eq!(
            deliveries(&store).await,
            before,
            "the other is still to be decided"
        );
        assert!(
            !store
                .decide(&asked[0], &word(false), wake(&held, 2))
                .await
                .unwrap()
        );
        assert!(
            store
                .decide(&asked[1], &word(false), wake(&held, 3))
                .await
                .unwrap()
        );
        assert_eq!(deliveries(&store).await, before + 1);
        let steps = store.list_steps(tenant(1), &[turn.id]).await.unwrap();
        assert_eq!(
            (steps[0].status, steps[1].status),
            (StepStatus::Approved, StepStatus::Denied)
        );
        let decided = store.approvals_of(tenant(1), turn.id).await.unwrap();
        assert_eq!(decided[0].decided_by.as_deref(), Some("key_owner"));
        assert!(goes(&store, &turn).await);
        assert!(
            store
                .find_approval(tenant(2), asked[0].id)
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            store
                .find_approval(tenant(1), asked[0].id)
                .await
                .unwrap()
                .is_some()
        );
    })
    .await;
}

#[tokio::test]
async fn a_reply_ends_every_turn_that_waits_for_one() {
    on_every_engine(async |db| {
        let store = store(db).await;
        let held = conversation(tenant(1), 1, None);
        let turns = [say(&store, &held, 1).await, say(&store, &held, 2).await];
        for turn in &turns {
            let waits = store.let_turn_wait(turn, WaitsFor::Reply, &[], &[]).await;
            assert!(waits.unwrap());
        }
        let page = PageRequest::first(10);
        assert_eq!(
            store
                .inbox(tenant(1), agent(), &page)
                .await
                .unwrap()
                .items
                .len(),
            2
        );
        assert_eq!(store.open_turns(tenant(1), held.id).await.unwrap().len(), 2);
        let reply = message(&held, 9, Role::Assistant);
        let notices = [entry(tenant(1), 60, types::AGENT_RESPONSE, None)];
        let ended = store
            .reply(agent(), &reply, &notices, wake(&held, 1))
            .await
            .unwrap();
        assert_eq!(ended, Some(2));
        assert!(
            store
                .inbox(tenant(1), agent(), &page)
                .await
                .unwrap()
                .items
                .is_empty()
        );
        for turn in &turns {
            let turn = seen(&store, turn).await;
            assert_eq!(
                (turn.status, turn.reply_id),
                (TurnStatus::Completed, Some(reply.id))
            );
        }
        let late = store
            .let_turn_wait(&turns[0], WaitsFor::Reply, &[], &[])
            .await;
        assert!(!late.unwrap(), "it has ended");
    })
    .await;
}

/// How many messages, turns and steps are left of a conversation, and whether it is there.
async fn left(store: &Store, of: &Conversation) -> (bool, usize, usize, usize) {
    let (tenant, page) = (of.tenant_id, PageRequest::first(10));
    let found = store.find_conversation(tenant, of.id).await.unwrap();
    let messages = store.list_messages(tenant, of.id, &page).await.unwrap();
    let turns = store.list_turns(tenant, of.id, &page).await.unwrap();
    let about = [TurnId::about(message(of, of.messages, Role::User).id)];
    let steps = store.list_steps(tenant, &about).await.unwrap();
    (
        found.is_some(),
        messages.items.len(),
        turns.items.len(),
        steps.len(),
    )
}

const GONE: (bool, usize, usize, usize) = (false, 0, 0, 0);

/// A conversation with one message, whose number is that of the conversation, and a step of its turn.
async fn spoken(store: &Store, of: TenantId, number: u64) -> (Conversation, Turn) {
    let mut held = conversation(of, number, None);
    let turn = say(store, &held, number).await;
    store
        .write_steps(&[step(&turn, 1, StepStatus::Completed)])
        .await
        .unwrap();
    held.messages = number;
    (held, turn)
}

#[tokio::test]
async fn old_conversations_go_whole() {
    on_every_engine(async |db| {
        let store = store(db).await;
        let (ended, turn) = spoken(&store, tenant(1), 1).await;
        let end = ending(&ended, 20);
        store.end_turn(&turn, &end, wake(&ended, 1)).await.unwrap();
        let (asking, turn) = spoken(&store, tenant(1), 2).await;
        let asked = [approval(&turn, 1)];
        let waits = store.let_turn_wait(&turn, WaitsFor::Approval, &asked, &[]);
        assert!(waits.await.unwrap());
        let (silent, at_work) = (
            conversation(tenant(1), 3, None),
            spoken(&store, tenant(1), 4).await.0,
        );
        let begun = entry(tenant(1), 503, types::CONVERSATION_STARTED, None);
        store.create_conversation(&silent, &begun).await.unwrap();
        let (new, turn) = spoken(&store, tenant(1), 50).await;
        let end = ending(&new, 51);
        store.end_turn(&turn, &end, wake(&new, 2)).await.unwrap();
        let (theirs, _) = spoken(&store, tenant(2), 6).await;

        let remove = async |limit| {
            let old = store.remove_old(Old::Conversations, tenant(1), at(150), limit);
            old.await.unwrap()
        };
        assert_eq!(remove(2).await, 2);
        assert_eq!(remove(2).await, 1);
        assert_eq!(remove(2).await, 0, "a turn is about to be taken");
        for one in [&ended, &asking, &silent] {
            assert_eq!(left(&store, one).await, GONE);
        }
        let approval = store.find_approval(tenant(1), asked[0].id);
        assert!(approval.await.unwrap().is_none());
        for (one, messages) in [(&at_work, 1), (&new, 2), (&theirs, 1)] {
            assert_eq!(left(&store, one).await, (true, messages, 1, 1));
        }
    })
    .await;
}

#[tokio::test]
async fn a_conversation_is_erased_at_once_unless_a_turn_is_open() {
    on_every_engine(async |db| {
        let store = store(db).await;
        let (held, turn) = spoken(&store, tenant(1), 1).await;
        let (other, _) = spoken(&store, tenant(1), 2).await;
        let erase = async |of: TenantId| {
            let by = by(400);
            let erased = store.erase_conversation(of, held.id, &by);
            erased.await.unwrap()
        };
        assert_eq!(erase(tenant(2)).await, Erasure::Missing);
        assert_eq!(erase(tenant(1)).await, Erasure::UnderWay);
        let events = store.events_of_conversation(tenant(1), held.id, None, 9);
        assert_eq!(events.await.unwrap(), [turn.event_id]);
        let behind = Some(turn.event_id);
        let events = store.events_of_conversation(tenant(1), held.id, behind, 9);
        assert_eq!(events.await.unwrap(), []);
        let end = ending(&held, 20);
        store.end_turn(&turn, &end, wake(&held, 1)).await.unwrap();
        assert_eq!(erase(tenant(1)).await, Erasure::Done);
        assert_eq!(left(&store, &held).await, GONE);
        assert_eq!(left(&store, &other).await, (true, 1, 1, 1));
        assert_eq!(erase(tenant(1)).await, Erasure::Missing);

        // What comes too late finds nothing, and makes nothing.
        let late = Saying {
            started: None,
            ..saying(&held, 9)
        };
        assert_eq!(store.say(&late).await.unwrap(), Said::Missing);
        let reply = message(&held, 9, Role::Assistant);
        let replied = store.reply(agent(), &reply, &[], wake(&held, 2)).await;
        assert_eq!(replied.unwrap(), None);
        assert_eq!(left(&store, &held).await, GONE);
    })
    .await;
}
