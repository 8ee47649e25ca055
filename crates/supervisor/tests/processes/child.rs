//! Website and crawler in miniature: they introduce themselves, exchange credentials and one question with its answer.
//! Run by a supervisor under test, never by themselves. And a stranger, who has what a crawler has let slip.

use secrecy::SecretString;
use std::{
    env,
    fs::File,
    io::{Read as _, Write as _},
    path::PathBuf,
    sync::Arc,
};
use trawl_jobs::AccountId;
use trawl_protocol::{
    AUTH_SOCKET_ENV, BUS_SOCKET_ENV, Boot, Bus, BusOptions, Credential, CredentialReader, CredentialWriter, Hello,
    Incoming, LaunchSecret, Message, Role, Token, codec::AUTH_FRAME_LIMIT, handshake, secret::LAUNCH_FD_ENV,
};

/// Where the first crawler leaves its secret for others to find.
const LEAK_ENV: &str = "TRAWL_TEST_LEAK";

fn say(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{text}").unwrap();
}

fn hello(role: Role) -> Hello {
    let descriptor = env::var(LAUNCH_FD_ENV).unwrap();
    let secret = LaunchSecret::read_from(File::open(format!("/dev/fd/{descriptor}")).unwrap().into()).unwrap();
    if let Some(path) = env::var_os(LEAK_ENV).filter(|_| role == Role::Crawler)
        && let Ok(mut leak) = File::create_new(path)
    {
        leak.write_all(secret.as_bytes()).unwrap();
    }
    hello_with(role, secret)
}

fn hello_with(role: Role, secret: LaunchSecret) -> Hello {
    Hello {
        role,
        boot: Boot::random(),
        secret: Some(secret),
        build: "test".to_owned(),
        capacity: 1,
        kinds: Vec::new(),
        own_instance: None,
    }
}

fn socket(variable: &str) -> PathBuf {
    env::var_os(variable).unwrap().into()
}

async fn speak(hello: Hello) {
    let role = hello.role;
    let options = BusOptions {
        socket: socket(BUS_SOCKET_ENV),
        hello,
        carry_over: role == Role::Crawler,
        patient: role == Role::Website,
    };
    let (bus, mut incoming, _task) = Bus::connect(options).await.unwrap();
    let mut asked = None;
    while let Some(event) = incoming.recv().await {
        match event {
            Incoming::Peers(peers) if role == Role::Website => {
                let crawler = peers.into_iter().find(|peer| peer.role == Role::Crawler && asked != Some(peer.boot));
                if let Some(crawler) = crawler {
                    asked = Some(crawler.boot);
                    bus.send(crawler.id, &Message::AskHoldings(Boot(1))).await.unwrap();
                }
            }
            Incoming::Processes(rows) if role == Role::Website => {
                let rows: Vec<_> = rows.iter().map(|row| format!("{}={}", row.name, row.state.as_str())).collect();
                say(&format!("sees {}", rows.join(" ")));
            }
            Incoming::Message(message, receipt) => {
                bus.acknowledge(receipt).unwrap();
                say(&format!("got {message:?} from {}", receipt.from));
                if message == Message::AskHoldings(Boot(1)) {
                    bus.send(receipt.from, &Message::Holdings(Boot(1), Vec::new())).await.unwrap();
                }
            }
            _ => {}
        }
    }
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

#[test]
#[ignore = "not a test: the website of a supervisor under test"]
fn website() {
    let hello = hello(Role::Website);
    let listener = listenfd::ListenFd::from_env().take_tcp_listener(0).unwrap().unwrap();
    let first_visit = socket(BUS_SOCKET_ENV).with_file_name("first-visit");
    std::fs::write(first_visit, format!("http://{}/first/visit\n", listener.local_addr().unwrap())).unwrap();
    assert_eq!(env::var("TRAWL_SERVER__LISTEN").unwrap(), listener.local_addr().unwrap().to_string());
    run(async {
        let writer = CredentialWriter::start(socket(AUTH_SOCKET_ENV), hello.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut request) = (stream.unwrap(), [0; 256]);
                let length = stream.read(&mut request).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                if request[..length].starts_with(b"GET /link ") {
                    let token = Token::new(SecretString::from("glpat-test"));
                    let credential = Credential { account: AccountId(1), instance_url: String::new(), token };
                    writer.publish(Arc::new([(AccountId(1), credential)].into()));
                }
            }
        });
        speak(hello).await;
    });
}

#[test]
#[ignore = "not a test: the crawler of a supervisor under test"]
fn crawler() {
    let hello = hello(Role::Crawler);
    run(async {
        let mut credentials = CredentialReader::start(socket(AUTH_SOCKET_ENV), hello.clone());
        tokio::spawn(async move {
            loop {
                credentials.changed().await;
                say(&format!("has {} credentials", credentials.current().len()));
            }
        });
        speak(hello).await;
    });
}

#[test]
#[ignore = "not a test: the simulated GitLab of a supervisor under test"]
fn simulator() {
    let listener = listenfd::ListenFd::from_env().take_tcp_listener(0).unwrap().unwrap();
    for stream in listener.incoming() {
        stream.unwrap().write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
}

#[test]
#[ignore = "not a test: somebody who has found what a crawler has left behind"]
fn stranger() {
    let secret = LaunchSecret::read_from(File::open(socket(LEAK_ENV)).unwrap().into()).unwrap();
    let directory = PathBuf::from(env::var_os("TRAWL_PATHS__STATE").unwrap()).join("run");
    run(async {
        for name in ["bus.sock", "auth.sock"] {
            let hello = hello_with(Role::Crawler, secret.clone());
            match handshake::connect(&directory.join(name), &hello, AUTH_FRAME_LIMIT).await {
                Ok(_) => say(&format!("{name} lets anybody in")),
                Err(error) => say(&format!("{name}: {error}")),
            }
        }
        say("that is all");
        std::future::pending::<()>().await;
    });
}
