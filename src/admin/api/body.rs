//! The bodies and queries of requests, and what changes are answered with.

use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::admin::view::OrderView;

use super::error::ApiError;

/// The longest body of a request, in octets.
pub const MAX_BODY: usize = 64 * 1024;

/// An order to give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrderBody {
    /// What to make of what is covered: `down`, `drained` or `up`.
    pub force: String,
    /// What is covered: a host, an address, or one port of it.
    pub on: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Who gives it; nothing: the user of the connection.
    #[serde(default)]
    pub author: String,
    /// How long until it begins; nothing is at once.
    #[serde(default)]
    pub in_ms: Option<u64>,
    /// How long it lasts from its beginning; nothing is until it is cleared.
    #[serde(default)]
    pub for_ms: Option<u64>,
    /// Whether it may take the last eligible member of a service.
    #[serde(default)]
    pub last: bool,
}

/// A service that shall fail back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FailbackBody {
    /// Its name.
    pub service: String,
}

/// What is to be probed at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProbeBody {
    /// A host, an address, or one port of it.
    pub on: String,
}

/// A state that is reported by who knows the target from within.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PushBody {
    /// `up`, `degraded`, `drain` or `down`.
    pub state: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// How long it counts; nothing is a minute.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
    /// Numbers the reports: one with a lower number than the last one comes late. Nothing is the time in milliseconds.
    #[serde(default)]
    pub sequence: Option<u64>,
}

/// Which part of the history is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// The `next` of a former answer; nothing is the beginning of this run, or with `since_ms` that of the history on disk.
    #[serde(default)]
    pub after: Option<String>,
    /// Leaves out what happened before this moment; what happened before this run is told too then.
    #[serde(default)]
    pub since_ms: Option<u64>,
    /// Leaves out what happened at this moment or later.
    #[serde(default)]
    pub until_ms: Option<u64>,
}

/// From where on events are streamed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    /// The `next` of the history, or the `id` of an event; nothing is from now on.
    #[serde(default)]
    pub after: Option<String>,
}

/// A zone that comes from primaries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ZoneBody {
    /// Its origin.
    pub zone: String,
}

/// A reload; it has no choices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReloadBody {}

/// An order that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Given {
    /// The order.
    pub order: OrderView,
    /// The services that have a member which it covers.
    pub services: Vec<String>,
    /// When the last answer that names what it covers has expired from caches that keep to its TTL, if it leaves the
    /// answer.
    pub expires_ms: Option<u64>,
    /// Why a restart may forget it, if it is not on disk.
    pub not_kept: Option<String>,
}

/// A change that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Taken {
    /// Why a restart may forget it, if it is not on disk.
    pub not_kept: Option<String>,
}

/// The targets that are probed at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Probed {
    /// Their names.
    pub targets: Vec<String>,
}

/// A body that is JSON of the right shape and not too long.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "the body must be JSON")
                .help("send `content-type: application/json`"));
        }
        let octets = axum::body::to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| {
            let message = format!("the body did not come whole, or is longer than {MAX_BODY} octets");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-long", message)
        })?;
        serde_json::from_slice(&octets)
            .map(Self)
            .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "bad-body", format!("the body: {error}")))
    }
}
