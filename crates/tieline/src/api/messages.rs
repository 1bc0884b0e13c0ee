//! Saying something in a conversation: `POST /v1/conversations/{id}/messages`.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tieline_domain::{
    ConversationId,
    access::{Area::Conversations, Right},
    conversation::Role,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, RefOr},
};

use super::{
    agents::handles,
    answer::{Accepted, Shown},
    caller::Caller,
    conversations::find,
    event_stream,
    frame::RequestTrace,
    json::Json,
    page::Id,
    problem::Problem,
    turn_view::{ExchangeView, MessageView, StepView, TurnView},
};
use crate::{
    app::App,
    converse::{Asked, Update, rests},
};

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// How often a client hears that the stream lives.
const BEAT_EVERY: Duration = Duration::from_secs(15);
/// How often it is looked at a turn that may be taken by another node.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many pieces may wait for a slow client.
const WAITING: usize = 64;

const EXAMPLE: &str = "event: turn\ndata: {\"turn_id\":\"turn_01kb3f9z5qf8m9w2v7x4t6n0hd\"}\n\nevent: delta\ndata: {\"content\":\"Ada is \"}\n\nevent: step\ndata: {\"number\":1,\"kind\":\"model\",\"status\":\"completed\"}\n\nevent: done\ndata: {\"message\":{},\"turn\":{},\"reply\":{}}\n\n";

/// A message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "user", "content": "Who is ada@example.com?"}))]
pub struct NewMessage {
    /// `user`: the agent takes its turn; `assistant`: you answer in its place.
    #[schema(value_type = String)]
    role: Role,
    /// What is said: up to `limits.message_max_bytes` (64 KiB).
    content: String,
    /// What comes with it: at most 16 KiB of JSON.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

/// The header, for the document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "describes the header to the document; `wish` reads it"
)]
pub struct PreferHeader {
    /// `respond-async`: answer 202 at once; `wait=10`: after so many seconds (RFC 7240).
    #[param(rename = "Prefer", example = "wait=10")]
    prefer: Option<String>,
}

/// What a message is answered with.
pub enum Answered {
    /// The turn has ended, or the message was an answer itself.
    Done(Shown<ExchangeView>),
    /// A message of an assistant was written.
    Written(Shown<MessageView>),
    /// The turn goes on, or waits for a person.
    Later(Accepted<ExchangeView>),
    /// What happens, as it happens.
    Stream(event_stream::EventStream),
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        match self {
            Self::Done(shown) => shown.into_response(),
            Self::Written(shown) => shown.into_response(),
            Self::Later(accepted) => accepted.into_response(),
            Self::Stream(stream) => stream.into_response(),
        }
    }
}

impl IntoResponses for Answered {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let mut all = Shown::<ExchangeView>::responses();
        if let Some(RefOr::T(done)) = all.get_mut("200") {
            done.description = "The turn has ended: `turn.status` says how; for a message of an assistant, the message".into();
            let stream = ContentBuilder::new().example(Some(json!(EXAMPLE))).build();
            done.content
                .insert("text/event-stream".to_owned(), stream.into());
        }
        let mut later = Accepted::<ExchangeView>::responses();
        if let Some(RefOr::T(later)) = later.get_mut("202") {
            later.description =
                "The message is durable; its turn goes on, or waits for a person".into();
        }
        all.extend(later);
        all
    }
}

