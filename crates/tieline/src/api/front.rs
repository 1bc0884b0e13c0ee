//! What stands before the router. The receivers of webhooks do not pass it: matching a path and walking
//! through its layers would cost a third of what such a request takes.

use std::{
    borrow::Cow,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures::future::BoxFuture;
use http::Method;
use tokio::sync::Semaphore;
use tower::Service;

use super::{
    frame::Frame,
    incoming,
    problem::{Code, Problem},
};
use crate::app::App;

/// The methods by which senders ask before they send.
const ASKING: [Method; 3] = [Method::GET, Method::HEAD, Method::OPTIONS];

/// Seconds after which a client may try again that found no room.
const RETRY_SECONDS: u64 = 1;

type Answer = Result<Response, Infallible>;

/// The whole API as a service.
#[derive(Clone)]
pub struct Front {
    app: App,
    /// How many more requests may be under way.
    room: Arc<Semaphore>,
    frame: Frame,
    router: Router,
}

impl Front {
    /// Puts the receivers before `router`, which answers everything else.
    pub(super) fn new(app: App, frame: Frame, router: Router) -> Self {
        Self {
            room: Arc::new(Semaphore::new(app.config.limits.requests_in_flight)),
            app,
            frame,
            router,
        }
    }

    /// Answers a request of a connection for which there is no room: health pages, and 503 to the rest.
    pub(crate) fn call_when_full(&mut self, request: Request) -> BoxFuture<'static, Answer> {
        if is_for_watchers(request.uri().path()) {
            return Box::pin(self.router.call(request));
        }
        self.refuse(request, "too many connections are open")
    }

    fn refuse(&self, request: Request, why: &str) -> BoxFuture<'static, Answer> {
        let detail = format!("{why}; nothing was accepted; try again");
        let problem = Problem::new(Code::Unavailable, detail).retry_after(RETRY_SECONDS);
        let route = Cow::Borrowed("refused");
        let answer = |_| async { Ok(problem.into_response()) };
        self.frame.around(request, route, answer)
    }
}

/// Whether whoever watches the server asks: they are answered however much is to do.
fn is_for_watchers(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if is_for_watchers(request.uri().path()) {
            return Box::pin(self.router.call(request));
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return self.refuse(request, "too many requests are under way");
        };
        let receiver = request.uri().path().strip_prefix(incoming::PREFIX);
        match receiver.map(str::parse) {
            Some(Ok(source)) if request.method() == Method::POST => {
                let app = self.app.clone();
                let route = Cow::Borrowed(incoming::ROUTE);
                self.frame
                    .around(request, route, move |request| async move {
                        let answer = incoming::take(&app, source, request).await;
                        drop(room);
                        Ok(answer.into_response())
                    })
            }
            Some(Ok(source)) if ASKING.contains(request.method()) => {
                let Self {
                    app,
                    frame,
                    mut router,
                    room: _,
                } = self.clone();
                Box::pin(async move {
                    let (parts, body) = request.into_parts();
                    let answer = incoming::ask(&app, source, &parts).await;
                    let request = Request::from_parts(parts, body);
                    let Some(answer) = answer else {
                        let answer = router.call(request).await;
                        drop(room);
                        return answer;
                    };
                    drop(room);
                    let route = Cow::Borrowed(incoming::ROUTE);
                    let response = answer.into_response();
                    frame
                        .around(request, route, |_| async move { Ok(response) })
                        .await
                })
            }
            _ => {
                let answer = self.router.call(request);
                Box::pin(async move {
                    let answer = answer.await;
                    drop(room);
                    answer
                })
            }
        }
    }
}
