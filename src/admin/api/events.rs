//! Live events: what happens, as it happens, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt as _, stream};

use crate::admin::listener::Peer;
use crate::admin::view::EventView;
use crate::engine::history::{Cursor, Page};

use super::body::EventsQuery;
use super::error::ApiError;
use super::state::Api;

/// Streams what happens after a cursor (`after`, or `Last-Event-ID` of a client that comes back), else from now on.
pub(super) async fn events(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let bad = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "bad-query", message);
    let Query(query) = query.map_err(|rejection| bad(rejection.body_text()))?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let history = api.engine.history();
    let after = match last.or(query.after) {
        Some(text) => {
            text.parse::<Cursor>().map_err(|()| bad(format!("`{text}` is no cursor: take it from `next`")))?
        }
        None => history.end(),
    };
    peer.extend();
    let pages = stream::unfold(history.follow(after), |mut follower| async move {
        let page = follower.next().await?;
        Some((stream::iter(told(&page)), follower))
    });
    Ok(Sse::new(pages.flatten()).keep_alive(KeepAlive::new().interval(QUIET)))
}

/// Makes an event of each record; a gap is one too.
fn told(page: &Page) -> Vec<Result<Event, Infallible>> {
    let run = page.next.run;
    let gap = (page.lost > 0 || page.restarted).then(|| {
        let text = if page.restarted {
            "the server was started anew".to_owned()
        } else {
            format!("{} events are no longer held", page.lost)
        };
        Event::default().event("gap").data(text)
    });
    let records = page.records.iter().map(|record| {
        let id = Cursor { run, sequence: record.sequence }.to_string();
        let view = EventView::of(record);
        // A view is plain data: it can always be written.
        let data = serde_json::to_string(&view).unwrap_or_default();
        Event::default().id(id).event(view.kind).data(data)
    });
    gap.into_iter().chain(records).map(Ok).collect()
}

/// After so long without an event a comment is sent, which shows both sides that the other is there.
const QUIET: Duration = Duration::from_secs(15);
