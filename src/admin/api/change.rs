//! The handlers that change something: each waits until it is in force, and on disk where it must survive a restart.

use std::time::Duration;

use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::StatusCode;
use tokio::sync::oneshot;

use crate::admin::listener::Peer;
use crate::admin::view::{OrderView, ReloadView};
use crate::base::clock::UnixTime;
use crate::engine::{OrderId, RequestError};
use crate::health::orders::{Force, Order, Scope};
use crate::health::push::{PushReport, PushState};
use crate::zone::Name;

use super::body::{Body, FailbackBody, Given, OrderBody, ProbeBody, Probed, PushBody, ReloadBody, Taken, ZoneBody};
use super::error::ApiError;
use super::scope;
use super::state::{Api, ReloadRequest};

pub(super) async fn give_order(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(body): Body<OrderBody>,
) -> Result<(StatusCode, Json<Given>), ApiError> {
    let force = choose("force", &body.force, &[Force::Down, Force::Drained, Force::Up].map(|f| (f.as_str(), f)))?;
    let status = api.engine.status().await?;
    let on = scope::resolve(&body.on, &status)?;
    let now = api.clock.now().wall;
    let from = body.in_ms.map(|delay| now + length(delay));
    let until = body.for_ms.map(|lasts| from.unwrap_or(now) + length(lasts));
    let author = if body.author.is_empty() { peer.to_string() } else { body.author };
    let order = Order { force, scope: on, from, until, reason: body.reason, author };
    let (id, kept) = api.engine.order(order.clone(), body.last).await?;
    let covered = scope::covered(&order.scope, &status);
    let ttl = covered.iter().map(|pool| pool.longest_ttl).max().filter(|_| force != Force::Up);
    let longest = ttl.map(|ttl| Duration::from_secs(u64::from(ttl)));
    let expires = match (longest, from) {
        (None, _) => None,
        (Some(longest), None) => Some(expiry(&api, &order.scope, longest).await?),
        // A drain leaves the answer so early that it is over at its time, if there is time enough.
        (Some(longest), Some(from)) if force == Force::Drained => Some(from.max(now + longest) + PUBLISHED),
        (Some(longest), Some(from)) => Some(from + longest + PUBLISHED),
    };
    let given = Given {
        order: OrderView::bare(id, &order),
        services: covered.iter().map(|pool| pool.name.clone()).collect(),
        expires_ms: expires.map(UnixTime::as_millis),
        not_kept: kept.err().map(|error| error.to_string()),
    };
    Ok((StatusCode::CREATED, Json(given)))
}

pub(super) async fn clear_order(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Taken>, ApiError> {
    let id: OrderId = id
        .parse()
        .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "bad-order", format!("`{id}` is no number of an order")))?;
    taken(api.engine.clear_order(id).await)
}

pub(super) async fn fail_back(State(api): State<Api>, Body(body): Body<FailbackBody>) -> Result<Json<Taken>, ApiError> {
    taken(api.engine.fail_back(&body.service).await)
}

pub(super) async fn probe(State(api): State<Api>, Body(body): Body<ProbeBody>) -> Result<Json<Probed>, ApiError> {
    let on = scope::resolve(&body.on, &api.engine.status().await?)?;
    Ok(Json(Probed { targets: api.engine.probe_now(on).await? }))
}

pub(super) async fn push(
    State(api): State<Api>,
    Path(name): Path<String>,
    Body(body): Body<PushBody>,
) -> Result<Json<Taken>, ApiError> {
    let states = [PushState::Up, PushState::Degraded, PushState::Drain, PushState::Down];
    let report = PushReport {
        state: choose("state", &body.state, &states.map(|state| (state.as_str(), state)))?,
        reason: body.reason,
        ttl: body.ttl_ms.map_or(PUSH_TTL, length),
        sequence: body.sequence.unwrap_or_else(|| api.clock.now().wall.as_millis()),
    };
    taken(api.engine.post(&name, report).await)
}

pub(super) async fn reload(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(ReloadBody {}): Body<ReloadBody>,
) -> Result<Json<ReloadView>, ApiError> {
    // Reading large zones takes its time.
    peer.extend();
    let before = api.engine.status().await?;
    let (reply, answer) = oneshot::channel();
    api.reload.send(ReloadRequest(reply)).await.map_err(|_| ApiError::stopped())?;
    match answer.await.map_err(|_| ApiError::stopped())? {
        Ok(done) => {
            let after = api.engine.status().await?;
            Ok(Json(ReloadView::of(done.setup, &before, &after, done.remarks)))
        }
        Err(refused) => {
            let message = "config or zones cannot be used: everything stays as it was";
            let error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "reload-refused", message);
            Err(error.findings(refused.findings))
        }
    }
}

pub(super) async fn refresh(State(api): State<Api>, Body(body): Body<ZoneBody>) -> Result<Json<Taken>, ApiError> {
    api.transfers.refresh(&origin(&body)?).await?;
    Ok(Json(Taken { not_kept: None }))
}

pub(super) async fn retransfer(State(api): State<Api>, Body(body): Body<ZoneBody>) -> Result<Json<Taken>, ApiError> {
    api.transfers.retransfer(&origin(&body)?).await?;
    Ok(Json(Taken { not_kept: None }))
}

fn origin(body: &ZoneBody) -> Result<Name, ApiError> {
    let bad = |error| {
        let message = format!("`{}` is no name of a zone: {error}", body.zone);
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-value", message)
    };
    body.zone.parse().map_err(bad)
}

/// Returns when the last answer that names what leaves the answers at once has expired: as the server remembers it, or
/// after the longest TTL, if others serve the zone too or nothing is published in time.
async fn expiry(api: &Api, scope: &Scope, longest: Duration) -> Result<UnixTime, ApiError> {
    let ordered = api.clock.now();
    let latest = ordered.wall + longest + PUBLISHED;
    loop {
        // A packet that is answered from the former snapshot is noted by then.
        tokio::time::sleep(NOTED).await;
        let now = api.clock.now();
        match api.engine.cached(scope.clone()).await? {
            Some(cached) if (api.has_secondaries)(&cached.zones) => return Ok(latest),
            Some(cached) => return Ok(cached.until.max(now.wall).min(now.wall + longest + PUBLISHED)),
            None if now.mono.since(ordered.mono) > PUBLISHED => return Ok(latest),
            None => {}
        }
    }
}

/// A change that is in force is one, also if it is not on disk: it is told then.
fn taken(result: Result<(), RequestError>) -> Result<Json<Taken>, ApiError> {
    match result {
        Ok(()) => Ok(Json(Taken { not_kept: None })),
        Err(RequestError::NotKept(error)) => Ok(Json(Taken { not_kept: Some(error.to_string()) })),
        Err(error @ (RequestError::Refused(_) | RequestError::Stopped)) => Err(error.into()),
    }
}

/// Reads a word out of a list.
fn choose<T: Copy>(what: &str, word: &str, words: &[(&str, T)]) -> Result<T, ApiError> {
    let found = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-value", format!("`{word}` is no {what}"))
            .help(format!("it is one of {}", known.join(", ")))
    })
}

/// A length of time, at most a hundred years.
fn length(millis: u64) -> Duration {
    Duration::from_millis(millis.min(100 * 365 * 86_400_000))
}

/// How long a reported state counts that does not say it.
const PUSH_TTL: Duration = Duration::from_secs(60);
/// Within this time an answer that was begun is noted.
const NOTED: Duration = Duration::from_millis(20);
/// Within this time a decision is published, most likely.
const PUBLISHED: Duration = Duration::from_secs(1);
