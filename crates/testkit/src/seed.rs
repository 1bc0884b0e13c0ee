//! Reads the commands that the seed documents show, so that tests can run them as they stand.
//!
//! Two forms occur: a `curl` command over several lines (seeds 000 and 001), and a request line followed by
//! headers and JSON (`POST /webhooks`, seed 001). The documents went through a text extractor: blank lines
//! stand between the lines of seed 001, and a heading may follow a closing quote on the same line.

/// Seed 000: incoming webhooks, tools, OAuth providers, actions, secrets.
pub const SEED_000: &str = include_str!("../seeds/000.txt");
/// Seed 001: tokens, agents, outgoing webhooks, field mappings.
pub const SEED_001: &str = include_str!("../seeds/001.txt");
/// Seed 002: connections, the webhook receiver, the mapping layer.
pub const SEED_002: &str = include_str!("../seeds/002.txt");

/// The methods that a request line may begin with.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// One command of a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Curl {
    /// The method: as written, else POST with a body and GET without.
    pub method: String,
    /// The address as written: whole for `curl`, a path for a request line.
    pub url: String,
    /// Header names and values, as written and in order.
    pub headers: Vec<(String, String)>,
    /// The body as written, blank lines included.
    pub body: Option<String>,
    /// The line of the document on which the command begins, from 1.
    pub line: usize,
}

/// The commands of a document, in order. Options of `curl` other than `-X`, `-H` and `-d` are passed over.
pub fn commands(text: &str) -> Vec<Curl> {
    let mut found = Vec::new();
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        let first_line = rest.lines().next().unwrap_or_default();
        let parsed = match first_line.strip_prefix("curl ") {
            Some(_) => curl(rest),
            None => request(rest, first_line),
        };
        let length = match parsed {
            Some((mut command, length)) => {
                command.line = text[..position].matches('\n').count() + 1;
                found.push(command);
                length
            }
            None => 0,
        };
        position += length;
        position += text[position..]
            .find('\n')
            .map_or(text.len(), |end| end + 1);
    }
    found
}

/// Reads a `curl` command at the start of `text`, with the number of bytes it takes.
fn curl(text: &str) -> Option<(Curl, usize)> {
    let (words, length) = words(text);
    let mut words = words.into_iter().skip(1);
    let (mut method, mut url, mut headers, mut body) = (None, None, Vec::new(), None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-X" | "--request" => method = words.next(),
            "-H" | "--header" => headers.extend(words.next().as_deref().and_then(header)),
            "-d" | "--data" | "--data-raw" => body = words.next(),
            option if option.starts_with('-') => {}
            _ => url = Some(word),
        }
    }
    let implied = if body.is_some() { "POST" } else { "GET" };
    let method = method.unwrap_or_else(|| implied.to_owned());
    Some((
        Curl {
            method,
            url: url?,
            headers,
            body,
            line: 0,
        },
        length,
    ))
}

/// Splits a command into words as a shell does, with the number of bytes it takes.
///
/// A backslash at the end of a line, with any blank lines that follow, continues the command. Text that
/// touches a closing quote is not part of the command: there the extractor lost a line break.
fn words(text: &str) -> (Vec<String>, usize) {
    let mut words = Vec::new();
    let mut position = 0;
    loop {
        let rest = &text[position..];
        let Some(next) = rest.chars().next() else {
            break;
        };
        if let Some(continued) = rest
            .strip_prefix("\\\n")
            .or_else(|| rest.strip_prefix("\\\r\n"))
        {
            position = text.len() - continued.trim_start().len();
        } else if next == '\n' {
            break;
        } else if next.is_whitespace() {
            position += next.len_utf8();
        } else if next == '\'' || next == '"' {
            let quoted = &rest[1..];
            let Some(length) = quoted.find(next) else {
                break;
            };
            words.push(quoted[..length].to_owned());
            position += length + 2;
            if text[position..].starts_with(|after: char| !after.is_whitespace()) {
                break;
            }
        } else {
            let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
            words.push(rest[..length].to_owned());
            position += length;
        }
    }
    (words, position)
}

/// Reads a request line, its headers and its JSON body at the start of `text`, with the number of bytes they
/// take.
fn request(text: &str, first_line: &str) -> Option<(Curl, usize)> {
    let (method, path) = first_line.trim_end().split_once(' ')?;
    if !METHODS.contains(&method) || !path.starts_with('/') || path.contains(' ') {
        return None;
    }
    let mut headers = Vec::new();
    let mut rest = text[first_line.len()..].trim_start();
    while let Some(found) = rest.lines().next().and_then(header) {
        headers.push(found);
        rest = rest
            .split_once('\n')
            .map_or("", |(_, after)| after)
            .trim_start();
    }
    let body = if rest.starts_with('{') {
        json_at_start(rest)
    } else {
        None
    };
    let length = text.len() - rest.len() + body.map_or(0, str::len);
    let command = Curl {
        method: method.to_owned(),
        url: path.to_owned(),
        headers,
        body: body.map(str::to_owned),
        line: 0,
    };
    // One byte less than up to `rest`, so that the line of `rest` itself is looked at next.
    Some((
        command,
        if body.is_some() {
            length
        } else {
            length.saturating_sub(1)
        },
    ))
}

