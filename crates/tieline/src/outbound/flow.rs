//! Answers that are read as they come.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use super::{
    classify::root_cause,
    client::{LONGEST, Outbound},
    error::{Error, Phase},
    request::Request,
    wire::Line,
};

/// An answer whose body is read piece by piece.
pub struct Flow {
    /// The status.
    pub status: StatusCode,
    /// The headers as they came.
    pub headers: HeaderMap,
    body: Incoming,
    after: Duration,
    deadline: Instant,
    left: usize,
    at_most: usize,
}

impl Outbound {
    /// Sends `request` and hands the answer's body over as it comes, under the same deadline; at most as many bytes
    /// as the request's body limit reads. It comes as it was sent: no compression is asked for, and none undone.
    pub async fn open(&self, request: Request) -> Result<Flow, Error> {
        let started = Instant::now();
        let (after, at_most) = (request.deadline.min(LONGEST), request.body_limit.read());
        let deadline = started + after;
        let head = self.head(request, after, deadline).await;
        let seen = head.as_ref().map(http::Response::status);
        self.0.meter.record(seen, started.elapsed());
        let (head, body) = head?.into_parts();
        // Without a body the connection may already serve the next request, whose bound must stay.
        let line = head.extensions.get::<Arc<Line>>();
        if let Some(line) = line.filter(|_| !body.is_end_stream()) {
            line.head_is_complete();
        }
        Ok(Flow {
            status: head.status,
            headers: head.headers,
            body,
            after,
            deadline,
            left: at_most,
            at_most,
        })
    }
}

impl Flow {
    /// The next piece of the body; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let frame = match timeout_at(self.deadline, self.body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    let reason = root_cause(&error);
                    return Err(Error::UnknownOutcome { reason });
                }
                Err(_) => {
                    let (after, phase) = (self.after, Phase::ReadingBody);
                    return Err(Error::Timeout { after, phase });
                }
            };
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            let limit = self.at_most;
            let left = self.left.checked_sub(piece.len());
            self.left = left.ok_or(Error::TooLarge { limit })?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }
}
