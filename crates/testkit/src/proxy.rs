//! A proxy for the program's outgoing calls: HTTP `CONNECT` or SOCKS5, with or without a password. It
//! records what it was asked for, and takes every name for loopback.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `CONNECT` of HTTP/1.1.
    Http,
    /// SOCKS5 (RFC 1928), with user name and password (RFC 1929).
    Socks5,
}

/// A running proxy; dropping it closes its port.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    protocol: Protocol,
    credentials: Option<(String, String)>,
    asked: Mutex<Vec<String>>,
}

impl Proxy {
    /// Listens on a free loopback port; `credentials` are what it demands.
    pub async fn start(
        protocol: Protocol,
        credentials: Option<(&str, &str)>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("no free loopback port")?;
        let state = Arc::new(State {
            protocol,
            credentials: credentials.map(|(user, password)| (user.to_owned(), password.to_owned())),
            asked: Mutex::default(),
        });
        Ok(Self {
            address: listener.local_addr()?,
            accepting: tokio::spawn(accept(listener, Arc::clone(&state))),
            state,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked to connect to, in the order of asking; also where it refused.
    pub fn asked(&self) -> Vec<String> {
        self.state.asked.lock().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            // Who breaks off sees it at the other end.
            let _ = match state.protocol {
                Protocol::Http => http(stream, &state).await,
                Protocol::Socks5 => socks(stream, &state).await,
            };
        });
    }
}

async fn http(mut stream: TcpStream, state: &State) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split_once(' '))
        .map(|(target, _)| target.to_owned())
        .unwrap_or_default();
    state.asked.lock().push(target.clone());
    let is_let_in = state.credentials.as_ref().is_none_or(|(user, password)| {
        let expected = STANDARD.encode(format!("{user}:{password}"));
        head.contains(&format!("proxy-authorization: Basic {expected}\r\n"))
    });
    if !is_let_in {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
        return stream.write_all(refusal).await;
    }
    match connect(&target).await {
        Ok(onward) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            tunnel(stream, onward).await
        }
        Err(_) => stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await,
    }
}

async fn socks(mut stream: TcpStream, state: &State) -> io::Result<()> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).await?;
    let mut methods = vec![0; usize::from(greeting[1])];
    stream.read_exact(&mut methods).await?;
    let method = if state.credentials.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        return stream.write_all(&[5, 0xff]).await;
    }
    stream.write_all(&[5, method]).await?;
    if let Some((user, password)) = &state.credentials {
        stream.read_u8().await?;
        let given = (text(&mut stream).await?, text(&mut stream).await?);
        let is_let_in = given == (user.clone(), password.clone());
        stream.write_all(&[1, u8::from(!is_let_in)]).await?;
        if !is_let_in {
            return Ok(());
        }
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => Ipv4Addr::from(stream.read_u32().await?).to_string(),
        4 => format!("[{}]", Ipv6Addr::from(stream.read_u128().await?)),
        _ => text(&mut stream).await?,
    };
    let target = format!("{host}:{}", stream.read_u16().await?);
    state.asked.lock().push(target.clone());
    let connected = connect(&target).await;
    let code = if connected.is_ok() { 0 } else { 5 };
    stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    tunnel(stream, connected?).await
}

/// A text with its length before it.
async fn text(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "it stands outside of the program that is tested"
)]
async fn connect(target: &str) -> io::Result<TcpStream> {
    if let Ok(address) = target.parse::<SocketAddr>() {
        return TcpStream::connect(address).await;
    }
    let port = target.rsplit_once(':').map(|(_, port)| port.parse());
    let port = port.and_then(Result::ok).unwrap_or(0);
    TcpStream::connect(("127.0.0.1", port)).await
}

async fn tunnel(mut one: TcpStream, mut other: TcpStream) -> io::Result<()> {
    copy_bidirectional(&mut one, &mut other).await.map(drop)
}
