//! Asks a web server whether it is ready.

use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(30);
/// How long one answer may take. The socket is ours, so a connection alone says nothing.
const ANSWER: Duration = Duration::from_secs(2);

/// Which answer is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Status 200.
    Ok,
    /// Any HTTP response.
    Any,
}

/// Returns once `GET path` is answered as wanted.
pub(crate) async fn until_ready(address: SocketAddr, path: &str, wanted: Wanted) {
    loop {
        if let Ok(Ok(status)) = timeout(ANSWER, status(address, path)).await
            && (wanted == Wanted::Any || status == 200)
        {
            return;
        }
        sleep(PAUSE).await;
    }
}

async fn status(address: SocketAddr, path: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    // "HTTP/1.1 200"
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    let text = std::str::from_utf8(&head).ok().and_then(|head| head.strip_prefix("HTTP/1."));
    let code = text.and_then(|rest| rest.get(2..)).and_then(|code| code.parse().ok());
    code.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn it_waits_for_the_answer_that_is_wanted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async {
            for (n, answer) in ["garbage", "HTTP/1.1 503 No\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"].iter().enumerate() {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 64];
                let length = stream.read(&mut request).await.unwrap();
                assert!(request[..length].starts_with(b"GET /healthz HTTP/1.1\r\n"), "{n}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        };
        tokio::join!(until_ready(address, "/healthz", Wanted::Ok), server);
    }
}
