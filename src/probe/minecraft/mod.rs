//! The check `minecraft`: asks for the status that the list of servers in the game shows.

pub mod codec;

use super::attempt::{Attempt, Ending, Probe};
use super::connect::close;
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::over::Transport;
use super::stream::Stream;
use super::url::{Url, UrlCheck, UrlError};
use super::watch::HoldSpec;
use crate::keys::reader::{Reader, Section};
use crate::keys::values;
use crate::keys::{Listed, statement};
use crate::zone::services::Application;

statement! {
    /// What `{ kind = "minecraft", … }` may say.
    pub struct MinecraftKeys of a check {
        /// The host in the handshake, by which proxies choose a server; nothing: the service's domain.
        name: String = values::host;
    }
}

impl KindKeys for MinecraftKeys {
    type Check = Minecraft;

    const FORMS: &'static [Listed] = &[(Minecraft::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str =
        "{ kind = \"minecraft\" } asks for the status (Java edition); it may say name = \"…\".";
    const SCHEMES: &'static [&'static str] = &[Minecraft::KIND];
    const PROTOCOL: Option<&'static str> = Some("Minecraft's status");

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self::read_keys(reader, table)
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        url.transport(Minecraft::KIND, &[Transport::Tcp], "; it has tcp")?;
        Ok(UrlCheck::new(Self::default(), url.domain(), 25_565))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        (service.application == Application::Minecraft).then(Self::default)
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Minecraft> {
        Some(Minecraft { name: context.named(self.name.as_ref()) })
    }
}

/// Parameters of [`Check::Minecraft`](super::Check::Minecraft).
#[derive(Clone, Debug, PartialEq)]
pub struct Minecraft {
    /// The host in the handshake.
    pub name: String,
}

impl Probe for Minecraft {
    const KIND: &'static str = "minecraft";

    fn transport(&self) -> &'static str {
        "tcp"
    }

    fn parameters(&self) -> String {
        format!("name={}", self.name.to_ascii_lowercase())
    }

    /// None is held: a connection that does not shake hands is closed after 30 s.
    fn hold_spec(&self) -> Option<HoldSpec> {
        None
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut stream = Stream::open(None, attempt).await?;
        attempt.begin("status");
        stream.send(&codec::request(&self.name, attempt.address.port()), attempt).await?;
        stream.answer(ANSWER_MAX, codec::read, attempt).await?;
        attempt.saw("a status");
        attempt.passes();
        close(stream).await;
        Ok(())
    }
}

/// So much of an answer tells whether it is a status, in octets.
const ANSWER_MAX: usize = 4096;
