//! What has happened: of this run from memory, of what is older from the disk.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;

use crate::admin::view::{EventView, HistoryView};
use crate::engine::history::{Cursor, PAGE, Page};
use crate::history::{Past, Wanted};

use super::body::HistoryQuery;
use super::error::ApiError;
use super::state::Api;

/// Returns a page of the history.
pub(super) async fn history(
    State(api): State<Api>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<HistoryView>, ApiError> {
    let bad = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "bad-query", message);
    let Query(query) = query.map_err(|rejection| bad(rejection.body_text()))?;
    let history = api.engine.history();
    let mut after = match &query.after {
        Some(text) => {
            text.parse::<Cursor>().map_err(|()| bad(format!("`{text}` is no cursor: take it from `next`")))?
        }
        None if query.since_ms.is_some() && api.past.is_some() => Cursor { sequence: 0, ..history.start() },
        None => history.start(),
    };
    loop {
        let mut page = history.read(after).await.ok_or_else(ApiError::stopped)?;
        let more = page.next != history.end();
        if let Some(past) = &api.past
            && let Some(view) = older(past, after, &page, &query).await?
        {
            return Ok(Json(view));
        }
        if api.past.is_some() {
            // What the memory lacks would have come from the disk.
            page.lost = 0;
            page.restarted &= after.sequence > page.next.sequence;
        }
        page.records.retain(|record| query.covers(record.event.at.as_millis()));
        if !page.records.is_empty() || !more {
            return Ok(Json(HistoryView::of(&page, more)));
        }
        after = page.next;
    }
}

/// Returns what the disk has between a cursor and a page of the memory.
async fn older(past: &Past, after: Cursor, page: &Page, query: &HistoryQuery) -> Result<Option<HistoryView>, ApiError> {
    let before = page.records.first().map_or(page.next.sequence + 1, |record| record.sequence);
    if before <= after.sequence + 1 {
        return Ok(None);
    }
    let (since_ms, until_ms) = (query.since_ms.unwrap_or(0), query.until_ms.unwrap_or(u64::MAX));
    let wanted = Wanted { after: after.sequence, before, since_ms, until_ms, most: PAGE };
    let past = past.clone();
    let read = tokio::task::spawn_blocking(move || past.events(&wanted)).await;
    let found = match read {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(unreadable(&error)),
        Err(lost) => return Err(unreadable(&lost)),
    };
    let Some(last) = found.last() else { return Ok(None) };
    let next = Cursor { run: page.next.run, sequence: last.sequence };
    let events = found.into_iter().filter_map(EventView::recall).collect();
    Ok(Some(HistoryView { events, lost: 0, restarted: false, next: next.to_string(), more: true }))
}

fn unreadable(error: &dyn std::fmt::Display) -> ApiError {
    let message = format!("the history on disk cannot be read: {error}");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "history-unreadable", message)
}

impl HistoryQuery {
    fn covers(&self, at_ms: u64) -> bool {
        self.since_ms.is_none_or(|since| at_ms >= since) && self.until_ms.is_none_or(|until| at_ms < until)
    }
}
