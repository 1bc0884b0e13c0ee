//! A small HTTP client for tests: keep-alive, JSON, whole answers.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How long an answer may take before the request fails.
const LIMIT: Duration = Duration::from_mins(1);

/// Sends requests to one server. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    token: Option<String>,
    connections: legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// A client for the server at `base`, such as `http://127.0.0.1:8080`.
    pub fn new(base: impl Into<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            base: base.into().trim_end_matches('/').to_owned(),
            token: None,
            connections: legacy::Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector),
        }
    }

    /// The same client, sending `authorization: Bearer <token>` from now on.
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// GET.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.request(Method::GET, path).send().await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.request(Method::DELETE, path).send().await
    }

    /// POST of a JSON body.
    pub async fn post(&self, path: &str, body: impl Serialize) -> anyhow::Result<Answer> {
        self.request(Method::POST, path).json(body)?.send().await
    }

    /// PUT of a JSON body.
    pub async fn put(&self, path: &str, body: impl Serialize) -> anyhow::Result<Answer> {
        self.request(Method::PUT, path).json(body)?.send().await
    }

    /// PATCH of a JSON body.
    pub async fn patch(&self, path: &str, body: impl Serialize) -> anyhow::Result<Answer> {
        self.request(Method::PATCH, path).json(body)?.send().await
    }

    /// Any other request. `path` begins with a slash, or is a whole `http://` address.
    pub fn request(&self, method: Method, path: &str) -> Request<'_> {
        let absolute = path.starts_with("http://");
        Request {
            client: self,
            method,
            url: if absolute {
                path.to_owned()
            } else {
                format!("{}{path}", self.base)
            },
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }
}

/// A request that is being put together.
#[derive(Debug)]
pub struct Request<'client> {
    client: &'client Client,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request<'_> {
    /// Adds a header; one name may be added several times.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> anyhow::Result<Self> {
        let parsed =
            HeaderName::try_from(name).with_context(|| format!("`{name}` is no header name"))?;
        let value = HeaderValue::from_bytes(value.as_ref())
            .with_context(|| format!("the value of `{name}`"))?;
        self.headers.append(parsed, value);
        Ok(self)
    }

    /// Sets the body, byte for byte.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a JSON body and its content type.
    pub fn json(self, body: impl Serialize) -> anyhow::Result<Self> {
        let written = serde_json::to_vec(&body)?;
        self.body(written)
            .header(CONTENT_TYPE.as_str(), "application/json")
    }

    /// Sends it and reads the whole answer, within a minute.
    pub async fn send(self) -> anyhow::Result<Answer> {
        let what = format!("{} {}", self.method, self.url);
        let exchange = async {
            let (head, body) = self.begin().await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(LIMIT, exchange)
            .await
            .with_context(|| format!("{what}: no answer within {LIMIT:?}"))?
            .context(what)
    }

    /// Sends it and leaves the body of the answer to be read as it comes.
    pub(crate) async fn begin(self) -> anyhow::Result<http::Response<Incoming>> {
        let Self {
            client,
            method,
            url,
            mut headers,
            body,
        } = self;
        if let (Some(token), false) = (&client.token, headers.contains_key(AUTHORIZATION)) {
            headers.insert(
                AUTHORIZATION,
                HeaderValue::try_from(format!("Bearer {token}"))?,
            );
        }
        let mut request = http::Request::builder()
            .method(&method)
            .uri(&url)
            .body(Full::new(body))?;
        *request.headers_mut() = headers;
        Ok(client.connections.request(request).await?)
    }
}

/// A whole answer.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The answer itself when it has this status, else an error that shows it.
    pub fn expect(self, status: u16) -> anyhow::Result<Self> {
        ensure!(self.status == status, "expected {status}, got {self:?}");
        Ok(self)
    }

    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<Value> {
        self.parse()
    }

    /// The body as a type of your own.
    pub fn parse<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("not the JSON that was expected: {self:?}"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value, when there is one and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.status, self.headers, self.text())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::receiver::{Behaviour, Receiver, Script};

    #[tokio::test]
    async fn requests_arrive_as_they_were_put_together() {
        let receiver = Receiver::start(Script::new().on("/echo", Behaviour::Echo))
            .await
            .unwrap();
        let client = Client::new(receiver.url("/")).bearer("key");
        client
            .post("/echo?q=1", json!({"a": 1}))
            .await
            .unwrap()
            .expect(200)
            .unwrap();
        client.put("/p", json!([])).await.unwrap();
        client.patch("/p", json!(null)).await.unwrap();
        client.delete("/p").await.unwrap();
        let raw = client
            .request(Method::POST, "/raw")
            .header("x-a", "1")
            .unwrap()
            .header("x-a", "2")
            .unwrap();
        raw.header("authorization", "Basic x")
            .unwrap()
            .body(vec![0, 255])
            .send()
            .await
            .unwrap();

        let seen = receiver.wait_for(5).await.unwrap();
        let methods: Vec<_> = seen.iter().map(|request| request.method.as_str()).collect();
        assert_eq!(methods, ["POST", "PUT", "PATCH", "DELETE", "POST"]);
        assert_eq!(seen[0].query.as_deref(), Some("q=1"));
        assert_eq!(seen[0].headers["authorization"], "Bearer key");
        assert_eq!(seen[0].headers["content-type"], "application/json");
        assert_eq!(&seen[0].body[..], br#"{"a":1}"#);
        assert_eq!(seen[4].headers.get_all("x-a").iter().count(), 2);
        assert_eq!(seen[4].headers["authorization"], "Basic x");
        assert_eq!(&seen[4].body[..], [0, 255]);
    }

    #[tokio::test]
    async fn one_connection_serves_many_requests() {
        let receiver = Receiver::start(Script::new()).await.unwrap();
        let client = Client::new(receiver.url(""));
        for _ in 0..500 {
            client.post("/", json!({})).await.unwrap();
        }
        assert_eq!(receiver.requests().len(), 500);
        assert_eq!(receiver.connections(), 1);
    }

    #[tokio::test]
    async fn an_unexpected_status_shows_the_answer() {
        let script = Script::new().otherwise(Behaviour::json(409, &json!({"code": "conflict"})));
        let receiver = Receiver::start(script).await.unwrap();
        let answer = Client::new(receiver.url("")).get("/").await.unwrap();
        assert_eq!(answer.json().unwrap()["code"], "conflict");
        let error = answer.expect(200).unwrap_err().to_string();
        assert!(
            error.contains("409") && error.contains("conflict"),
            "{error}"
        );
    }
}
