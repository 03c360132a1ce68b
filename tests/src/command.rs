//! Runs a program to its end or in the background, and makes what it printed comparable between runs and machines.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::filter::{ended, filtered};

/// A program to be run, with arguments, environment and input.
#[derive(Debug)]
pub struct Run {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    folder: Option<PathBuf>,
    input: Vec<u8>,
    replacements: Vec<(String, String)>,
    heeds_permissions: bool,
}

impl Run {
    /// A program without arguments.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            input: Vec::new(),
            replacements: Vec::new(),
            heeds_permissions: false,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// A variable of the environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Takes a variable out of the environment.
    #[must_use]
    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), None));
        self
    }

    /// The folder that the program starts in.
    #[must_use]
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// What the program reads on its standard input; nothing by default.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Replaces a path, or any text, in snapshots.
    #[must_use]
    pub fn replacing(mut self, path: impl AsRef<Path>, by: impl Into<String>) -> Self {
        self.replacements.push((path.as_ref().to_string_lossy().into_owned(), by.into()));
        self
    }

    /// Permissions of files hold for the program as for anyone, even where the tests are run as root.
    #[must_use]
    pub fn heeding_permissions(mut self) -> Self {
        self.heeds_permissions = true;
        self
    }

    fn command(&self) -> Command {
        let mut command = if self.heeds_permissions && is_root() {
            let mut without_rights = Command::new("setpriv");
            without_rights.args(["--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search"]);
            without_rights.arg(&self.program);
            without_rights
        } else {
            Command::new(&self.program)
        };
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    /// Runs the program to its end.
    ///
    /// **Panics** when it cannot be started.
    #[must_use]
    pub fn run(self) -> Outcome {
        self.start().wait()
    }

    /// Starts the program in the background; it is killed when the handle is dropped.
    ///
    /// **Panics** when it cannot be started.
    #[must_use]
    pub fn start(self) -> Running {
        let shown = self.program.display();
        let mut child = self.command().spawn().unwrap_or_else(|error| panic!("cannot start `{shown}`: {error}"));
        let mut input = child.stdin.take().expect("a piped stdin");
        let bytes = self.input;
        // A program may end without reading its input; that is its right.
        std::thread::spawn(move || drop(input.write_all(&bytes)));
        let stdout = Collected::of(child.stdout.take().expect("a piped stdout"));
        let stderr = Collected::of(child.stderr.take().expect("a piped stderr"));
        Running { child, stdout, stderr, replacements: self.replacements }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// What a stream has said so far, gathered by a thread of its own so that a full pipe never stops the program.
#[derive(Debug)]
struct Collected {
    said: Arc<(Mutex<Vec<u8>>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let said = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let shared = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            loop {
                let taken = match stream.fill_buf() {
                    Ok([]) | Err(_) => return,
                    Ok(bytes) => {
                        shared.0.lock().expect("the collected text").extend_from_slice(bytes);
                        shared.1.notify_all();
                        bytes.len()
                    }
                };
                stream.consume(taken);
            }
        });
        Self { said, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.said.0.lock().expect("the collected text")).into_owned()
    }

    fn rest(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the collecting thread");
        }
        self.text()
    }
}

/// A program that runs in the background. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Collected,
    stderr: Collected,
    replacements: Vec<(String, String)>,
}

