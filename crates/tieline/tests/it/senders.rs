//! What the tests of senders share: sources of a scheme, and requests as their senders make them.

use http::Method;
use serde_json::{Value, json};
use tieline_domain::signature::{KeyedSecret, SignedRequest, Signer, Verification};
use tieline_testkit::http::Answer;

use crate::scene::{Scene, json_of, text};

pub(crate) const INCOMING: &str = "/v1/webhooks/incoming";

/// Vectors of senders with private keys: made once with `openssl`, see the README beside them.
macro_rules! published {
    ($name:literal) => {
        include_str!(concat!(
            "../../../domain/src/signature/tests/published/",
            $name
        ))
    };
}
pub(crate) use published;

/// A signature, key or token of the vectors.
pub(crate) fn vector(name: &str) -> String {
    let all: Value = serde_json::from_str(published!("signatures.json")).unwrap();
    text(&all[name])
}

/// A source of a test.
pub(crate) struct Source {
    pub(crate) id: String,
    verification: Value,
    secret: Option<String>,
}

/// A request to a source.
#[derive(Clone, Default)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) query: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn get(query: &'static str) -> Self {
        Self {
            query,
            ..Self::default()
        }
    }

    pub(crate) fn post(body: impl Into<String>) -> Self {
        Self {
            method: Method::POST,
            body: body.into(),
            ..Self::default()
        }
    }

    pub(crate) fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Source {
    /// Makes a source that is verified so, with this secret if there is one.
    pub(crate) async fn of(scene: &Scene, verification: Value, secret: Option<&str>) -> Self {
        let mut wanted = json!({"name": "Sender", "verification": verification});
        if let Some(secret) = secret {
            wanted["secret"] = json!(secret);
        }
        let made = scene.post(INCOMING, wanted, 201).await;
        Self {
            id: text(&made["id"]),
            verification,
            secret: secret.map(str::to_owned),
        }
    }

    /// One that was made with this answer.
    pub(crate) fn found(made: &Value, scheme: &str) -> Self {
        Self {
            id: text(&made["id"]),
            verification: json!({"scheme": scheme}),
            secret: None,
        }
    }

    /// The same by the name of a scheme alone.
    pub(crate) async fn scheme(scene: &Scene, scheme: &str, secret: &str) -> Self {
        Self::of(scene, json!({"scheme": scheme}), Some(secret)).await
    }

    pub(crate) fn path(&self) -> String {
        format!("{INCOMING}/{}", self.id)
    }

    /// Sends a request as it stands.
    pub(crate) async fn send(&self, scene: &Scene, asked: Asked) -> Answer {
        let query = if asked.query.is_empty() {
            String::new()
        } else {
            format!("?{}", asked.query)
        };
        let path = format!("/in/{}{query}", self.id);
        let client = scene.server.client();
        let mut request = client.request(asked.method, &path);
        for (name, value) in asked.headers {
            request = request.header(name, value).unwrap();
        }
        request.body(asked.body).send().await.unwrap()
    }

    /// Sends a request that is signed as the sender of the scheme signs events.
    pub(crate) async fn send_signed(&self, scene: &Scene, asked: Asked) -> Answer {
        let secret = self.secret.clone().unwrap();
        self.send_signed_with(scene, asked, &secret).await
    }

    pub(crate) async fn send_signed_with(
        &self,
        scene: &Scene,
        mut asked: Asked,
        secret: &str,
    ) -> Answer {
        let verification: Verification = serde_json::from_value(self.verification.clone()).unwrap();
        let url = format!("https://tieline.test/in/{}", self.id);
        let signer = Signer::new(&verification, Some(&KeyedSecret::new("1", secret)), &url);
        let headers = asked.headers.clone();
        let request = SignedRequest {
            method: asked.method.as_str(),
            url_query: (!asked.query.is_empty()).then_some(asked.query),
            headers: &headers,
            body: asked.body.as_bytes(),
        };
        let now = scene.server.app.clock.now().as_micros();
        let signature = signer.unwrap().sign(&request, now, "msg_1").unwrap();
        for (name, value) in signature.headers {
            let name: &'static str = name.leak();
            asked.headers.push((name, value));
        }
        self.send(scene, asked).await
    }

    /// The event of a request that was taken.
    pub(crate) async fn event(&self, scene: &Scene, taken: Answer) -> Value {
        let taken = json_of(taken, 202);
        scene
            .get(&format!("/v1/events/{}", text(&taken["event_id"])))
            .await
    }
}

/// Nothing came of it: no event, no delivery.
pub(crate) async fn nothing_happened(scene: &Scene) {
    assert!(scene.list("/v1/events").await.is_empty());
    assert!(scene.list("/v1/deliveries").await.is_empty());
}
