//! The checks `kerberos` and `kpasswd`: ask for a ticket of nobody; a server that works says that there is no such client.

pub mod codec;

use std::time::Duration;

pub use codec::KerberosService;

use codec::KerberosReply;

use super::Over;
use super::attempt::{Attempt, Ending, Probe, conclusive, unknown};
use super::connect::close;
use super::datagram::Datagram;
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
    /// What `{ kind = "kerberos", … }` may say.
    pub struct KerberosKeys of a check {
        /// The realm; nothing: the service's domain in capitals.
        realm: String = values::host;
        /// UDP or TCP; nothing: what the owner name says.
        transport: Transport = values::choice(&[("udp", Transport::Udp), ("tcp", Transport::Tcp)]);
    }
    also {
        /// Which of the two.
        service: KerberosService
    }
}

impl KindKeys for KerberosKeys {
    type Check = Kerberos;

    const FORMS: &'static [Listed] = &[("kerberos", &[Self::KEYS]), ("kpasswd", &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"kerberos\" } and { kind = \"kpasswd\" } ask for a ticket of nobody; they may say transport = \"udp\" or \"tcp\",
realm = \"…\".";
    const SCHEMES: &'static [&'static str] = &["kerberos", "kpasswd"];
    const PROTOCOL: Option<&'static str> = Some("Kerberos");

    fn read(form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self { service: KerberosService::named(form), ..Self::read_keys(reader, table) }
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let transport = url.transport(Kerberos::KIND, &[Transport::Udp, Transport::Tcp], "; it has udp and tcp")?;
        let service = KerberosService::named(url.scheme);
        let port = if service == KerberosService::Passwords { 464 } else { 88 };
        Ok(UrlCheck::new(Self { transport: Some(transport), service, ..Self::default() }, url.domain(), port))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        let services =
            [(Application::Kerberos, KerberosService::Tickets), (Application::Kpasswd, KerberosService::Passwords)];
        let (_, service) = services.into_iter().find(|(application, _)| *application == service.application)?;
        Some(Self { service, ..Self::default() })
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Kerberos> {
        let over = match self.transport.unwrap_or(context.transport) {
            Transport::Udp => Over::Udp,
            Transport::Tcp | Transport::Tls => Over::Tcp,
        };
        let realm = self.realm.clone().unwrap_or_else(|| context.domain.to_ascii_uppercase());
        Some(Kerberos { service: self.service, realm, over })
    }
}

/// Parameters of [`Check::Kerberos`](super::Check::Kerberos).
#[derive(Clone, Debug, PartialEq)]
pub struct Kerberos {
    /// What is asked.
    pub service: KerberosService,
    /// The realm.
    pub realm: String,
    /// UDP or TCP.
    pub over: Over,
}

impl Probe for Kerberos {
    const KIND: &'static str = "kerberos";

    fn transport(&self) -> &'static str {
        self.over.as_str()
    }

    fn parameters(&self) -> String {
        let passwords = if self.service == KerberosService::Passwords { " service=kpasswd" } else { "" };
        format!("realm={}{passwords}", self.realm)
    }

    /// None is held: the servers keep few connections, and close the oldest.
    fn hold_spec(&self) -> Option<HoldSpec> {
        None
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut nonce = [0; 4];
        if attempt.context.provider().secure_random.fill(&mut nonce).is_err() {
            return Err(attempt.fails(unknown("the system gives no random numbers")));
        }
        let request = codec::request(self.service, &self.realm, u32::from_be_bytes(nonce));
        let reply = match &self.over {
            Over::Udp => {
                let datagram = Datagram::open(attempt).await?;
                attempt.begin("request");
                datagram.ask(&request, &AGAIN, |octets| codec::read(self.service, octets), attempt).await?
            }
            Over::Tcp | Over::Tls(_) => self.ask_stream(&request, attempt).await?,
        };
        let (saw, warning) = words(reply, &self.realm);
        attempt.saw(saw);
        attempt.warnings.extend(warning);
        attempt.passes();
        Ok(())
    }
}

impl Kerberos {
    async fn ask_stream(
        &self,
        request: &[u8],
        attempt: &mut Attempt<'_>,
    ) -> Result<KerberosReply, crate::health::Outcome> {
        let mut stream = Stream::open(None, attempt).await?;
        attempt.begin("request");
        stream.send(&codec::framed(request), attempt).await?;
        let whole = |octets: &[u8]| Ok(codec::unframed(octets)?.map(<[u8]>::to_vec));
        let message = stream.answer(codec::MESSAGE_MAX, whole, attempt).await?;
        close(stream).await;
        codec::read(self.service, &message).ok_or_else(|| attempt.fails(conclusive("no Kerberos message")))
    }
}

/// Says what was answered: whoever answers with an error works.
fn words(reply: KerberosReply, realm: &str) -> (String, Option<String>) {
    match reply {
        KerberosReply::Reply => ("an answer".to_owned(), None),
        KerberosReply::Error(code) => {
            let saw = format!("KRB-ERROR {code}");
            // KRB_ERR_GENERIC and KDC_ERR_WRONG_REALM.
            let warning = match code {
                60 => Some("answers with KRB-ERROR 60 (generic): see its log".to_owned()),
                68 => Some(format!("does not serve the realm {realm} (KRB-ERROR 68)")),
                _ => None,
            };
            (saw, warning)
        }
    }
}

/// When a datagram is sent again, counted from the first time.
const AGAIN: [Duration; 1] = [Duration::from_millis(1_000)];
