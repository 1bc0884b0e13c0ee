//! Every sender of the table over HTTP: its source is made, takes what it signs, tells the repeat, and refuses the rest.

use http::Method;
use serde_json::{Value, json};
use tieline_domain::signature::{
    Dedupe, KeyForm, KeyedSecret, Part, Preset, Scheme, Signature, SignedRequest, Signer, Trust,
    Verification, presets,
};
use tieline_testkit::{http::Answer, receiver::Script};

use crate::scene::{Scene, text};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Whether sender and source share a secret, so that anyone who holds it can sign.
fn shares_a_secret(preset: &Preset) -> bool {
    matches!(
        preset.scheme,
        Scheme::Signed(_) | Scheme::Token(_) | Scheme::Basic(_) | Scheme::Unsigned
    )
}

/// A secret that the preset can read.
fn secret_of(preset: &Preset) -> &'static str {
    match &preset.scheme {
        Scheme::Signed(scheme) if scheme.key == KeyForm::Base64 => "c2hoLWN1cnJlbnQ=",
        Scheme::Signed(scheme) if scheme.key == KeyForm::Hex => "7368682d63757272656e74",
        _ => "shh-current",
    }
}

/// A body that the sender could send at `millis` (Unix milliseconds), with its media type.
fn body_of(preset: &Preset, millis: i64) -> (&'static str, String) {
    let form = Part::Form { body_hash: None };
    match &preset.scheme {
        Scheme::Signed(scheme) if scheme.content.contains(&form) => {
            (FORM, "mandrill_events=%5B%5D".to_owned())
        }
        _ => {
            let body = json!({"id": "evt_1", "type": "a.b", "webhookTimestamp": millis});
            (JSON, body.to_string())
        }
    }
}

/// One source, and what its sender sends.
struct Sender<'s> {
    scene: &'s Scene,
    preset: &'static Preset,
    id: String,
    media_type: &'static str,
    body: String,
    signature: Signature,
}

impl<'s> Sender<'s> {
    async fn meet(scene: &'s Scene, preset: &'static Preset) -> Self {
        let mut wanted = json!({"name": preset.title, "verification": {"scheme": preset.name}});
        if preset.secret.is_needed() {
            wanted["secret"] = secret_of(preset).into();
        }
        let source = scene.post("/v1/webhooks/incoming", wanted, 201).await;
        let now = scene.server.app.clock.now().as_micros();
        let (media_type, body) = body_of(preset, now / 1_000);
        let secret = KeyedSecret::new("1", secret_of(preset));
        let url = text(&source["url"]);
        let signer = Signer::new(&Verification::of(preset.name), Some(&secret), &url).unwrap();
        let headers = vec![("content-type", media_type)];
        let request = SignedRequest {
            method: "POST",
            url_query: None,
            headers: &headers,
            body: body.as_bytes(),
        };
        Self {
            scene,
            preset,
            id: text(&source["id"]),
            media_type,
            signature: signer.sign(&request, now, "msg_1").unwrap(),
            body,
        }
    }

    async fn send(&self, body: &str, proof: &[(String, String)], encoding: Option<&str>) -> Answer {
        let query = self.signature.query.as_ref();
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let client = self.scene.server.client();
        let path = format!("/in/{}{query}", self.id);
        let mut request = client
            .request(Method::POST, &path)
            .header("content-type", self.media_type)
            .unwrap();
        for (name, value) in proof {
            request = request.header(name, value).unwrap();
        }
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding).unwrap();
        }
        request.body(body.to_owned()).send().await.unwrap()
    }

    /// Sends the genuine request, which must be taken as `word`, where the answer has words.
    async fn is_taken(&self, word: &str) {
        let answer = self.send(&self.body, &self.signature.headers, None).await;
        let name = self.preset.name;
        assert!(answer.status.is_success(), "{name}: {answer:?}");
        let told = answer.json().unwrap_or(Value::Null);
        assert!(told.is_null() || told["status"] == word, "{name}: {told}");
    }

    fn is_refused(&self, what: &str, answer: &Answer, status: u16) {
        let name = self.preset.name;
        assert_eq!(answer.status, status, "{name}: {what}: {}", answer.text());
    }
}

#[tokio::test]
async fn every_sender_is_taken_once_and_refused_when_forged() {
    let scene = Scene::open(Script::new()).await;
    for preset in presets().iter().filter(|preset| shares_a_secret(preset)) {
        let sender = Sender::meet(&scene, preset).await;
        let proof = sender.signature.headers.clone();
        if preset.trust() == Trust::Verified {
            let changed = sender.body.replace("evt_1", "evt_2").replace("%5B", "%7B");
            let answer = sender.send(&changed, &proof, None).await;
            sender.is_refused("changed", &answer, 401);
        }
        if preset.trust() != Trust::Unsigned {
            let answer = sender.send(&sender.body, &[], None).await;
            sender.is_refused("without proof", &answer, 401);
        }
        let answer = sender.send(&sender.body, &proof, Some("gzip")).await;
        sender.is_refused("compressed", &answer, 415);
        sender.is_taken("accepted").await;
        let repeat = match preset.dedupe {
            Dedupe::Never => "accepted",
            _ => "duplicate",
        };
        sender.is_taken(repeat).await;
    }
}
