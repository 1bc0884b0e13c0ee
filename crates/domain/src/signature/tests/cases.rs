//! What the tests run over: every preset, by its own data, so that a new row is tested by being there.

use super::{FORM, JSON, NOW, Request, URL, WHPK, WHSEC, WHSK, secret, verification};
use crate::signature::{
    Format, KeyForm, KeyedSecret, Part, Preset, Rejection, Scheme, SignedScheme, Signer,
    TimestampRule, Verification, Verified, Verifier, presets,
};

/// One way to be verified, with the secrets of both sides.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) verification: Verification,
    pub(super) sender_secret: &'static str,
    pub(super) receiver_secret: &'static str,
    pub(super) other_secret: &'static str,
    pub(super) content_type: &'static str,
    pub(super) body: &'static str,
    pub(super) signature_header: &'static str,
    pub(super) stamp: Stamp,
}

/// Where the timestamp stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    Absent,
    Header(&'static str),
    /// An item of this name in the list of signatures.
    Listed(&'static str),
    /// The first item of the list of signatures.
    First,
    /// This field of the body.
    Body(&'static str),
}

impl Case {
    pub(super) fn signer(&self) -> Signer {
        Signer::new(&self.verification, Some(&secret(self.sender_secret)), URL).unwrap()
    }

    pub(super) fn verifier(&self) -> Verifier {
        self.verifier_with(&[secret(self.receiver_secret)])
    }

    pub(super) fn verifier_with(&self, secrets: &[KeyedSecret]) -> Verifier {
        Verifier::new(&self.verification, secrets, URL).unwrap()
    }

    pub(super) fn genuine(&self) -> Request {
        Request::post(self.content_type, self.body).signed(&self.signer())
    }

    pub(super) fn verify<'r>(&self, request: &'r Request) -> Result<Verified<'r>, Rejection> {
        self.verifier().verify(&request.parts(), NOW)
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.verification.resolve().unwrap()
    }

    pub(super) fn signed(&self) -> SignedScheme {
        match self.scheme() {
            Scheme::Signed(scheme) => scheme,
            _ => panic!("{} does not sign", self.name),
        }
    }

    /// What stands before the one signature of the header; empty for lists.
    pub(super) fn prefix(&self) -> String {
        match self.signed().format {
            Format::Plain {
                prefix,
                optional: false,
            } => prefix.into_owned(),
            _ => String::new(),
        }
    }

    pub(super) fn covers_body(&self) -> bool {
        let covers = |part: &Part| matches!(part, Part::Body | Part::Form { .. });
        self.signed().content.iter().any(covers)
    }

    pub(super) fn holds(&self, part: &Part) -> bool {
        self.signed().content.contains(part)
    }

    pub(super) fn signs_form(&self) -> bool {
        let is_form = |part: &Part| matches!(part, Part::Form { .. });
        self.signed().content.iter().any(is_form)
    }

    pub(super) fn signs_url(&self) -> bool {
        self.signed().signs_url()
    }

    pub(super) fn timestamp(&self) -> Option<TimestampRule> {
        self.signed().timestamp
    }

    /// Whether a timestamp is signed, wherever it stands.
    pub(super) fn is_timed(&self) -> bool {
        self.stamp != Stamp::Absent
    }

    /// How far from now the timestamp may be, in seconds.
    pub(super) fn tolerance(&self) -> Option<u32> {
        self.timestamp()?.tolerance_seconds
    }
}

const fn case(
    name: &'static str,
    verification: Verification,
    signature_header: &'static str,
) -> Case {
    Case {
        name,
        verification,
        sender_secret: "shh-current",
        receiver_secret: "shh-current",
        other_secret: "shh-other",
        content_type: JSON,
        body: r#"{"id":"evt_1","data":{"amount":10},"webhookTimestamp":1700000000000}"#,
        signature_header,
        stamp: Stamp::Absent,
    }
}

