//! Lines in files of bounded size, number and age, written by a thread of its own. A disk that is full costs lines,
//! which are counted, and stops nothing.
//!
//! Written here, since the libraries for it bound either the number of files or their age.

use super::{Line, Logs, Look, OWN_NAME, Past};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, SystemTime},
};
use trawl_settings::LogSettings;

/// Name of the file that is written; older ones have a number behind it, the newest of them 1.
const NAME: &str = "trawl.log";
/// How long the last lines may take at the end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What bounds the files.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes in one file.
    pub size: u64,
    /// Files beside the one that is written.
    pub files: u32,
    /// Since a file was written last.
    pub age: Duration,
}

impl From<&LogSettings> for Limits {
    fn from(settings: &LogSettings) -> Self {
        Self {
            size: u64::from(settings.max_file_mib) << 20,
            files: settings.keep_files,
            age: Duration::from_secs(u64::from(settings.keep_days) * 86_400),
        }
    }
}

/// The files in one directory.
#[derive(Debug)]
pub struct Files {
    directory: PathBuf,
    limits: Limits,
    file: Option<File>,
    size: u64,
    /// Lines that could not be written since one could be.
    lost: u64,
}

impl Files {
    /// In a directory that is made where it is missing.
    ///
    /// # Errors
    /// It cannot be made, or nothing can be written there.
    pub fn open(directory: &Path, limits: Limits) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
        let mut this = Self { directory: directory.to_owned(), limits, file: None, size: 0, lost: 0 };
        this.reopen()?;
        this.forget_old();
        Ok(this)
    }

    fn path(&self, number: u32) -> PathBuf {
        let suffix = if number == 0 { String::new() } else { format!(".{number}") };
        self.directory.join(format!("{NAME}{suffix}"))
    }

    fn reopen(&mut self) -> io::Result<()> {
        let file = File::options().create(true).append(true).mode(0o640).open(self.path(0))?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    /// Writes a line, with its end. What was lost before is said first.
    pub fn write(&mut self, text: &str) {
        if self.lost > 0 {
            let note = format!("{OWN_NAME}: {} lines were lost, since they could not be written\n", self.lost);
            if self.try_write(&note).is_ok() {
                self.lost = 0;
            }
        }
        if self.lost > 0 || self.try_write(text).is_err() {
            self.lost += 1;
        }
    }

    fn try_write(&mut self, text: &str) -> io::Result<()> {
        if self.size > 0 && self.size + text.len() as u64 > self.limits.size {
            self.rotate()?;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let before = self.size;
        let written = file.write_all(text.as_bytes());
        if written.is_err() {
            // Half a line would be taken for a whole one.
            file.set_len(before).ok();
        } else {
            self.size += text.len() as u64;
        }
        written
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        let ignore_missing = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        ignore_missing(fs::remove_file(self.path(self.limits.files)))?;
        for number in (0..self.limits.files).rev() {
            ignore_missing(fs::rename(self.path(number), self.path(number + 1)))?;
        }
        self.forget_old();
        self.reopen()
    }

    /// Deletes files that are too old, and those beyond a number that was larger once.
    fn forget_old(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(NAME)?.strip_prefix('.')?.parse::<u32>().ok());
            let Some(number) = number else { continue };
            let written = entry.metadata().and_then(|file| file.modified()).ok();
            let age = written.and_then(|then| SystemTime::now().duration_since(then).ok()).unwrap_or_default();
            if number > self.limits.files || age > self.limits.age {
                fs::remove_file(entry.path()).ok();
            }
        }
    }
}

/// The thread that writes.
#[derive(Debug)]
pub struct FileWriter(mpsc::Receiver<()>);

impl FileWriter {
    /// Writes all lines from now on.
    #[must_use]
    pub fn start(logs: &Logs, mut files: Files, look: Look) -> Self {
        let (_, mut lines) = logs.watch(Vec::new(), Past::NONE);
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            while let Some(line) = lines.blocking_recv() {
                let line: Arc<Line> = line;
                files.write(&look.line(&line));
            }
            drop(done);
        });
        Self(ended)
    }

    /// Waits until the last line is written, unless the disk hangs. The logs have to be closed before.
    pub fn finish(self) {
        self.0.recv_timeout(LAST_LINES).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(size: u64, files: u32) -> Limits {
        Limits { size, files, age: Duration::from_hours(1) }
    }

    fn text(dir: &Path, name: &str) -> String {
        fs::read_to_string(dir.join(name)).unwrap_or_default()
    }

    #[test]
    fn size_and_number_are_bounded() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("logs");
        let mut files = Files::open(&dir, limits(20, 2)).unwrap();
        (1..=9).for_each(|n| files.write(&format!("line {n}\n")));
        assert_eq!(text(&dir, "trawl.log"), "line 9\n");
        assert_eq!(
            (text(&dir, "trawl.log.1"), text(&dir, "trawl.log.2")),
            ("line 7\nline 8\n".into(), "line 5\nline 6\n".into())
        );
        assert!(!dir.join("trawl.log.3").exists());
        // What was written stays when it is opened again, and what is beyond the number goes.
        fs::write(dir.join("trawl.log.7"), "old").unwrap();
        let mut files = Files::open(&dir, limits(20, 2)).unwrap();
        files.write("more\n");
        assert_eq!(text(&dir, "trawl.log"), "line 9\nmore\n");
        assert!(!dir.join("trawl.log.7").exists());
    }

    #[test]
    fn age_is_bounded() {
        let temporary = tempfile::tempdir().unwrap();
        let old = temporary.path().join("trawl.log.1");
        fs::write(&old, "old").unwrap();
        let then = SystemTime::now() - Duration::from_hours(2);
        File::options().write(true).open(&old).unwrap().set_modified(then).unwrap();
        drop(Files::open(temporary.path(), limits(20, 2)).unwrap());
        assert!(!old.exists());
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let temporary = tempfile::tempdir().unwrap();
        let mut files = Files::open(temporary.path(), limits(1 << 20, 2)).unwrap();
        files.write("one\n");
        files.file = Some(File::options().write(true).open("/dev/full").unwrap());
        files.write("two\n");
        files.write("three\n");
        files.reopen().unwrap();
        files.write("four\n");
        let expected = "one\nsupervisor: 2 lines were lost, since they could not be written\nfour\n";
        assert_eq!(text(temporary.path(), "trawl.log"), expected);
    }
}
