//! From a child's output to lines.

use super::Logs;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Longer lines are cut here. Bytes.
pub const LINE_LIMIT: usize = 16 << 10;
const CUT: &str = " … (cut)";

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub struct Splitter {
    line: Vec<u8>,
    /// The rest of this line is dropped.
    full: bool,
}

impl Splitter {
    /// Takes what was read, and gives the lines that are complete.
    pub fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(String)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end]);
            self.flush(&mut each);
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
    }

    /// Nothing more will come: gives a last line without an end.
    pub fn finish(&mut self, mut each: impl FnMut(String)) {
        if !self.line.is_empty() {
            self.flush(&mut each);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_LIMIT - self.line.len();
        self.full |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn flush(&mut self, each: &mut impl FnMut(String)) {
        let text = String::from_utf8_lossy(&self.line);
        // Colours and cursor movements of others have no business on our terminal.
        let mut text: String =
            text.trim_end().chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect();
        if std::mem::take(&mut self.full) {
            text.push_str(CUT);
        }
        self.line.clear();
        each(text);
    }
}

/// Passes a child's output on to the logs until it ends.
pub async fn forward(mut output: impl AsyncRead + Unpin, process: Arc<str>, logs: Logs) {
    let mut splitter = Splitter::default();
    let mut buffer = vec![0; 8 << 10];
    let mut each = |text: String| logs.push(&process, text);
    loop {
        match output.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(length) => splitter.push(&buffer[..length], &mut each),
        }
    }
    splitter.finish(&mut each);
}

#[cfg(test)]
mod tests {
    use super::super::Past;
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let (mut splitter, mut lines) = (Splitter::default(), Vec::new());
        for chunk in chunks {
            splitter.push(chunk, |line| lines.push(line));
        }
        splitter.finish(|line| lines.push(line));
        lines
    }

    #[test]
    fn reads_are_not_lines() {
        assert_eq!(split(&[b"one\ntw", b"o\r\n\nthr", b"ee"]), ["one", "two", "", "three"]);
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let long = vec![b'x'; LINE_LIMIT];
        let lines = split(&[&long, &long, b"tail\nnext\n"]);
        assert_eq!((lines.len(), lines[0].len(), lines[1].as_str()), (2, LINE_LIMIT + CUT.len(), "next"));
        assert_eq!(split(&[&long, b"\n"])[0].len(), LINE_LIMIT, "one that just fits is left alone");
    }

    #[test]
    fn a_line_cannot_move_the_cursor() {
        assert_eq!(split(&[b"\x1b[2Jgone\x07\tor \xff not\n"]), ["[2Jgone or \u{fffd} not"]);
    }

    #[tokio::test]
    async fn everything_is_kept() {
        let logs = Logs::default();
        forward(&b"first\nwebsite: no database\n\n"[..], Arc::from("website"), logs.clone()).await;
        assert_eq!(logs.cause("website", 0).as_deref(), Some("no database"));
        assert_eq!(logs.watch(Vec::new(), Past::lines(9)).0.len(), 3);
    }
}
