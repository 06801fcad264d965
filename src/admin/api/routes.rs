//! The routes of the API, as a table: the router and docs/openapi.json are made from its rows.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, delete, get, post};

use crate::admin::{dashboard, metrics};

use super::error::ApiError;
use super::events::events;
use super::guard::{Guard, check};
use super::history;
use super::state::Api;
use super::{change, read};

/// One method of one path.
#[cfg_attr(not(test), expect(dead_code, reason = "method and summary are for docs/openapi.json, which a test makes"))]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// What it does, for docs/openapi.json.
    pub(super) summary: &'static str,
    handler: fn() -> MethodRouter<Api>,
}

/// All of them but those of metrics and readiness.
pub(super) const ROUTES: &[Route] = &[
    Route::new("get", "/v1/status", "Everything at one moment.", || get(read::status)),
    Route::new("get", "/v1/zones", "The zones with their serials.", || get(read::zones)),
    Route::new("get", "/v1/services", "The services with their decisions.", || get(read::services)),
    Route::new("get", "/v1/services/{service}", "One service.", || get(read::service)),
    Route::new("get", "/v1/targets", "The targets with their last outcomes.", || get(read::targets)),
    Route::new("get", "/v1/orders", "The orders that are not over.", || get(read::orders)),
    Route::new("post", "/v1/orders", "Gives an order.", || post(change::give_order)),
    Route::new("delete", "/v1/orders/{id}", "Takes an order back.", || delete(change::clear_order)),
    Route::new("post", "/v1/failback", "Lets a service fail back, once.", || post(change::fail_back)),
    Route::new("post", "/v1/probe", "Tests all targets of a host or an address at once.", || post(change::probe)),
    Route::new("post", "/v1/push/{name}", "Reports a state to checks of kind push.", || post(change::push)),
    Route::new("post", "/v1/reload", "Reads config and zones anew: all of it, or nothing.", || post(change::reload)),
    Route::new("get", "/v1/transfers", "How zones come from primaries and go to secondaries.", || get(read::transfers)),
    Route::new("post", "/v1/refresh", "Has the primaries of a zone asked for a newer version at once.", || {
        post(change::refresh)
    }),
    Route::new("post", "/v1/retransfer", "Has a whole zone transferred from its primaries at once.", || {
        post(change::retransfer)
    }),
    Route::new("get", "/v1/history", "What has happened.", || get(history::history)),
    Route::new("get", "/v1/events", "What happens, as server-sent events.", || get(events)),
    Route::new("get", "/v1/memory", "What the server believes and remembers.", || get(read::memory)),
    Route::new("get", "/v1/openapi.json", "This file.", || get(openapi)),
];

impl Route {
    const fn new(
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        handler: fn() -> MethodRouter<Api>,
    ) -> Self {
        Self { method, path, summary, handler }
    }
}

/// Makes the routes, with what a listener asks of its clients.
pub fn router(api: Api, guard: Guard) -> Router {
    let told = Arc::clone(&api.told);
    let add = |router: Router<Api>, route: &Route| router.route(route.path, (route.handler)());
    ROUTES
        .iter()
        .fold(Router::new(), add)
        .method_not_allowed_fallback(wrong_method)
        .with_state(api.clone())
        .merge(metrics::routes(api.registry, move || told()))
        .merge(dashboard::routes())
        .fallback(no_such_path)
        .layer(from_fn_with_state(Arc::new(guard), check))
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], include_str!("../../../docs/openapi.json"))
}

async fn no_such_path(request: Request) -> ApiError {
    let message = format!("there is nothing at {}", request.uri().path());
    ApiError::new(StatusCode::NOT_FOUND, "no-such-path", message)
}

async fn wrong_method(request: Request) -> ApiError {
    let message = format!("{} is not taken at {}", request.method(), request.uri().path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", message)
}
