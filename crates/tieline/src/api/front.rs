//! What stands before the router. The receivers of webhooks do not pass it: matching a path and walking
//! through its layers would cost a third of what such a request takes.

use std::{
    borrow::Cow,
    convert::Infallible,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures::future::BoxFuture;
use http::Method;
use tower::Service;

use super::{frame::Frame, incoming};
use crate::app::App;

/// The methods by which senders ask before they send.
const ASKING: [Method; 3] = [Method::GET, Method::HEAD, Method::OPTIONS];

/// The whole API as a service.
#[derive(Clone)]
pub struct Front {
    app: App,
    frame: Frame,
    router: Router,
}

impl Front {
    /// Puts the receivers before `router`, which answers everything else.
    pub(super) fn new(app: App, frame: Frame, router: Router) -> Self {
        Self { app, frame, router }
    }
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let receiver = request.uri().path().strip_prefix(incoming::PREFIX);
        match receiver.map(str::parse) {
            Some(Ok(source)) if request.method() == Method::POST => {
                let app = self.app.clone();
                let route = Cow::Borrowed(incoming::ROUTE);
                self.frame
                    .around(request, route, move |request| async move {
                        Ok(incoming::take(&app, source, request).await.into_response())
                    })
            }
            Some(Ok(source)) if ASKING.contains(request.method()) => {
                let Self {
                    app,
                    frame,
                    mut router,
                } = self.clone();
                Box::pin(async move {
                    let (parts, body) = request.into_parts();
                    let answer = incoming::ask(&app, source, &parts).await;
                    let request = Request::from_parts(parts, body);
                    let Some(answer) = answer else {
                        return router.call(request).await;
                    };
                    let route = Cow::Borrowed(incoming::ROUTE);
                    let response = answer.into_response();
                    frame
                        .around(request, route, |_| async move { Ok(response) })
                        .await
                })
            }
            _ => Box::pin(self.router.call(request)),
        }
    }
}
