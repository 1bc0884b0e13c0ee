//! Proxies: connections that another server opens for us, with HTTP `CONNECT` (RFC 9110 9.3.6) or
//! SOCKS5 (RFC 1928, 1929).
//!
//! A proxy is told the *address* that the guard has vetted, so that nothing it resolves can lead
//! elsewhere. Only where the operator asks for it (`socks5h`, or by name) is it told the name.

use std::{fmt, io, net::SocketAddr, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;
use zeroize::Zeroizing;

/// The longest head of a proxy's answer, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// A proxy through which outgoing connections are opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    protocol: Protocol,
    /// Its host, as a name or an address without brackets.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
    /// Whether it is told names, and resolves them itself.
    pub(super) by_name: bool,
    credentials: Option<Credentials>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    Socks5,
}

#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: Zeroizing<String>,
    password: Zeroizing<String>,
}

/// A text that names no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no proxy: write it as http://proxy.example.com:3128 or socks5://user:password@10.0.0.1:1080"
)]
pub struct BadProxy;

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl fmt::Display for Proxy {
    /// Host and port, never the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for Proxy {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let url = Url::parse(text).map_err(|_| BadProxy)?;
        let (protocol, port, by_name) = match url.scheme() {
            "http" => (Protocol::Http, 80, false),
            "socks5" => (Protocol::Socks5, 1080, false),
            "socks5h" => (Protocol::Socks5, 1080, true),
            _ => return Err(BadProxy),
        };
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
        let host = url.host_str().filter(|host| is_bare && !host.is_empty());
        let host = host.ok_or(BadProxy)?;
        let decoded = |text: &str| {
            let text = percent_encoding::percent_decode_str(text);
            let text = text.decode_utf8().map_err(|_| BadProxy)?.into_owned();
            // RFC 1929 2: the length is one byte.
            (text.len() <= 255)
                .then(|| Zeroizing::new(text))
                .ok_or(BadProxy)
        };
        let credentials = match url.username() {
            "" => None,
            user => Some(Credentials {
                user: decoded(user)?,
                password: decoded(url.password().unwrap_or_default())?,
            }),
        };
        Ok(Self {
            protocol,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(port),
            by_name,
            credentials,
        })
    }
}

/// Where a proxy is to connect to.
#[derive(Clone, Copy)]
pub(super) enum To<'a> {
    /// A vetted address.
    Address(SocketAddr),
    /// A name, for the proxy to resolve.
    Name(&'a str, u16),
}

impl fmt::Display for To<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl Proxy {
    /// The same proxy, told names if `by_name`.
    pub fn told_names(mut self, by_name: bool) -> Self {
        self.by_name |= by_name;
        self
    }

    /// Asks the proxy at the other end of `stream` to connect to `to`.
    pub(super) async fn ask(&self, stream: &mut TcpStream, to: To<'_>) -> io::Result<()> {
        let asked = match self.protocol {
            Protocol::Http => self.connect(stream, to).await,
            Protocol::Socks5 => self.socks(stream, to).await,
        };
        asked.map_err(|error| io::Error::other(format!("the proxy {self} {error}")))
    }

