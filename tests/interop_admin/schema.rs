//! schemathesis asks the API all that its OpenAPI file allows, and much that it does not.

use std::process::Command;

use serde_json::Value;

use crate::server::{Server, TOKEN, ZONE};
use crate::tools::tool;

#[test]
fn schemathesis_finds_no_fault_of_the_server_and_no_answer_that_the_schema_does_not_have() {
    let config = "version = 1\n[server]\nlisten = [\"127.0.0.1:0\"]\nadmin-listen = \"127.0.0.1:0\"\nadmin-token-file = \"token\"\n\
                  [[service]]\nmatch = \"_sip._tcp.example.com\"\ncheck = { kind = \"push\", name = \"sip\" }\n\
                  [[zone]]\nfile = \"example.com.zone\"\n";
    let server = Server::run("schema", config, ZONE, "http");
    let output = Command::new(tool("bin/schemathesis"))
        .args(["run", &format!("{}/v1/openapi.json", server.url())])
        .args(["-H", &format!("Authorization: Bearer {TOKEN}")])
        // The stream of events has no end. A value of the right type may still name nothing that there is: that is refused
        // with 422, which no schema can tell.
        .args(["--exclude-path", "/v1/events", "--checks", "all", "--exclude-checks", "positive_data_acceptance"])
        .args(["--max-examples", "20", "--seed", "1", "--request-timeout", "60"])
        .args(["--suppress-health-check", "all", "--no-color"])
        .current_dir(server.folder())
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // It has asked for all but the events and the file itself, was let in, and the server lives.
    let (status, file) = server.curl(&["-H", &format!("Authorization: Bearer {TOKEN}")], "/v1/openapi.json");
    let file: Value = serde_json::from_str(&file).unwrap();
    let operations: usize =
        file["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert!(status == 200 && said.contains(&format!("Tested: {}", operations - 2)), "{said}");
    assert!(!said.contains("Missing or invalid authentication"), "{said}");
}
