//! The dashboard: one page with its style and its script, embedded; nothing is fetched from elsewhere.
//!
//! The page itself tells nothing: what it shows it asks of the API, with the token that the operator enters.

use std::future::ready;

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Its paths, which need no token.
pub(super) const PATHS: [&str; 3] = ["/", "/dashboard.css", "/dashboard.js"];

/// Makes its routes.
pub(super) fn routes() -> Router {
    let [page, style, script] = PATHS;
    Router::new()
        .route(page, get(|| ready(file("text/html; charset=utf-8", include_str!("page.html")))))
        .route(style, get(|| ready(file("text/css; charset=utf-8", include_str!("style.css")))))
        .route(script, get(|| ready(file("text/javascript; charset=utf-8", include_str!("script.js")))))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

/// Its own script and style, and the API; no other site may show it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
