//! Reads passwords and shared secrets, which are kept out of the config, each in its own file.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::file;
use crate::base::finding::Finding;
use crate::config::shape::File;
use crate::keys::source::Placed;

use super::file::{unreadable as unreadable_file, warn_of_others};

/// Reads the secrets that the checks of a config name, relative to its folder, each file once.
pub(super) fn read_all(file: &mut File, folder: &Path, findings: &mut Vec<Finding>) {
    let mut known: HashMap<PathBuf, Option<String>> = HashMap::new();
    let mut read = |file: &Placed<PathBuf>| {
        let read = || match read(&folder.join(&file.value)) {
            Ok((secret, warning)) => {
                findings.extend(warning.map(|warning| warning.at(file.place.clone())));
                Some(secret)
            }
            Err(finding) => {
                findings.push(finding.at(file.place.clone()));
                None
            }
        };
        known.entry(file.value.clone()).or_insert_with(read).clone()
    };
    file.checks_mut().for_each(|check| check.read_secrets(&mut read));
}

/// Reads the secret that a file holds: its text without the end of the line. May warn of who else can read it.
///
/// # Errors
/// What keeps it from being one, and never what it says.
pub fn read(path: &Path) -> Result<(String, Option<Finding>), Box<Finding>> {
    let name = path.display();
    let unreadable = |error: std::io::Error| Box::new(unreadable_file(&format!("cannot read {name}"), &error));
    let mut octets = Vec::new();
    let opened = file::open(path).map_err(unreadable)?;
    let warning = warn_of_others(path, &opened);
    opened.take(SECRET_MOST + 1).read_to_end(&mut octets).map_err(unreadable)?;
    let wrong = |what: &str| Finding::error("secret-file", format!("{name} {what}"));
    if u64::try_from(octets.len()).is_ok_and(|length| length > SECRET_MOST) {
        let finding = wrong("is longer than a secret");
        return Err(Box::new(finding.help(format!("a secret has at most {SECRET_MOST} octets"))));
    }
    let text = String::from_utf8(octets).map_err(|_| Box::new(wrong("is not UTF-8")))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Box::new(wrong("is empty").help("write the secret into it, in one line"))),
        text if text.contains('\n') => {
            Err(Box::new(wrong("has more than one line").help("leave the secret alone in it")))
        }
        text => Ok((text.to_owned(), warning)),
    }
}

/// The longest secret, in octets.
const SECRET_MOST: u64 = 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_secret_is_one_line_and_no_finding_tells_it() {
        let folder = std::env::temp_dir().join(format!("understudy-secrets-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("secret");
        for (octets, expected) in [
            (&b"sesame\n"[..], Ok("sesame")),
            (b"ses ame", Ok("ses ame")),
            (b" sesame \r\n", Ok(" sesame ")),
            (b"", Err("is empty")),
            (b"\n\n", Err("is empty")),
            (b"sesame\nsecond\n", Err("more than one line")),
            (b"sesame\xff", Err("is not UTF-8")),
            (&[b's'; 1025], Err("is longer than a secret")),
        ] {
            fs::write(&path, octets).unwrap();
            match (read(&path), expected) {
                (Ok((secret, _)), Ok(text)) => assert_eq!(secret, text),
                (Err(finding), Err(part)) => {
                    assert!(finding.message.contains(part) && !finding.to_string().contains("sesame"), "{finding}");
                }
                (read, expected) => panic!("{read:?} {expected:?}"),
            }
        }
        assert!(read(&folder.join("absent")).is_err_and(|finding| finding.id == "file-read"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_secret_that_everybody_can_read_is_warned_of() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("understudy-open-{}", std::process::id()));
        fs::write(&path, "sesame").unwrap();
        for (mode, warned) in [(0o600, false), (0o640, false), (0o644, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).unwrap().1.is_some(), warned, "{mode:o}");
        }
        fs::remove_file(&path).unwrap();
    }
}
