//! `kill -9` at any moment while an operator gives orders and takes them back by the API of the real program: the next
//! start has all that was acknowledged, and nothing that was taken back.
//!
//! `KILLS=200 cargo test --test process kills_api -- --nocapture` plays two hundred rounds; by default it is a few.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::admin::{exchange, get, posting};
use crate::client::{DECLARED, ask_sip};
use crate::failover::quick;
use crate::kills::rounds;
use crate::server::{Folder, Server, eventually};
use crate::target::Hosts;

/// What the operator knows of the orders, by their numbers.
#[derive(Default)]
struct Known {
    /// The server has acknowledged it.
    given: BTreeSet<u64>,
    /// The server was asked to take it back.
    clearing: BTreeSet<u64>,
    /// The server has acknowledged that too.
    cleared: BTreeSet<u64>,
}

/// Orders without pause, until the server is gone. They raise a host that is up already, so that they change no answer.
fn operate(socket: PathBuf, known: Arc<Mutex<Known>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let body = json!({ "force": "up", "on": "sip-dr.example.com", "reason": "a round", "author": "a test" });
        while let Some((status, answer)) = exchange(&socket, &posting("/v1/orders", &body)) {
            assert_eq!(status, 201, "{answer}");
            let given: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(given["not_kept"], Value::Null);
            known.lock().unwrap().given.insert(given["order"]["id"].as_u64().unwrap());
            let oldest = {
                let mut known = known.lock().unwrap();
                let open: Vec<u64> = known.given.difference(&known.clearing).copied().collect();
                let oldest = (open.len() > 5).then(|| open[0]);
                known.clearing.extend(oldest);
                oldest
            };
            if let Some(id) = oldest {
                let delete = format!("DELETE /v1/orders/{id} HTTP/1.1\r\nhost: x\r\n\r\n");
                let Some((status, answer)) = exchange(&socket, &delete) else { return };
                assert_eq!(status, 200, "{answer}");
                known.lock().unwrap().cleared.insert(id);
            }
        }
    })
}

fn orders(socket: &Path) -> BTreeSet<u64> {
    let orders: Value = serde_json::from_str(&get(socket, "/v1/orders").1).unwrap();
    orders.as_array().unwrap().iter().map(|order| order["id"].as_u64().unwrap()).collect()
}

#[test]
fn kill_9_at_any_moment_loses_no_order_that_the_api_acknowledged() {
    let (rounds, mut chance) = rounds();
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", quick("0s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let (state, _targets) = (folder.path("state"), hosts.up());
    let socket = state.join("admin.sock");
    let known = Arc::new(Mutex::new(Known::default()));
    for round in 0..rounds {
        let server = Server::serve(&[&config, &zone], &state);
        server.answering();
        let there = orders(&socket);
        {
            let known = known.lock().unwrap();
            let lost: Vec<_> = known.given.difference(&known.clearing).filter(|id| !there.contains(id)).collect();
            assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
            let back: Vec<_> = known.cleared.intersection(&there).collect();
            assert!(back.is_empty(), "round {round}: taken back, and there again: {back:?}");
        }
        assert!(ask_sip(server.address()).is(DECLARED));
        let given = known.lock().unwrap().given.len();
        let operator = operate(socket.clone(), Arc::clone(&known));
        eventually("more orders", || (known.lock().unwrap().given.len() > given).then_some(()));
        std::thread::sleep(Duration::from_millis(chance.below(200)));
        server.kill();
        operator.join().unwrap();
    }
    let known = known.lock().unwrap();
    println!("{rounds} rounds, {} orders acknowledged, {} taken back", known.given.len(), known.cleared.len());
}
