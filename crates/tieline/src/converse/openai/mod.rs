//! The chat-completions protocol of OpenAI, as far as agents need it. Many services speak it, each a little
//! differently: what they leave out or add is borne.

mod answer;
mod question;
mod stream;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use tieline_domain::agent::Openai;

use super::{
    model::{self, Failure, Hear, Question},
    prompt::Answer,
    sse,
};
use crate::{
    outbound::{BodyLimit, Flow, Outbound, Request},
    registry::{Registry, Revealed},
    telemetry::traces,
};

/// How much of a refusal is kept, in bytes.
const SAID: usize = 2_000;

/// Asks the model.
pub(super) async fn ask(
    outbound: &Outbound,
    registry: &Registry,
    question: &Question<'_>,
    model: &Openai,
    hear: Option<Hear<'_>>,
) -> Result<Answer, Failure> {
    let key = match &model.api_key {
        Some(key) => Some(model::reveal(registry, question.tenant, key).await?),
        None => None,
    };
    let request = request(outbound, question, model, key.as_ref(), hear.is_some())?;
    let mut flow = outbound.open(request).await?;
    let status = flow.status;
    if !status.is_success() {
        let wait = model::wait(&flow.headers, question.now);
        let said = said(&mut flow).await;
        let said = key
            .as_ref()
            .map_or_else(|| said.clone(), |key| key.redact(&said));
        return Err(Failure::status(status, wait, &said));
    }
    match hear {
        Some(hear) if is_stream(&flow.headers) => listen(&mut flow, hear).await,
        _ => {
            let body = whole(&mut flow).await?;
            answer::read(&body).map_err(Failure::unusable)
        }
    }
}

fn request(
    outbound: &Outbound,
    question: &Question<'_>,
    model: &Openai,
    key: Option<&Revealed>,
    streams: bool,
) -> Result<Request, Failure> {
    let url = format!("{}/chat/completions", model.base_url.trim_end_matches('/'));
    let destination = outbound.check_url(&url);
    let destination = destination.map_err(|bad| Failure::unusable(bad.to_string()))?;
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json.clone());
    headers.insert(
        header::ACCEPT,
        if streams {
            HeaderValue::from_static("text/event-stream")
        } else {
            json
        },
    );
    if let Some(key) = key {
        let value = HeaderValue::try_from(format!("Bearer {}", key.text.as_str()));
        let mut value = value.map_err(|_| Failure::unusable("the key fits in no header"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    headers.insert(traces::TRACEPARENT, traces::header(&question.trace));
    let body = question::body(question, model, streams);
    Ok(Request {
        method: Method::POST,
        uri: destination.uri().clone(),
        headers,
        body: Bytes::from(body.to_string()),
        deadline: question.deadline,
        body_limit: BodyLimit::Whole {
            at_most: question.at_most,
        },
    })
}

fn is_stream(headers: &HeaderMap) -> bool {
    let essence = headers.get(header::CONTENT_TYPE);
    essence
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| text.trim_start().starts_with("text/event-stream"))
}

/// Reads a streamed answer, and hands its pieces on.
async fn listen(flow: &mut Flow, hear: Hear<'_>) -> Result<Answer, Failure> {
    let (mut reader, mut gathered) = (sse::Reader::default(), stream::Gathered::default());
    while let Some(piece) = flow.next().await? {
        reader.take(&piece);
        while let Some(data) = reader.event() {
            match gathered.take(&data).map_err(Failure::unusable)? {
                stream::Piece::Text(text) => hear(&text),
                stream::Piece::Nothing => {}
                stream::Piece::Done => return gathered.answer().map_err(Failure::unusable),
            }
        }
    }
    if gathered.is_finished() {
        return gathered.answer().map_err(Failure::unusable);
    }
    Err(Failure {
        kind: "unknown_outcome",
        ..Failure::unusable("the answer broke off before its end")
    })
}

async fn whole(flow: &mut Flow) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(piece) = flow.next().await? {
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The beginning of what is said beside a status that is no success.
async fn said(flow: &mut Flow) -> String {
    let mut body = Vec::new();
    while body.len() < SAID {
        match flow.next().await {
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) | Err(_) => break,
        }
    }
    answer::refusal(&body, SAID)
}