    async fn connect(&self, stream: &mut TcpStream, to: To<'_>) -> io::Result<()> {
        let mut request = Zeroizing::new(format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n"));
        if let Some(Credentials { user, password }) = &self.credentials {
            let both = Zeroizing::new(format!("{}:{}", **user, **password));
            let encoded = Zeroizing::new(STANDARD.encode(both.as_bytes()));
            request.push_str("proxy-authorization: Basic ");
            request.push_str(&encoded);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await?;

        let mut head = Vec::with_capacity(256);
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= MAX_HEAD {
                return Err(io::Error::other("sends a head without end"));
            }
            // Byte by byte, so that nothing of what comes after is taken; a head is short.
            let byte = stream.read_u8().await.map_err(|_| ended())?;
            head.push(byte);
        }
        match status(&head) {
            Some(200..=299) => Ok(()),
            Some(status) => Err(io::Error::other(format!("refused with status {status}"))),
            None => Err(io::Error::other("does not answer with HTTP")),
        }
    }

    async fn socks(&self, stream: &mut TcpStream, to: To<'_>) -> io::Result<()> {
        const NO_AUTHENTICATION: u8 = 0;
        const PASSWORD: u8 = 2;
        let method = if self.credentials.is_some() {
            PASSWORD
        } else {
            NO_AUTHENTICATION
        };
        stream.write_all(&[5, 1, method]).await?;
        let chosen = read::<2>(stream).await?;
        if chosen != [5, method] {
            return Err(io::Error::other(match chosen {
                [5, _] => "does not take these credentials",
                _ => "does not speak SOCKS5",
            }));
        }
        if let Some(Credentials { user, password }) = &self.credentials {
            let mut message = Zeroizing::new(vec![1]);
            for text in [user, password] {
                message.push(text.len() as u8);
                message.extend_from_slice(text.as_bytes());
            }
            stream.write_all(&message).await?;
            let [_, status] = read::<2>(stream).await?;
            if status != 0 {
                return Err(io::Error::other("refused the user name or the password"));
            }
        }
        stream.write_all(&socks_request(to)?).await?;
        let [_, code, _, kind] = read::<4>(stream).await?;
        if code != 0 {
            return Err(io::Error::other(socks_refusal(code)));
        }
        // The address it connects from; nothing of it is needed.
        let rest = match kind {
            1 => 4 + 2,
            4 => 16 + 2,
            3 => usize::from(stream.read_u8().await.map_err(|_| ended())?) + 2,
            _ => return Err(io::Error::other("does not speak SOCKS5")),
        };
        let mut bound = [0; 255 + 2];
        stream
            .read_exact(&mut bound[..rest])
            .await
            .map(drop)
            .map_err(|_| ended())
    }
}

fn socks_request(to: To<'_>) -> io::Result<Vec<u8>> {
    let mut request = vec![5, 1, 0];
    let port = match to {
        To::Address(SocketAddr::V4(address)) => {
            request.push(1);
            request.extend(address.ip().octets());
            address.port()
        }
        To::Address(SocketAddr::V6(address)) => {
            request.push(4);
            request.extend(address.ip().octets());
            address.port()
        }
        To::Name(name, port) => {
            let length = u8::try_from(name.len());
            request.push(3);
            request.push(length.map_err(|_| io::Error::other("takes names of 255 bytes only"))?);
            request.extend(name.as_bytes());
            port
        }
    };
    request.extend(port.to_be_bytes());
    Ok(request)
}

/// RFC 1928 6.
fn socks_refusal(code: u8) -> String {
    const WORDS: [&str; 8] = [
        "failed",
        "does not allow this connection",
        "cannot reach the network",
        "cannot reach the host",
        "says that the connection was refused",
        "says that the connection took too long",
        "does not take this command",
        "does not take this kind of address",
    ];
    match WORDS.get(usize::from(code).wrapping_sub(1)) {
        Some(words) => (*words).to_owned(),
        None => format!("refused with code {code}"),
    }
}

async fn read<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.map_err(|_| ended())?;
    Ok(bytes)
}

fn ended() -> io::Error {
    io::Error::other("ended the connection")
}

/// The status of an HTTP/1 head.
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let digits = rest.get(2..5)?;
    let follows = rest.get(5)?;
    (rest[1] == b' ' && matches!(follows, b' ' | b'\r')).then_some(())?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_read_and_shown_without_credentials() {
        for (text, shown) in [
            (
                "http://proxy.example.com:3128",
                Some("proxy.example.com:3128"),
            ),
            ("http://proxy.example.com", Some("proxy.example.com:80")),
            ("http://us%40er:p%3Aw@10.0.0.1:8080/", Some("10.0.0.1:8080")),
            ("socks5://[::1]", Some("::1:1080")),
            ("socks5h://proxy", Some("proxy:1080")),
            ("https://proxy.example.com", None),
            ("socks4://proxy", None),
            ("proxy.example.com:3128", None),
            ("http://", None),
            ("http://proxy/path", None),
            ("http://proxy?x", None),
        ] {
            let read = text.parse::<Proxy>().ok();
            assert_eq!(
                read.as_ref().map(Proxy::to_string).as_deref(),
                shown,
                "{text}"
            );
            if let Some(proxy) = read {
                assert_eq!(proxy.by_name, text.starts_with("socks5h"), "{text}");
                assert!(!format!("{proxy:?}").contains("us@er"), "{proxy:?}");
            }
        }
    }

    #[test]
    fn the_status_of_an_answer_is_read() {
        for (head, expected) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            ("HTTP/1.0 407 \r\n\r\n", Some(407)),
            ("HTTP/1.1 200\r\n\r\n", Some(200)),
            ("HTTP/2 200\r\n\r\n", None),
            ("HTTP/1.1 2000 x\r\n\r\n", None),
            ("SSH-2.0\r\n\r\n", None),
            ("\r\n\r\n", None),
        ] {
            assert_eq!(status(head.as_bytes()), expected, "{head:?}");
        }
    }
}
