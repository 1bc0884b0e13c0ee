//! A client of Server-Sent Events, which reads them one by one (WHATWG HTML, 9.2.6).

use std::time::Duration;

use anyhow::{Context as _, ensure};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use crate::http::Request;

/// How long an event may take to come.
const LIMIT: Duration = Duration::from_secs(30);

/// An open stream of events.
#[derive(Debug)]
pub struct EventStream {
    body: Incoming,
    text: String,
    /// The id of the last event, as a browser remembers it.
    pub last_id: Option<String>,
}

/// An event that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its `id`; that of the last event that had one, or empty, if it has none.
    pub id: String,
    /// Its `event`.
    pub event: String,
    /// Its `data`, which is JSON.
    pub data: Value,
}

impl EventStream {
    /// Sends the request, which has to be answered with a stream.
    pub async fn open(request: Request<'_>) -> anyhow::Result<Self> {
        let answer = tokio::time::timeout(LIMIT, request.begin()).await??;
        ensure!(answer.status() == 200, "no stream: {answer:?}");
        let media_type = answer.headers().get("content-type");
        ensure!(
            media_type.is_some_and(|value| value == "text/event-stream"),
            "no stream: {answer:?}"
        );
        Ok(Self {
            body: answer.into_body(),
            text: String::new(),
            last_id: None,
        })
    }

    /// The next event; `None` at the end of the stream. Fails when none comes for half a minute.
    pub async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(event) = self.dispatch(&block)? {
                    return Ok(Some(event));
                }
            }
            let frame = tokio::time::timeout(LIMIT, self.body.frame()).await;
            let Some(frame) = frame.context("no event came")? else {
                return Ok(None);
            };
            if let Ok(bytes) = frame?.into_data() {
                self.text.push_str(std::str::from_utf8(&bytes)?);
            }
        }
    }

    fn dispatch(&mut self, block: &str) -> anyhow::Result<Option<Event>> {
        let mut event = String::new();
        let mut data = Vec::new();
        for line in block.lines() {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            match name {
                "id" => self.last_id = Some(value.to_owned()),
                "event" => value.clone_into(&mut event),
                "data" => data.push(value),
                _ => {}
            }
        }
        if data.is_empty() {
            return Ok(None);
        }
        Ok(Some(Event {
            id: self.last_id.clone().unwrap_or_default(),
            event,
            data: serde_json::from_str(&data.join("\n"))?,
        }))
    }
}
