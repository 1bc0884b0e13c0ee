//! The `auth` of a webhook, as the API takes and shows it.

use serde::{Deserialize, Serialize};
use tieline_domain::{
    Timestamp, Violation,
    auth::{Auth, AuthKind, ClientAuth},
};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::credential::SecretText;
use crate::outbound::validity;

/// How deliveries authenticate to their receiver. Which fields belong to which `type`: `basic` has
/// `username` and `password`; `bearer` has `token`; `header` has `name` and `value`;
/// `oauth2_client_credentials` has `token_url`, `client_id`, `client_secret`, and perhaps `scope`,
/// `audience`, `client_auth`; `mtls` has `certificate` and `private_key`. The secret of them is never
/// shown again; left out in a change, it stays as it was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"type": "basic", "username": "tieline", "password": "s3cr3t-for-the-receiver"}))]
pub struct NewAuth {
    /// The way to authenticate.
    #[serde(rename = "type")]
    #[schema(value_type = AuthType)]
    kind: AuthKind,
    /// `basic`: the user name, without a colon.
    #[serde(default)]
    username: Option<String>,
    /// `basic`: the password.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    password: Option<SecretText>,
    /// `bearer`: the token.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    token: Option<SecretText>,
    /// `header`: the name of the header.
    #[serde(default)]
    name: Option<String>,
    /// `header`: its value.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    value: Option<SecretText>,
    /// `oauth2_client_credentials`: where tokens are fetched: `http` or `https`.
    #[serde(default)]
    token_url: Option<String>,
    /// `oauth2_client_credentials`: the id of the client.
    #[serde(default)]
    client_id: Option<String>,
    /// `oauth2_client_credentials`: its secret.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    client_secret: Option<SecretText>,
    /// `oauth2_client_credentials`: the scope to ask for.
    #[serde(default)]
    scope: Option<String>,
    /// `oauth2_client_credentials`: for whom the token is to be.
    #[serde(default)]
    audience: Option<String>,
    /// `oauth2_client_credentials`: `basic` sends the client's id and secret in the `Authorization`
    /// header, `body` in the form; `basic` if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    client_auth: Option<ClientAuth>,
    /// `mtls`: the certificate and those that vouch for it, in PEM: 1 to 10.
    #[serde(default)]
    certificate: Option<String>,
    /// `mtls`: its unencrypted key, in PEM.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    private_key: Option<SecretText>,
}

/// The ways to authenticate.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "basic")]
pub enum AuthType {
    /// User name and password.
    Basic,
    /// A token that stays.
    Bearer,
    /// A secret in a header.
    Header,
    /// A token that is fetched.
    #[serde(rename = "oauth2_client_credentials")]
    OauthClientCredentials,
    /// A client certificate.
    Mtls,
}

impl NewAuth {
    /// What is public of it, its secret, and what is given that does not belong to it.
    pub(super) fn parts(self) -> (Auth, Option<Zeroizing<String>>, Vec<Violation>) {
        let Self {
            kind,
            username,
            password,
            token,
            name,
            value,
            token_url,
            client_id,
            client_secret,
            scope,
            audience,
            client_auth,
            certificate,
            private_key,
        } = self;
        let mut own = None;
        let mut violations = Vec::new();
        for (field, secret) in [
            ("password", password),
            ("token", token),
            ("value", value),
            ("client_secret", client_secret),
            ("private_key", private_key),
        ] {
            if field == kind.secret_field() {
                own = secret.map(|secret| Zeroizing::new(secret.to_string()));
            } else if secret.is_some() {
                let detail = format!("does not belong to `{}`; leave it out", kind.as_str());
                violations.push(Violation::new(format!("/auth/{field}"), detail));
            }
        }
        let auth = Auth {
            kind,
            username,
            name,
            token_url,
            client_id,
            scope,
            audience,
            client_auth,
            certificate,
        };
        (auth, own, violations)
    }
}

/// How deliveries authenticate to their receiver, without the secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"type": "basic", "username": "tieline"}))]
pub struct AuthView {
    /// The way to authenticate, and what belongs to it.
    #[serde(flatten)]
    #[schema(value_type = PublicAuth)]
    auth: Auth,
    /// `mtls`: when the certificate expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    certificate_expires_at: Option<Timestamp>,
}

/// The public part of how deliveries authenticate.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"type": "basic", "username": "tieline"}))]
pub struct PublicAuth {
    /// The way to authenticate.
    #[serde(rename = "type")]
    kind: AuthType,
    /// `basic`: the user name.
    username: Option<String>,
    /// `header`: the name of the header.
    name: Option<String>,
    /// `oauth2_client_credentials`: where tokens are fetched.
    token_url: Option<String>,
    /// `oauth2_client_credentials`: the id of the client.
    client_id: Option<String>,
    /// `oauth2_client_credentials`: the scope that is asked for.
    scope: Option<String>,
    /// `oauth2_client_credentials`: for whom the token is.
    audience: Option<String>,
    /// `oauth2_client_credentials`: `basic` or `body`.
    client_auth: Option<String>,
    /// `mtls`: the certificate and those that vouch for it, in PEM.
    certificate: Option<String>,
}

impl From<Auth> for AuthView {
    fn from(auth: Auth) -> Self {
        let validity = auth.certificate.as_deref().map(validity);
        let certificate_expires_at = validity.and_then(Result::ok).map(|(_, until)| until);
        Self {
            auth,
            certificate_expires_at,
        }
    }
}
