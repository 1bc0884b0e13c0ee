//! Receivers that behave as badly as a test needs, and resolvers that say what it needs.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use http::{Method, Uri};
use tieline::outbound::{
    AllowList, Answer, Error, Outbound, Request, Resolve, Resolving, Settings,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A listening socket whose every connection runs one function.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    /// Listens on a free port of loopback and hands each connection to `handler`.
    pub(crate) async fn start<F, H>(handler: H) -> Self
    where
        H: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, SeqCst);
                tokio::spawn(handler(stream));
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// Answers every request on every connection with `answer`, as it stands.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                while read_request(&mut stream).await.is_some() {
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }

    /// Answers with `start`, and then neither says more nor hangs up.
    pub(crate) async fn stalling_after(start: &'static str) -> Self {
        Self::start(move |mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(start.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        })
        .await
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    /// A URI of this receiver under `host`.
    pub(crate) fn uri(&self, scheme: &str, host: &str) -> Uri {
        format!("{scheme}://{host}:{}/hooks?a=1", self.address.port())
            .parse()
            .unwrap()
    }

    /// A request to this receiver by its address.
    pub(crate) fn request(&self) -> Request {
        let mut request = Request::new(Method::POST, self.uri("http", "127.0.0.1"));
        request.body = r#"{"id":"evt_1"}"#.into();
        request.deadline = Duration::from_secs(20);
        request
    }

    /// Sends one request to this receiver.
    pub(crate) async fn call(&self) -> Result<Answer, Error> {
        loopback().send(self.request()).await
    }
}

/// Reads one request with its body and returns its head; `None` at the end of the connection.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    Some(head)
}

/// A way out that may reach loopback.
pub(crate) fn loopback() -> Outbound {
    Outbound::new(Settings {
        allow: AllowList::loopback(),
        ..Settings::default()
    })
}

/// A way out under `allow` that resolves names by `resolver`.
pub(crate) fn way_out(allow: &str, resolver: &Arc<Script>) -> Outbound {
    Outbound::new(Settings {
        allow: allow.parse().unwrap(),
        resolver: Arc::clone(resolver) as Arc<dyn Resolve>,
        ..Settings::default()
    })
}

/// A resolver that gives one list of addresses for each question, the last one for ever.
pub(crate) struct Script {
    answers: Vec<Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |addresses: &&[&str]| addresses.iter().map(|a| a.parse().unwrap()).collect();
        Arc::new(Self {
            answers: answers.iter().map(parse).collect(),
            asked: Mutex::default(),
        })
    }

    /// The names that were asked for, as they were asked.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolve for Script {
    fn resolve(&self, name: &str) -> Resolving {
        let mut asked = self.asked.lock().unwrap();
        let answer = self.answers.get(asked.len()).or(self.answers.last());
        asked.push(name.to_owned());
        let answer = answer
            .cloned()
            .ok_or_else(|| io::Error::other("no such name"));
        Box::pin(std::future::ready(answer))
    }
}
