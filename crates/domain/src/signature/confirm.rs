//! The access with which a source confirms to its sender, by a call of the sender's API, that its URL is meant.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::config_error::ConfigError;
use super::documents::{Access, AccessSecret, SenderRequest};
use crate::auth::{Auth, AuthKind, ClientAuth};
use crate::secret_text::SecretText;

/// The longest subdomain and the longest id of a client, in bytes.
const MAX_SUBDOMAIN: usize = 63;
const MAX_CLIENT_ID: usize = 128;

/// The value of `"confirm"` in a verification: who the user is at the sender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// What stands before the sender's domain in the URLs of the user's account.
    pub subdomain: String,
    /// The id of the client that the user made at the sender.
    pub client_id: String,
    /// Its secret, as `{{secrets.NAME}}`.
    pub client_secret: SecretText,
}

/// How a sender is called to confirm a URL.
#[derive(Clone, Copy, Debug)]
pub struct Confirmation {
    /// What follows the subdomain where tokens are fetched.
    pub tokens: &'static str,
    /// What follows the subdomain where the call goes.
    pub call: &'static str,
    /// The fields of the question that are sent back.
    pub fields: &'static [&'static str],
}

impl Confirm {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is = |text: &str, most: usize, plain: &dyn Fn(u8) -> bool| {
            (1..=most).contains(&text.len()) && text.bytes().all(plain)
        };
        let rows = [
            (
                is(&self.subdomain, MAX_SUBDOMAIN, &is_label),
                "/confirm/subdomain",
                "`subdomain` is what stands before the sender's domain: 1 to 63 of `a-z`, `0-9` and `-`",
            ),
            (
                is(&self.client_id, MAX_CLIENT_ID, &|b| b.is_ascii_graphic()),
                "/confirm/client_id",
                "`client_id` is not 1 to 128 visible ASCII characters without a space",
            ),
            (
                self.client_secret.names().next().is_some(),
                "/confirm/client_secret",
                "a secret is not written here in plain: keep it with POST /v1/secrets and name it as {{secrets.NAME}}",
            ),
        ];
        let fault = rows.into_iter().find(|(is_right, ..)| !is_right);
        fault.map_or(Ok(()), |(_, pointer, problem)| {
            Err(ConfigError::Confirm { pointer, problem })
        })
    }

    /// The call that confirms the URL, with what the sender asked.
    pub(super) fn request(
        &self,
        how: &Confirmation,
        asked: impl Fn(&str) -> Option<String>,
    ) -> Option<SenderRequest> {
        let url = |after: &str| format!("https://{}{after}", self.subdomain);
        let field = |name: &&str| Some(((*name).to_owned(), Value::String(asked(name)?)));
        let body: Map<String, Value> = how.fields.iter().map(field).collect::<Option<_>>()?;
        let auth = Auth {
            token_url: Some(url(how.tokens)),
            client_id: Some(self.client_id.clone()),
            client_auth: Some(ClientAuth::Body),
            ..Auth::of(AuthKind::OauthClientCredentials)
        };
        Some(SenderRequest {
            url: url(how.call),
            body: Some(Zeroizing::new(Value::Object(body).to_string())),
            access: Some(Access {
                auth,
                secret: AccessSecret::Named(self.client_secret.clone()),
            }),
        })
    }
}
