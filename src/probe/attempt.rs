//! One probe in progress: what its check may use, and the report that it builds up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::client_certificate::CertificateRequest;
use super::watch::HoldSpec;
use super::{Certificate, ProbeContext, ProbeReport, Step};
use crate::base::clock::{Clock, Mono, Now};
use crate::health::{Cause, FailKind, Outcome};

/// How a check ends: well, which is a pass, or with the outcome that ended it.
pub(super) type Ending = Result<(), Outcome>;

/// One kind of check. Its implementation sends and reads; classes of failures are in `fault`.
pub(super) trait Probe {
    /// The kind's name in config, output and identities.
    const KIND: &'static str;

    /// Returns `udp`, `tcp` or `tls`.
    fn transport(&self) -> &'static str;

    /// Returns the parameters in a canonical text; empty if all are the default.
    fn parameters(&self) -> String;

    /// Returns whether it needs a port.
    fn has_port(&self) -> bool {
        true
    }

    /// Returns whether its outcomes were judged before: then one of them decides.
    fn is_final(&self) -> bool {
        false
    }

    /// Returns the names under which it reads what was posted, each with its patience.
    fn posts(&self) -> Vec<(&str, Duration)> {
        Vec::new()
    }

    /// Returns what is the same for several domains, if a server answers well or not whatever the domain: then one probe of
    /// an address stands for the domains of the services there. Nothing: each is probed itself.
    fn sharing(&self) -> Option<Sharing> {
        None
    }

    /// Returns how a connection to such a target is held; nothing: none can be.
    fn hold_spec(&self) -> Option<HoldSpec> {
        (self.transport() == "tcp").then(HoldSpec::default)
    }

    /// Returns how long a shallow probe may stand in for a deep one; nothing if every probe is the same.
    fn deep_interval(&self) -> Option<Duration> {
        None
    }

    /// Carries the check out; the caller bounds its time, and drops it when that is over.
    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending;
}

/// For which domains at an address and port one probe stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sharing {
    /// The parameters without the domain: those with the same ones share.
    pub(crate) parameters: String,
    /// For how many domains one probe stands at most.
    pub(crate) domains: usize,
}

/// Where each domain has its own certificate or stream, one probe stands for so many: each domain is asked for itself at
/// least every sixth time.
pub(crate) const DOMAINS_OF_ONE_PROBE: usize = 6;

/// How far a probe goes, for kinds that have a shorter way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The cheap part: it shows a server that is gone or hangs, not one whose TLS is broken.
    Shallow,
    /// All that a client does before it logs in.
    Deep,
}

/// What a probe may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effort {
    /// How far it goes.
    pub(crate) depth: Depth,
    /// Whether it sends datagrams again that have no answer. What is silent may hang, and reads all of them when it wakes.
    pub(crate) resends: bool,
    /// Whether somebody reads the warnings: then it may take longer for their sake.
    pub(crate) detailed: bool,
}

impl Effort {
    /// Makes a probe to this depth.
    pub(crate) const fn to(depth: Depth) -> Self {
        Self { depth, resends: true, detailed: false }
    }
}

/// The default of `deep-interval`: the longest time between two deep probes of a target that is well.
pub const DEEP_INTERVAL: Duration = Duration::from_secs(30);

/// A probe under way.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    /// Where to.
    pub(super) address: SocketAddr,
    /// What it may do.
    pub(super) effort: Effort,
    /// The clock.
    pub(super) clock: &'a Clock,
    /// What all probes share.
    pub(super) context: &'a ProbeContext,
    /// What works but should be fixed.
    pub(super) warnings: Vec<String>,
    /// The certificate shown.
    pub(super) certificate: Option<Certificate>,
    /// Whether the server asked for a certificate of ours.
    pub(super) certificate_request: CertificateRequest,
    began: Now,
    timeout: Duration,
    steps: Vec<Step>,
    open: Option<(&'static str, Mono)>,
    decided: Option<(Duration, Outcome)>,
    passed_over: u32,
    refused: bool,
    /// Is told as soon as the outcome is decided.
    decision: Option<Arc<Notify>>,
}

impl<'a> Attempt<'a> {
    /// Begins a probe; the caller bounds its time.
    pub(super) fn new(address: SocketAddr, effort: Effort, clock: &'a Clock, context: &'a ProbeContext) -> Self {
        Self {
            address,
            effort,
            clock,
            context,
            warnings: Vec::new(),
            certificate: None,
            certificate_request: CertificateRequest::None,
            began: clock.now(),
            timeout: Duration::MAX,
            steps: Vec::new(),
            open: None,
            decided: None,
            passed_over: 0,
            refused: false,
            decision: None,
        }
    }

