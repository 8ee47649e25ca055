//! A small HTTP server on raw sockets, so that it can do what no honest server does.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use trawl_links::{Checker, Link, Looking, Lookup, Options};

/// What came in.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Which request of the server it is, from 0.
    pub(crate) number: usize,
}

/// What goes out.
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The connection is reset without a word.
    Reset,
    /// A beginning, then the connection is reset.
    Broken(Vec<u8>),
    /// Bytes as they are, then silence.
    Raw(Vec<u8>),
    /// HTML without end.
    Endless,
    /// Nothing, for ever.
    Silence,
    /// Answers once a permit is there.
    Gated(Arc<Semaphore>, Box<Reply>),
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: b"words".to_vec() }
    }

    pub(crate) fn html(body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status: 200, headers: Vec::new(), body: body.into() }.with("content-type", "text/html")
    }

    pub(crate) fn to(status: u16, location: &str) -> Self {
        Self::status(status).with("location", location)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (log, handler): (_, Arc<Handler>) = (Arc::clone(&requests), Arc::new(handler));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&log), Arc::clone(&handler)));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, requests, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn link(&self, path: &str) -> Link {
        link(&self.url(path))
    }

    /// `METHOD /path` of each request so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, request: &str) -> usize {
        self.requests().iter().filter(|line| *line == request).count()
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<String>>>, handler: Arc<Handler>) {
    // The other side may go at any time: that is no concern of a test.
    let _ = talk(&mut stream, &log, handler.as_ref()).await;
}

async fn talk(stream: &mut TcpStream, log: &Mutex<Vec<String>>, handler: &Handler) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let number = {
            let mut log = log.lock().unwrap();
            log.push(format!("{method} {path}"));
            log.len() - 1
        };
        let request = Request { method, path, number };
        if !reply(stream, &request, handler(&request)).await? {
            return Ok(());
        }
    }
}

/// `false` if the connection is over.
async fn reply(stream: &mut TcpStream, request: &Request, mut reply: Reply) -> io::Result<bool> {
    while let Reply::Gated(gate, inner) = reply {
        gate.acquire().await.unwrap().forget();
        reply = *inner;
    }
    match reply {
        Reply::Answer { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Word\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                write!(head, "{name}: {value}\r\n").unwrap();
            }
            let mut bytes = format!("{head}\r\n").into_bytes();
            if request.method != "HEAD" {
                bytes.extend(body);
            }
            stream.write_all(&bytes).await?;
            return Ok(true);
        }
        Reply::Reset => stream.set_zero_linger()?,
        Reply::Broken(bytes) => {
            stream.write_all(&bytes).await?;
            stream.set_zero_linger()?;
        }
        Reply::Raw(bytes) => {
            stream.write_all(&bytes).await?;
            wait_for_end(stream).await?;
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n").await?;
            let block = "<p>and on and on <a href=/more>more</a>".repeat(100);
            loop {
                stream.write_all(block.as_bytes()).await?;
            }
        }
        Reply::Silence => wait_for_end(stream).await?,
        Reply::Gated(..) => unreachable!("opened above"),
    }
    Ok(false)
}

async fn wait_for_end(stream: &mut TcpStream) -> io::Result<()> {
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(())
}

/// Bounds that no test has to wait for.
pub(crate) fn options() -> Options {
    Options {
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        timeout_ms: 10_000,
        backoff_ms: 1,
        max_backoff_ms: 2,
        ..Options::default()
    }
}

/// A checker that cannot reach a real resolver.
pub(crate) fn checker_with(options: Options) -> Checker {
    Checker::with_lookup(options, Arc::new(Names::default())).unwrap()
}

pub(crate) fn checker() -> Checker {
    checker_with(options())
}

pub(crate) fn link(url: &str) -> Link {
    Link::parse(url, 4096).unwrap()
}

/// Answers in turn with the lists that a name has, the last one for ever. Other names do not exist.
#[derive(Default)]
pub(crate) struct Names {
    lists: HashMap<String, Mutex<Vec<Vec<IpAddr>>>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Names {
    pub(crate) fn new(lists: &[(&str, &[&[&str]])]) -> Self {
        let parse = |list: &&[&str]| list.iter().map(|address| address.parse().unwrap()).collect();
        let lists = lists
            .iter()
            .map(|(name, answers)| ((*name).to_owned(), Mutex::new(answers.iter().map(parse).collect())))
            .collect();
        Self { lists, asked: Mutex::default() }
    }
}

impl Lookup for Names {
    fn lookup(&self, host: &str) -> Looking {
        self.asked.lock().unwrap().push(host.to_owned());
        let answer = self.lists.get(host).map_or_else(Vec::new, |answers| {
            let mut answers = answers.lock().unwrap();
            if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
        });
        Box::pin(async move { Ok(answer) })
    }
}
