//! How a delivery proves itself to its destination, beside its signature: what is public of it.
//!
//! Every kind has exactly one secret, which is sealed apart from the document.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Violation, custom_headers};

/// The longest user name, client id, scope or audience, in bytes.
const MAX_TEXT_BYTES: usize = 1_024;
/// The longest secret that is sent in a header or a form, in bytes.
const MAX_SECRET_BYTES: usize = 8_192;
/// The longest certificate chain or private key, in bytes of PEM.
const MAX_PEM_BYTES: usize = 65_536;

/// A way to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// User name and password (RFC 7617).
    Basic,
    /// A token that stays (RFC 6750).
    Bearer,
    /// A secret in a header of any name.
    Header,
    /// A token that is fetched from an OAuth server with a client's credentials (RFC 6749 4.4).
    #[serde(rename = "oauth2_client_credentials")]
    OauthClientCredentials,
    /// A client certificate (TLS).
    Mtls,
}

/// How an OAuth client proves itself to its server (RFC 6749 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the form.
    Body,
}

/// How deliveries authenticate, without the secret: as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The way to authenticate.
    #[serde(rename = "type")]
    pub kind: AuthKind,
    /// `basic`: the user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `header`: the name of the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `oauth2_client_credentials`: where tokens are fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// `oauth2_client_credentials`: the id of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// `oauth2_client_credentials`: the scope to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// `oauth2_client_credentials`: for whom the token is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// `oauth2_client_credentials`: how the client proves itself; in the header if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// `mtls`: the certificate and those that vouch for it, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// What a kind is made of.
struct Form {
    kind: AuthKind,
    word: &'static str,
    secret: &'static str,
    needs: &'static [&'static str],
    may: &'static [&'static str],
}

const FORMS: [Form; 5] = [
    Form {
        kind: AuthKind::Basic,
        word: "basic",
        secret: "password",
        needs: &["username"],
        may: &[],
    },
    Form {
        kind: AuthKind::Bearer,
        word: "bearer",
        secret: "token",
        needs: &[],
        may: &[],
    },
    Form {
        kind: AuthKind::Header,
        word: "header",
        secret: "value",
        needs: &["name"],
        may: &[],
    },
    Form {
        kind: AuthKind::OauthClientCredentials,
        word: "oauth2_client_credentials",
        secret: "client_secret",
        needs: &["token_url", "client_id"],
        may: &["scope", "audience", "client_auth"],
    },
    Form {
        kind: AuthKind::Mtls,
        word: "mtls",
        secret: "private_key",
        needs: &["certificate"],
        may: &[],
    },
];

impl AuthKind {
    fn form(self) -> &'static Form {
        let form = FORMS.iter().find(|form| form.kind == self);
        form.expect("every kind has its row, as a test says")
    }

    /// The word that the API uses for it.
    pub fn as_str(self) -> &'static str {
        self.form().word
    }

    /// The field of its secret: `password`, `token`, `value`, `client_secret` or `private_key`.
    pub fn secret_field(self) -> &'static str {
        self.form().secret
    }
}

impl Auth {
    /// Authentication of this kind with nothing else said.
    pub fn of(kind: AuthKind) -> Self {
        Self {
            kind,
            username: None,
            name: None,
            token_url: None,
            client_id: None,
            scope: None,
            audience: None,
            client_auth: None,
            certificate: None,
        }
    }

    /// Everything that is wrong with it, with pointers below `/auth`; whether a certificate and a
    /// URL are good is for others to say.
    pub fn violations(&self) -> Vec<Violation> {
        let form = self.kind.form();
        let mut found = Vec::new();
        for (field, value) in self.fields() {
            let (needed, taken) = (form.needs.contains(&field), form.may.contains(&field));
            let detail = match value {
                None if needed => Some(format!("`{}` needs this", form.word)),
                Some(_) if !needed && !taken => {
                    Some(format!("does not belong to `{}`; leave it out", form.word))
                }
                Some(text) => fault(field, text),
                None => None,
            };
            found.extend(detail.map(|detail| Violation::new(format!("/auth/{field}"), detail)));
        }
        found
    }

    /// What is wrong with the secret, if anything.
    pub fn secret_violation(&self, secret: &Zeroizing<String>) -> Option<Violation> {
        let fault = match self.kind {
            AuthKind::Mtls => {
                let fits = (1..=MAX_PEM_BYTES).contains(&secret.len());
                (!fits).then(|| {
                    format!(
                        "has {} bytes; 1 to {MAX_PEM_BYTES} are accepted",
                        secret.len()
                    )
                })
            }
            AuthKind::Basic
            | AuthKind::Bearer
            | AuthKind::Header
            | AuthKind::OauthClientCredentials => {
                custom_headers::value_fault(secret, MAX_SECRET_BYTES)
            }
        };
        let pointer = format!("/auth/{}", self.kind.secret_field());
        fault.map(|fault| Violation::new(pointer, format!("the value {fault}")))
    }

