//! Counts and times HTTP requests by route, method and status.
//!
//! The handles of each series are looked up once and kept, so that a request on the hot path costs two
//! atomic updates and no allocation.

use std::{collections::HashMap, time::Duration};

use http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use parking_lot::RwLock;

use crate::telemetry::{HTTP_REQUEST_SECONDS, HTTP_REQUESTS_TOTAL};

/// The series of every route that was called so far.
#[derive(Default)]
pub(super) struct Meter(RwLock<HashMap<String, Route>>);

struct Route {
    time: Histogram,
    counters: Vec<(&'static str, StatusCode, Counter)>,
}

impl Route {
    fn counter(&self, method: &str, status: StatusCode) -> Option<&Counter> {
        let wanted = |(m, s, _): &&(&str, StatusCode, Counter)| *m == method && *s == status;
        self.counters
            .iter()
            .find(wanted)
            .map(|(_, _, counter)| counter)
    }
}

impl Meter {
    /// Records one request that was answered with `status` after `time`.
    pub(super) fn record(&self, route: &str, method: &Method, status: StatusCode, time: Duration) {
        let method = label(method);
        {
            let routes = self.0.read();
            let known = routes.get(route);
            if let Some((route, counter)) =
                known.and_then(|r| Some((r, r.counter(method, status)?)))
            {
                counter.increment(1);
                route.time.record(time);
                return;
            }
        }
        self.add(route, method, status);
        self.0.read().get(route).into_iter().for_each(|known| {
            known.time.record(time);
            known
                .counter(method, status)
                .into_iter()
                .for_each(|counter| counter.increment(1));
        });
    }

    fn add(&self, name: &str, method: &'static str, status: StatusCode) {
        let mut routes = self.0.write();
        let route = routes.entry(name.to_owned()).or_insert_with(|| Route {
            time: metrics::histogram!(HTTP_REQUEST_SECONDS, "route" => name.to_owned()),
            counters: Vec::new(),
        });
        if route.counter(method, status).is_none() {
            let counter = metrics::counter!(
                HTTP_REQUESTS_TOTAL,
                "route" => name.to_owned(),
                "method" => method,
                "status" => status.as_u16().to_string(),
            );
            route.counters.push((method, status, counter));
        }
    }
}

/// The method's name; one name for all that HTTP does not define, so that nobody can grow the list.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
