//! One run of a program: the event on its standard input, what matters most in its environment.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::Program;
use super::failure::Failure;
use super::message::Message;

/// The process group of a run; what is left of it ends with this.
struct Group(Child);

impl Program {
    /// Runs it once; dropping this ends it.
    ///
    /// # Errors
    /// Why it did not take the event. It is not run again: nobody knows what it has done.
    pub(super) async fn run(&self, message: &Message) -> Result<(), Failure> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear().current_dir("/").process_group(0);
        command.env("UNDERSTUDY_KIND", &message.event.kind).env("UNDERSTUDY_TEXT", &message.event.text);
        command.env("UNDERSTUDY_SEVERITY", message.severity()).env("UNDERSTUDY_SUBJECT", message.subject());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().map_err(|error| Failure::for_good(format!("cannot be started: {error}")))?;
        let mut group = Group(child);
        if let Some(mut input) = group.0.stdin.take() {
            // Whoever does not read has closed it, or ends with the time.
            drop(input.write_all((message.json() + "\n").as_bytes()).await);
        }
        let status =
            group.0.wait().await.map_err(|error| Failure::for_good(format!("cannot be waited for: {error}")))?;
        if status.success() { Ok(()) } else { Err(Failure::for_good(format!("ended with {status}"))) }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = id {
            // It may have ended by itself.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}
