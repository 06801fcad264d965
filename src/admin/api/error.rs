//! Refusals as JSON: a code for programs, a sentence that says why, and what would be right.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::engine::{Refusal, RequestError};
use crate::health::push::PushRefusal;
use crate::transfer::TransferRefusal;

/// The body of every answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ErrorDetail {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// What would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What was found wrong, one text each (a reload).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}

/// A refusal with its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    detail: ErrorDetail,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let detail = ErrorDetail { code: code.to_owned(), message: message.into(), help: None, findings: Vec::new() };
        Self { status, detail }
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.detail.help = Some(help.into());
        self
    }

    #[must_use]
    pub(super) fn findings(mut self, findings: Vec<String>) -> Self {
        self.detail.findings = findings;
        self
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> &str {
        &self.detail.code
    }

    /// The engine or the daemon no longer replies.
    pub(super) fn stopped() -> Self {
        Self::from(RequestError::Stopped)
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let message = error.to_string();
        match error {
            RequestError::Refused(refusal) => {
                let (status, code) = code(&refusal);
                Self::new(status, code, message)
            }
            RequestError::NotKept(_) => Self::new(StatusCode::INSUFFICIENT_STORAGE, "not-kept", message),
            RequestError::Stopped => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopped", message),
        }
    }
}

impl From<TransferRefusal> for ApiError {
    fn from(refusal: TransferRefusal) -> Self {
        match refusal {
            TransferRefusal::NotFromPrimaries(_) => {
                let error = Self::new(StatusCode::NOT_FOUND, "no-such-zone", refusal.to_string());
                error.help("`understudy transfers` lists them")
            }
            TransferRefusal::Stopped => Self::stopped(),
        }
    }
}

const fn code(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::TakesLast(_) => (StatusCode::CONFLICT, "takes-last"),
        Refusal::NoSuchService(_) => (StatusCode::NOT_FOUND, "no-such-service"),
        Refusal::NoSuchOrder(_) => (StatusCode::NOT_FOUND, "no-such-order"),
        Refusal::NoSuchTarget(_) => (StatusCode::NOT_FOUND, "no-such-target"),
        Refusal::Post(PushRefusal::NoSuchName(_)) => (StatusCode::NOT_FOUND, "no-such-check"),
        Refusal::Post(PushRefusal::Late { .. }) => (StatusCode::CONFLICT, "late"),
        Refusal::TooLong { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "too-long"),
        Refusal::TooMany => (StatusCode::CONFLICT, "too-many"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorBody { error: self.detail })).into_response()
    }
}