    /// Has somebody told as soon as the outcome is decided, before the farewells.
    pub(super) fn telling(mut self, decision: Arc<Notify>) -> Self {
        self.decision = Some(decision);
        self
    }

    /// Says how long the whole probe may take, for checks that give of it to others, and for the account.
    pub(super) const fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Returns how much of its time is left.
    pub(super) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.clock.now().mono.since(self.began.mono))
    }

    /// Begins a step.
    pub(super) fn begin(&mut self, what: &'static str) {
        self.open = Some((what, self.clock.now().mono));
    }

    /// Ends the step under way with what was seen.
    pub(super) fn saw(&mut self, saw: impl Into<String>) {
        if let Some((what, since)) = self.open.take() {
            self.steps.push(Step { what, took: self.clock.now().mono.since(since), saw: saw.into() });
        }
    }

    /// Counts a message that does not answer: late, provisional or somebody else's.
    pub(super) const fn passed_over(&mut self) {
        self.passed_over = self.passed_over.saturating_add(1);
    }

    /// Marks that the target passes: from here on the probe is only polite, and nothing can go wrong any more.
    pub(super) fn passes(&mut self) {
        self.decide(&Outcome::Pass);
    }

    /// Ends the step under way with the outcome that ends the probe, and returns that for `?`.
    pub(super) fn fails(&mut self, outcome: Outcome) -> Outcome {
        self.decide(&outcome);
        if let Some(cause) = outcome.cause() {
            self.saw(cause);
        }
        outcome
    }

    /// Ends the step under way and the probe with a pass: the target works, but what follows cannot be tested. Returns the
    /// outcome for `?`.
    pub(super) fn passes_early(&mut self, warning: String) -> Outcome {
        self.decide(&Outcome::Pass);
        self.saw(warning.as_str());
        self.warnings.push(warning);
        Outcome::Pass
    }

    /// Takes over what a part of this check saw.
    pub(super) fn absorb(&mut self, label: &str, part: ProbeReport) {
        let steps = part.steps.into_iter().map(|step| Step { saw: format!("{label}: {}", step.saw), ..step });
        self.steps.extend(steps);
        self.warnings.extend(part.warnings.into_iter().map(|warning| format!("{label}: {warning}")));
        self.refused |= part.refused;
        let sooner = |own: &Certificate, other: &Certificate| other.not_after < own.not_after;
        if let Some(other) = part.certificate
            && self.certificate.as_ref().is_none_or(|own| sooner(own, &other))
        {
            self.certificate = Some(other);
        }
    }

    /// Notes that the target refused our credentials, so that they are not tried again.
    pub(super) const fn refuse_credentials(&mut self) {
        self.refused = true;
    }

    fn decide(&mut self, outcome: &Outcome) {
        let latency = self.clock.now().mono.since(self.began.mono);
        self.decided.get_or_insert_with(|| (latency, outcome.clone()));
        if let Some(decision) = &self.decision {
            decision.notify_one();
        }
    }

    /// Makes the account; `ending` is missing when the time was over.
    pub(super) fn into_account(mut self, ending: Option<Ending>) -> ProbeReport {
        match ending {
            Some(Ok(())) => self.passes(),
            Some(Err(outcome)) => drop(self.fails(outcome)),
            None => {
                let others = match self.passed_over {
                    0 => String::new(),
                    1 => "; 1 message that does not answer passed over".to_owned(),
                    count => format!("; {count} messages that do not answer passed over"),
                };
                drop(self.fails(silent(format!("no answer within {:?}{others}", self.timeout))));
            }
        }
        let (latency, outcome) = self.decided.unwrap_or_else(|| (self.timeout, unknown("nothing was decided")));
        ProbeReport {
            outcome,
            began: self.began.mono,
            latency,
            steps: self.steps,
            warnings: self.warnings,
            certificate: self.certificate,
            refused: self.refused,
        }
    }
}

/// Makes a failure in which the far side said no.
pub(super) fn conclusive(cause: impl Into<Cause>) -> Outcome {
    Outcome::Fail { kind: FailKind::Conclusive, cause: cause.into() }
}

/// Makes a failure in which nothing was heard.
pub(super) fn silent(cause: impl Into<Cause>) -> Outcome {
    Outcome::Fail { kind: FailKind::Silent, cause: cause.into() }
}

/// Makes the checker's own fault.
pub(super) fn unknown(cause: impl Into<Cause>) -> Outcome {
    Outcome::Unknown(cause.into())
}
