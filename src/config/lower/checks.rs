//! From a check that is written, or told by an owner name, to one that can be run.

use crate::config::infer::{InferredCheck, Transport};
use crate::config::settings::Inherited;
use crate::config::shape::{
    CheckKind, CheckShape, CompositeShape, SipShape, StunShape, TcpShape, TlsShape, TurnShape, XmppShape,
};
use crate::probe::xmpp::Role;
use crate::probe::{Check, Composite, Icmp, Part, Sip, Stun, Tcp, Turn, Xmpp};

use super::context::{CheckContext, over, tls};
use super::general::push;

impl CheckContext {
    /// Makes the check that a config asks for; nothing for `none`.
    pub(super) fn configured(&self, kind: &CheckKind, with: &Inherited) -> Option<Check> {
        match kind {
            CheckKind::Nothing => None,
            CheckKind::Tcp(TcpShape { send, expect }) => {
                Some(Check::Tcp(Tcp { send: send.clone(), expect: expect.clone() }))
            }
            CheckKind::Tls(TlsShape { name, alpn }) => {
                let alpn = alpn.clone().unwrap_or_else(|| self.offered());
                Some(Check::Tls(tls(self.named(name.as_ref()), alpn, with)))
            }
            CheckKind::Sip(shape) => Some(Check::Sip(self.sip(shape, with))),
            CheckKind::Stun(shape) => Some(Check::Stun(self.stun(shape, with))),
            CheckKind::Turn(shape) => Some(Check::Turn(self.turn(shape, with))),
            CheckKind::Http(shape) => Some(Check::Http(self.http(shape, with))),
            CheckKind::Grpc(shape) => Some(Check::Grpc(self.grpc(shape, with))),
            CheckKind::Dns(shape) => Some(Check::Dns(self.dns(shape))),
            CheckKind::Icmp => Some(Check::Icmp(Icmp)),
            CheckKind::Exec(shape) => self.exec(shape).map(Check::Exec),
            CheckKind::Push(shape) => Some(Check::Push(push(shape))),
            CheckKind::Composite(shape) => Some(Check::Composite(self.composite(shape, with))),
            CheckKind::Xmpp(shape) => Some(Check::Xmpp(self.xmpp(shape, with))),
        }
    }

    /// Makes the check that the owner name asks for; nothing if there is none for it.
    pub(super) fn inferred(&self, with: &Inherited) -> Option<Check> {
        match self.inferred_check {
            InferredCheck::Nothing => None,
            InferredCheck::Tcp => Some(Check::Tcp(Tcp::default())),
            InferredCheck::Tls { .. } => Some(Check::Tls(tls(self.domain.clone(), self.offered(), with))),
            InferredCheck::Http { is_tls } => Some(Check::Http(self.inferred_http(is_tls, with))),
            InferredCheck::Sip => Some(Check::Sip(self.sip(&SipShape::default(), with))),
            InferredCheck::Stun => Some(Check::Stun(self.stun(&StunShape::default(), with))),
            InferredCheck::Turn => Some(Check::Turn(self.turn(&TurnShape::default(), with))),
            InferredCheck::Xmpp(_) => Some(Check::Xmpp(self.xmpp(&XmppShape::default(), with))),
        }
    }

    fn sip(&self, shape: &SipShape, with: &Inherited) -> Sip {
        let domain = self.named(shape.name.as_ref());
        let over = over(shape.transport.unwrap_or(self.transport), &domain, with);
        let mut sip = Sip::new(domain, over);
        sip.expect = shape.expect.clone().unwrap_or_default();
        sip.max_forwards = shape.max_forwards.unwrap_or(sip.max_forwards);
        sip
    }

    fn xmpp(&self, shape: &XmppShape, with: &Inherited) -> Xmpp {
        let guessed = if let InferredCheck::Xmpp(role) = self.inferred_check { role } else { Role::Client };
        let direct = shape.transport.unwrap_or(self.transport) == Transport::Tls;
        let tls = tls(self.named(shape.name.as_ref()), Vec::new(), with);
        let mut xmpp = Xmpp::new(shape.role.unwrap_or(guessed), direct, tls);
        xmpp.from.clone_from(&shape.from);
        xmpp.require_tls = shape.require_tls.unwrap_or(xmpp.require_tls);
        xmpp.require_sasl = shape.require_sasl.unwrap_or(xmpp.require_sasl);
        xmpp.deep_interval = with.deep_interval;
        xmpp
    }

    fn stun(&self, shape: &StunShape, with: &Inherited) -> Stun {
        let name = self.named(shape.name.as_ref());
        Stun { over: over(shape.transport.unwrap_or(self.transport), &name, with) }
    }

    fn turn(&self, shape: &TurnShape, with: &Inherited) -> Turn {
        Turn {
            over: self.stun(&shape.stun, with).over,
            credentials: shape.login.as_ref().and_then(|login| login.credentials.clone()),
            credentials_interval: with.credentials_interval,
        }
    }

    /// Makes several checks of one; each has the same purpose.
    fn composite(&self, shape: &CompositeShape, with: &Inherited) -> Composite {
        let part = |part: &CheckShape| {
            let check = self.configured(&part.kind, with)?;
            Some(Part { check, port: part.port.as_ref().map(|port| port.value) })
        };
        Composite { rule: shape.rule, parts: shape.parts.iter().filter_map(part).collect() }
    }
}
