//! `GET /metrics` in the OpenMetrics text format, and `GET /livez` and `GET /readyz` for orchestrators; `/healthz` is the
//! latter by its older name.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// Whether the server is live and ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Why a restart is needed, if it is.
    pub live: Result<(), String>,
    /// Why the server is not ready; if it is, what is wrong nevertheless.
    pub ready: Result<Option<String>, String>,
}

/// Makes the routes of the registry and of readiness.
///
/// `readiness` tells whether the server is live and ready; it is asked at each request and must not block.
pub fn routes(registry: Arc<Registry>, readiness: impl Fn() -> Told + Send + Sync + 'static) -> Router {
    let readiness = Arc::new(readiness);
    Router::new()
        .route("/metrics", get(move || std::future::ready(exposition(&registry))))
        .route(
            "/livez",
            get({
                let readiness = Arc::clone(&readiness);
                move || std::future::ready(health("live", readiness().live.map(|()| None)))
            }),
        )
        .route(
            "/readyz",
            get({
                let readiness = Arc::clone(&readiness);
                move || std::future::ready(health("ready", readiness().ready))
            }),
        )
        .route("/healthz", get(move || std::future::ready(health("ready", readiness().ready))))
}

fn exposition(registry: &Registry) -> Response {
    let mut text = String::new();
    match encode(&mut text, registry) {
        Ok(()) => answer(StatusCode::OK, OPEN_METRICS, text),
        // Writing to a string does not fail: a metric's own encoder has.
        Err(fmt::Error) => answer(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "a metric cannot be written\n".to_owned()),
    }
}

fn health(word: &str, told: Result<Option<String>, String>) -> Response {
    match told {
        Ok(None) => answer(StatusCode::OK, PLAIN, format!("{word}\n")),
        Ok(Some(remark)) => answer(StatusCode::OK, PLAIN, format!("{word}\n{remark}\n")),
        Err(reason) => answer(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("not {word}: {reason}\n")),
    }
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response {
    (status, [(CONTENT_TYPE, kind)], body).into_response()
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
