//! What a process takes of the machine, as the kernel tells.

use nix::unistd::{Pid, SysconfVar, sysconf};
use serde::{Deserialize, Serialize};
use std::{fs, time::Instant};

/// What a process takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Resident memory, in bytes.
    pub memory_bytes: u64,
    /// Time of one processor lately, in percent.
    pub cpu_percent: f32,
    /// Time of processors since it started, in seconds.
    pub cpu_seconds: f32,
}

/// Measures one process again and again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meter {
    last: Option<(Instant, f32)>,
    percent: f32,
}

impl Meter {
    /// Looks how much time of processors it took since this was called last. Returns what it takes now, if it lives.
    pub fn sample(&mut self, pid: Pid) -> Option<Usage> {
        let now = Instant::now();
        let (memory_bytes, cpu_seconds) = (memory(pid)?, cpu(pid)?);
        if let Some((then, before)) = self.last {
            let passed = now.duration_since(then).as_secs_f32();
            self.percent = if passed > 0.0 { (cpu_seconds - before).max(0.0) * 100.0 / passed } else { self.percent };
        }
        self.last = Some((now, cpu_seconds));
        Some(Usage { memory_bytes, cpu_percent: self.percent, cpu_seconds })
    }

    /// What it takes now, with the time of processors that was seen last.
    #[must_use]
    pub fn read(&self, pid: Pid) -> Option<Usage> {
        Some(Usage { memory_bytes: memory(pid)?, cpu_percent: self.percent, cpu_seconds: cpu(pid)? })
    }
}

/// The fields of `/proc/PID/stat` behind the name, which may contain anything.
pub(crate) fn stat_fields(pid: Pid) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_ascii_whitespace().map(str::to_owned).collect())
}

fn memory(pid: Pid) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let page = sysconf(SysconfVar::PAGE_SIZE).ok()??;
    Some(pages * u64::try_from(page).ok()?)
}

/// Seconds in the program and in the kernel for it.
#[expect(clippy::cast_precision_loss, reason = "shown to people")]
fn cpu(pid: Pid) -> Option<f32> {
    let fields = stat_fields(pid)?;
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    let per_second = sysconf(SysconfVar::CLK_TCK).ok()??;
    Some((ticks(11)? + ticks(12)?) as f32 / per_second as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_is_seen_to_work() {
        let (mut meter, me) = (Meter::default(), nix::unistd::getpid());
        let first = meter.sample(me).unwrap();
        assert!(first.memory_bytes > 1 << 20 && first.cpu_percent == 0.0);
        let begun = Instant::now();
        while begun.elapsed().as_millis() < 60 {
            std::hint::black_box(begun);
        }
        let second = meter.sample(me).unwrap();
        assert!(second.cpu_seconds > first.cpu_seconds && second.cpu_percent > 0.0, "{second:?}");
        assert_eq!(meter.sample(Pid::from_raw(i32::MAX)), None);
    }
}
