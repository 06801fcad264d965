//! The check `mysql`: reads the greeting, logs in as a user without name, and reads that this is not allowed.
//!
//! **Invariant:** every greeting is answered by a whole login. MariaDB and MySQL count connections that end before that,
//! and lock out a host after 100 of them (`max_connect_errors`); logins that are refused do not count. A user without name
//! is what fail2ban's rule for logins does not match.

pub mod codec;

use std::time::Duration;

use codec::{MysqlPacket, MysqlPacketKind};

use super::attempt::{Attempt, Ending, Probe, conclusive, unknown};
use super::connect::close;
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::over::Transport;
use super::settings::TargetSettings;
use super::stream::Stream;
use super::url::{Url, UrlCheck, UrlError};
use super::watch::HoldSpec;
use crate::health::Outcome;
use crate::keys::Listed;
use crate::keys::reader::{Reader, Section};
use crate::zone::services::Application;

/// `{ kind = "mysql" }` has no keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MysqlKeys;

impl KindKeys for MysqlKeys {
    type Check = Mysql;

    const FORMS: &'static [Listed] = &[(Mysql::KIND, &[])];
    const EXAMPLE: &'static str = "{ kind = \"mysql\" } reads the greeting of MySQL or MariaDB, and ends well.";
    const SCHEMES: &'static [&'static str] = &[Mysql::KIND];
    const PROTOCOL: Option<&'static str> = Some("MySQL's greeting");

    fn read(_form: &str, _reader: &mut Reader<'_>, _table: &Section<'_>) -> Self {
        Self
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        url.transport(Mysql::KIND, &[Transport::Tcp], "; it has tcp")?;
        Ok(UrlCheck::new(Self, url.domain(), 3306))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        (service.application == Application::Mysql).then_some(Self)
    }

    /// The server resolves our address before it greets, and logs each login that it refuses.
    fn defaults(&self, mut base: TargetSettings) -> TargetSettings {
        base.health.timeout = Duration::from_secs(10);
        base.health.interval = Duration::from_secs(15);
        base
    }

    fn lower(&self, _context: &CheckContext<'_>) -> Option<Mysql> {
        Some(Mysql)
    }
}

/// Parameters of [`Check::Mysql`](super::Check::Mysql): it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mysql;

impl Probe for Mysql {
    const KIND: &'static str = "mysql";

    fn transport(&self) -> &'static str {
        "tcp"
    }

    fn parameters(&self) -> String {
        String::new()
    }

    /// None is held: it would end without a login.
    fn hold_spec(&self) -> Option<HoldSpec> {
        None
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut stream = Stream::open(None, attempt).await?;
        attempt.begin("greeting");
        let MysqlPacket { number, kind } = stream.answer(ANSWER_MAX, codec::greeting, attempt).await?;
        let version = match kind {
            MysqlPacketKind::Greeting(version) => version,
            MysqlPacketKind::Error(code, text) => return self.refused(code, &text, stream, attempt).await,
            MysqlPacketKind::Again | MysqlPacketKind::Ok => return Err(attempt.fails(conclusive("no MySQL greeting"))),
        };
        attempt.saw(version);
        attempt.begin("login");
        stream.send(&codec::login(number), attempt).await?;
        let mut answer = stream.answer(ANSWER_MAX, codec::answer, attempt).await?;
        if answer.kind == MysqlPacketKind::Again {
            stream.send(&codec::nothing(answer.number), attempt).await?;
            answer = stream.answer(ANSWER_MAX, codec::answer, attempt).await?;
        }
        match answer.kind {
            MysqlPacketKind::Error(SHUTDOWN, text) => {
                return Err(attempt.fails(conclusive(format!("shuts down: {text}"))));
            }
            MysqlPacketKind::Error(code, _) => attempt.saw(format!("refused as it should be (error {code})")),
            MysqlPacketKind::Greeting(_) | MysqlPacketKind::Again => attempt.saw("asks for a password"),
            MysqlPacketKind::Ok => attempt.saw("a user without name may log in"),
        }
        attempt.passes();
        if answer.kind == MysqlPacketKind::Ok && stream.send(codec::QUIT, attempt).await.is_err() {
            return Ok(());
        }
        close(stream).await;
        Ok(())
    }
}

impl Mysql {
    /// Judges an error in place of the greeting.
    async fn refused(&self, code: u16, text: &str, stream: Stream, attempt: &mut Attempt<'_>) -> Ending {
        let said = format!("error {code}: {text}");
        close(stream).await;
        let outcome = match code {
            TOO_MANY => Outcome::Degraded(format!("full: {said}").into()),
            HOST_BLOCKED => unknown(format!("the server has locked out this checker: {said}")),
            // It serves others: who may connect is set by account.
            HOST_UNKNOWN => {
                attempt.saw(said.clone());
                attempt.warnings.push(format!("no account may connect from here: {said}"));
                attempt.passes();
                return Ok(());
            }
            _ => conclusive(said),
        };
        Err(attempt.fails(outcome))
    }
}

/// ER_CON_COUNT_ERROR: too many connections.
const TOO_MANY: u16 = 1040;
/// ER_SERVER_SHUTDOWN.
const SHUTDOWN: u16 = 1053;
/// ER_HOST_IS_BLOCKED: after too many broken connections.
const HOST_BLOCKED: u16 = 1129;
/// ER_HOST_NOT_PRIVILEGED: no account for this host.
const HOST_UNKNOWN: u16 = 1130;
/// The longest answer that is read, in octets.
const ANSWER_MAX: usize = codec::PACKET_MAX + 4;
