//! Answers as the RFCs want them, filed by RFC; and both renderers behind real listeners.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/generate.rs"]
mod generate;
#[path = "conformance/limits.rs"]
mod limits;
#[path = "conformance/listeners.rs"]
mod listeners;
#[expect(dead_code, reason = "shared with other tests")]
#[path = "support/message.rs"]
mod message;
#[path = "conformance/rfc1034.rs"]
mod rfc1034;
#[path = "conformance/rfc1035.rs"]
mod rfc1035;
#[path = "conformance/rfc2308.rs"]
mod rfc2308;
#[path = "conformance/rfc2782.rs"]
mod rfc2782;
#[path = "conformance/rfc4034.rs"]
mod rfc4034;
#[path = "conformance/rfc4035.rs"]
mod rfc4035;
#[path = "conformance/rfc4592.rs"]
mod rfc4592;
#[path = "conformance/rfc5155.rs"]
mod rfc5155;
#[path = "conformance/rfc5936.rs"]
mod rfc5936;
#[path = "conformance/rfc6672.rs"]
mod rfc6672;
#[path = "conformance/rfc6891.rs"]
mod rfc6891;
#[path = "conformance/rfc7828.rs"]
mod rfc7828;
#[path = "conformance/rfc7873.rs"]
mod rfc7873;
#[path = "conformance/rfc8467.rs"]
mod rfc8467;
#[path = "conformance/rfc8906.rs"]
mod rfc8906;
#[path = "conformance/rfc8914.rs"]
mod rfc8914;
#[path = "conformance/rfc8945.rs"]
mod rfc8945;
#[path = "conformance/rfc9471.rs"]
mod rfc9471;
#[path = "conformance/rfc9859.rs"]
mod rfc9859;
#[path = "conformance/roads.rs"]
mod roads;
#[path = "support/signed.rs"]
mod signed;
mod support;