/// The JSON value that `text` begins with.
fn json_at_start(text: &str) -> Option<&str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    values.next()?.ok()?;
    Some(&text[..values.byte_offset()])
}

/// `Name: value`, where the name is one word.
fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!name.is_empty() && name.chars().all(is_name))
        .then(|| (name.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Method, address, number of headers and (pointer, value) in the body of each expected command.
    type Row = (
        &'static str,
        &'static str,
        usize,
        Option<(&'static str, Value)>,
    );

    fn check(text: &str, expected: Vec<Row>) {
        let found = commands(text);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (command, (method, url, headers, body)) in found.iter().zip(expected) {
            assert_eq!(
                (command.method.as_str(), command.url.as_str()),
                (method, url)
            );
            assert_eq!(command.headers.len(), headers, "{command:#?}");
            let parsed: Option<Value> = command
                .body
                .as_deref()
                .map(|body| serde_json::from_str(body).expect("the body is JSON"));
            assert_eq!(parsed.is_some(), body.is_some(), "{command:#?}");
            if let (Some(parsed), Some((pointer, value))) = (parsed, body) {
                assert_eq!(parsed.pointer(pointer), Some(&value), "{command:#?}");
            }
        }
    }

    #[test]
    fn seed_000_shows_seven_commands() {
        check(
            SEED_000,
            vec![
                (
                    "POST",
                    "https://api.engrami.com/api/v1/webhooks/incoming",
                    2,
                    Some(("/transform/message", json!("$.data.description"))),
                ),
                (
                    "POST",
                    "https://hooks.engrami.com/in/wh_in_abc123",
                    2,
                    Some(("/data/company_name", json!("Acme Corp"))),
                ),
                (
                    "POST",
                    "https://api.engrami.com/api/v1/tools",
                    2,
                    Some(("/endpoint/body_template/select", json!("{{fields}}"))),
                ),
                (
                    "POST",
                    "https://api.engrami.com/api/v1/integrations/oauth/providers",
                    2,
                    Some(("/scopes", json!(["read", "write"]))),
                ),
                (
                    "POST",
                    "https://api.engrami.com/api/v1/integrations/actions",
                    2,
                    Some(("/output_mapping/ticket_url", json!("$.web_url"))),
                ),
                (
                    "POST",
                    "https://api.engrami.com/api/v1/secrets",
                    2,
                    Some(("/name", json!("CRM_API_KEY"))),
                ),
                (
                    "POST",
                    "https://api.engrami.com/api/v1/tools/lookup_customer/test",
                    2,
                    Some(("/parameters/identifier", json!("test@example.com"))),
                ),
            ],
        );
    }

    #[test]
    fn seed_001_shows_two_of_each_form() {
        check(
            SEED_001,
            vec![
                (
                    "POST",
                    "https://api.workflux.ai/v1/auth/token",
                    1,
                    Some(("/grant_type", json!("client_credentials"))),
                ),
                ("GET", "https://api.workflux.ai/v1/agents", 1, None),
                (
                    "POST",
                    "/webhooks",
                    1,
                    Some(("/events/2", json!("agent.response"))),
                ),
                ("POST", "/webhooks/{webhook_id}/test", 0, None),
            ],
        );
    }

    #[test]
    fn seed_002_shows_none() {
        check(SEED_002, vec![]);
    }

    #[test]
    fn lines_and_headers_are_as_written() {
        let found = commands(SEED_000);
        assert_eq!(found[0].line, 9);
        assert_eq!(
            found[1].headers[1],
            ("X-Webhook-Signature".to_owned(), "sha256=...".to_owned())
        );
        let tokens = &commands(SEED_001)[1];
        assert_eq!(
            tokens.headers[0],
            (
                "Authorization".to_owned(),
                "Bearer {access_token}".to_owned()
            )
        );
    }

    #[test]
    fn odd_forms() {
        let rows = [
            ("curl http://x", vec![("GET", "http://x", 0, None)]),
            (
                "curl -s http://x -d '{\"a\":1}'Heading\n",
                vec![("POST", "http://x", 0, Some(("/a", json!(1))))],
            ),
            (
                "GET /a\nGET /b\n",
                vec![("GET", "/a", 0, None), ("GET", "/b", 0, None)],
            ),
            (
                "DELETE /a\r\n\r\ncurl \\\r\n\r\nhttp://x",
                vec![("DELETE", "/a", 0, None), ("GET", "http://x", 0, None)],
            ),
            ("curl -X", vec![]),
            ("curl -d 'never closed", vec![]),
            ("POST requests are sent", vec![]),
            ("POST /a b", vec![]),
            ("", vec![]),
        ];
        for (text, expected) in rows {
            check(text, expected);
        }
    }
}