/// Two secrets that the preset can read.
pub(super) fn secrets_of(preset: &Preset) -> (&'static str, &'static str) {
    let form = match &preset.scheme {
        Scheme::Signed(scheme) => scheme.key,
        _ => KeyForm::Verbatim,
    };
    match form {
        KeyForm::Verbatim | KeyForm::Hashed(_) => ("shh-current", "shh-other"),
        KeyForm::Standard => (WHSEC, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
        KeyForm::Base64 => ("c2hoLWN1cnJlbnQ=", "c2hoLW90aGVy"),
        KeyForm::Hex => ("7368682d63757272656e74", "7368682d6f74686572"),
    }
}

/// A preset as it stands.
fn of(preset: &'static Preset) -> Case {
    let (current, other_secret) = secrets_of(preset);
    let (header, stamp) = match &preset.scheme {
        Scheme::Signed(scheme) => (&*scheme.headers[0].signature, stamp(scheme)),
        Scheme::Token(scheme) => (&*scheme.header, Stamp::Absent),
        _ => ("Authorization", Stamp::Absent),
    };
    Case {
        sender_secret: current,
        receiver_secret: current,
        other_secret,
        stamp,
        ..case(preset.name, Verification::of(preset.name), header)
    }
}

fn stamp(scheme: &'static SignedScheme) -> Stamp {
    let Some(rule) = scheme.timestamp else {
        return Stamp::Absent;
    };
    let header = || Stamp::Header(scheme.headers[0].timestamp.as_deref().unwrap());
    match (&scheme.format, rule.body_field) {
        (_, Some(field)) => Stamp::Body(field),
        (Format::Pairs { timestamp, .. }, None) => timestamp.map_or_else(header, Stamp::Listed),
        (Format::Positional { .. }, None) => Stamp::First,
        (Format::Plain { .. } | Format::Tagged { .. }, None) => header(),
    }
}

/// Every way to be verified that signs: all presets as they stand, and those that sign in more than one way.
pub(super) fn signed_cases() -> Vec<Case> {
    let templated = r#"{"scheme":"hmac-sha256","header":"X-Acme-Signature","encoding":"base64url","prefix":"v0=",
        "content":"{timestamp}.{id}.{method}.{url}.{body}","timestamp_header":"X-Acme-Time","tolerance_seconds":300}"#;
    let signs = |preset: &&Preset| matches!(preset.scheme, Scheme::Signed(_));
    let form = |case: Case| Case {
        content_type: FORM,
        body: "Body=hi+there&From=%2B14158675309&Empty=",
        ..case
    };
    let mut cases: Vec<Case> = presets().iter().filter(signs).map(of).collect();
    let takes_json = |case: &Case| !case.holds(&Part::Form { body_hash: None });
    cases = cases
        .into_iter()
        .map(|case| if takes_json(&case) { case } else { form(case) })
        .collect();
    cases.extend([
        Case {
            stamp: Stamp::Header("X-Acme-Time"),
            ..case(
                "hmac-sha256 templated",
                verification(templated),
                "X-Acme-Signature",
            )
        },
        Case {
            sender_secret: WHSK,
            receiver_secret: WHPK,
            other_secret: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
            stamp: Stamp::Header("webhook-timestamp"),
            ..case(
                "standard-webhooks v1a",
                Verification::of("standard-webhooks"),
                "webhook-signature",
            )
        },
        form(case(
            "twilio form",
            Verification::of("twilio"),
            "X-Twilio-Signature",
        )),
    ]);
    cases
}

/// The ways that compare a shared secret: all presets as they stand, and what may be set.
pub(super) fn credential_cases() -> Vec<Case> {
    let bearer = r#"{"scheme":"header-value","header":"Authorization","prefix":"Bearer "}"#;
    let compares = |preset: &&Preset| matches!(preset.scheme, Scheme::Token(_) | Scheme::Basic(_));
    let mut cases: Vec<Case> = presets().iter().filter(compares).map(of).collect();
    cases.extend([
        case(
            "basic named",
            verification(r#"{"scheme":"basic","username":"crm"}"#),
            "Authorization",
        ),
        case("header-value bearer", verification(bearer), "Authorization"),
    ]);
    cases
}