impl Running {
    /// The process's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until either stream holds `text` and gives the line that has it.
    ///
    /// **Panics** with everything that was printed when the program ends before, or `limit` passes.
    #[must_use]
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> String {
        let start = Instant::now();
        loop {
            let ended = self.child.try_wait().expect("the program's state").is_some();
            let both = format!("{}\n{}", self.stdout(), self.stderr());
            if let Some(line) = both.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(!ended, "the program ended before it said `{text}`:\n{both}");
            assert!(start.elapsed() < limit, "the program did not say `{text}` within {limit:?}:\n{both}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal by name (`INT`, `TERM`, `KILL`, `STOP`, `CONT`).
    ///
    /// **Panics** when there is no such process.
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`: a bare system has no program of that name.
        let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.id())).status().expect("a shell");
        assert!(status.success(), "cannot send {name} to {}", self.id());
    }

    /// Sends what Ctrl-C sends and waits for the end.
    #[must_use]
    pub fn interrupt(self) -> Outcome {
        self.signal("INT");
        self.wait()
    }

    /// Sends what a service manager sends (SIGTERM) and waits for the end.
    #[must_use]
    pub fn terminate(self) -> Outcome {
        self.signal("TERM");
        self.wait()
    }

    /// Kills the program without notice (SIGKILL) and waits for the end.
    ///
    /// **Panics** when the program cannot be killed.
    #[must_use]
    pub fn kill(mut self) -> Outcome {
        self.child.kill().expect("to kill the program");
        self.wait()
    }

    /// Waits for the program's own end.
    ///
    /// **Panics** when it cannot be waited for.
    #[must_use]
    pub fn wait(mut self) -> Outcome {
        let status = self.child.wait().expect("the program's end");
        let (stdout, stderr) = (self.stdout.rest(), self.stderr.rest());
        Outcome { code: status.code(), status, stdout, stderr, replacements: std::mem::take(&mut self.replacements) }
    }

    /// Waits for the program's own end, at most `limit`.
    ///
    /// **Panics** with everything that was printed when it takes longer.
    #[must_use]
    pub fn wait_at_most(mut self, limit: Duration) -> Outcome {
        let start = Instant::now();
        while self.child.try_wait().expect("the program's state").is_none() {
            assert!(start.elapsed() < limit, "still running after {limit:?}:\n{}\n{}", self.stdout(), self.stderr());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error says that the program is gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a program ended and what it printed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The full status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    replacements: Vec<(String, String)>,
}

impl Outcome {
    /// The outcome itself when the exit code is the expected one.
    ///
    /// **Panics** with both streams when it is another.
    #[must_use]
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON object a line.
    ///
    /// **Panics** naming the line that is not one.
    #[must_use]
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| match serde_json::from_str::<Value>(line) {
            Ok(value) if value.is_object() => value,
            Ok(_) => panic!("not a JSON object: {line}"),
            Err(error) => panic!("not JSON ({error}): {line}\nstderr:\n{}", self.stderr),
        };
        self.stdout.lines().map(parse).collect()
    }

    /// Exit code and both streams with paths, times, sizes and addresses replaced: equal on each run and machine.
    #[must_use]
    pub fn snapshot(&self) -> String {
        let code = self.code.map_or_else(|| "signal".to_owned(), |code| code.to_string());
        let clean = |text: &str| filtered(text, &self.replacements);
        format!("exit: {code}\n--- stdout\n{}--- stderr\n{}", ended(&clean(&self.stdout)), ended(&clean(&self.stderr)))
    }
}

/// Runs a program of the system, which must succeed, and gives what it printed.
///
/// # Panics
/// It is not there, or fails.
pub fn tool(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_code_and_input_come_through() {
        let outcome = Run::new("sh").args(["-c", "cat; echo bad >&2; exit 3"]).stdin("good\n").run();
        assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (Some(3), "good\n", "bad\n"));
        assert_eq!(outcome.snapshot(), "exit: 3\n--- stdout\ngood\n--- stderr\nbad\n");
    }

    #[test]
    fn a_program_in_the_background_is_waited_for_signalled_and_killed() {
        // TERM: a shell that was itself started in the background cannot trap INT.
        let script = "trap 'echo caught; exit 130' TERM; echo ready; while :; do sleep 0.05; done";
        let mut running = Run::new("sh").args(["-c", script]).start();
        assert_eq!(running.wait_for("ready", Duration::from_secs(20)), "ready");
        running.signal("TERM");
        let outcome = running.wait().expect_code(130);
        assert_eq!(outcome.stdout, "ready\ncaught\n");
        let outcome = Run::new("sleep").arg("60").start().kill();
        assert_eq!(outcome.code, None);
    }
}
