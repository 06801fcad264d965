//! The handlers that change nothing.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::admin::view::{MemoryView, OrderView, ServiceView, StatusView, TargetView, TransferView, ZoneView};
use crate::zone::Name;

use super::error::ApiError;
use super::state::Api;

/// Everything at one moment.
pub(super) async fn status(State(api): State<Api>) -> Result<Json<StatusView>, ApiError> {
    picture(&api).await.map(Json)
}

pub(super) async fn zones(State(api): State<Api>) -> Result<Json<Vec<ZoneView>>, ApiError> {
    Ok(Json(picture(&api).await?.zones))
}

pub(super) async fn services(State(api): State<Api>) -> Result<Json<Vec<ServiceView>>, ApiError> {
    Ok(Json(picture(&api).await?.services))
}

pub(super) async fn service(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<ServiceView>, ApiError> {
    let same = |own: &str| own.trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'));
    let mut services = picture(&api).await?.services.into_iter();
    let found = services.find(|service| same(&service.service) || service.service.split('+').any(same));
    let missing = || ApiError::new(StatusCode::NOT_FOUND, "no-such-service", format!("there is no service {name}"));
    found.map(Json).ok_or_else(missing)
}

pub(super) async fn targets(State(api): State<Api>) -> Result<Json<Vec<TargetView>>, ApiError> {
    Ok(Json(picture(&api).await?.targets))
}

pub(super) async fn orders(State(api): State<Api>) -> Result<Json<Vec<OrderView>>, ApiError> {
    Ok(Json(api.engine.orders().await?.iter().map(OrderView::of).collect()))
}

/// The transfers of the zones that have any.
pub(super) async fn transfers(State(api): State<Api>) -> Result<Json<Vec<TransferView>>, ApiError> {
    let zones = api.engine.status().await?.zones;
    let served = |origin: &str| zones.iter().find(|zone| zone.origin == origin)?.serial;
    let transfers = api.transfers.status();
    let view = |(origin, known)| TransferView::of(origin, known, served(&Name::to_string(origin)));
    Ok(Json(transfers.iter().map(view).collect()))
}

/// What is believed and remembered, for who decides anew from it.
pub(super) async fn memory(State(api): State<Api>) -> Result<Json<MemoryView>, ApiError> {
    let kept = api.engine.picture().await?;
    let read = |(key, value): (String, Vec<u8>)| Some((key, serde_json::from_slice(&value).ok()?));
    let targets = api.engine.status().await?.targets;
    let now = api.clock.now().wall;
    Ok(Json(MemoryView {
        kept: kept.into_iter().filter_map(read).collect(),
        targets: targets.iter().map(|target| TargetView::of(target, now)).collect(),
    }))
}

async fn picture(api: &Api) -> Result<StatusView, ApiError> {
    let status = api.engine.status().await?;
    let orders = api.engine.orders().await?;
    let mut picture = StatusView::of(&status, &orders, api.health(), api.clock.now());
    let transfers = api.transfers.status();
    for zone in &mut picture.zones {
        let inbound = zone.zone.parse().ok().and_then(|origin: Name| transfers.get(&origin)?.inbound.as_ref());
        zone.upstream_serial = inbound.and_then(|inbound| inbound.serial).map(|serial| serial.0);
    }
    Ok(picture)
}
