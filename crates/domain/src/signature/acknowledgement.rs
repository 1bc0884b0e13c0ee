//! What a sender wants to hear of a request that was taken, where a receipt in JSON is not it.

use super::preset::Preset;

/// How a request that was taken is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// With a receipt: most senders look at the status alone.
    Receipt,
    /// With a receipt, and the header that the sender was believed for: it calls no more where that is missing.
    Echo {
        /// The header.
        header: &'static str,
    },
    /// With this status and nothing in the body; a refusal has nothing in its body either.
    Empty {
        /// The status.
        status: u16,
    },
    /// With 200 and this body: anything else is sent again.
    Body {
        /// Its `content-type`.
        content_type: &'static str,
        /// The body.
        body: &'static str,
    },
}

/// Source: facts webhooks 3.2 (Salesforce) and 3.5 (Adobe Sign, Xero, Discord).
const ROWS: &[(&str, Acknowledgement)] = &[
    (
        "adobe-sign",
        Acknowledgement::Echo {
            header: "x-adobesign-clientid",
        },
    ),
    ("xero", Acknowledgement::Empty { status: 200 }),
    ("discord", Acknowledgement::Empty { status: 204 }),
    (
        "salesforce-outbound",
        Acknowledgement::Body {
            content_type: "text/xml; charset=utf-8",
            body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>",
        },
    ),
];

/// What the sender of `preset` wants to hear.
pub fn acknowledgement(preset: &Preset) -> Acknowledgement {
    let row = ROWS.iter().find(|(name, _)| *name == preset.name);
    row.map_or(Acknowledgement::Receipt, |(_, wanted)| *wanted)
}