    /// Every field but the secret, as text.
    fn fields(&self) -> [(&'static str, Option<&str>); 8] {
        [
            ("username", self.username.as_deref()),
            ("name", self.name.as_deref()),
            ("token_url", self.token_url.as_deref()),
            ("client_id", self.client_id.as_deref()),
            ("scope", self.scope.as_deref()),
            ("audience", self.audience.as_deref()),
            ("client_auth", self.client_auth.map(|_| "given")),
            ("certificate", self.certificate.as_deref()),
        ]
    }
}

/// What is wrong with the text of a field, if anything.
fn fault(field: &str, text: &str) -> Option<String> {
    match field {
        "name" if text.eq_ignore_ascii_case("authorization") => None,
        "name" => custom_headers::name_fault(text).map(|fault| format!("`{text}` {fault}")),
        // RFC 7617 2: the first colon ends the user name.
        "username" if text.contains(':') => Some("may not hold a colon".to_owned()),
        "certificate" if text.len() > MAX_PEM_BYTES => Some(format!(
            "has {} bytes; at most {MAX_PEM_BYTES} are accepted",
            text.len()
        )),
        "certificate" | "token_url" => None,
        _ => custom_headers::value_fault(text, MAX_TEXT_BYTES)
            .map(|fault| format!("the value {fault}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row_under_its_own_word() {
        for kind in [
            AuthKind::Basic,
            AuthKind::Bearer,
            AuthKind::Header,
            AuthKind::OauthClientCredentials,
            AuthKind::Mtls,
        ] {
            assert_eq!(FORMS.iter().filter(|form| form.kind == kind).count(), 1);
            let word = serde_json::to_value(kind).unwrap();
            assert_eq!(word, kind.as_str());
        }
    }

    #[test]
    fn each_kind_takes_its_own_fields() {
        for (json, faults) in [
            (r#"{"type":"basic","username":"u"}"#, &[][..]),
            (r#"{"type":"basic"}"#, &["/auth/username"]),
            (r#"{"type":"basic","username":"a:b"}"#, &["/auth/username"]),
            (
                r#"{"type":"basic","username":"a\r\nb"}"#,
                &["/auth/username"],
            ),
            (r#"{"type":"bearer"}"#, &[]),
            (r#"{"type":"bearer","username":"u"}"#, &["/auth/username"]),
            (r#"{"type":"header","name":"x-api-key"}"#, &[]),
            (r#"{"type":"header","name":"Authorization"}"#, &[]),
            (r#"{"type":"header","name":"host"}"#, &["/auth/name"]),
            (r#"{"type":"header","name":"webhook-id"}"#, &["/auth/name"]),
            (
                r#"{"type":"oauth2_client_credentials"}"#,
                &["/auth/token_url", "/auth/client_id"],
            ),
            (
                r#"{"type":"oauth2_client_credentials","token_url":"x","client_id":"c","scope":"s","audience":"a","client_auth":"body"}"#,
                &[],
            ),
            (
                r#"{"type":"mtls","scope":"s"}"#,
                &["/auth/scope", "/auth/certificate"],
            ),
        ] {
            let auth: Auth = serde_json::from_str(json).unwrap();
            let found: Vec<_> = auth.violations().into_iter().map(|v| v.pointer).collect();
            assert_eq!(found, faults, "{json}");
        }
    }

    #[test]
    fn secrets_fit_where_they_are_sent() {
        let fault = |kind, secret: &str| {
            let secret = Zeroizing::new(secret.to_owned());
            Auth::of(kind).secret_violation(&secret).map(|v| v.pointer)
        };
        assert_eq!(fault(AuthKind::Basic, "pass word"), None);
        assert_eq!(fault(AuthKind::Mtls, "line\nline"), None);
        for (kind, secret, pointer) in [
            (AuthKind::Basic, "", "/auth/password"),
            (AuthKind::Bearer, "a\r\nb", "/auth/token"),
            (AuthKind::Header, " a", "/auth/value"),
            (AuthKind::OauthClientCredentials, "", "/auth/client_secret"),
            (AuthKind::Mtls, "", "/auth/private_key"),
        ] {
            assert_eq!(fault(kind, secret).as_deref(), Some(pointer));
        }
    }
}
