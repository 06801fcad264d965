//! `{ kind = "turn", … }`

use std::path::PathBuf;

use toml::de::DeValue;

use crate::base::finding::Finding;
use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::source::Placed;
use crate::keys::values::{self, Read};
use crate::probe::stun::credentials::{Credentials, Kind, USER_MOST};

use super::stun::StunShape;

/// What `turn` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnShape {
    /// What it shares with `stun`.
    pub stun: StunShape,
    /// Whom to log in as; nothing: nobody.
    pub login: Option<Box<LoginShape>>,
}

/// `user`, and `password-file` or `secret-file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginShape {
    /// Which of the two files it is.
    pub kind: Kind,
    /// `user`; may be empty with a shared secret.
    pub user: String,
    /// The file.
    pub file: Placed<PathBuf>,
    /// Both together, once the file has been read.
    pub credentials: Option<Credentials>,
}

impl TurnShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        refuse_secrets(reader, table);
        Self { stun: StunShape::read(reader, table), login: read_login(reader, table) }
    }
}

/// Refuses a secret that stands in the config itself, and keeps it out of every finding.
fn refuse_secrets(reader: &mut Reader<'_>, table: &Section<'_>) {
    for (name, file) in [("password", "password-file"), ("secret", "secret-file")] {
        if table.has(name) {
            let place = reader.key_place(table, name);
            reader.hide_behind(&place);
            let finding = Finding::error("check-secret", format!("`{name}` does not stand in the config itself"));
            let finding = finding.at(place).why("configs are shown, copied and kept in histories");
            reader.find(finding.help(format!("write it to a file of its own, and name that by `{file}`")));
        }
    }
}

fn read_login(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<Box<LoginShape>> {
    let user = reader.take(table, "user", user);
    let password = reader.take(table, "password-file", values::path);
    let secret = reader.take(table, "secret-file", values::path);
    let (kind, file) = match (password, secret) {
        (Some(_), Some(secret)) => {
            let finding = Finding::error("check-value", "`password-file` and `secret-file` exclude each other");
            reader.find(finding.at(secret.place).help("take the one that the server is set up for"));
            return None;
        }
        (Some(file), None) => (Kind::Password, file),
        (None, Some(file)) => (Kind::Shared, file),
        (None, None) => {
            if let Some(user) = user {
                let finding = Finding::error("check-value", "`user` has neither `password-file` nor `secret-file`");
                reader.find(finding.at(user.place).help("name the file that holds the password, or leave `user` out"));
            }
            return None;
        }
    };
    if user.is_none() && kind == Kind::Password {
        if !table.has("user") {
            let finding = Finding::error("check-value", "`password-file` lacks its `user`");
            reader.find(finding.at(file.place).help("name the user, such as user = \"understudy\""));
        }
        return None;
    }
    let user = user.map(|user| user.value).unwrap_or_default();
    Some(Box::new(LoginShape { kind, user, file, credentials: None }))
}

/// Reads a user's name (RFC 8489 §14.3: at most 508 octets).
fn user(value: &DeValue<'_>) -> Read<String> {
    let text = values::text(value).ok().filter(|text| text.len() <= USER_MOST);
    text.ok_or_else(|| format!("a user's name of 1 to {USER_MOST} octets"))
}

/// `password` and `secret` are known, so that nothing but [`refuse_secrets`] speaks of them.
pub(super) const KEYS: &[Key] = &[
    Key::bare("name"),
    Key::bare("transport"),
    Key::bare("user"),
    Key::bare("password-file"),
    Key::bare("secret-file"),
    Key::bare("password"),
    Key::bare("secret"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::shape::{CheckKind, read};
    use crate::keys::source::Source;

    fn read_check(keys: &str) -> (Option<CheckKind>, Vec<Finding>) {
        let text = format!("version = 1\n[[service]]\nmatch = \"_turn._udp.example.com\"\ncheck = {{ {keys} }}\n");
        let (file, findings) = read(&Source::new("understudy.toml", text));
        (file.services.into_iter().next().and_then(|entry| entry.check).map(|check| check.kind), findings)
    }

    fn login(keys: &str) -> Option<(Kind, String, PathBuf)> {
        let (kind, findings) = read_check(keys);
        assert_eq!(findings, [], "{keys}");
        let Some(CheckKind::Turn(shape)) = kind else { panic!("{keys}") };
        shape.login.map(|login| (login.kind, login.user, login.file.value))
    }

    #[test]
    fn a_user_has_a_password_or_a_secret_that_stand_elsewhere() {
        assert_eq!(login("kind = \"turn\", transport = \"tcp\""), None);
        let password = login("kind = \"turn\", user = \"probe\", password-file = \"p\"");
        assert_eq!(password, Some((Kind::Password, "probe".to_owned(), "p".into())));
        let secret = login("kind = \"turn\", secret-file = \"/run/s\"");
        assert_eq!(secret, Some((Kind::Shared, String::new(), "/run/s".into())));
    }

    #[test]
    fn half_a_login_is_a_finding_at_its_place() {
        for (keys, part, column) in [
            ("user = \"probe\"", "`user` has neither", 33),
            ("password-file = \"p\"", "`password-file` lacks its `user`", 42),
            ("user = \"\", password-file = \"p\"", "`user` cannot be \"\"", 33),
            ("user = \"u\", password-file = \"p\", secret-file = \"s\"", "exclude each other", 73),
            ("usr = \"probe\"", "has no key `usr`", 26),
        ] {
            let (_, findings) = read_check(&format!("kind = \"turn\", {keys}"));
            let [finding] = findings.as_slice() else { panic!("{keys}: {findings:?}") };
            let at = finding.place.as_ref().map(|place| (place.line, place.column));
            assert!(finding.message.contains(part) && at == Some((4, column)), "{keys}: {at:?} {finding}");
        }
    }

    #[test]
    fn a_secret_in_the_config_is_refused_and_never_shown() {
        for (keys, errors) in [
            ("kind = \"turn\", password = \"sesame\"", 1),
            ("kind = \"turn\", secret = \"sesame\"", 1),
            ("kind = \"turn\", user = \"u\", password = \"sesame\", usr = 3", 3),
            ("kind = \"turn\", password = 1, secret = \"sesame\"", 2),
        ] {
            let (_, findings) = read_check(keys);
            assert_eq!(findings.len(), errors, "{keys}: {findings:?}");
            assert!(findings.iter().any(|finding| finding.id == "check-secret"), "{findings:?}");
            for finding in findings {
                assert!(!format!("{finding} {finding:?}").contains("sesame"), "{finding}");
            }
        }
    }
}
