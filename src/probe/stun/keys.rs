//! `{ kind = "stun", … }` and `{ kind = "turn", … }`, and their URLs.

use std::path::PathBuf;

use toml::de::DeValue;

use super::credentials::{Credentials, Kind, USER_MOST};
use super::{Stun, Turn};
use crate::base::finding::Finding;
use crate::keys::reader::{Reader, Section};
use crate::keys::source::Placed;
use crate::keys::values::{self, Read};
use crate::keys::{Key, Listed, statement};
use crate::probe::attempt::Probe;
use crate::probe::kind::{CheckContext, KindKeys, OwnerLabels};
use crate::probe::over::Transport;
use crate::probe::url::{Url, UrlCheck, UrlError};
use crate::zone::services::Application;

statement! {
    /// What `{ kind = "stun", … }` may say.
    pub struct StunKeys of a check {
        /// SNI and the certificate's name; nothing: the service's domain.
        name: String = values::host;
        /// UDP, TCP or TLS; nothing: what the owner name says.
        transport: Transport = values::word;
    }
}

statement! {
    /// Whom `{ kind = "turn", … }` may log in as.
    pub struct LoginKeys of a check {
        /// Who it is.
        user: String = user;
        /// The file with the password.
        password_file: PathBuf = values::path;
        /// The file with the secret that makes passwords.
        secret_file: PathBuf = values::path;
    }
}

/// What `{ kind = "turn", … }` may say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnKeys {
    /// What it shares with `stun`.
    pub stun: StunKeys,
    /// Whom to log in as; nothing: nobody.
    pub login: Option<Box<LoginFile>>,
    /// The same, once the file has been read.
    pub credentials: Option<Credentials>,
}

/// `user`, and `password-file` or `secret-file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginFile {
    /// Which of the two files it is.
    pub kind: Kind,
    /// `user`; may be empty with a shared secret.
    pub user: String,
    /// The file.
    pub file: Placed<PathBuf>,
}

impl KindKeys for StunKeys {
    type Check = Stun;

    const FORMS: &'static [Listed] = &[(Stun::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"stun\" } asks Binding; it may say transport = \"udp\", \"tcp\" or \"tls\", name = \"…\" (the certificate's).";
    const SCHEMES: &'static [&'static str] = &["stun", "stuns"];
    const PROTOCOL: Option<&'static str> = Some("STUN");

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self::read_keys(reader, table)
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        Self::of_url(url, Stun::KIND, "stuns")
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        (service.application == Application::Stun).then(Self::default)
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Stun> {
        Some(Stun { over: context.over(self.transport, self.name.as_ref()) })
    }
}

impl StunKeys {
    /// Reads a URL of STUN or TURN: both go over UDP unless said otherwise, `stuns` and `turns` over TLS (RFC 7064 §3.2,
    /// RFC 7065 §3.2).
    fn of_url(url: &Url<'_>, kind: &'static str, secure: &str) -> Result<UrlCheck<Self>, UrlError> {
        let transport = if url.scheme == secure {
            url.secure(kind, "; DTLS is not spoken here")?
        } else {
            url.transport(kind, &[Transport::Udp, Transport::Tcp, Transport::Tls], "; it has udp, tcp and tls")?
        };
        let port = if transport == Transport::Tls { 5349 } else { 3478 };
        Ok(UrlCheck::new(Self { name: None, transport: Some(transport) }, url.domain(), port))
    }
}

impl KindKeys for TurnKeys {
    type Check = Turn;

