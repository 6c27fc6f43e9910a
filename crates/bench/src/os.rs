//! What processes cost, by the operating system's own accounting.

use std::{fs, num::NonZero, thread, time::Duration};

use anyhow::{Context, Result};
use nix::{
    sys::time::TimeValLike,
    time::{ClockId, clock_getcpuclockid},
    unistd::{Pid, SysconfVar, sysconf},
};

/// The processor time that a process has used so far, its ended threads included.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed()))?;
    time(clock)
}

/// The same for this thread.
pub(crate) fn own_thread() -> Result<Duration> {
    time(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

fn time(clock: ClockId) -> Result<Duration> {
    let spent = clock.now()?;
    Ok(Duration::from_nanos(
        spent.num_nanoseconds().cast_unsigned(),
    ))
}

/// The same for a process and all that descend from it, the ended ones included.
pub(crate) fn cpu_of_family(pid: u32) -> Result<Duration> {
    let mut family = vec![pid];
    let all = processes()?;
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(all.iter().filter(|it| it.parent == parent).map(|it| it.pid));
        next += 1;
    }
    let mut sum = Duration::ZERO;
    for pid in family {
        // One that ended since is counted with its parent.
        sum += cpu(pid).unwrap_or_default();
        sum += Process::read(pid)
            .map(|it| it.ended_children)
            .unwrap_or_default();
    }
    Ok(sum)
}

/// The parent of a process.
pub(crate) fn parent(pid: u32) -> Result<u32> {
    Ok(Process::read(pid)?.parent)
}

struct Process {
    pid: u32,
    parent: u32,
    /// Processor time of children that ended and were waited for.
    ended_children: Duration,
}

impl Process {
    /// See proc_pid_stat(5): the name may hold anything, and ends at the last parenthesis.
    fn read(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).context(path)?;
        let (_, rest) = stat.rsplit_once(") ").context("no name")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |index: usize| -> Result<i64> {
            let field = fields.get(index).context("a field is missing")?;
            Ok(field.parse()?)
        };
        let per_second = sysconf(SysconfVar::CLK_TCK)?.context("no clock ticks")?;
        let ticks = number(13)? + number(14)?;
        Ok(Self {
            pid,
            parent: u32::try_from(number(1)?)?,
            ended_children: Duration::from_secs_f64(ticks as f64 / per_second as f64),
        })
    }
}

fn processes() -> Result<Vec<Process>> {
    let entries = fs::read_dir("/proc").context("/proc: the benchmark runs on Linux")?;
    let pids = entries.filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok());
    Ok(pids.filter_map(|pid| Process::read(pid).ok()).collect())
}

/// Lets a process's peak be what it holds from now on: what it took to start is not load.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    let path = format!("/proc/{pid}/clear_refs");
    // See proc(5).
    fs::write(&path, "5").context(path)
}

/// How much memory a process holds now, and how much it held at most, in bytes.
pub(crate) fn memory(pid: u32) -> Result<(u64, u64)> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).context(path)?;
    let bytes = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|it| it.strip_prefix(name));
        let kilobytes = line.and_then(|it| it.split_whitespace().next());
        Ok(kilobytes.context("no memory")?.parse::<u64>()? * 1024)
    };
    Ok((bytes("VmRSS:")?, bytes("VmHWM:")?))
}

/// How much memory there is, in bytes.
pub(crate) fn memory_of_machine() -> Result<u64> {
    let amount = |variable| sysconf(variable)?.context("the system does not say");
    let pages = amount(SysconfVar::_PHYS_PAGES)?;
    Ok(u64::try_from(pages * amount(SysconfVar::PAGE_SIZE)?)?)
}

/// The machine, in a line: its processor, as the system has it, and how many cores of it.
pub(crate) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = cpuinfo.lines().find(|it| it.starts_with("model name"));
    let name = line.and_then(|it| it.split_once(':'));
    let name = name.map_or("an unknown processor", |(_, name)| name.trim());
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    format!("{name}, {cores} cores")
}
