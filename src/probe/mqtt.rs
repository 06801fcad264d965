//! The check `mqtt`: CONNECT with a session of its own that is forgotten at once, and DISCONNECT.

use super::attempt::{Attempt, Ending, Probe, conclusive, unknown};
use super::connect::close;
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::over::Transport;
use super::stream::Stream;
use super::tls::Tls;
use super::url::{Url, UrlCheck, UrlError};
use super::watch::HoldSpec;
use crate::keys::reader::{Reader, Section};
use crate::keys::values;
use crate::keys::{Listed, statement};
use crate::zone::services::Application;

statement! {
    /// What `{ kind = "mqtt", … }` may say.
    pub struct MqttKeys of a check {
        /// SNI and the certificate's name; nothing: what clients of the service ask for.
        name: String = values::host;
        /// TCP or TLS; nothing: what the owner name says.
        transport: Transport = values::choice(&[("tcp", Transport::Tcp), ("tls", Transport::Tls)]);
    }
}

impl KindKeys for MqttKeys {
    type Check = Mqtt;

    const FORMS: &'static [Listed] = &[(Mqtt::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"mqtt\" } connects without logging in; it may say transport = \"tls\", name = \"…\" (the certificate's).";
    const SCHEMES: &'static [&'static str] = &["mqtt", "mqtts"];
    const PROTOCOL: Option<&'static str> = Some("MQTT");

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self::read_keys(reader, table)
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let help = "; it has tcp and tls";
        let transport = match url.scheme {
            "mqtts" => url.secure(Mqtt::KIND, help)?,
            _ => url.transport(Mqtt::KIND, &[Transport::Tcp, Transport::Tls], help)?,
        };
        let port = if transport == Transport::Tls { 8883 } else { 1883 };
        Ok(UrlCheck::new(Self { transport: Some(transport), ..Self::default() }, url.domain(), port))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        (service.application == Application::Mqtt).then(Self::default)
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Mqtt> {
        let is_tls = self.transport.unwrap_or(context.transport) == Transport::Tls;
        Some(Mqtt { tls: is_tls.then(|| context.tls(self.name.as_ref(), Vec::new())) })
    }
}

/// Parameters of [`Check::Mqtt`](super::Check::Mqtt).
#[derive(Clone, Debug, PartialEq)]
pub struct Mqtt {
    /// TLS from the begin; nothing: plain.
    pub tls: Option<Tls>,
}

impl Probe for Mqtt {
    const KIND: &'static str = "mqtt";

    fn transport(&self) -> &'static str {
        if self.tls.is_some() { "tls" } else { "tcp" }
    }

    fn parameters(&self) -> String {
        self.tls.as_ref().map(Tls::parameters).unwrap_or_default()
    }

    /// None is held: brokers close connections that do not say CONNECT.
    fn hold_spec(&self) -> Option<HoldSpec> {
        None
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        // A broker ends the older of two connections with the same id: two checkers have different ones.
        let mut number = [0; 4];
        if attempt.context.provider().secure_random.fill(&mut number).is_err() {
            return Err(attempt.fails(unknown("the system gives no random numbers")));
        }
        let id = format!("understudy{:08x}", u32::from_be_bytes(number));
        let mut stream = Stream::open(self.tls.as_ref(), attempt).await?;
        attempt.begin("connect");
        stream.send(&request(&id), attempt).await?;
        let code = stream.answer(4, acknowledged, attempt).await?;
        match code {
            0 => attempt.saw("accepted"),
            3 => return Err(attempt.fails(conclusive("the broker says that it is not available (code 3)"))),
            4 | 5 => attempt.saw(format!("asks for a login (code {code})")),
            _ => {
                attempt.saw(format!("refused (code {code})"));
                attempt.warnings.push(format!("refuses MQTT 3.1.1 without a login (code {code})"));
            }
        }
        attempt.passes();
        if code != 0 || stream.send(DISCONNECT, attempt).await.is_ok() {
            close(stream).await;
        }
        Ok(())
    }
}

/// Makes CONNECT with a clean session and a keepalive of 10 s (MQTT 3.1.1 §3.1).
fn request(id: &str) -> Vec<u8> {
    let length = u8::try_from(id.len()).unwrap_or(u8::MAX);
    let begin = [0x10, length.saturating_add(12), 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 10, 0, length];
    [&begin, id.as_bytes()].concat()
}

/// Reads CONNACK (MQTT 3.1.1 §3.2); nothing: it is not whole.
fn acknowledged(octets: &[u8]) -> Result<Option<u8>, String> {
    match octets {
        [0x20, 2, flags, code] if *flags <= 1 => Ok(Some(*code)),
        [] | [0x20] | [0x20, 2] | [0x20, 2, 0 | 1] => Ok(None),
        _ => Err("no CONNACK of MQTT 3.1.1".to_owned()),
    }
}

/// The farewell (MQTT 3.1.1 §3.14).
const DISCONNECT: &[u8] = &[0xe0, 0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_length_that_it_says() {
        let octets = request("understudy00000001");
        assert_eq!((octets[0], usize::from(octets[1]), octets[13]), (0x10, octets.len() - 2, 18));
    }

    #[test]
    fn an_acknowledgement_is_four_octets_and_nothing_else_is_one() {
        assert_eq!(acknowledged(b"\x20\x02\0\x05"), Ok(Some(5)));
        for octets in [&b""[..], b"\x20", b"\x20\x02\x01"] {
            assert_eq!(acknowledged(octets), Ok(None), "{octets:?}");
        }
        for octets in [&b"HTTP"[..], b"\x20\x03", b"\x20\x02\x07\0"] {
            assert!(acknowledged(octets).is_err(), "{octets:?}");
        }
    }
}
