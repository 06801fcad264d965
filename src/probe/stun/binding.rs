//! The check `stun`: asks "what address do you see me as?" (RFC 8489 §3).

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::carrier::Carrier;
use super::request::{Method, Request};
use super::verdict::{self, Judgement};
use super::{tls_parameters, transaction};
use crate::probe::Over;
use crate::probe::attempt::{Attempt, Ending, Probe, conclusive};
use crate::probe::watch::HoldSpec;

/// Parameters of [`Check::Stun`](crate::probe::Check::Stun).
#[derive(Clone, Debug, PartialEq)]
pub struct Stun {
    /// What it goes over.
    pub over: Over,
}

impl Probe for Stun {
    const KIND: &'static str = "stun";

    fn transport(&self) -> &'static str {
        self.over.as_str()
    }

    fn hold_spec(&self) -> Option<HoldSpec> {
        self.over.hold_spec()
    }

    fn parameters(&self) -> String {
        tls_parameters(&self.over).unwrap_or_default()
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut carrier = Carrier::open(&self.over, attempt).await?;
        let request = Request::new(Method::Binding, transaction(attempt)?);
        attempt.begin("binding");
        let answer = carrier.ask(&request, attempt).await?;
        let judgement = answer.message().map(|message| verdict::binding(&message));
        match judgement.unwrap_or_else(|| Judgement::Ends(conclusive("a malformed answer"))) {
            Judgement::Passes { saw, warning } => {
                attempt.saw(saw);
                attempt.warnings.extend(warning);
                attempt.passes();
                carrier.close().await;
                Ok(())
            }
            Judgement::Ends(outcome) => {
                let outcome = attempt.fails(outcome);
                carrier.close().await;
                Err(outcome)
            }
        }
    }
}
