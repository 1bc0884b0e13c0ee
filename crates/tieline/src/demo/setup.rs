//! What the demo has, made through the API, as anyone would.

use std::collections::HashMap;

use anyhow::{Context as _, bail};
use axum::{body::Body, extract::Request};
use http::{Method, header};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use tower::Service as _;

use super::Services;
use crate::{
    api::{self, Front},
    app::App,
};

/// In the order in which one refers to another. `{services}` stands for the address of the simulated services.
const SETUP: &str = include_str!("setup.json");

/// Something that the demo has.
#[derive(Deserialize)]
struct Part {
    /// The path of its kind.
    at: String,
    /// The field by which it is found again.
    by: String,
    /// What it is.
    is: Map<String, Value>,
}

/// Makes what is missing, and changes what leads to where the services are not any more. Returns the ids by name.
pub(super) async fn prepare(
    app: &App,
    key: &str,
    services: &Services,
) -> anyhow::Result<HashMap<String, String>> {
    let mut client = Client {
        front: api::front(app.clone()),
        authorization: format!("Bearer {key}"),
    };
    let parts = SETUP.replace("{services}", services.url().trim_end_matches('/'));
    let parts: Vec<Part> = serde_json::from_str(&parts)?;
    let mut ids = HashMap::new();
    for part in parts {
        let name = part.is[&part.by].as_str().unwrap_or_default().to_owned();
        let id = client.ensure(&part).await;
        ids.insert(name.clone(), id.with_context(|| name)?);
    }
    Ok(ids)
}

/// Asks the API without a socket.
struct Client {
    front: Front,
    authorization: String,
}

impl Client {
    /// Makes it so; returns its id.
    async fn ensure(&mut self, part: &Part) -> anyhow::Result<String> {
        let Part { at, by, is } = part;
        let list = self
            .ask(Method::GET, &format!("{at}?limit=100"), None)
            .await?;
        let mut known = list["data"].as_array().into_iter().flatten();
        let known = known.find(|known| known[by] == is[by]);
        let now = match known {
            None => {
                let new = Value::Object(is.clone());
                self.ask(Method::POST, at, Some(&new)).await?
            }
            Some(known) => {
                // The values of secrets are not shown, and do not change.
                let shown = is.iter().filter(|(name, _)| known.get(*name).is_some());
                let changed = shown.filter(|(name, value)| !says(&known[*name], value));
                let changed: Map<_, _> = changed.map(|(k, v)| (k.clone(), v.clone())).collect();
                if !changed.is_empty() {
                    let path = format!("{at}/{}", text(&known["id"]));
                    let changed = Value::Object(changed);
                    self.ask(Method::PATCH, &path, Some(&changed)).await?;
                }
                known.clone()
            }
        };
        Ok(text(&now["id"]).to_owned())
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))?;
        let answer = self.front.call(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!(
                "{method} {path}: {status} {}",
                String::from_utf8_lossy(&body)
            );
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

/// Whether `known` has everything that `wanted` has: what is shown may have defaults beside it.
fn says(known: &Value, wanted: &Value) -> bool {
    match (known, wanted) {
        (Value::Object(known), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| known.get(name).is_some_and(|known| says(known, wanted))),
        _ => known == wanted,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
