//! Running another program, for as long as it may take and no longer.

use std::io::{self, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Of what a program says, this much is kept.
const MOST_SAID: u64 = 64 << 10;

/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How a program ended.
#[derive(Debug)]
pub struct Ran {
    /// Its status; nothing where it was ended because its time was over.
    pub status: Option<ExitStatus>,
    /// What it said on stderr.
    pub said: String,
}

impl Ran {
    /// Whether it did what it was asked.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Whether somebody else ended it: another time it may end otherwise.
    #[must_use]
    pub fn was_ended(&self) -> bool {
        self.status.is_some_and(|status| status.code().is_none_or(|code| code == 130))
    }

    /// Why it failed, in one line.
    #[must_use]
    pub fn why(&self) -> String {
        let line = self.said.lines().find_map(|line| line.strip_prefix("error: "));
        match (line.or_else(|| self.said.lines().last()), self.status) {
            (_, None) => "it has not ended in the time that it has".to_owned(),
            (Some(line), Some(_)) if !self.was_ended() => line.to_owned(),
            (_, Some(status)) => format!("the program ended with {status}"),
        }
    }
}

/// Ends a program that nobody waits for any more.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs it. Its stdout is not heard.
///
/// # Errors
/// It cannot be started or waited for.
pub fn run(command: &mut Command, limit: Option<Duration>) -> io::Result<Ran> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = Ended(command.spawn()?);
    let said = child.0.stderr.take();
    let said = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut said) = said {
            let _ = said.by_ref().take(MOST_SAID).read_to_end(&mut text);
            // What is not kept is read all the same, so that the program does not wait for it.
            let _ = io::copy(&mut said, &mut io::sink());
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let started = Instant::now();
    let status = loop {
        match child.0.try_wait()? {
            Some(status) => break Some(status),
            None if limit.is_some_and(|limit| started.elapsed() >= limit) => break None,
            None => std::thread::sleep(LOOK_EVERY),
        }
    };
    drop(child);
    Ok(Ran { status, said: said.join().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Option<Duration>) -> Ran {
        run(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn how_it_ended_is_told() {
        assert!(shell("yes | head -c 300000 >&2", None).is_well());
        let ran = shell("echo 'error: no room' >&2; echo 'hint: make some' >&2; exit 1", None);
        assert!(!ran.is_well() && !ran.was_ended());
        assert_eq!(ran.why(), "no room");
        assert!(shell("kill -9 $$", None).was_ended());
        let ran = shell("exec sleep 60", Some(Duration::from_millis(100)));
        assert!(ran.status.is_none() && ran.why().contains("time"));
    }
}
