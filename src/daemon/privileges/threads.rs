//! Looks at every thread of the process, as the kernel tells of them: a right is gone when no thread has it.

use std::fs;

use super::PrivilegeError;
use super::account::Account;

/// Refuses to go on while a thread is another user, has a capability or can get one.
pub(super) fn judge(account: &Account) -> Result<(), PrivilegeError> {
    let missed = |what: &str| PrivilegeError::Missed(what.to_owned());
    let threads = fs::read_dir("/proc/self/task").map_err(|_| missed("/proc cannot be read to tell"))?;
    for thread in threads.flatten() {
        // One that cannot be read has ended.
        if let Ok(status) = fs::read_to_string(thread.path().join("status")) {
            judge_status(&status, account).map_err(|what| missed(&what))?;
        }
    }
    Ok(())
}

/// Returns which line of a thread's status says more than the account may.
fn judge_status(status: &str, account: &Account) -> Result<(), String> {
    let (uid, gid) = (account.uid().to_string(), account.gid().to_string());
    for line in status.lines() {
        let Some((field, value)) = line.split_once(':') else { continue };
        let all_are = |wanted: &str| value.split_whitespace().all(|word| word == wanted);
        let is_given_up = match field {
            "Uid" => all_are(&uid),
            "Gid" => all_are(&gid),
            "CapInh" | "CapPrm" | "CapEff" | "CapAmb" => value.trim().bytes().all(|digit| digit == b'0'),
            "NoNewPrivs" => all_are("1"),
            _ => true,
        };
        if !is_given_up {
            return Err(line.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_with_any_right_left_is_found() {
        let account = Account::find("54321", None).unwrap();
        let status = "Name:\tunderstudy\nUid:\t54321\t54321\t54321\t54321\nGid:\t54321\t54321\t54321\t54321\n\
                      CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n\
                      CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n";
        assert_eq!(judge_status(status, &account), Ok(()));
        for (good, bad) in [
            ("Uid:\t54321\t54321\t54321", "Uid:\t54321\t54321\t0"),
            ("Gid:\t54321", "Gid:\t0"),
            ("CapPrm:\t0000000000000000", "CapPrm:\t0000000000000400"),
            ("CapAmb:\t0000000000000000", "CapAmb:\t0000000000000400"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
        ] {
            assert!(status.contains(good), "{good}");
            assert!(judge_status(&status.replace(good, bad), &account).is_err(), "{bad}");
        }
    }
}
