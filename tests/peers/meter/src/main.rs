//! Runs a command and prints its measurements as JSON: exit status (-1 after a signal), wall and CPU seconds, and peak
//! resident bytes. The output of the command goes to a file.
//!
//! This program must be small: Linux includes the memory of the process that starts a command in the command's peak, and a
//! Python interpreter uses more memory than most of the measured programs.
//!
//! Usage: `meter FILE COMMAND ARGUMENT...`

use std::error::Error;
use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let printed = File::create(arguments.next().ok_or("FILE is missing")?)?;
    let mut command = Command::new(arguments.next().ok_or("COMMAND is missing")?);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(printed.try_clone()?)
        .stderr(printed);
    let started = Instant::now();
    let status = command.status()?;
    let wall = started.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    println!(
        r#"{{"status": {}, "wall": {}, "cpu": {}, "peak": {}}}"#,
        status.code().unwrap_or(-1),
        wall.as_secs_f64(),
        cpu(&usage)?.as_secs_f64(),
        usage.max_rss() * 1024
    );
    Ok(())
}

fn cpu(usage: &Usage) -> Result<Duration, Box<dyn Error>> {
    let microseconds = |time: TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let total = microseconds(usage.user_time()) + microseconds(usage.system_time());
    Ok(Duration::from_micros(total.try_into()?))
}