    const FORMS: &'static [Listed] = &[(Turn::KIND, &[StunKeys::KEYS, LoginKeys::KEYS, REFUSED])];
    const EXAMPLE: &'static str = "\
{ kind = \"turn\" } asks Allocate; it may say what stun may, and log in: { kind = \"turn\", user = \"checker\",
password-file = \"turn.password\" }, or secret-file in place of password-file for coturn's use-auth-secret. The password
or secret itself never stands here, but alone in its file.";
    const SCHEMES: &'static [&'static str] = &["turn", "turns"];
    const PROTOCOL: Option<&'static str> = Some("TURN");
    const LOGS_IN: bool = true;

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        refuse_secrets(reader, table);
        Self { stun: StunKeys::read_keys(reader, table), login: read_login(reader, table), credentials: None }
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let stun = StunKeys::of_url(url, Turn::KIND, "turns")?;
        Ok(stun.map(|stun| Self { stun, login: None, credentials: url.credentials.cloned() }))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        (service.application == Application::Turn).then(Self::default)
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Turn> {
        let Stun { over } = self.stun.lower(context)?;
        let credentials_interval = context.settings.credentials_interval;
        Some(Turn { over, credentials: self.credentials.clone(), credentials_interval })
    }

    fn read_secrets(&mut self, read: &mut dyn FnMut(&Placed<PathBuf>) -> Option<String>) {
        if let Some(login) = &self.login {
            let LoginFile { kind, user, file } = &**login;
            self.credentials = read(file).map(|secret| Credentials::new(*kind, user, &secret, &file.value));
        }
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

fn read_login(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<Box<LoginFile>> {
    let LoginKeys { user, password_file, secret_file } = LoginKeys::read_keys(reader, table);
    let place = |key| reader.value_place(table, key);
    let (kind, value, place) = match (password_file, secret_file) {
        (Some(_), Some(_)) => {
            let finding = Finding::error("check-value", "`password-file` and `secret-file` exclude each other");
            let finding = finding.at(place("secret-file"));
            reader.find(finding.help("take the one that the server is set up for"));
            return None;
        }
        (Some(file), None) => (Kind::Password, file, place("password-file")),
        (None, Some(file)) => (Kind::Shared, file, place("secret-file")),
        (None, None) => {
            if user.is_some() {
                let finding = Finding::error("check-value", "`user` has neither `password-file` nor `secret-file`");
                let finding = finding.at(place("user"));
                reader.find(finding.help("name the file that holds the password, or leave `user` out"));
            }
            return None;
        }
    };
    if user.is_none() && kind == Kind::Password {
        if !table.has("user") {
            let finding = Finding::error("check-value", "`password-file` lacks its `user`");
            reader.find(finding.at(place).help("name the user, such as user = \"understudy\""));
        }
        return None;
    }
    Some(Box::new(LoginFile { kind, user: user.unwrap_or_default(), file: Placed { value, place } }))
}

/// Reads a user's name (RFC 8489 §14.3: at most 508 octets).
fn user(value: &DeValue<'_>) -> Read<String> {
    values::short_text(value, USER_MOST).map_err(|_| format!("a user's name of 1 to {USER_MOST} octets"))
}

/// They are known, so that nothing but [`refuse_secrets`] speaks of them.
const REFUSED: &[Key] = &[Key::bare("password"), Key::bare("secret")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::keys::read_check;
    use crate::probe::{CheckEntry, CheckKind};

    fn login(keys: &str) -> Option<(Kind, String, PathBuf)> {
        let (check, findings) = read_check(&format!("{{ {keys} }}"));
        assert_eq!(findings, [], "{keys}");
        let Some(CheckEntry { kind: Some(CheckKind::Turn(turn)), .. }) = check else { panic!("{keys}") };
        turn.login.map(|login| (login.kind, login.user, login.file.value))
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
            let (_, findings) = read_check(&format!("{{ kind = \"turn\", {keys} }}"));
            let [finding] = findings.as_slice() else { panic!("{keys}: {findings:?}") };
            let at = finding.place.as_ref().map(|place| (place.line, place.column));
            assert!(finding.message.contains(part) && at == Some((1, column)), "{keys}: {at:?} {finding}");
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
            let (_, findings) = read_check(&format!("{{ {keys} }}"));
            assert_eq!(findings.len(), errors, "{keys}: {findings:?}");
            assert!(findings.iter().any(|finding| finding.id == "check-secret"), "{findings:?}");
            for finding in findings {
                assert!(!format!("{finding} {finding:?}").contains("sesame"), "{finding}");
            }
        }
    }
}
