//! docs/openapi.json is made from the table of routes and from the shapes in the code; this test keeps it equal to them.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::admin::view::{
    EventView, HistoryView, MemoryView, OrderView, ReloadView, ServiceView, StatusView, TargetView, TransferView,
    ZoneView,
};

use super::body::{
    EventsQuery, FailbackBody, Given, HistoryQuery, OrderBody, ProbeBody, Probed, PushBody, ReloadBody, Taken, ZoneBody,
};
use super::error::ErrorBody;
use super::routes::{ROUTES, Route};

/// What goes in and comes out of a route.
#[derive(Default)]
struct Shapes {
    query: Option<Schema>,
    body: Option<Schema>,
    answer: Option<Schema>,
}

/// Names the shapes of a route.
fn shapes(route: &Route, generator: &mut SchemaGenerator) -> Shapes {
    fn answer<T: JsonSchema>(generator: &mut SchemaGenerator) -> Shapes {
        Shapes { answer: Some(generator.subschema_for::<T>()), ..Shapes::default() }
    }
    fn change<B: JsonSchema, T: JsonSchema>(generator: &mut SchemaGenerator) -> Shapes {
        Shapes { body: Some(generator.subschema_for::<B>()), ..answer::<T>(generator) }
    }
    fn asked<Q: JsonSchema, T: JsonSchema>(generator: &mut SchemaGenerator) -> Shapes {
        Shapes {
            query: Some(SchemaSettings::openapi3().into_generator().into_root_schema_for::<Q>()),
            ..answer::<T>(generator)
        }
    }
    match (route.method, route.path) {
        ("get", "/v1/status") => answer::<StatusView>(generator),
        ("get", "/v1/zones") => answer::<Vec<ZoneView>>(generator),
        ("get", "/v1/services") => answer::<Vec<ServiceView>>(generator),
        ("get", "/v1/services/{service}") => answer::<ServiceView>(generator),
        ("get", "/v1/targets") => answer::<Vec<TargetView>>(generator),
        ("get", "/v1/orders") => answer::<Vec<OrderView>>(generator),
        ("post", "/v1/orders") => change::<OrderBody, Given>(generator),
        ("delete", "/v1/orders/{id}") => answer::<Taken>(generator),
        ("post", "/v1/failback") => change::<FailbackBody, Taken>(generator),
        ("post", "/v1/probe") => change::<ProbeBody, Probed>(generator),
        ("post", "/v1/push/{name}") => change::<PushBody, Taken>(generator),
        ("post", "/v1/reload") => change::<ReloadBody, ReloadView>(generator),
        ("get", "/v1/transfers") => answer::<Vec<TransferView>>(generator),
        ("post", "/v1/refresh" | "/v1/retransfer") => change::<ZoneBody, Taken>(generator),
        ("get", "/v1/history") => asked::<HistoryQuery, HistoryView>(generator),
        ("get", "/v1/events") => asked::<EventsQuery, EventView>(generator),
        ("get", "/v1/memory") => answer::<MemoryView>(generator),
        ("get", "/v1/openapi.json") => answer::<Map<String, Value>>(generator),
        other => panic!("{other:?}: say what goes in and comes out"),
    }
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let shapes = shapes(route, generator);
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| {
            let kind =
                if name == "id" { json!({ "type": "integer", "minimum": 0 }) } else { json!({ "type": "string" }) };
            json!({ "name": name, "in": "path", "required": true, "schema": kind })
        })
        .collect();
    let query = shapes.query.map(|schema| Value::from(schema)["properties"].clone());
    for (name, schema) in query.iter().filter_map(Value::as_object).flatten() {
        parameters.push(json!({ "name": name, "in": "query", "schema": schema }));
    }
    let kind = if route.path == "/v1/events" { "text/event-stream" } else { "application/json" };
    let status = if (route.method, route.path) == ("post", "/v1/orders") { "201" } else { "200" };
    let mut operation = json!({
        "summary": route.summary,
        "responses": {
            status: { "description": "Done.", "content": { kind: { "schema": shapes.answer } } },
            "default": {
                "description": "Refused, or not possible now.",
                "content": { "application/json": { "schema": generator.subschema_for::<ErrorBody>() } },
            },
        },
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = shapes.body {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": body } } });
    }
    operation
}

/// Makes the file.
fn document() -> String {
    let mut generator = SchemaSettings::openapi3().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let operation = operation(route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    let document = json!({
        "openapi": "3.0.3",
        "info": {
            "title": "understudy",
            "description": "The API of a running server: over a socket of its machine, or by network with a token.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "security": [{ "token": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    });
    format!("{document:#}\n")
}

#[test]
fn the_openapi_file_is_what_the_routes_say() {
    let made = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write("docs/openapi.json", made).unwrap();
        return;
    }
    let there = std::fs::read_to_string("docs/openapi.json").unwrap();
    let differs = there.lines().zip(made.lines()).find(|(there, made)| there != made);
    assert!(differs.is_none() && there.len() == made.len(), "run this test with UPDATE_DOCS=1: {differs:?}");
}
