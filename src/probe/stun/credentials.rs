//! The credentials of a TURN probe.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::BASE64;

use crate::base::clock::UnixTime;

/// A user, and the secret behind the password.
///
/// Neither `Debug` nor [`Credentials::identity`] tell the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    secret: Secret,
    /// Where the secret stands.
    file: String,
}

/// What a password comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It is the password itself.
    Password,
    /// It makes passwords that end with their time: coturn's `use-auth-secret`, ejabberd's and Prosody's shared secret.
    Shared,
}

/// What is sent for one login.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// USERNAME
    pub user: String,
    /// The password of the long-term key.
    pub password: String,
}

#[derive(Clone, PartialEq, Eq)]
struct Secret {
    kind: Kind,
    octets: String,
}

impl Credentials {
    /// Makes credentials of a secret that stands in a file.
    pub fn new(kind: Kind, user: &str, secret: &str, file: &Path) -> Self {
        Self {
            user: user.to_owned(),
            secret: Secret { kind, octets: secret.to_owned() },
            file: file.display().to_string(),
        }
    }

    /// Returns a text that tells credentials apart by user, kind and file. It is logged and kept, so nothing in it is
    /// derived from the secret.
    pub fn identity(&self) -> String {
        format!("{}/{} {}", self.secret.kind.as_str(), self.user.escape_default(), self.file.escape_default())
    }

    /// Returns what to log in with now. With a shared secret that is `END:USER` and the HMAC of that
    /// (draft-uberti-behave-turn-rest-00 §2.2).
    pub(super) fn login(&self, now: UnixTime) -> Login {
        match self.secret.kind {
            Kind::Password => Login { user: self.user.clone(), password: self.secret.octets.clone() },
            Kind::Shared => {
                let end = (now + LOGIN_LASTS).as_secs();
                let user = if self.user.is_empty() { end.to_string() } else { format!("{end}:{}", self.user) };
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret.octets.as_bytes());
                let password = BASE64.encode(hmac::sign(&key, user.as_bytes()).as_ref());
                Login { user, password }
            }
        }
    }
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Shared => "secret",
        }
    }
}

/// The secret is left out.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.identity()).finish()
    }
}

/// The password is left out.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The longest name of a user, in octets (RFC 8489 §14.3).
pub const USER_MOST: usize = 508;
/// How long a login of a shared secret is good: a probe takes seconds, clocks differ by minutes.
const LOGIN_LASTS: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_secret_makes_passwords_that_end() {
        let credentials = Credentials::new(Kind::Shared, "understudy", "north", Path::new("f"));
        let login = credentials.login(UnixTime::from_secs(1_699_996_400));
        assert_eq!(login.user, "1700000000:understudy");
        // printf 1700000000:understudy | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(login.password, "dlNPMCM8XIw4/b+XNaLHO5czyCA=");
        let bare = Credentials::new(Kind::Shared, "", "north", Path::new("f")).login(UnixTime::from_secs(0));
        assert_eq!(bare.user, "3600");
    }

    #[test]
    fn nothing_printed_holds_the_secret() {
        let credentials = Credentials::new(Kind::Password, "probe", "correct horse", Path::new("f"));
        let login = credentials.login(UnixTime::from_secs(0));
        for text in [format!("{credentials:?}"), credentials.identity(), format!("{login:?}")] {
            assert!(text.contains("probe") && !text.contains("horse"), "{text}");
        }
        assert_eq!(login.password, "correct horse");
    }

    #[test]
    fn the_identity_tells_user_kind_and_file_apart_and_nothing_of_the_secret() {
        let identity = |kind, user, secret, file| Credentials::new(kind, user, secret, Path::new(file)).identity();
        let texts = [
            identity(Kind::Password, "a", "s", "f"),
            identity(Kind::Shared, "a", "s", "f"),
            identity(Kind::Password, "b", "s", "f"),
            identity(Kind::Password, "a", "s", "g"),
        ];
        assert_eq!(texts.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{texts:?}");
        assert_eq!(texts[0], identity(Kind::Password, "a", "another", "f"));
    }
}