/// Say something in a conversation
///
/// The message is durable before anything is answered. A message of the user is answered with the agent's reply when
/// its turn ends: at the latest after `limits.reply_wait_seconds` (60), or as `Prefer` asks, with 202 while the turn
/// goes on. With `Accept: text/event-stream` what happens is sent as it happens: `turn`, `delta` (more of the reply),
/// `step`, and `done` with the whole.
#[utoipa::path(post, path = "/conversations/{id}/messages", operation_id = "create_message", tag = "Conversations",
    params(PreferHeader, ("id" = String, Path, description = "Id of the conversation", example = "conv_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("conversations:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ConversationId>,
    trace: RequestTrace,
    headers: HeaderMap,
    Json(new): Json<NewMessage>,
) -> Result<Answered, Problem> {
    caller.require(Conversations, Right::Write)?;
    let conversation = find(&app, &caller, id).await?;
    let NewMessage {
        role,
        content,
        metadata,
    } = new;
    if role == Role::Assistant {
        let said = app
            .conversations
            .reply(&conversation, content, metadata)
            .await?;
        return Ok(Answered::Written(Shown::new(said.into())));
    }
    let streams = wants_stream(&headers);
    let place = streams.then(|| app.streams.place(caller.tenant_id));
    let trace_id = trace.context.trace_text();
    let place = place
        .map(|place| place.ok_or_else(|| event_stream::too_many(app.streams.most())))
        .transpose()?;
    let flows = &app.conversations;
    let asked = flows.say(&conversation, content, metadata, &trace_id, streams);
    let asked = asked.await?;
    match place {
        Some(place) => Ok(Answered::Stream(stream(app, caller, place, asked))),
        None => wait(&app, &caller, asked, &headers).await,
    }
}

async fn wait(
    app: &App,
    caller: &Caller,
    mut asked: Asked,
    headers: &HeaderMap,
) -> Result<Answered, Problem> {
    let at_most = wish(headers, app.config.limits.turns.reply_wait);
    let turn = app.conversations.await_turn(&mut asked, at_most);
    let ended = turn.await?.is_some_and(|turn| turn.ended_at.is_some());
    let view = exchange(app, caller, &asked).await?;
    Ok(if ended {
        Answered::Done(Shown::new(view))
    } else {
        Answered::Later(Accepted(view))
    })
}

/// For how long the client wants to wait (RFC 7240).
fn wish(headers: &HeaderMap, most: Duration) -> Duration {
    let wishes = headers.get_all(PREFER).into_iter();
    let wishes = wishes.filter_map(|value| value.to_str().ok());
    for wish in wishes.flat_map(|value| value.split(',')).map(str::trim) {
        if wish.eq_ignore_ascii_case("respond-async") {
            return Duration::ZERO;
        }
        let seconds = wish
            .strip_prefix("wait=")
            .and_then(|text| text.parse().ok());
        if let Some(seconds) = seconds {
            return Duration::from_secs(seconds).min(most);
        }
    }
    most
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/event-stream"))
}

/// A message, what was done about it so far, and the reply.
async fn exchange(app: &App, caller: &Caller, asked: &Asked) -> Result<ExchangeView, Problem> {
    let tenant = caller.tenant_id;
    let turn = app.store.find_turn(tenant, asked.turn).await?;
    let turn = turn.ok_or_else(|| Problem::not_found("turn"))?;
    let steps = app.store.list_steps(tenant, &[turn.id]).await?;
    let reply = match turn.reply_id {
        Some(reply) => {
            app.store
                .find_message(tenant, turn.conversation_id, reply)
                .await?
        }
        None => None,
    };
    Ok(ExchangeView {
        message: asked.message.clone().into(),
        turn: TurnView::of(turn, &steps, &handles(app, caller).await?),
        reply: reply.map(MessageView::from),
    })
}

/// What happens in a turn, as it happens, until it rests or the client goes away.
fn stream(
    app: App,
    caller: Caller,
    place: crate::streams::Place,
    asked: Asked,
) -> event_stream::EventStream {
    let (pieces, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _place = place;
        let closed = pieces.clone();
        tokio::select! {
            () = closed.closed() => {}
            () = follow(&app, &caller, asked, &pieces) => {}
        }
    });
    let pieces = futures::stream::unfold(receiver, |mut receiver| async {
        let piece = receiver.recv().await?;
        Some((Ok::<_, Infallible>(piece), receiver))
    });
    event_stream::EventStream::of(Body::from_stream(pieces.boxed()))
}

async fn follow(app: &App, caller: &Caller, mut asked: Asked, pieces: &mpsc::Sender<Bytes>) {
    let begin = json!({"turn_id": asked.turn, "message_id": asked.message.id});
    if pieces.send(piece("turn", &begin)).await.is_err() {
        return;
    }
    let mut sent = Instant::now();
    loop {
        let heard = timeout(LOOK_EVERY, asked.listener.next()).await;
        let next = match heard {
            Ok(Some(Update::Delta(text))) => piece("delta", &json!({"content": &*text})),
            Ok(Some(Update::Step(step))) => piece("step", &json!(StepView::from((*step).clone()))),
            // Another node may be at the turn, or something was missed.
            Ok(Some(Update::Rests) | None) | Err(_) => {
                let turn = app.store.find_turn(caller.tenant_id, asked.turn).await;
                if turn.is_ok_and(|turn| turn.is_none_or(|turn| rests(&turn))) {
                    if let Ok(view) = exchange(app, caller, &asked).await {
                        pieces.send(piece("done", &json!(view))).await.ok();
                    }
                    return;
                }
                if sent.elapsed() < BEAT_EVERY {
                    continue;
                }
                Bytes::from_static(b":\n\n")
            }
        };
        if pieces.send(next).await.is_err() {
            return;
        }
        sent = Instant::now();
    }
}

fn piece(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
